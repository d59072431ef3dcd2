"""The dialog that makes a film of a training, one at a time on a server, and saves it."""

import io
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import streamlit
from PIL import Image, ImageSequence
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from pages.components.charts.images import INKS
from pages.components.export import film_dialog as component
from pages.components.export.film_frames import Film, palette
from pages.components.runs import loaded_model, run_moments
from pages.components.shell import page_state
from pages.components.stores.moments import Cost, Moment
from tests.support.app_test import visit
from tests.support.browser import Workshop
from tests.support.paths import BUNDLED, ROOT
from tests.support.small_runs import save_model
from vae import VaeError
from vae.export.animation import Format, Frame, Palette, film
from vae.inference import forward
from vae.runs import snapshots
from vae.runs.run import Run

SCRIPT = """
from pathlib import Path
import numpy as np
from pages.components.runs import loaded_model
from pages.components.export.film_dialog import film_button
from vae.inference.planes import axis_directions
from vae.runs.run import Run

run = Run(Path({path!r}))
latent_dim = run.config.latent_dim
plane = axis_directions(latent_dim).through(np.zeros(latent_dim, np.float32))
film_button(run, loaded_model.load(run), plane)
"""


@pytest.fixture
def run(runs_dir: Path, trained: Run) -> Run:
    return Run(runs_dir / trained.name)


