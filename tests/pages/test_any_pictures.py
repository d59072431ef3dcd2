"""The pages with pictures in colour, of another side, with convolutions and a Gaussian likelihood."""

import numpy as np
import pytest
import streamlit

from pages.components.gallery.filters import LOSS
from pages.components.runs import loaded_model
from pages.components.runs.run_curves import curves_figure
from pages.components.runs.run_moments import load
from tests.support.app_test import component, messages, visit
from tests.support.own_pictures import TEST, write_own_pictures
from tests.support.paths import ROOT
from tests.support.small_runs import small_config
from vae.runs.catalogue import summary
from vae.runs.run import Run
from vae.training.loop import train

PAGES = [f"pages/{name}.py" for name in ("latent", "reconstructions", "train")]


@pytest.fixture(scope="module")
def coloured(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("coloured")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAE_DATA_DIR", str(folder / "data"))
        write_own_pictures(folder / "data", side=16)
        config = small_config(
            dataset="own",
            network="conv",
            width=4,
            hidden_dims=(16,),
            latent_dim=4,
            likelihood="gaussian",
            kl_warmup=1,
            free_bits=0.1,
        )
        return train(config, folder / "runs")


@pytest.fixture
def place(coloured: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The run, whose folders are those of this test, which must not change them."""
    folder = coloured.path.parents[1]
    monkeypatch.setenv("VAE_DATA_DIR", str(folder / "data"))
    monkeypatch.setenv("VAE_RUNS_DIR", str(folder / "runs"))
    monkeypatch.chdir(ROOT)
    streamlit.cache_resource.clear()
    return coloured


@pytest.mark.parametrize("page", PAGES)
def test_every_page_shows_a_run_in_colour(page: str, place: Run) -> None:
    assert messages(visit(page, run=place.name)) == ""


def test_the_gallery_has_all_pictures_and_their_colours(place: Run) -> None:
    test = visit(PAGES[1], run=place.name)
    sent = component(test, "gallery")
    assert sent["side"] == 16
    assert sent["tiles"] == 50
    assert len(sent["pictures"]) == 4 * (50 * 2 * 3 * 16**2) / 3  # base64 of 50 pictures and reconstructions


def test_the_range_of_losses_is_that_of_the_run(place: Run) -> None:
    saved = place.saved_model().scores
    assert saved is not None
    test = visit(PAGES[1], {LOSS: (0, 300)}, run=place.name)  # a range that was chosen for MNIST
    [slider] = test.slider
    low, high = slider.value
    assert low <= saved.reconstruction.min()
    assert high >= saved.reconstruction.max()
    assert f"{TEST:,} images" in " ".join(each.proto.body for each in test.get("html"))


def test_the_bound_is_also_in_bits_per_dimension_wherever_it_stands(place: Run) -> None:
    scores = place.saved_model().scores
    assert scores is not None
    expected = (scores.reconstruction + scores.kl).mean() / (3 * 16**2 * np.log(2))
    gallery = " ".join(each.proto.body for each in visit(PAGES[1], run=place.name).get("html"))
    assert f", {expected:.3f} bits/dim" in gallery
    assert f" nats, {expected:.3f} bits/dim" in load(place, loaded_model.load(place)).moments[-1].caption
    figure = curves_figure([place], place.status(), "log", "epoch")
    assert figure.text.count(", %{customdata:.3f} bits/dim<extra>") == 2  # train and test, of one panel
    assert summary(place)["bits_per_dimension"] == pytest.approx(expected)
