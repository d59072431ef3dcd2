"""What comes from browsers to the Latent page: addresses and events, also such as ours would not send."""

import itertools
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.exceptions import StopException
from streamlit.testing.v1 import AppTest

from pages import latent
from pages.components.explore.events import handle_events
from pages.components.map.explorer_map import View
from pages.components.map.latent_map import Click, Line, Region, Undo
from pages.components.map.pins import Pins
from tests.support.app_test import PAGES, component, html, messages, on_this_map, tell, visit
from tests.support.small_runs import save_model, score_training_set, small_config
from vae.runs.catalogue import new_run
from vae.runs.records import Status
from vae.runs.run import Run
from vae.runs.titles import title_of

NAN, INF = float("nan"), float("inf")


def click(number: object, z: object = (0.5, -0.25), point: object = None, points: object = "") -> Any:
    return {"kind": "click", "number": number, "z": z, "point": point, "points": points}


def line(number: object, start: object, end: object) -> Any:
    return {"kind": "line", "number": number, "from": start, "to": end}


def pins(test: AppTest) -> list[str]:
    return [pin["text"] for pin in component(test, "pins")["pins"]]


def assert_usable(test: AppTest) -> None:
    """That a click on the map is answered."""
    before = component(test, "map")["pins"]
    number = component(test, "map")["acknowledged"] + 1
    after = component(tell(test, click(number, [1.5, -2])), "map")
    assert len(after["pins"]) == min(len(before) + 1, 24)
    assert after["pins"][-1] == pytest.approx([1.5, -2])
    assert after["acknowledged"] == number
    assert component(test, "look")["chosen"]["z"] == pytest.approx([1.5, -2])


NONSENSE_IN_CONTROLS = ("colour", "layers", "pictures", "way", "window", "x", "rest")


@pytest.mark.parametrize(
    ("query", "sentences"),
    [
        (
            {"z": "nan,1", "index": "200", "pins": "1,2_x", "path": "1,2_nan,0"},
            ["no z here: it is 2 numbers", "no test image '200'", "'x' is no pin here"],
        ),
        (dict.fromkeys(NONSENSE_IN_CONTROLS, "nonsense"), []),
    ],
)
@pytest.mark.usefixtures("runs_dir")
def test_an_invalid_url_leaves_the_page_usable(query: dict[str, str], sentences: list[str]) -> None:
    test = visit(PAGES[0], None, **query)
    shown = messages(test)
    assert all(sentence in shown for sentence in sentences)
    assert (shown == "") == (not sentences)
    data = component(test, "map")
    assert (data["colouring"], data["layers"]) == ("class", ["points", "manifold", "prior"])
    assert data["line"] is None
    assert_usable(test)


def test_a_run_in_its_first_batch_gets_a_sentence_and_a_way_out(runs_dir: Path, trained: Run) -> None:
    run = new_run(small_config(seed=5), runs_dir)
    with run.lock():
        run.write_status(Status(state="running", total_steps=36))
        test = visit(PAGES[0], run=run.name)
        assert f"{title_of(run)} has no weights yet" in messages(test)
        test.sidebar.selectbox[0].select(trained.name).run()
    assert messages(test) == ""
    assert_usable(test)


NUMBERS: list[Any] = [None, "x", NAN, INF, [], {}]
PLACES: list[Any] = [
    *NUMBERS,
    [],
    [1],
    [1, 2, 3],
    [NAN, 0],
    [0, INF],
    "ab",
    {"a": 1, "b": 2},
    [10**400, 0],
    [[0], 1],
]
OTHERS: list[Any] = ["another", None, [], 5]
HOSTILE: list[Any] = [
    *(None, 17, "click", [], {}, {"kind": "click"}, {"kind": "nonsense", "number": 1}),
    *(click(number) for number in NUMBERS),
    *(click(1, z) for z in PLACES),
    *(click(1, [0, 0], point) for point in NUMBERS[1:]),
    {"kind": "undo", "number": 1},
    *({"kind": "undo", "number": 1, "of": of} for of in NUMBERS),
    *(line(1, start, [0, 0]) for start in PLACES),
    *(line(1, [0, 0], end) for end in PLACES),
]