@pytest.fixture
def films(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """All that are made."""
    made: list[bytes] = []

    def made_film(
        frames: Iterable[Frame], milliseconds: Sequence[int], palette: Palette, kind: Format
    ) -> bytes:
        made.append(film(frames, milliseconds, palette, kind))
        return made[-1]

    monkeypatch.setattr(f"{component.__name__}.film", made_film)
    return made


def opened(run: Run) -> AppTest:
    """The page, the button opened, its film the smallest."""
    test = AppTest.from_string(SCRIPT.format(path=str(run.path)), default_timeout=30).run()
    button(test, "Export training video").click().run()
    if test.slider:
        test.slider[0].set_value(component.SHORTEST)
        choose(test, "Pixels across", 360)
        test.run()
    assert not test.exception
    return test


def choose(test: AppTest, label: str, option: str | int) -> None:
    [control] = [each for each in test.segmented_control if each.label == label]
    control.set_value(option)


def button(test: AppTest, label: str) -> Button:
    [found] = [each for each in test.button if each.label == label]
    return found


def make(test: AppTest) -> AppTest:
    button(test, "Make the film").click().run()
    assert not test.exception
    return test


def offered(test: AppTest) -> str:
    """What the button that saves says; nothing if there is none."""
    return " ".join(each.proto.label for each in test.get("download_button"))


def test_nothing_is_made_until_it_is_asked_for_nor_twice(run: Run, films: list[bytes]) -> None:
    test = AppTest.from_string(SCRIPT.format(path=str(run.path)), default_timeout=30).run()
    assert not test.exception
    assert not test.caption  # closed, it does not even look for moments
    test = opened(run)
    assert offered(test) == ""
    assert films == []
    make(test)
    assert len(films) == 1
    assert f"GIF, {len(films[0]) / 1e6:.1f}\u00a0MB" in offered(test)
    test.run()
    assert len(films) == 1
    assert offered(test)
    # Another would be another film, which is made when it is asked for; the first is not offered as that.
    choose(test, "Ink", "White on black")
    test.run()
    assert offered(test) == ""
    assert len(films) == 1
    make(test)
    assert len(films) == 2
    assert films[0] != films[1]


def kept(test: AppTest) -> dict[str, object]:
    """What the tab keeps while it shows this page."""
    found: dict[str, object] = test.session_state[page_state._STATE]
    return found


def test_who_goes_to_another_page_keeps_no_film(run: Run) -> None:
    test = visit("pages/latent.py", run=run.name, panel="save")
    button(test, "Export training video").click().run()
    kept(test)[component._FILM] = None, b"a film"
    assert component._FILM in kept(test.run())  # newer weights of a live run close nothing
    on_latent = {key: test.session_state[key] for key in (page_state._PAGE, page_state._STATE)}
    test = visit("pages/reconstructions.py", on_latent, run=run.name)
    assert component._FILM not in kept(test)


def test_a_film_of_other_moments_is_not_offered(run: Run, films: list[bytes]) -> None:
    model = run.load_model()
    save_model(run.model_path, model, run.config, 30, 2.5)
    test = make(opened(run))
    assert offered(test)
    model.decoder.linear("logits").bias.data += 0.1
    save_model(run.model_path, model, run.config, 36, 3.0)  # it went on
    test.run()
    assert offered(test) == ""
    assert len(films) == 1


def test_a_damaged_snapshot_is_left_out_as_on_the_slider(run: Run, films: list[bytes]) -> None:
    snapshots = run.snapshots()
    snapshots[1].write_bytes(snapshots[1].read_bytes()[:1000])
    test = opened(run)
    assert f"through the {len(snapshots) - 1} moments" in test.caption[0].value
    make(test)
    assert not test.error
    assert len(films) == 1


def test_it_ends_with_the_weights_that_are_explored_and_says_what_the_slider_says(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[list[snapshots.ModelAtStep], Sequence[str]]] = []

    def frames(of: snapshots.SnapshotSequence, captions: Sequence[str], *_: object, **__: object) -> Film:
        drawn.append((list(of), captions))
        return Film(iter([np.zeros((10, 10), np.uint8)]), [50])

    monkeypatch.setattr(f"{component.__name__}.map_film", frames)
    steps = [int(path.stem) for path in run.snapshots()]
    # As where a training was stopped between two snapshots, and went on since.
    save_model(run.model_path, run.load_model(), run.config, steps[3] + 1, 1.5)
    make(opened(run))
    [(moments, captions)] = drawn
    assert [moment.step for moment in moments] == [*steps[:4], steps[3] + 1]
    test = loaded_model.load(run).test
    assert moments[-1].model is loaded_model.load(run).model
    assert np.array_equal(moments[-1].means, test.means)
    model = moments[-1].model
    assert np.array_equal(
        moments[-1].reconstructions,
        model.decode(model.encode(forward.pixels(test.images[test.examples])).mean),
    )
    assert captions == [
        moment.short_caption for moment in run_moments.load(run, loaded_model.load(run)).moments
    ]
    assert f"step {steps[3] + 1} · epoch 1.50 · test {test.reconstruction.mean():.1f} + KL" in captions[-1]


def test_the_run_that_comes_with_the_project_can_be_filmed(films: list[bytes]) -> None:
    streamlit.cache_resource.clear()
    test = opened(Run(BUNDLED))
    assert "through the 20 moments" in test.caption[0].value
    choose(test, "Film of", "Images")
    assert offered(make(test.run()))
    with Image.open(io.BytesIO(films[0])) as image:
        assert len(list(ImageSequence.Iterator(image))) == 20


def test_a_caption_says_what_is_known() -> None:
    moment = Moment(4690, None, 10.0, None, Cost(130.96, 7.1), Cost(131.04, 7.0))
    assert moment.caption == "step 4,690 · epoch 10.00 · test: reconstruction 131.0 + KL 7.0 = 138.0 nats"
    short = "step 4,690 · epoch 10.00 · train 131.0 + KL 7.1 · test 131.0 + 7.0 nats"
    assert moment.short_caption == short
    moment = Moment(60, None, 0.125, None, Cost(184.06, 5.25), None)
    assert moment.caption == "step 60 · epoch 0.13 · train: reconstruction 184.1 + KL 5.3 = 189.3 nats"
    assert moment.short_caption == "step 60 · epoch 0.13 · train 184.1 + KL 5.3 nats"
    assert Moment(0, None, None, None, None, None).caption == "step 0"
    moment = Moment(60, None, 0.125, None, None, Cost(13_350.5, 7), values=3 * 32**2)
    assert moment.caption.endswith("test: reconstruction 13350.5 + KL 7.0 = 13357.5 nats, 6.273 bits/dim")


@pytest.mark.parametrize("what", ["Map", "Images"])
@pytest.mark.parametrize("kind", ["GIF", "WebP"])
def test_the_film_is_what_was_chosen(run: Run, films: list[bytes], what: str, kind: str) -> None:
    test = opened(run)
    choose(test, "Film of", what)
    choose(test, "Format", kind)
    choose(test, "Pixels across", 540)
    test.slider[0].set_value(5)
    make(test.run())
    with Image.open(io.BytesIO(films[0])) as image:
        assert image.format == kind.upper()
        assert image.width == 540
        assert (image.height > 540) == (what == "Map")
        durations = []
        for frame in ImageSequence.Iterator(image):
            frame.load()
            durations.append(frame.info["duration"])
    assert sum(durations) == 5000
    if what == "Images":
        assert len(durations) == len(run.snapshots())


def test_a_visitor_of_a_read_only_page_may_save(
    run: Run, films: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAE_READ_ONLY", "1")
    assert offered(make(opened(run)))
    assert len(films) == 1


@pytest.mark.parametrize("known", [1, 2])
def test_too_few_moments_get_a_sentence(run: Run, known: int) -> None:
    for path in run.snapshots()[known - 1 :]:  # the last moment is no snapshot
        path.unlink()
    test = opened(run)
    assert [each.label for each in test.button] == ["Export training video"]
    assert f"has {known} moment{'s' * (known != 1)}, and a film takes 3" in test.info[0].value


def test_while_somebody_elses_is_made_there_is_a_sentence(run: Run, films: list[bytes]) -> None:
    test = opened(run)
    with component._one_film_at_a_time():
        make(test)
        assert "Somebody else's film is being made" in test.error[0].value
        assert films == []
    assert offered(make(test))
    assert not test.error


def test_a_film_that_breaks_off_lets_the_next_one_begin(
    run: Run, films: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    test = opened(run)

    def torn() -> Iterator[Frame]:
        yield np.zeros((10, 10), np.uint8)
        raise VaeError("It is torn.")

    with monkeypatch.context() as patch:
        patch.setattr(f"{component.__name__}.map_film", lambda *_, **__: Film(torn(), [50, 50]))
        make(test)
    assert "It is torn" in test.error[0].value
    assert offered(test) == ""
    assert offered(make(test))
    assert len(films) == 1


def test_latent_spaces_of_more_dimensions_too(wide: Run, small: Path, films: list[bytes]) -> None:
    shutil.copytree(wide.path, small / wide.name)
    assert offered(make(opened(Run(small / wide.name))))
    assert len(films) == 1


def test_the_readmes_film_is_one_of_these() -> None:
    path = ROOT / "docs" / "pictures" / "journey.gif"
    assert path.name in (ROOT / "README.md").read_text(encoding="utf-8")
    assert path.stat().st_size <= 3_000_000
    colours = set(map(tuple, palette(INKS[0]).tolist()))
    with Image.open(path) as image:
        assert image.width in component.SIZES
        frames = [
            (np.asarray(frame.convert("RGB")), frame.info["duration"])
            for frame in ImageSequence.Iterator(image)
        ]
    assert sum(duration for _, duration in frames) in range(4000, 30_001, 1000)
    for pixels, _ in frames[::30]:
        assert set(map(tuple, np.unique(pixels.reshape(-1, 3), axis=0).tolist())) <= colours


@pytest.mark.browser
def test_the_slider_says_the_same(workshop: Workshop, page: Page, run: Run) -> None:
    script = f"""
from pathlib import Path
from pages.components.runs import loaded_model
from pages.components.runs import run_moments
from pages.components.stores.decoder import decoder_store
from pages.components.stores.moments import moments_store
from pages.components.map.time_machine import time_machine
from vae.runs.run import Run

run = Run(Path({str(run.path)!r}))
explored = loaded_model.load(run)
decoder_store(explored.decoder)
time_machine(moments_store(run_moments.load(run, explored)), stripes=["red"] * 10, key="time")
"""
    moments = run_moments.load(run, loaded_model.load(run)).moments
    page.goto(workshop.serve_script(script).address())
    page.get_by_role("button", name="One moment back").wait_for()
    for moment in reversed(moments):
        expect(page.locator(".time-machine-text")).to_have_text(moment.caption)
        page.get_by_role("button", name="One moment back").click()


@pytest.mark.browser
def test_it_is_saved(workshop: Workshop, page: Page, run: Run) -> None:
    page.set_viewport_size({"width": 1400, "height": 600})
    page.goto(workshop.serve_script(SCRIPT.format(path=str(run.path))).address())
    page.get_by_role("button", name="Export training video").click()
    make = page.get_by_role("button", name="Make the film")
    expect(make).to_be_in_viewport(ratio=1)
    page.get_by_text("360", exact=True).click()
    make.click()
    page.get_by_role("button", name="Save it").wait_for()
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save it").click()
    assert saving.value.suggested_filename == f"{run.name}-map-360.gif"
    with Image.open(saving.value.path()) as image:
        assert image.width == 360
        *_, last = (np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image))
    # What is closed keeps no film. The key goes to the dialog: a download may take the focus out of it.
    page.get_by_role("dialog").press("Escape")
    expect(make).to_be_hidden()
    page.get_by_role("button", name="Export training video").click()
    make.wait_for()
    expect(page.get_by_role("button", name="Save it")).to_be_hidden()
    assert len(np.unique(last.reshape(-1, 3), axis=0)) > 20
