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

The layers; each module imports from the rows below its own only (a test reads this table):

    __main__                                the command line
    terminal                                a run on a terminal
    training, evaluations                   the loop; evaluations in processes of their own
    jobs                                    the process that a training runs in, seen from outside
    state, showing, steering                where a training stands; what it shows; what it is asked
    learner                                 one step, which all workers take
    evaluate, machine, schedule, archive    figures of a model; device, threads; what the step decides; zips
    bounds                                  what a picture's likelihood is at least, from samples of z
    refine                                  a Gaussian fitted to one picture alone
    latent, catalogue, journey              where pictures lie; which runs there are; moments that are kept
    history, figures                        losses as arrays; what an evaluation says, kept
    runs, normalisation                     the run directory; pictures from anywhere, as MNIST's
    checkpoints, data, pictures, views      weights in files; data sets in memory; PNG; moments of a training
    gradients                               a batch forward and back
    model, losses, torchvision_import       the network; the two terms; torchvision, mended
    workers                                 several processes that train one model
    records                                 what the files of a run hold
    forecast, published, films              how long a training will take; figures of others; GIF and WebP
    config, files, reading, locks           what a run is made of; files written whole, read with care, locked
    errors                                  what a person can mend
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vae.config import TrainConfig
    from vae.errors import VaeError
    from vae.models.network import VAE
    from vae.runs.catalogue import open_run
    from vae.runs.run import Run
    from vae.training.loop import train

__all__ = ["VAE", "Run", "TrainConfig", "VaeError", "open_run", "train"]

_WHERE = {
    "VAE": "models.network",
    "Run": "runs.run",
    "TrainConfig": "config",
    "VaeError": "errors",
    "open_run": "runs.catalogue",
    "train": "training.loop",
}


def __getattr__(name: str) -> Any:
    """PEP 562: imports what is asked for only when it is: torch for those who need it; and nothing while the
    package itself is imported, or two threads that begin with different modules of it wait for each other,
    which Python ends by an ImportError."""
    if name not in _WHERE:
        raise AttributeError(f"module 'vae' has no attribute {name!r}")
    return getattr(import_module(f"vae.{_WHERE[name]}"), name)