def region(number: int, corners: object, classes: object, revision: object) -> Any:
    return {"kind": "region", "number": number, "corners": corners, "classes": classes, "revision": revision}


WHOLE = [[-9, -9], [9, -9], [0, 9]]


@pytest.mark.usefixtures("runs_dir")
def test_invalid_events_do_nothing() -> None:
    test = visit(PAGES[0])
    revision = component(test, "map")["revision"]
    regions = [
        *(region(1, [*WHOLE, corner], [1], revision) for corner in PLACES),
        *(region(1, WHOLE, classes, revision) for classes in ([None], ["x"], [INF], 5, None)),
    ]
    numbered = [
        event | {"number": number} if isinstance(event, dict) and event.get("number") == 1 else event
        for number, event in enumerate((*HOSTILE, *regions), start=1)
    ]
    for events in ("x", 5, {"kind": "click"}, None, numbered):
        told = on_this_map(test, *events) if isinstance(events, list) else events
        test.session_state["map"] = {"events": told}
        test.run()
        assert not test.exception
        data = component(test, "map")
        assert (data["pins"], data["line"], data["region"]) == ([], None, None), events
    assert messages(test) == ""
    assert_usable(test)


@pytest.mark.usefixtures("runs_dir")
def test_what_was_done_on_the_map_of_another_run_is_left_out_with_a_sentence() -> None:
    test = visit(PAGES[0])
    for number, another in enumerate(OTHERS):
        elsewhere = {"revision": another, "decoder": another}
        for event in (click(number), line(number, [0, 0], [1, 1]), region(number, WHOLE, [1], another)):
            test.session_state["map_acknowledged"].last = -1
            data = component(tell(test, event | elsewhere), "map")
            assert (data["pins"], data["line"], data["region"]) == ([], None, None), event
            assert "Do it again on this one" in messages(test)
    test.session_state["map_acknowledged"].last = -1
    # Another plane of this run, and newer weights of it: a place stays what it is.
    tell(test, click(1) | {"revision": "another"}, line(2, [0, 1], [2, 3]) | {"decoder": "another"})
    assert messages(test) == ""
    assert component(test, "map")["pins"] == [[0.5, -0.25]]
    assert component(test, "map")["line"][-1] == [2, 3]
    assert_usable(test)


@pytest.mark.parametrize(("far", "sentence"), [(2e6, "No image lies in there"), (-1e300, "Draw it again")])
@pytest.mark.usefixtures("runs_dir")
def test_places_too_far_out_get_a_sentence(far: float, sentence: str) -> None:
    test = visit(PAGES[0])
    revision = component(test, "map")["revision"]
    tell(test, click(1, [far, 0]), line(2, [0, 0], [far, 0]))
    assert "Nothing is pinned beyond ±1,000,000" in messages(test)
    assert "No path is drawn beyond ±1,000,000" in messages(test)
    assert component(test, "map")["pins"] == []
    assert component(test, "map")["line"] is None
    tell(test, region(3, [[99, 99], [far, 99], [99, far]], [1], revision))
    assert sentence in messages(test)
    tell(test, region(4, [], [], revision))
    assert_usable(test)


@pytest.mark.usefixtures("runs_dir")
def test_ten_thousand_events_at_once_are_answered() -> None:
    test = visit(PAGES[0])
    tell(test, *(click(1 + i, [i / 10_000, 0]) for i in range(10_000)))
    assert len(component(test, "map")["pins"]) == 24
    tell(test, *(click(10_001 + i, [1e9, 0]) for i in range(10_000)))
    assert 1 <= len(test.warning) <= 100
    tell(test, region(30_000, [[0, 0]] * 2001 + ["unread"], [1], component(test, "map")["revision"]))
    assert "Draw it again" in messages(test)
    assert_usable(test)


HAPPENED = """
import itertools
import streamlit as st
from pages.components.map.latent_map import new_events
st.session_state.events = list(itertools.islice(new_events("map"), st.session_state.count))
"""


