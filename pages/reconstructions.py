"""The page of reconstructions: a gallery of test images, class means, and an image of one's own."""

import numpy as np
import streamlit as st

from pages.components.gallery import gallery, own_picture
from pages.components.gallery.class_means import class_means
from pages.components.gallery.filters import filters
from pages.components.gallery.picture_dialog import open_clicked, picture_dialog
from pages.components.gallery.picture_url import index_in_url
from pages.components.runs import loaded_model, run_data
from pages.components.runs.follow_training import wait_for_weights, weights_epoch
from pages.components.runs.run_picker import run_picker
from pages.components.shell.assets import COMPONENTS
from pages.components.shell.entrypoint import reenter_through_app
from pages.components.shell.page_layout import page_heading

_STYLE = COMPONENTS / "gallery" / "layout.css"


def main() -> None:
    """Draws the page."""
    st.html(_STYLE)
    page_heading("Reconstructions")
    run = run_picker()
    if run is None or wait_for_weights(run):
        return
    loaded = loaded_model.load(run)
    weights_epoch(run, loaded)
    loaded_model.show_missing(loaded)
    test = loaded.test
    open_clicked(test, gallery.KEY, own_picture.NEIGHBOURS)
    index = index_in_url(len(test))
    indices = np.arange(len(test))
    if loaded.missing:
        own_picture.own_picture(run, loaded)
        return
    names = ("Gallery", *(("Class means",) if loaded.has_classes else ()), "Your own")
    browse, *means, own = st.tabs(names, key="view", bind="query-params")
    if browse.open:
        with browse:
            selection = filters(test, loaded.classes, run_data.title(run), run.config.density_values)
            indices = selection.indices
            if len(indices):
                gallery.gallery(loaded, selection)
    if means and means[0].open:
        with means[0]:
            class_means(loaded)
    if own.open:
        with own:
            own_picture.own_picture(run, loaded)
    if index is not None:
        picture_dialog(run, loaded, indices)


if __name__ == "__main__":
    reenter_through_app()
