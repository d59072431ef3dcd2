"""The pages without a browser: what they say with runs, without, and with damaged ones."""

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.components.charts import LABEL_COLOURS, latent_map, loss_curves
from pages.components.gallery import Pair, gallery
from tests.conftest import small_config
from vae.catalogue import new_run
from vae.pictures import grey
from vae.runs import Run, Status

ROOT = Path(__file__).resolve().parent.parent
PAGES = ["pages/latent.py", "pages/reconstructions.py", "pages/train.py"]
EXPLORING = PAGES[:2]


@pytest.fixture
def runs_dir(small: Path, trained: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runs directory with one finished run in it, its caches empty."""
    shutil.copytree(trained.path, small / trained.name)
    monkeypatch.chdir(ROOT)
    st.cache_resource.clear()
    return small


def visit(page: str, **query: str) -> AppTest:
    """The app at `page`, the address saying `query`, run once without an uncaught error."""
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for name, value in query.items():
        test.query_params[name] = value
    # Before its first run AppTest is a server's first visitor, whom Streamlit leads past app.py.
    test.switch_page(page).run()
    assert not test.exception
    return test


def messages(test: AppTest) -> str:
    shown = " ".join(element.value for element in (*test.error, *test.warning, *test.info))
    return re.sub(r"\\(.)", r"\1", shown)  # what stands there once Markdown has been read


@pytest.mark.parametrize("page", PAGES)
def test_without_runs_every_page_says_what_to_do(
    page: str, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert not small.exists()
    assert "no runs yet. Choose a preset on the Train page" in messages(visit(page))


@pytest.mark.parametrize("page", PAGES)
def test_the_newest_run_with_weights_is_chosen(page: str, runs_dir: Path, trained: Run) -> None:
    new_run(small_config(seed=5), runs_dir).write_status(Status(state="stopped"))
    test = visit(page)
    assert messages(test) == ""
    assert test.sidebar.selectbox[0].value == trained.name


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("asked", ["nope", "../../etc", "a/b", "A"])
@pytest.mark.usefixtures("runs_dir")
def test_an_address_that_names_no_run_gets_a_sentence(asked: str, page: str) -> None:
    test = visit(page, run=asked)
    assert "Another run is shown" in messages(test)
    assert ("There is no run in" in messages(test)) == (asked == "nope")


def test_who_comes_to_watch_sees_the_training(runs_dir: Path, trained: Run) -> None:
    run = new_run(small_config(seed=5), runs_dir)
    with run.hold():
        run.write_status(Status(state="running"))
        box = visit("pages/train.py").sidebar.selectbox[0]
        assert box.value == run.name
        assert f"{run.name} · live" in box.options
        assert visit("pages/latent.py").sidebar.selectbox[0].value == trained.name


def test_a_damaged_run_does_not_take_over_the_first_page(runs_dir: Path, trained: Run) -> None:
    shutil.copytree(runs_dir / trained.name, runs_dir / "broken")
    (runs_dir / "broken" / "config.json").write_text("{")
    test = visit(PAGES[0])
    assert test.sidebar.selectbox[0].value == trained.name
    assert "broken · damaged" in test.sidebar.selectbox[0].options


@pytest.mark.usefixtures("runs_dir")
def test_markup_in_the_address_is_shown_letter_by_letter() -> None:
    (warning,) = visit(PAGES[0], run="**bold** [x](http://a.b)").warning
    assert r"\*\*bold\*\* \[x\]\(http\://a.b\)" in warning.value


def test_the_address_and_the_box_choose_the_run(runs_dir: Path, trained: Run) -> None:
    other = new_run(small_config(seed=5), runs_dir)
    test = visit(PAGES[0], run=other.name)
    assert test.sidebar.selectbox[0].value == other.name
    assert "has no weights yet" in messages(test)
    test.sidebar.selectbox[0].select(trained.name).run()
    assert messages(test) == ""
    assert test.query_params["run"] in (trained.name, [trained.name])


@pytest.mark.parametrize("page", EXPLORING)
def test_weights_that_do_not_fit_get_a_sentence(page: str, runs_dir: Path, trained: Run) -> None:
    file = runs_dir / trained.name / "model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    assert "model.safetensors cannot be used: it is damaged" in messages(visit(page))
    other = new_run(small_config(latent_dim=3), runs_dir)
    other.model_path.write_bytes(whole)
    test = visit(PAGES[0], run=other.name)
    assert "of other sizes than its config says" in messages(test)


@pytest.mark.parametrize("page", PAGES)
def test_a_config_that_does_not_parse_gets_a_sentence(page: str, runs_dir: Path, trained: Run) -> None:
    (runs_dir / trained.name / "config.json").write_text("{")
    assert "config.json cannot be read" in messages(visit(page))


@pytest.mark.usefixtures("runs_dir")
def test_a_click_decodes_that_very_place() -> None:
    test = visit(PAGES[0])
    test.session_state["map"] = {"clicked": {"x": 0.25, "y": -1.5}}
    test.run()
    assert any("z = (0.25, -1.50)" in element.value for element in test.markdown)


@pytest.mark.parametrize("latent_dim", [1, 5])
def test_other_latent_dimensions_have_a_map_too(latent_dim: int, runs_dir: Path) -> None:
    import vae

    run = vae.train(small_config(latent_dim=latent_dim, epochs=1), runs_dir)
    test = visit(PAGES[0], run=run.name)
    assert messages(test) == ""
    captions = " ".join(element.value for element in test.caption)
    assert ("The other 3 coordinates are 0" in captions) == (latent_dim == 5)


@pytest.mark.usefixtures("runs_dir")
def test_the_gallery_shows_a_page_of_pictures() -> None:
    body = visit(PAGES[1]).get("html")[0].proto.body
    assert body.count("<figure>") == 50
    assert "#0" in body
    assert "#49" in body


def test_a_damaged_status_gets_a_sentence(runs_dir: Path, trained: Run) -> None:
    (runs_dir / trained.name / "status.json").write_text("{")
    assert "status.json is damaged" in messages(visit(PAGES[2]))


def test_a_damaged_figure_of_the_live_part_gets_a_sentence(runs_dir: Path, trained: Run) -> None:
    (runs_dir / trained.name / "metrics.jsonl").write_text("nonsense\n")
    assert "metrics.jsonl is damaged" in messages(visit(PAGES[2]))


def test_a_failed_run_shows_why_and_can_be_resumed(runs_dir: Path, trained: Run) -> None:
    run = Run(runs_dir / trained.name)
    run.write_status(run.status().model_copy(update={"state": "failed", "error": "The loss was no number."}))
    test = visit(PAGES[2])
    assert "The loss was no number." in messages(test)
    assert [button.label for button in test.button] == ["Start", "Resume"]


def test_the_buttons_are_those_of_the_state(runs_dir: Path, trained: Run) -> None:
    run = Run(runs_dir / trained.name)
    assert [button.label for button in visit(PAGES[2]).button] == ["Start", "Train again"]
    with run.hold():
        run.write_status(run.status().model_copy(update={"state": "running"}))
        test = visit(PAGES[2])
        assert [button.label for button in test.button] == ["Start", "Stop"]
        test.button[1].click().run()
        assert run.stop_is_asked()


def test_curves_have_a_band_and_keep_the_zoom(trained: Run) -> None:
    lines, _ = trained.metrics()
    figure = loss_curves(lines, "log", "run")
    assert [trace.name for trace in figure.data if trace.showlegend] == [
        "±1 std over batches",
        "train",
        "test",
    ]
    train = next(trace for trace in figure.data if trace.name == "train")
    expected = [line.reconstruction for line in lines if line.split == "train"]
    assert list(train.y) == expected
    upper, lower = figure.data[0].y, figure.data[1].y
    deviations = np.array([line.reconstruction_std for line in lines if line.split == "train"])
    np.testing.assert_allclose(upper - np.array(expected), deviations)
    assert (lower > 0).all()
    assert figure.layout.uirevision == loss_curves(lines[:5], "log", "run").layout.uirevision
    assert {figure.layout.yaxis.type, figure.layout.yaxis2.type} == {"log"}
    linear = loss_curves(lines, "linear", "run")
    assert linear.layout.yaxis.type == "linear"
    for first, term in ((0, "reconstruction"), (4, "kl")):
        means = np.array([getattr(line, term) for line in lines if line.split == "train"])
        deviations = np.array([getattr(line, f"{term}_std") for line in lines if line.split == "train"])
        np.testing.assert_allclose(linear.data[first].y, means + deviations)
        np.testing.assert_allclose(linear.data[first + 1].y, means - deviations)


def test_the_map_has_every_point_once_in_its_colour() -> None:
    points = np.arange(40, dtype=np.float32).reshape(20, 2)
    labels = np.repeat(np.arange(10), 2)
    figure = latent_map(points, labels, tuple("0123456789"), ("a", "b"), (0, 0), "run")
    classes = figure.data[:10]
    assert [trace.marker.color for trace in classes] == list(LABEL_COLOURS)
    np.testing.assert_array_equal(np.concatenate([trace.x for trace in classes]), points[:, 0])
    assert classes[3].name == "3 (2)"
    assert figure.layout.yaxis.scaleanchor == "x"


def test_the_map_stands_still_whatever_is_clicked() -> None:
    points = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    labels = np.arange(50) % 10
    near, far = (
        latent_map(points, labels, tuple("0123456789"), ("a", "b"), place, "run").layout
        for place in ((0, 0), (90, 90))
    )
    assert near.xaxis.range == far.xaxis.range
    assert near.xaxis.range[0] < points[:, 0].min() < points[:, 0].max() < near.xaxis.range[1]
    assert near.yaxis.range == far.yaxis.range


def test_the_kl_axis_is_never_upside_down(trained: Run) -> None:
    lines, _ = trained.metrics()
    tiny = [line.model_copy(update={"kl": 1e-3 * (1 + line.kl / 100)}) for line in lines]
    for some in (tiny[:1], tiny, lines):
        low, high = loss_curves(some, "log", "run").layout.yaxis2.range
        assert low < high


# Machado, Oliveira & Fernandes 2009, severity 1, on linear RGB: protanopia, deuteranopia, tritanopia.
DICHROMATS = (
    ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
)
# Ottosson 2020: linear sRGB to cone responses, and their cube roots to OKLab.
TO_CONES = ((0.412221, 0.536333, 0.051446), (0.211903, 0.680700, 0.107397), (0.088302, 0.281719, 0.629979))
TO_OKLAB = ((0.210454, 0.793618, -0.004072), (1.977998, -2.428592, 0.450594), (0.025904, 0.782772, -0.808676))


def test_everybody_can_tell_the_ten_colours_apart() -> None:
    srgb = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in LABEL_COLOURS]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    for seen in (np.eye(3), *map(np.array, DICHROMATS)):
        cones = np.clip(linear @ seen.T, 0, 1) @ np.array(TO_CONES).T
        lab = np.cbrt(cones) @ np.array(TO_OKLAB).T
        distances = np.linalg.norm(lab[:, None] - lab[None], axis=-1) + 9 * np.eye(10)
        assert distances.min() > 0.12  # 0.02 is just noticeable side by side


def test_a_gallery_shows_captions_and_never_runs_them() -> None:
    picture = np.zeros((28, 28), np.uint8)
    html = gallery([Pair(picture, grey(np.ones((28, 28), np.float32)), "<script>alert(1)</script>")])
    assert "<script>" not in html
    assert html.count("<figure>") == 1


def test_the_environment_names_the_runs_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    from vae.catalogue import default_runs_dir

    monkeypatch.delenv("VAE_RUNS_DIR", raising=False)
    assert default_runs_dir() == Path("checkpoints")
    monkeypatch.setenv("VAE_RUNS_DIR", os.sep + "elsewhere")
    assert default_runs_dir() == Path("/elsewhere")
