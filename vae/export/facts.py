"""What an exported model says about itself: the run it is of, its data, its likelihood and its figures."""

import numpy as np

from vae.runs.checkpoints import SavedModel
from vae.runs.run import Run


def facts_of(run: Run, saved: SavedModel) -> dict[str, str]:
    """Facts as text, by names that begin small; losses in nats per image, means over the test set.

    Losses are missing in runs of old formats. `log_deviation`, of a Gaussian likelihood only, is the
    logarithm of the standard deviation of every pixel.
    """
    config = run.config
    facts = {
        "run": run.name,
        "dataset": config.dataset,
        "likelihood": config.likelihood,
        "network": config.network,
        "latent_dim": str(config.latent_dim),
        "channels": str(config.channels),
        "side": str(config.side),
        "step": str(saved.step),
        "epoch": f"{saved.epoch:g}",
    }
    if saved.scores is not None:
        reconstruction, kl = (
            float(each.mean(dtype=np.float64)) for each in (saved.scores.reconstruction, saved.scores.kl)
        )
        facts |= {"negative_elbo": f"{reconstruction + kl:.3f}", "reconstruction": f"{reconstruction:.3f}"}
        facts |= {"kl": f"{kl:.3f}"}
    if config.likelihood == "gaussian":
        facts["log_deviation"] = repr(float(saved.model.weights["log_deviation"][0]))
    return facts
