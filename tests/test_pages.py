"""The pages without a browser: what they say with runs, without, and with damaged ones."""

import os
import re
import shutil
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.conftest import small_config
from vae.catalogue import new_run
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


def test_the_environment_names_the_runs_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    from vae.catalogue import default_runs_dir

    monkeypatch.delenv("VAE_RUNS_DIR", raising=False)
    assert default_runs_dir() == Path("checkpoints")
    monkeypatch.setenv("VAE_RUNS_DIR", os.sep + "elsewhere")
    assert default_runs_dir() == Path("/elsewhere")