def test_what_happened_is_heard_once_and_in_order() -> None:
    test = AppTest.from_string(HAPPENED)

    def heard(*events: object, count: int = 99) -> list[object]:
        test.session_state["map"] = {"events": list(events)}
        test.session_state["count"] = count
        test.run()
        assert not test.exception
        return list(test.session_state["events"])

    assert heard() == []
    here = {"revision": "a map", "decoder": "a run"}
    first = 1, Click([0.5, -0.25], 3, "mine", "a map", "a run")
    told = [click(1, point=3, points="mine") | here, {"kind": "undo", "number": 2, "of": 1}]
    assert heard(*told, count=1) == [first]  # and there the run is broken off, before it was carried out
    assert heard(*told) == [first, (2, Undo(1))]
    third = line(3, [0, 1, 2], [2, 3, 4]) | here
    # A browser tells until it is answered.
    assert heard(*told, third) == [(3, Line([0, 1, 2], [2, 3, 4], "a map", "a run"))]
    fourth = region(4, [[0, 0], [1, 0], [1, 1]], [1, 1, 7], "a map")
    assert heard(*told, third, fourth) == [(4, Region([(0, 0), (1, 0), (1, 1)], frozenset({1, 7}), "a map"))]
    assert heard(*told, third, fourth) == []
    another = Click([0.5, -0.25], None, "", "a map", "a run")
    told = [click(9), click(8), click(9), {"kind": "?", "number": 10}, click(11)]
    assert heard(*(event | here for event in told), click(12)) == [(9, another), (11, another)]
    assert heard(click(10) | here) == []


@pytest.mark.usefixtures("runs_dir")
def test_events_are_carried_out_in_turn(trained: Run) -> None:
    test = visit(PAGES[0], run=trained.name)
    points, revision = (component(test, "map")[name] for name in ("points", "revision"))
    picture = click(2, point=7, points=points)
    tell(test, click(1), picture, click(3, [2, 2]), {"kind": "undo", "number": 4, "of": 3})
    data = component(test, "map")
    assert len(data["pins"]) == 2
    assert data["chosen"] == 1
    assert data["pins"][0] == [0.5, -0.25]
    assert data["ellipse"]["at"] == data["pins"][1]  # of the picture
    # Only the click before can be the first half of a double click, and only once.
    tell(test, {"kind": "undo", "number": 5, "of": 3}, {"kind": "undo", "number": 6, "of": 1})
    assert len(component(test, "map")["pins"]) == 2
    # A picture that there is not is a place.
    others = (200, points), (-1, points), (7, "of another map")
    tell(test, *(click(7 + i, [1, i], *other) for i, other in enumerate(others)))
    assert component(test, "map")["pins"][2:] == [[1, 0], [1, 1], [1, 2]]

    tell(test, line(10, [0, 1], [2, 3]))
    drawn_line = component(test, "map")["line"]
    assert (drawn_line[0], drawn_line[-1]) == ([0, 1], [2, 3])
    assert np.diff(np.array(drawn_line), axis=0) == pytest.approx(np.full((60, 2), 2 / 60), abs=1e-5)
    everywhere = [[-99, -99], [99, -99], [99, 99], [-99, 99]]
    tell(test, region(11, everywhere, list(range(10)), revision))
    assert "200 test images selected" in html(test)
    tell(test, region(12, everywhere, [5], revision))
    fives = sum(label == 5 for label in labels())
    assert f"{fives} test images selected" in html(test)
    tell(test, region(13, [], [], revision))
    assert "selected" not in html(test)
    assert component(test, "map")["line"] == drawn_line  # it stays


