"""Timelines by themselves: handmade lists, frames and snapshots, on a page that shows nothing."""

import struct
from collections.abc import Sequence
from typing import Any

import pytest
from playwright.sync_api import Page, Route

from pages.components.stores.moments import Moment
from tests.support.browser import SLOW

pytestmark = pytest.mark.browser

# Frames come when they are asked for, and whatever decoder is wanted is here.
START = """async () => {
    window.requestAnimationFrame = (frame) => ((window.nextFrame = frame), 1);
    window.decodersOfThisApp = { get: async () => ({}) };
    const { timeline } = await import("/stores/moments/timeline.js");
    window.seen = Object.fromEntries(["left", "right"].map((name) => [name, timeline(name)]));
}"""
FOLLOW = """([name, list]) => window.seen[name].follow({ weights: [], means: [], ...list }, "step")"""
LINK = """(by) => {
    const { left, right } = window.seen;
    left.link(right, by);
    right.link(left, by);
}"""
DO = """([name, act, argument]) => {
    const seen = window.seen[name];
    const owner = act in seen ? seen : seen.playback;
    owner[act](argument);
}"""
STATE = """(name) => {
    const { moments, position, playback, played, trouble, scene } = window.seen[name];
    const { goal, playing } = playback;
    return { position, goal, playing, played, trouble, step: scene && moments[scene.index].step };
}"""
# So many seconds later.
FRAME = """(seconds) => {
    window.now = (window.now ?? 0) + 1000 * seconds;
    const frame = window.nextFrame;
    window.nextFrame = null;
    frame?.(window.now);
    return Boolean(window.nextFrame);
}"""
EMPTY = struct.pack("<Q", 2) + b"{}"  # a snapshot of no tensors


