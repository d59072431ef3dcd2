"""Browse the test set beside its reconstructions."""

import streamlit as st
import torch

from pages.components import cached
from pages.components.gallery import Pair, gallery
from pages.components.run_picker import run_picker
from pages.components.way_in import enter_by_app
from vae.data import class_names
from vae.pictures import grey
from vae.runs import Run

PAGE = 50  # ten rows of five on a wide screen


def main() -> None:
    """The page."""
    st.title("Reconstructions")
    st.write(
        "Test pictures the model has never learned from, each beside what is left of it after the "
        "bottleneck. The number is the reconstruction loss in nats: lower is closer."
    )
    run = run_picker()
    if run is None:
        return
    images = len(cached.test_set(run).images)
    number = st.pagination(-(-images // PAGE), key="reconstructions_page", bind="query-params")
    st.html(gallery(pairs(run, (number - 1) * PAGE)))


def pairs(run: Run, first: int) -> list[Pair]:
    """A page of pictures from index `first` on, reconstructed from the posterior's mean."""
    test = cached.test_set(run)
    names = class_names(run.config.dataset)
    rows = slice(first, first + PAGE)
    decoded = cached.model(run).decode(torch.from_numpy(test.means[rows]))
    return [
        Pair(picture, grey(reconstruction), f"{names[label]} · {loss:.0f} nats · #{index}")
        for index, (picture, reconstruction, label, loss) in enumerate(
            zip(
                test.images[rows],
                decoded[:, 0].numpy(),
                test.labels[rows],
                test.reconstruction[rows],
                strict=True,
            ),
            start=first,
        )
    ]


if __name__ == "__main__":
    enter_by_app()
