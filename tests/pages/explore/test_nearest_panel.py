"""What the page says of the chosen place, of its neighbours, and in its sliders."""

import base64
from pathlib import Path

import numpy as np
import pytest

import vae
from tests.support.app_test import PAGES, bars, component, html, messages, visit
from tests.support.small_runs import small_config
from tests.support.tensors import load
from vae.inference.scored_set import ScoredSet, nearest_image_per_place, nearest_images
from vae.inference.scoring import score_images, scored_set
from vae.runs.run import Run


def loaded(run: Run) -> ScoredSet:
    images, labels = load("mnist", train=False)
    return scored_set(images.numpy(), labels.numpy(), score_images(run.saved_model().model, images.numpy()))


@pytest.mark.usefixtures("runs_dir")
def test_a_place_is_shown_with_its_neighbours(trained: Run) -> None:
    page = visit(PAGES[0], run=trained.name, z="0.25,-1.5")
    text, test = html(page), loaded(trained)
    place = np.array([0.25, -1.5], np.float32)
    chosen = component(page, "look")["chosen"]
    assert (chosen["z"], chosen["title"], chosen["number"]) == ([0.25, -1.5], "Free point", None)
    away = np.linalg.norm(test.means - place, axis=1)
    near = np.argsort(away)[:50]
    assert bars(text) == {str(i): int((test.labels[near] == i).sum()) for i in range(10)}
    data = component(page, "chosen_nearest")
    assert data["numbers"] == near[:6].tolist()
    assert data["captions"][0] == [f"{test.labels[near[0]]} · #{near[0]}", f"{away[near[0]]:.3f} away"]
    lead = component(page, "shown_link")
    assert lead["label"] == "Show the nearest in Reconstructions"
    assert lead["query"] == {"run": trained.name, "index": str(near[0])}


@pytest.mark.usefixtures("runs_dir")
def test_a_test_picture_is_shown_beside_what_is_drawn_and_is_no_neighbour_of_itself(trained: Run) -> None:
    page = visit(PAGES[0], run=trained.name, index="3")
    test = loaded(trained)
    chosen = component(page, "look")["chosen"]
    assert (chosen["title"], chosen["number"]) == (f"Test image {test.labels[3]} · #3", 3)
    assert (
        np.frombuffer(base64.b64decode(chosen["image"]), np.uint8).tolist() == test.images[3].ravel().tolist()
    )
    assert chosen["z"] == pytest.approx(test.means[3].tolist())
    assert (chosen["reconstruction"], chosen["kl"]) == pytest.approx((test.reconstruction[3], test.kl[3]))
    assert sum(bars(html(page)).values()) == 50
    assert 3 not in component(page, "chosen_nearest")["numbers"]
    lead = component(page, "shown_link")
    assert lead["label"] == "Show in Reconstructions"
    assert lead["query"] == {"run": trained.name, "index": "3"}
    neighbour = component(page, "chosen_nearest")["numbers"][2]
    page.session_state["chosen_nearest"] = {"clicked": neighbour}
    page.run()
    assert component(page, "look")["chosen"]["number"] == neighbour
    assert [pin["kept"] for pin in component(page, "pins")["pins"]] == [False, False]
    assert component(page, "pins")["query"] == {
        "path": None,
        "lasso": None,
        "z": None,
        "index": str(neighbour),
        "pins": f"i3_i{neighbour}",
    }


ACTIONS: list[dict[str, object]] = [
    {"action": "explode", "pin": 1},
    {"action": [], "pin": 1},
    {"action": "remove"},
    {"action": "remove", "pin": None},
    {"action": "remove", "pin": "x"},
    {"action": "remove", "pin": float("inf")},
    {"action": "remove", "pin": 10**30},
    {"pin": 1},
]


@pytest.mark.parametrize("latent_dim", [1, 5])
def test_coordinates_come_in_the_order_of_what_they_say(latent_dim: int, runs_dir: Path) -> None:
    run = vae.train(small_config(latent_dim=latent_dim, epochs=1), runs_dir)
    asked = ["0.5", "-6.5", "0", "1", "2.25"][:latent_dim]
    page = visit(PAGES[0], run=run.name, panel="coordinates", z=",".join(asked))
    assert messages(page) == ""
    shown = component(page, "coordinates")["rows"]
    kl = loaded(run).kl_by_dimension.mean(axis=0)
    assert [row["dimension"] for row in shown] == np.argsort(-kl).tolist()
    assert [float(row["kl"]) for row in shown] == pytest.approx(np.sort(kl)[::-1], abs=0.006)
    assert {row["name"]: row["value"] for row in shown} == dict(
        zip(("z₁", "z₂", "z₃", "z₄", "z₅"), asked, strict=False)
    )
    page.session_state["coordinates"] = {"pinned": {"z": [1.5] * latent_dim}}
    page.run()
    assert component(page, "pins")["query"]["z"] == ",".join(["1.5"] * latent_dim)
    lists: list[object] = [[1] * 9, "1,2", [float("nan")] * latent_dim, [True] * latent_dim, None]
    for nonsense in (*({"z": each} for each in lists), {}, []):
        page.session_state["coordinates"] = {"pinned": nonsense}
        page.session_state["pins"] = {"events": [{"number": i, **each} for i, each in enumerate(ACTIONS)]}
        page.run()
        assert not page.exception
        assert len(component(page, "pins")["pins"]) == 2
    page.session_state["pins"] = {"events": [{"number": 99, "action": "remove", "pin": 1}]}
    page.run()
    assert len(component(page, "pins")["pins"]) == 1


@pytest.mark.usefixtures("runs_dir")
def test_before_anything_is_pinned_the_panel_says_that_this_is_the_middle() -> None:
    assert component(visit(PAGES[0]), "look")["chosen"]["title"] == "Nothing is pinned: z\u00a0=\u00a00"
    assert component(visit(PAGES[0], z="0,0"), "look")["chosen"]["title"] == "Free point"
    assert "choose two that are not the same" in messages(visit(PAGES[0], path="1,1_1,1"))


@pytest.mark.usefixtures("runs_dir")
@pytest.mark.parametrize("far", ["1e6,-1e6", "0,1000000"])
def test_far_out_nothing_overflows(far: str) -> None:
    page = visit(PAGES[0], z=far)
    assert component(page, "look")["chosen"]["z"] == [float(text) for text in far.split(",")]
    assert sum(bars(html(page)).values()) == 50


def test_the_nearest_are_those_of_a_full_sort() -> None:
    means = np.random.default_rng(0).integers(0, 5, (2000, 2)).astype(np.float32)  # many are equally far
    empty = np.zeros(2000, np.float32)
    test = ScoredSet(np.zeros((2000, 1, 1), np.uint8), empty.astype(int), means, *[empty] * 3)
    for place, but in (([2.2, 2.1], None), ([0, 0], 7), ([9, 9], None)):
        away = np.linalg.norm(means - np.array(place, np.float32), axis=1)
        away[[] if but is None else but] = np.inf
        order, distances = nearest_images(test, np.array(place, np.float32), 50, exclude=but)
        assert np.array_equal(order, np.argsort(away, kind="stable")[:50])
        assert np.array_equal(distances, away[order])
        assert (
            nearest_image_per_place(test, np.array([place], np.float32))
            == np.linalg.norm(means - place, axis=1).argmin()
        )
    assert len(nearest_images(test[[1, 2, 3]], means[0], 9, exclude=1)[0]) == 2
    assert len(nearest_images(test[[1]], means[0], 9, exclude=0)[0]) == 0
