"""The Reconstructions page without a browser: what it shows, and what it says to nonsense."""

import base64
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

import vae
from tests.pages.charts.test_live_figure import decoded
from tests.support.app_test import PAGES, component, html, messages, read, visit
from tests.support.small_runs import TEST_IMAGES, save_model, small_config, write_small_mnist
from tests.support.tensors import load
from vae.datasets.photo import LEAST_SIDE
from vae.runs.run import Run
from vae.training.scoring import score_set

PAGE = PAGES[1]


def gallery(test: AppTest) -> list[int]:
    """The indices that are shown."""
    numbers: list[int] = component(test, "gallery")["numbers"]
    return numbers


def is_open(test: AppTest) -> bool:
    return any("the standard deviation of the posterior" in element.value for element in test.caption)


@pytest.mark.usefixtures("runs_dir")
def test_the_gallery_shows_a_page_of_pictures() -> None:
    test = visit(PAGE)
    assert messages(test) == ""
    assert gallery(test) == list(range(50))
    data = component(test, "gallery")
    pictures = np.frombuffer(base64.b64decode(data["pictures"]), np.uint8).reshape(50, 2, 28, 28)
    images, labels = load("mnist", train=False)
    np.testing.assert_array_equal(pictures[:, 0], images[:50].reshape(50, 28, 28).numpy())
    title, detail = data["captions"][7]
    assert title == f"{labels[7]} · #7"
    assert detail.startswith("reconstruction ")
    assert not is_open(test)


@pytest.mark.usefixtures("runs_dir")
def test_the_totals_are_those_of_the_metrics(trained: Run) -> None:
    test = visit(PAGE, run=trained.name)
    last = [line for line in trained.metric_lines()[0] if line.split == "test"][-1]
    totals = f"reconstruction {last.reconstruction:.2f} + KL {last.kl:.2f} = {-last.elbo:.2f}"
    assert f"{TEST_IMAGES} images: {totals}" in html(test)


def losses_of(run: Run) -> np.ndarray:
    return score_set(run.load_model(), load("mnist", train=False)[0]).reconstruction.numpy()


@pytest.mark.usefixtures("runs_dir")
def test_the_address_brings_back_order_and_page(trained: Run) -> None:
    test = visit(PAGE, sort="worst", show="20", page="2")
    assert gallery(test) == np.argsort(-losses_of(trained), kind="stable")[20:40].tolist()


@pytest.mark.usefixtures("runs_dir")
def test_the_address_brings_back_the_filters() -> None:
    _, labels = load("mnist", train=False)
    threes = np.flatnonzero(labels == 3)
    assert 0 < len(threes) < 50
    test = visit(PAGE, digit="3")
    assert gallery(test) == threes.tolist()
    assert f"{len(threes)} images: reconstruction " in html(test)
    assert "; all: " in html(test)
    assert gallery(visit(PAGE, digit="3", find="1")) == [index for index in threes if "1" in str(index)]
    seed = visit(PAGE, sort="shuffled", seed="7")
    assert gallery(seed) == np.argsort(np.random.default_rng(7).permutation(TEST_IMAGES))[:50].tolist()


@pytest.mark.usefixtures("runs_dir")
def test_a_url_with_nonsense_is_as_one_without() -> None:
    test = visit(PAGE, sort="loudest", digit="12", show="7", page="x")
    assert gallery(test) == list(range(50))


@pytest.mark.usefixtures("runs_dir")
@pytest.mark.parametrize("page", PAGES[:2])
def test_an_index_that_is_none_gets_a_sentence(page: str) -> None:
    test = visit(page, index="200")
    assert "There is no test image '200': they are numbered from 0 to 199." in messages(test)
    assert not is_open(test)


@pytest.mark.usefixtures("runs_dir")
def test_an_index_opens_its_picture() -> None:
    test = visit(PAGE, index="17")
    assert is_open(test)
    assert messages(test) == ""
    _, labels = load("mnist", train=False)
    assert [read(element.value) for element in test.subheader] == [f"{labels[17]} · #17"]
    neighbours = component(test, "opened_neighbours")["numbers"]
    assert len(set(neighbours)) == 10
    assert 17 not in neighbours
    assert component(test, "opened_link")["query"]["index"] == "17"


