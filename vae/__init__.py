"""Variational autoencoders that train in front of your eyes.

    import vae

    config = vae.TrainConfig.preset("quick")       # or vae.TrainConfig(latent_dim=2, epochs=5)
    run = vae.train(config, runs_dir="checkpoints")  # trains, or returns the finished run of that config
    run = vae.open_run("checkpoints/NAME")
    model = run.load_model()                       # a vae.VAE in eval mode on the CPU
    mean, logvar = model.encode(images)            # (B, 1, 28, 28) or (B, 784) in [0, 1] -> (B, Z), (B, Z)
    images = model.decode(z)                       # (B, Z) -> (B, 1, 28, 28) in [0, 1]
    xhat, mean, logvar = model(images)             # z sampled with model.reparameterize

Each is imported when it is first asked for, and torch with `train` and `VAE` only: a program that
only watches runs never pays for it. What a person can mend is raised as `vae.VaeError`, and a
config out of bounds as `pydantic.ValidationError`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vae.config import TrainConfig
    from vae.models.network import VAE
    from vae.runs.catalogue import open_run
    from vae.runs.run import Run
    from vae.training.loop import train

__all__ = ["VAE", "Run", "TrainConfig", "VaeError", "open_run", "train"]

_MODULES = {
    "VAE": "models.network",
    "Run": "runs.run",
    "TrainConfig": "config",
    "open_run": "runs.catalogue",
    "train": "training.loop",
}


class VaeError(Exception):
    """Something a person can mend. Its message is the whole sentence they read, and says what to do."""


def __getattr__(name: str) -> Any:
    """PEP 562: imports what is asked for only when it is: torch for those who need it; and nothing while the
    package itself is imported, or two threads that begin with different modules of it wait for each other,
    which Python ends by an ImportError."""
    if name not in _MODULES:
        raise AttributeError(f"module 'vae' has no attribute {name!r}")
    return getattr(import_module(f"vae.{_MODULES[name]}"), name)
