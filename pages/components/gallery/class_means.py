"""The mean image of each class, and what the model decodes at the mean of the class's z."""

import numpy as np
import streamlit as st

from pages.components.charts.tiles import Caption, TileLayout, difference_legend, tiles
from pages.components.runs.loaded_model import LoadedModel
from vae.inference.scored_set import mean_losses


def class_means(loaded: LoadedModel) -> None:
    """Shows a tile for each class that has test images."""
    test = loaded.test
    labels = np.unique(test.labels)
    masks = [test.labels == label for label in labels]
    pictures = np.stack([np.rint(test.images[mask].mean(axis=0)).astype(np.uint8) for mask in masks])
    places = np.stack([test.means[mask].mean(axis=0) for mask in masks])
    st.html(difference_legend("decoded darker", "decoded brighter than the mean image"))
    tiles(
        np.stack((pictures, loaded.model.decode(places)), axis=1),
        [
            Caption(
                loaded.classes[label],
                f"{mask.sum():,} images, mean loss {mean_losses(test, mask)['reconstruction']:.1f} nats",
            )
            for label, mask in zip(labels, masks, strict=True)
        ],
        key="class_means",
        label="Class means",
        layout=TileLayout(200, ("mean image", "decoded", "difference"), difference=True),
    )
    st.caption(
        "The mean of all test images of a class, pixel by pixel; beside it what the model decodes at the "
        "mean of their z, and the difference. A mean of images is blurred; what is decoded at a mean of z is "
        "an image of its own."
    )