@pytest.mark.usefixtures("runs_dir")
def test_the_posterior_is_that_of_the_model(trained: Run) -> None:
    """Its deviation is exp(logvar / 2), in the table, on the map and in the samples."""
    model = trained.load_model()
    image = load("mnist", train=False)[0][17:18] / 255
    mean, logvar = (part[0].double().numpy() for part in model.encode(image))
    deviation = np.exp(logvar / 2)
    kl = 0.5 * (mean**2 + deviation**2 - 1 - logvar)
    test = visit(PAGE, index="17")
    for one_mean, one_deviation, one_kl in zip(mean, deviation, kl, strict=True):
        texts = (f"{one_mean:.3f}".replace("-", "−"), f"{one_deviation:.3g}", f"{one_kl:.3f}")
        assert "".join(f"<td>{text}</td>" for text in texts) in html(test)
    traces = json.loads(component(test, "opened_map")["figure"])["data"]
    for sigmas in (1, 2):
        ellipse = next(trace for trace in traces if trace.get("name") == f"{sigmas} σ")
        for axis, middle, width in zip("xy", mean, deviation, strict=True):
            numbers = decoded(ellipse[axis])
            ends = [numbers.min(), numbers.max()]
            assert ends == pytest.approx([middle - sigmas * width, middle + sigmas * width], abs=1e-5)
    noise = np.random.default_rng(0).standard_normal((8, 2), np.float32)
    expected = model.decode(torch.from_numpy(mean + deviation * noise).float())[:, 0].numpy() * 255
    samples = np.frombuffer(base64.b64decode(component(test, "opened_samples")["pictures"]), np.uint8)
    assert np.abs(samples.reshape(8, 28, 28) - expected).max() <= 1


@pytest.mark.usefixtures("runs_dir")
def test_next_and_previous_go_through_the_chosen_order() -> None:
    order = gallery(visit(PAGE, sort="worst"))
    for label, index in (("Next", order[2]), ("Previous", order[0])):
        test = visit(PAGE, sort="worst", index=str(order[1]))
        next(button for button in test.button if button.label == label).click().run()
        assert test.query_params["index"] in (str(index), [str(index)])
    first = visit(PAGE, sort="worst", index=str(order[0]))
    assert [button.disabled for button in first.button if button.label in ("Previous", "Next")] == [
        True,
        False,
    ]
    assert any("1 of 200 in this order" in element.value for element in first.caption)


@pytest.mark.usefixtures("runs_dir")
def test_a_click_opens_a_picture_and_nonsense_from_a_browser_does_not() -> None:
    test = visit(PAGE)
    test.session_state["gallery"] = {"clicked": 4}
    assert is_open(test.run())
    assert test.query_params["index"] in ("4", ["4"])
    for nonsense in (True, 10**9, -1, "4", None):
        test = visit(PAGE)
        test.session_state["gallery"] = {"clicked": nonsense}
        test.run()
        assert not test.exception
        assert not is_open(test)


@pytest.mark.usefixtures("runs_dir")
def test_a_click_on_a_box_chooses_its_class_and_takes_it_back() -> None:
    for before, after in (([], [3]), ([5], [3, 5]), ([3, 5], [5])):
        test = visit(PAGE, {"digit": before, "kl_by_class": {"clicked": {"x": 3.2, "y": 100}}})
        assert test.session_state["digit"] == after
    for nonsense in (
        {"x": 11.0, "y": 1},
        {"x": None, "y": 1},
        {"x": "a", "y": 1},
        {"x": 1e999, "y": 1},
        {},
        [3],
    ):
        test = visit(PAGE, {"losses_by_class": {"clicked": nonsense}})
        assert gallery(test) == list(range(50))


