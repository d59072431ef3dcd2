"""What a click on the Latent page must not cost: all that was drawn, searched and selected before it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pages import latent
from pages.components.map import map_data
from pages.components.map.lasso import summarize_region
from pages.components.map.latent_map import Region
from pages.components.runs import loaded_model
from pages.components.shell import assets
from pages.components.stores import pictures
from tests.support.app_test import PAGES, component, messages, tell, visit
from tests.support.small_runs import save_model, with_numpy
from vae import VaeError
from vae.inference.forward import Model
from vae.inference.planes import axis_directions
from vae.runs.run import Run


def counted(monkeypatch: pytest.MonkeyPatch, name: str, owner: object = map_data) -> list[Any]:
    """Arguments of all calls of a function of a module or class from now on."""
    calls: list[Any] = []
    before: Callable[..., object] = getattr(owner, name)

    def counting(*arguments: object) -> object:
        calls.append(arguments)
        return before(*arguments)

    monkeypatch.setattr(owner, name, counting)
    return calls


@pytest.mark.usefixtures("runs_dir")
def test_a_click_draws_and_searches_one_place(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    test = visit(PAGES[0], run=trained.name, pins="0.5,1_i3_-1,0.25")
    drawn, searched = (
        counted(monkeypatch, "decode", Model),
        counted(monkeypatch, "nearest_image_per_place"),
    )
    tell(test, {"kind": "click", "number": 1, "z": [0.75, -0.5], "point": None, "points": ""})
    assert len(component(test, "pins")["pins"]) == 4
    assert [places.tolist() for _, places in drawn] == [[[0.75, -0.5]]]
    assert [places.tolist() for _, places in searched] == [[[0.75, -0.5]]]


def test_newer_weights_draw_anew(runs_dir: Path, trained: Run) -> None:
    run = Run(runs_dir / trained.name)
    place = np.array([0.5, -1.5], np.float32)
    loaded = loaded_model.load(run)
    before = map_data.picture_at(loaded, place)
    assert np.array_equal(before, run.saved_model().model.decode(place[None])[0])
    near = np.linalg.norm(loaded.test.means - place, axis=1).argmin()
    assert map_data.nearest_to(loaded, place) == near
    newer = run.load_model()
    for parameter in newer.parameters():
        parameter.data *= 0.8
    save_model(run.model_path, newer, run.config, 1, 0.1)
    after = map_data.picture_at(loaded_model.load(run), place)
    assert np.array_equal(after, with_numpy(newer, run.config).decode(place[None])[0])
    assert not np.array_equal(after, before)


@pytest.mark.usefixtures("runs_dir")
@pytest.mark.usefixtures("runs_dir")
def test_a_standing_selection_is_looked_through_once(wide: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = loaded_model.load(wide)
    region = Region([(-9, -9), (9, -9), (9, 9), (-9, 0)], frozenset(range(5)), "map")
    calls = counted(monkeypatch, "members")

    def of(region: Region, *, train: bool = False, dimensions: tuple[int, int] = (0, 1)) -> object:
        training = loaded_model.training_set(wide, loaded) if train else None
        shown = loaded.test if training is None else training
        points = map_data.points_of(wide, loaded, axis_directions(5, *dimensions), training)
        return map_data.region_summary(loaded, shown, points, region)

    first = of(region)
    assert of(region._replace(revision="the same map")) is first
    assert len(calls) == 1
    others = [
        of(region._replace(classes=frozenset([1]))),
        of(region._replace(corners=region.corners[:3])),
        of(region, train=True),
        of(region, dimensions=(2, 3)),
    ]
    assert len({id(each) for each in (first, *others)}) == len(calls) == 5
    none = summarize_region(loaded.test, np.empty(0, np.int64))
    assert none.counts.sum() == none.picture.sum() == none.place.sum() == 0


def test_traversals_are_drawn_when_they_are_opened(wide: Run, runs_dir: Path) -> None:
    shutil.copytree(wide.path, runs_dir / wide.name)
    test = visit(PAGES[0], run=wide.name)
    with pytest.raises(StopIteration):
        component(test, "traversals")
    test.segmented_control(key="panel").select("traversals").run()
    assert not test.exception
    assert len(component(test, "traversals")["captions"]) == 5


@pytest.mark.usefixtures("runs_dir")
def test_the_map_is_drawn_before_real_pictures_are_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assets, "STATIC", tmp_path)
    packed = counted(monkeypatch, "serve_pictures", pictures)
    seen = []
    monkeypatch.setattr(
        latent, "explorer_map", lambda view, *_: seen.append((view.pictures_url, len(packed)))
    )
    assert "is no z here" in messages(visit(PAGES[0], path="nonsense"))  # though the page ran twice
    assert seen[0] == (None, 0)
    assert seen[1][0] is not None
    assert len(seen) == 2
    url = seen[1][0]
    (tmp_path / Path(url).name).unlink()  # somebody has emptied static/
    visit(PAGES[0])
    assert [each for each, _ in seen[2:]] == [None, url]


@pytest.mark.usefixtures("runs_dir")
def test_the_map_does_without_real_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> str:
        raise VaeError("There is no room.")

    monkeypatch.setattr(assets, "STATIC", tmp_path)
    monkeypatch.setattr(pictures, "serve_pictures", full)
    test = visit(PAGES[0])
    assert messages(test) == "There is no room."
    assert component(test, "map")["pictures"] is None


@pytest.mark.usefixtures("runs_dir")
def test_an_older_address_that_says_manifold_shows_the_decoded_grid() -> None:
    test = visit(PAGES[0], layers="manifold")
    assert component(test, "map")["layers"] == ["manifold"]
    assert test.query_params["layers"] == "decoded grid"