class Visit:
    """A page with two timelines, "left" and "right", whose snapshots come when the test says so."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: dict[str, Route] = {}
        page.route(
            "**/held/*", lambda route: self.asked.update({route.request.url.rpartition("/")[2]: route})
        )

    def follow(self, name: str, moments: Sequence[Moment], *, live: bool = False, run: str = "run") -> None:
        """Gives a timeline its list, and waits until the present is known, if there are snapshots."""
        decoder = "decoder" if any(moment.url for moment in moments) else None
        sent = [moment._asdict() for moment in moments]
        self.page.evaluate(FOLLOW, [name, {"run": run, "live": live, "moments": sent, "decoder": decoder}])
        if decoder:
            self.page.wait_for_function(f"window.seen.{name}.present")

    def do(self, name: str, act: str, argument: object = None) -> None:
        self.page.evaluate(DO, [name, act, argument])

    def state(self, name: str) -> dict[str, Any]:
        state: dict[str, Any] = self.page.evaluate(STATE, name)
        return state

    def position(self, name: str) -> float:
        return float(self.state(name)["position"])

    def at(self, name: str, position: float) -> None:
        """Stands a timeline where it would be in the midst of a play."""
        self.page.evaluate("([name, position]) => Object.assign(seen[name], { position })", [name, position])
        self.do(name, "moved")

    def link(self, by: str | None) -> None:
        self.page.evaluate(LINK, by)

    def frame(self, seconds: float = 0.1) -> bool:
        """Draws a frame so much later, at most 0.1 s; whether another was asked for."""
        return bool(self.page.evaluate(FRAME, seconds))

    def waits_for(self, *names: str) -> None:
        """Waits until these snapshots were asked for."""
        for _ in range(SLOW // 20):
            if self.asked.keys() >= set(names):
                return
            self.page.wait_for_timeout(20)
        raise TimeoutError(f"{names} were not asked for, but {sorted(self.asked)}")

    def bring(self, *names: str) -> None:
        self.waits_for(*names)
        for name in names:
            with self.page.expect_event(
                "requestfinished", lambda request, name=name: request.url.endswith(name)
            ):
                self.asked.pop(name).fulfill(body=EMPTY)
        self.page.evaluate("() => new Promise((done) => setTimeout(done))")

    def fail(self, *names: str) -> None:
        self.waits_for(*names)
        for name in names:
            with self.page.expect_event(
                "requestfailed", lambda request, name=name: request.url.endswith(name)
            ):
                self.asked.pop(name).abort()
        self.page.evaluate("() => new Promise((done) => setTimeout(done))")


@pytest.fixture
def visit(bare_page: Page) -> Visit:
    visit = Visit(bare_page)
    bare_page.evaluate(START)
    return visit


def a_list(*epochs: float | None, each: int = 10, held: str | None = None) -> list[Moment]:
    """A moment for each epoch, `each` steps apart; all but the last have a snapshot, called `held` and its
    number."""
    last = len(epochs) - 1
    address = [None if held is None or k == last else f"held/{held}{k}" for k in range(len(epochs))]
    return [Moment(each * k, address[k], epoch, None, None, None) for k, epoch in enumerate(epochs)]


def a_live_list(snapshots: int) -> list[Moment]:
    """Of a run that trains: its end has the step of the last snapshot."""
    moments = a_list(*range(snapshots))
    return [*moments, moments[-1]._replace(epoch=None)]


def test_a_play_goes_on_where_it_was_when_a_snapshot_comes(visit: Visit) -> None:
    visit.follow("left", a_live_list(4), live=True)
    for position in (3.6, 2.4, 1):
        visit.at("left", position)
        visit.follow("left", a_live_list(5), live=True)
        assert visit.position("left") == position
        visit.follow("left", a_live_list(4), live=True)
    visit.do("left", "seek", 4)
    visit.follow("left", a_live_list(5), live=True)
    assert visit.position("left") == 5  # who stands at the end follows it
    visit.follow("left", a_live_list(4), live=True)
    visit.do("left", "seek", 2)
    # A moment that stood before it is seen to be damaged.
    visit.follow("left", [*a_live_list(4)[:1], *a_live_list(4)[2:]], live=True)
    assert visit.position("left") == 1


def test_a_step_to_the_end_leads_to_the_end_that_comes_meanwhile(visit: Visit) -> None:
    visit.follow("left", a_live_list(4), live=True)
    for start, goal in ((3, 5), (1, 2)):
        visit.follow("left", a_live_list(4), live=True)
        visit.at("left", start)
        visit.do("left", "step", 1)
        visit.follow("left", a_live_list(5), live=True)
        assert visit.state("left")["goal"] == goal
        while visit.frame():
            pass
        assert visit.position("left") == goal


def test_a_link_moves_to_the_step_of_its_url(visit: Visit) -> None:
    """Links and the Back button change the URL without a reload, and dispatch `popstate`."""

    def go(query: str) -> None:
        visit.page.evaluate("(query) => history.pushState(null, '', query)", query)
        visit.page.evaluate("dispatchEvent(new PopStateEvent('popstate'))")

    visit.follow("left", a_list(*range(5)), run="one")
    assert visit.position("left") == 4
    go("?run=one&step=10")
    assert visit.position("left") == 1
    go("?run=one&step=29")
    assert visit.position("left") == 3
    go("?run=one")
    assert visit.position("left") == 4, "a URL without a step is of the end"
    go("?run=two&step=20")
    visit.follow("left", a_list(*range(9)), run="two")
    assert visit.position("left") == 2
    visit.follow("left", a_list(*range(5)), run="one")  # by the run picker: the step was the other run's
    assert visit.position("left") == 4
    go("?run=one&step=0")
    go("?run=two&step=0")
    visit.follow("left", a_list(*range(9)), run="two")
    assert visit.position("left") == 0, "the same step, of another run"


def test_two_go_along_to_the_same_step_or_epoch(visit: Visit) -> None:
    # An epoch is 20 steps of the one, and 40 of the other.
    visit.follow("left", a_list(0, 0.5, 1, 1.5, 2, 3))
    visit.follow("right", a_list(0, 1, 2, each=40), run="other")
    for by, places in (
        ("step", {0: 0, 1: 0.25, 2.5: 0.625, 4: 1, 5: 1.25}),
        ("epoch", {0: 0, 1: 0.5, 2.5: 1.25, 4: 2, 5: 2}),
    ):
        visit.link(by)
        for position, other in places.items():
            visit.at("left", position)
            assert visit.position("right") == pytest.approx(other), (by, position)
    for by, back in (
        ("step", {0: 0, 0.5: 2, 1: 4, 1.5: 5, 2: 5}),
        ("epoch", {0: 0, 0.5: 1, 1.5: 3, 2: 4}),
    ):
        visit.link(by)
        for position, other in back.items():
            visit.at("right", position)
            assert visit.position("left") == pytest.approx(other), (by, position)


def test_moments_of_no_known_epoch_take_no_part_in_a_link_by_epoch(visit: Visit) -> None:
    visit.follow("left", a_list(0, None, 2, None, 4))
    visit.follow("right", a_list(None, 1, 2, 3, None), run="other")
    visit.link("epoch")
    for position, other in {1: 1, 2: 2, 3: 3, 2.5: 2.5, 0: 1, 4: 3}.items():
        visit.at("left", position)
        assert visit.position("right") == pytest.approx(other), position
    # Where one of them knows less than two, each stands alone.
    visit.follow("right", a_list(None, None, 2), run="third")
    visit.do("right", "seek", 1)
    assert visit.position("left") == 4
    visit.do("left", "seek", 0)
    assert visit.position("right") == 1


def test_a_snapshot_that_fails_is_trouble_where_it_is_wanted_and_nowhere_else(visit: Visit) -> None:
    visit.follow("left", a_list(*range(6), held="old"))
    visit.do("left", "prefetch")
    visit.waits_for("old0")
    # Another run is here by now.
    visit.follow("left", a_list(*range(6), held="new"), run="other")
    visit.do("left", "seek", 3)
    visit.fail("old0", "old4")
    assert visit.state("left")["trouble"] == ""
    visit.bring("new3")
    assert visit.state("left") | {"step": 30, "trouble": ""} == visit.state("left")
    # What is only fetched beside it.
    visit.fail("new2")
    assert visit.state("left")["trouble"] == ""
    visit.do("left", "seek", 1)
    visit.fail("new1")
    assert "cannot be fetched" in visit.state("left")["trouble"]
    assert visit.state("left")["step"] == 30  # what is seen stays
    visit.do("left", "seek", 3)
    assert visit.state("left")["trouble"] == ""


def test_a_play_stops_at_what_it_lacks_and_not_before(visit: Visit) -> None:
    visit.follow("left", a_list(*range(6), held="own"))
    visit.do("left", "seek", 0)
    visit.bring("own0")
    visit.do("left", "play")
    visit.frame()
    visit.bring("own1", "own2")
    visit.fail("own3")  # not wanted yet
    assert visit.state("left") | {"playing": True, "trouble": ""} == visit.state("left")
    visit.frame(0)
    while visit.position("left") < 2:
        assert visit.frame()
    visit.frame()
    assert visit.position("left") == 2  # it waits, and has asked again
    visit.fail("own3")
    assert not visit.state("left")["playing"]
    while visit.frame():
        pass
    assert visit.position("left") == 2
    assert "cannot be fetched" in visit.state("left")["trouble"]
    visit.do("left", "play")
    assert visit.state("left")["trouble"] == ""
    visit.frame(0)
    visit.frame()
    visit.bring("own3", "own4")
    while visit.frame():
        pass
    assert visit.state("left") | {"position": 5, "trouble": "", "playing": False} == visit.state("left")


def test_a_play_waits_for_both_and_fetches_for_both(visit: Visit) -> None:
    visit.follow("left", a_list(*range(8), held="left"))
    visit.follow("right", a_list(*range(8), held="right"), run="other")
    visit.link("step")
    visit.do("left", "seek", 0)
    visit.bring("left0", "right0")
    visit.do("left", "play")
    assert visit.state("right") | {"playing": False, "played": True} == visit.state("right")
    visit.frame(0)
    visit.frame()
    visit.bring(
        "left1", "left2", "left3", "left4", "right1", "right3", "right4"
    )  # which comes before it is needed
    for _ in range(12):
        visit.frame()
    assert [visit.position(name) for name in ("left", "right")] == [1, 1]
    visit.bring("right2")
    for _ in range(12):
        visit.frame()
    assert visit.position("left") == visit.position("right") > 3
    # What one of them lacks stops both, and is said where it is lacking.
    while visit.position("left") < 4:
        visit.frame()
    visit.frame()
    visit.bring("left5")
    visit.fail("right5")
    assert not visit.state("right")["played"]
    while visit.frame():
        pass
    assert [visit.position(name) for name in ("left", "right")] == [4, 4]
    assert [bool(visit.state(name)["trouble"]) for name in ("left", "right")] == [False, True]
    visit.do("left", "seek", 1)
    assert visit.state("right")["trouble"] == ""
