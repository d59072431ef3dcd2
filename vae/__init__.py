"""Train variational autoencoders and explore their latent spaces; this module is the public API.

    import vae

    config = vae.TrainConfig.preset("quick")       # or vae.TrainConfig(latent_dim=2, epochs=5)
    run = vae.train(config, runs_dir="runs")       # trains, or returns the finished run of that config
    run = vae.open_run("runs/NAME")                # a folder, or the name of a run where the app looks
    losses = run.metrics()                         # arrays: losses.test["elbo"], losses.train["step"]
    model = run.load_model()                       # a vae.VAE in eval mode on the CPU
    mean, logvar = model.encode(images)            # (B, 1, 28, 28) or (B, 784) in [0, 1] -> (B, Z), (B, Z)
    images = model.decode(z)                       # (B, Z) -> (B, 1, 28, 28) in [0, 1]
    xhat, mean, logvar = model(images)             # z sampled with model.reparameterize

The model takes NumPy arrays, and tensors of any floating-point type on any device. Images of another range or
shape, such as grey levels of 0 to 255, raise `vae.VaeError`.

Each name is imported at its first use, and torch only with `train`, `VAE` and `Run.load_model`: a program
that only watches runs starts without it. An error that a person can correct is a `vae.VaeError`; a config
out of bounds raises `pydantic.ValidationError`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vae.config import TrainConfig
    from vae.models.network import VAE
    from vae.runs.catalogue import open_run
    from vae.runs.run import Run
    from vae.training.loop import train

__version__ = "0.2.0"
__all__ = ["VAE", "Run", "TrainConfig", "VaeError", "open_run", "train"]

_MODULES = {
    "VAE": "models.network",
    "Run": "runs.run",
    "TrainConfig": "config",
    "open_run": "runs.catalogue",
    "train": "training.loop",
}


class VaeError(Exception):
    """An error that a person can correct. Its message is shown to them: what happened, and what to do."""


def __getattr__(name: str) -> Any:
    """Imports a public name at its first use (PEP 562), so that torch is imported only where it is needed.

    Nothing is imported while the package itself is: two threads that first import different modules of it
    would wait for each other's import lock, which Python ends with an ImportError.
    """
    if name not in _MODULES:
        raise AttributeError(f"module 'vae' has no attribute {name!r}")
    return getattr(import_module(f"vae.{_MODULES[name]}"), name)