@pytest.mark.usefixtures("runs_dir")
def test_a_filter_that_leaves_nothing_gets_a_sentence_and_a_way_out() -> None:
    test = visit(PAGE, find="777")
    assert "No test image is like that" in messages(test)
    next(button for button in test.button if button.label == "Show all").click().run()
    assert messages(test) == ""
    assert gallery(test) == list(range(50))


@pytest.mark.usefixtures("runs_dir")
def test_a_search_for_nonsense_gets_a_sentence_and_all_pictures() -> None:
    test = visit(PAGE, find="two")
    assert "'two' is no index" in messages(test)
    assert gallery(test) == list(range(50))


@pytest.mark.usefixtures("runs_dir")
def test_box_plots_are_shown_on_request_and_by_their_address() -> None:
    folded, asked = visit(PAGE), visit(PAGE, boxes="true")
    for test, shown in ((folded, False), (asked, True)):
        assert any('"kl_by_class"' in part.proto.json for part in test.get("bidi_component")) == shown


@pytest.mark.usefixtures("runs_dir")
def test_class_means_are_means_and_their_difference_is_not_called_a_loss() -> None:
    test = visit(PAGE, view="Class means")
    assert "decoded darker" in html(test)
    assert "lost" not in html(test)
    data = component(test, "class_means")
    pictures = np.frombuffer(base64.b64decode(data["pictures"]), np.uint8).reshape(10, 2, 28, 28)
    images, labels = load("mnist", train=False)
    expected = images[labels == 4].double().mean(dim=0).reshape(28, 28).numpy()
    assert np.abs(pictures[4, 0] - expected).max() <= 0.5
    assert data["numbers"] is None


@pytest.mark.parametrize("latent_dim", [1, 8])
def test_every_latent_dimension_has_its_page(latent_dim: int, runs_dir: Path) -> None:
    run = vae.train(small_config(latent_dim=latent_dim, epochs=1), runs_dir)
    test = visit(PAGE, run=run.name, index="3")
    assert messages(test) == ""
    assert is_open(test)
    assert html(test).count("<th>z") == latent_dim
    captions = " ".join(element.value for element in test.caption)
    assert ("two of 8 dimensions" in captions) == (latent_dim == 8)
    shown = visit(PAGES[0], run=run.name, index="3")
    assert messages(shown) == ""
    assert component(shown, "look")["chosen"]["title"].endswith("· #3")


@pytest.mark.usefixtures("runs_dir")
def test_the_map_knows_ones_own_picture_in_its_own_run_only(trained: Run) -> None:
    for name, own in ((trained.name, True), ("another", False)):
        test = visit(PAGES[0], {"own_place": (name, "0.5,1")}, z="0.5,1")
        assert ("your own" in component(test, "look")["chosen"]["title"].lower()) == own


@pytest.mark.usefixtures("runs_dir")
def test_the_map_points_to_the_place_in_the_address() -> None:
    test = visit(PAGES[0], z="0.25,-1.5")
    assert component(test, "look")["chosen"]["z"] == [0.25, -1.5]


def test_another_run_keeps_the_filters_and_each_view_names_its_run(runs_dir: Path, trained: Run) -> None:
    other = vae.train(small_config(epochs=1, seed=9), runs_dir)  # the newest
    test = visit(PAGE, loss="0")
    assert test.query_params["run"] in (other.name, [other.name])
    test.slider[0].set_value((200, 400)).run()
    for run in (trained, other, trained):
        test.sidebar.selectbox[0].select(run.name).run()
        assert not test.exception
        assert test.session_state["loss"] == (200, 400)
    assert test.query_params["run"] in (trained.name, [trained.name])


@pytest.mark.usefixtures("runs_dir")
def test_a_range_from_an_address_may_stand_the_other_way_round(trained: Run) -> None:
    test = visit(PAGE, {"loss": (500, 100)})
    losses = losses_of(trained)
    assert gallery(test) == np.flatnonzero((losses >= 100) & (losses <= 500))[:50].tolist()