def breaking_off(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often Streamlit may yet look for a newer request, while events are carried out, before it breaks
    off the run; it does not where this is empty."""
    left: list[int] = []
    running: list[bool] = []
    look = ScriptRunner._maybe_handle_execution_control_request

    def looking(runner: ScriptRunner) -> None:
        if running and left:
            left[0] -= 1
            if left[0] < 0:
                left.clear()
                raise StopException
        look(runner)

    def carrying_out(view: View) -> tuple[Pins, bool]:
        running.append(True)
        try:
            return handle_events(view)
        finally:
            running.clear()

    monkeypatch.setattr(ScriptRunner, "_maybe_handle_execution_control_request", looking)
    monkeypatch.setattr(latent, "handle_events", carrying_out)
    return left


@pytest.mark.usefixtures("runs_dir")
def test_an_event_is_carried_out_once_wherever_a_run_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    left = breaking_off(monkeypatch)
    keep = {"action": "keep", "pin": 0, "number": 1}  # once more would take it back
    events = click(1, [1, 1]), click(2, [2, 2]), {"kind": "undo", "number": 3, "of": 2}
    for after in itertools.count(step=3):  # of about fifty places
        test = visit(PAGES[0], pins="0,1")
        told = on_this_map(test, *events)  # before a run is broken off, as there is no map after it
        left.append(after)
        wholes: list[bool] = []
        for _ in range(2):
            test.session_state["pins"] = {"events": [keep]}
            test.session_state["map"] = {"events": told}
            test.run()
            assert not test.exception
            wholes.append(bool(left))
            left.clear()
        assert component(test, "map")["pins"] == [[0, 1], [1, 1]], after
        assert [pin["kept"] for pin in component(test, "pins")["pins"]] == [True, False]
        if wholes[0]:
            break
    assert after > 10


def labels() -> list[int]:
    from vae.datasets.registry import load

    return [int(label) for label in load("mnist", train=False)[1]]


@pytest.mark.usefixtures("runs_dir")
def test_of_two_pins_at_the_same_place_the_chosen_one_is_marked() -> None:
    assert component(visit(PAGES[0], pins="1,1_1,1_2,2", z="1,1"), "map")["chosen"] == 1


@pytest.mark.usefixtures("runs_dir")
def test_a_path_between_pins_begins_with_the_last_two_in_another_row() -> None:
    test = visit(PAGES[0], {"between_pins": True}, pins="1,0_2,0_3,0")

    def ends() -> list[str]:
        return [box.format_func(box.value) for box in test.selectbox if box.label in ("From", "To")]

    next(box for box in test.selectbox if box.label == "From").select_index(0).run()
    assert ends() == ["1: (1.00, 0.00)", "3: (3.00, 0.00)"]
    test.session_state["pins"] = {"events": [{"action": "remove", "pin": 0, "number": 1}]}
    tell(test, click(1, [4, 0]))  # as many as before
    assert ends() == ["2: (3.00, 0.00)", "3: (4.00, 0.00)"]
    next(button for button in test.button if button.label == "Draw it").click().run()
    data = component(test, "map")["line"]
    assert (data[0], data[-1]) == ([3, 0], [4, 0])


@pytest.mark.parametrize(("plane", "stays"), [("two axes", True), ("principal components", False)])
def test_a_lasso_on_principal_components_goes_with_their_weights(
    plane: str, stays: bool, runs_dir: Path, wide: Run
) -> None:
    run = Run(shutil.copytree(wide.path, runs_dir / wide.name))
    test = visit(PAGES[0], run=run.name, plane=plane)
    corners = [[-9, -9], [9, -9], [0, 9]]
    tell(test, region(1, corners, [1], component(test, "map")["revision"]))
    assert component(test, "map")["region"] == corners
    model = run.load_model()
    for parameter in model.parameters():
        parameter.data *= 1.5
    save_model(run.model_path, model, run.config, 1, 0.1)
    test.run()
    assert component(test, "map")["region"] == (corners if stays else None)


def test_points_of_the_training_set_are_places_to_a_click(runs_dir: Path, trained: Run) -> None:
    score_training_set(Run(runs_dir / trained.name))
    test = visit(PAGES[0], pictures="training")
    tell(test, click(1, point=7, points=component(test, "map")["points"]))
    assert component(test, "map")["pins"] == [[0.5, -0.25]]
    assert component(test, "map")["ellipse"] is None
