"""What a trainer keeps of a moment: the small view of every second, the snapshot for time travel.

Shapes: N test images, C classes, M points, Z latent size.
"""

from collections.abc import Callable, Collection
from pathlib import Path

import torch
from torch import Tensor

from vae.config import SIDE
from vae.datasets.images import grey_levels
from vae.datasets.registry import ImageSet
from vae.inference.latent_space import Posterior, encode_set
from vae.inference.planes import axis_directions
from vae.models.network import VAE
from vae.runs.checkpoints import Snapshot, save_snapshot
from vae.runs.live_view import MAX_POINTS, LiveView, save_view
from vae.runs.records import Metrics
from vae.runs.run import Run


def first_of_each_class(labels: Tensor) -> Tensor:
    """Where the first image of each class stands: (N,) -> (C,)."""
    return torch.stack([(labels == label).nonzero()[0, 0] for label in labels.unique()])


def view_writer(path: Path, test: ImageSet) -> Callable[[VAE, int], None]:
    """A function that writes what the model, after so many steps, makes of some of the test set."""
    fixed = test.images[first_of_each_class(test.labels)]
    images = torch.cat((fixed, test.images[:MAX_POINTS]))
    classes = len(fixed)
    pictures, labels = fixed.cpu().numpy(), test.labels[:MAX_POINTS].byte().cpu().numpy()

    def write(model: VAE, step: int) -> None:
        means, logvars = encode_set(model, images)
        if not means.isfinite().all():  # the next line of metrics says so
            return
        with torch.no_grad():
            decoded = model.decode(means[:classes]).cpu().numpy()
        directions = axis_directions(means.shape[1])
        points = directions.map_coordinates(*(part[classes:].cpu().numpy() for part in (means, logvars)))
        save_view(
            path, LiveView(step, pictures, grey_levels(decoded.reshape(-1, SIDE, SIDE)), points, labels)
        )

    return write


def write_snapshot(
    path: Path, model: VAE, test: ImageSet, posterior: Posterior, metrics: Metrics | None
) -> None:
    """Writes what the model makes of the test set: its `posterior`, and one of each class. Raises OSError."""
    with torch.no_grad():
        pictures = model.decode(posterior.mean[first_of_each_class(test.labels)]).flatten(start_dim=1)
    path.parent.mkdir(exist_ok=True)
    save_snapshot(path, Snapshot(model.decoder.state_dict(), *posterior, pictures, metrics))


def sort_out_snapshots(run: Run, planned: Collection[int], step: int) -> None:
    """Keeps of the snapshots up to `step` those nearest to the steps that are `planned`, and no others.

    Later ones are of a course that the training, which goes on from there, does not take; and a run that goes
    on for longer has the past of a shorter one, denser than there is room for.
    """
    past = [kept for path in run.snapshots() if (kept := int(path.stem)) <= step]
    nearest = {min(past, key=lambda kept: abs(kept - plan)) for plan in planned if plan <= step and past}
    for path in run.snapshots():
        if int(path.stem) not in nearest:
            path.unlink(missing_ok=True)