def test_classes_with_names_are_chosen_by_them(
    runs_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_small_mnist(tmp_path / "data")
    monkeypatch.setenv("VAE_DATA_DIR", str(root))
    for train in (True, False):
        load("mnist", train=train)  # unpacks it
    shutil.copytree(root / "MNIST", root / "FashionMNIST")  # digits, under the names of clothes
    run = vae.train(small_config(dataset="fashion-mnist", epochs=1), runs_dir)
    test = visit(PAGE, run=run.name, digit="Ankle boot")
    _, labels = load("fashion-mnist", train=False)
    assert gallery(test) == np.flatnonzero(labels == 9).tolist()
    assert component(test, "gallery")["captions"][0][0].startswith("Ankle boot · #")
    assert messages(visit(PAGE, run=run.name, digit="9")) == ""  # no class of this set


def test_weights_that_have_diverged_get_a_sentence(runs_dir: Path, trained: Run) -> None:
    path = runs_dir / trained.name / "model.safetensors"
    model = trained.load_model()
    model.encoder.linear("logvar").bias.fill_(1e4)
    save_model(path, model, trained.config, 1, 0.1)
    for page in PAGES[:2]:
        assert "they have diverged" in messages(visit(page))


SMALL_FRAME = [650, 320, 800, 465]  # thousandths of a picture's sides


def uploaded(picture: np.ndarray) -> AppTest:
    """The page with this picture of one's own, grey levels (H, W)."""
    test = visit(PAGE, {"own_way": "Upload"}, view="Your own")
    content = io.BytesIO()
    Image.fromarray(picture).save(content, "PNG")
    test.file_uploader[0].upload("digit.png", content.getvalue(), "image/png").run()
    assert not test.exception
    return test


def shown(test: AppTest) -> np.ndarray:
    """One's own picture as the model gets it, (28, 28)."""
    pictures = np.frombuffer(base64.b64decode(component(test, "own_picture")["pictures"]), np.uint8)
    return pictures.reshape(2, 28, 28)[0].astype(int)


@pytest.mark.usefixtures("runs_dir")
def test_a_digit_on_ruled_paper_is_found_and_another_part_can_be_framed() -> None:
    digits = load("mnist", train=False)[0].reshape(-1, 28, 28).numpy()
    sheet = np.full((600, 600), 235, np.uint8)
    sheet[20::55] = 170
    for number, (x, size) in enumerate(((20, 280), (400, 70))):
        large = np.asarray(Image.fromarray(digits[number]).resize((size, size)), float) / 255
        sheet[200 : 200 + size, x : x + size] = (
            sheet[200 : 200 + size, x : x + size] * (1 - large) + 40 * large
        )
    test = uploaded(sheet)
    assert np.abs(shown(test) - digits[0]).mean() < 14
    frame = component(test, "own_frame")
    left, _, right, _ = frame["edges"]
    assert 0 <= left < right < 520
    assert 600 * (SMALL_FRAME[2] - SMALL_FRAME[0]) / 1000 < LEAST_SIDE
    test.session_state["own_frame"] = {"frame": {"picture": frame["picture"], "edges": SMALL_FRAME}}
    test.run()
    assert not test.exception
    assert np.abs(shown(test) - digits[1]).mean() < 14


@pytest.mark.usefixtures("runs_dir")
def test_of_two_digits_the_page_says_that_it_is_unsure_before_it_scores_one() -> None:
    digits = load("mnist", train=False)[0][:2].reshape(2, 28, 28).numpy()
    test = uploaded(
        np.hstack(
            [
                np.pad(255 - digit.repeat(8, 0).repeat(8, 1), 40, constant_values=255)
                for digit in digits[[0, 0]]
            ]
        )
    )
    assert "It is not clear what the digit is here" in messages(test)
    assert not any('"own_picture"' in part.proto.json for part in test.get("bidi_component"))
    test.checkbox[0].check().run()
    assert np.abs(shown(test) - digits[0]).mean() < 14
