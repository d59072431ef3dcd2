"""A pair of runs, and what of them can be compared. Without Streamlit."""

from typing import NamedTuple

from vae.datasets.registry import classes_of
from vae.runs.run import Run


class Pair(NamedTuple):
    """Two runs, as they stand on the page."""

    left: Run
    right: Run

    @property
    def same_set(self) -> bool:
        """Whether both have the same data set: only then can pictures and losses be compared."""
        left, right = ((run.config.dataset, run.config.contents) for run in self)
        return left == right

    @property
    def same_likelihood(self) -> bool:
        """Whether both have the same likelihood: only then can losses be compared."""
        return self.left.config.likelihood == self.right.config.likelihood

    @property
    def latent_dims(self) -> tuple[int, int]:
        """The latent sizes."""
        return self.left.config.latent_dim, self.right.config.latent_dim

    @property
    def same_space(self) -> bool:
        """Whether both have the same latent size, so that a place of one is also one of the other."""
        return len(set(self.latent_dims)) == 1

    @property
    def same_axes(self) -> bool:
        """Whether the axes of both maps mean the same: across and upwards, or a line and the log-variance."""
        return (self.left.config.latent_dim == 1) == (self.right.config.latent_dim == 1)

    @property
    def same_classes(self) -> bool:
        """Whether the classes of both have the same names."""
        left, right = (classes_of(run.config) for run in self)
        return left == right

    @property
    def obstacles(self) -> tuple[str, ...]:
        """A message for each thing that cannot be compared."""
        found = []
        if not self.same_set:
            left_set, right_set = (run.config.dataset for run in self)
            which = f"{left_set} at the left and {right_set} at the right"
            if left_set == right_set:
                which = f"both named {left_set}"
            found.append(
                f"They learned different data sets, {which}. So no image can be marked on both maps, and "
                "losses and neighbours are those of different images: neither run is better."
            )
        if not self.same_likelihood:
            left_kind, right_kind = (run.config.likelihood for run in self)
            found.append(
                f"They have different likelihoods, {left_kind} at the left and {right_kind} at the right: "
                "their losses measure different things, and neither is the better one."
            )
        if not self.same_space:
            left, right = self.latent_dims
            found.append(
                f"z has {_numbers(left)} at the left and {right} at the right: a place of one means nothing "
                "to the other."
            )
        return tuple(found)


def _numbers(count: int) -> str:
    return f"{count} number{'s' * (count != 1)}"
