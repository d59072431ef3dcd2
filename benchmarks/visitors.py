"""Visitors who know what they did: each does one thing after the other, and looks whether it sees its own.

One is a websocket session, the other a page of a real browser. What one does has coordinates and numbers that
no other uses, so that whatever comes from another session is known as such.
"""

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol, Self

from playwright.async_api import Page, expect
from playwright.async_api import TimeoutError as PlaywrightTimeoutError
from streamlit.proto.Selectbox_pb2 import Selectbox

from benchmarks.sessions import Session
from tests import walking
from tests.browser import PLACE, READY, SLOW

MAP, GALLERY, TRAIN = "", "reconstructions", "train"  # as Streamlit names the pages
QUEUE = f"{walking.MAP}.queue"  # of the map's events
TITLES = {MAP: "Latent space", GALLERY: "Reconstructions", TRAIN: "Train"}
REACH = 1.5  # places are at most so far from 0: on every run's map
SHOWN = 20  # pictures that a page of the gallery has at least
Place = tuple[float, float]


class StrangeError(Exception):
    """What a visitor sees is not what it did."""


class Window(Protocol):
    """What is open before a visitor. Each returns the seconds until it was answered, and raises
    StrangeError if what is then seen is another's."""

    async def click(self, place: Place) -> float:
        """Pins a place of the map."""

    async def draw(self, start: Place, end: Place) -> float:
        """Draws a path on the map."""

    async def open(self, number: int) -> float:
        """Opens the picture of that number on the gallery's first page."""

    async def close(self) -> float:
        """Closes it."""

    async def turn(self, page: str, run: str) -> float:
        """Goes to another page, where `run` stays the selected one."""

    async def choose(self, run: str, page: str) -> float:
        """Chooses a run on a page."""

    async def leave(self) -> None:
        """Ends it."""

    @property
    def errors(self) -> list[str]:
        """What went wrong in it."""


class Tab:
    """A websocket session; it draws nothing, and asks as a browser does."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.places: list[Place] = []
        self._events = 0

    def _map(self) -> Any:
        """The data of the map."""
        texts = (delta.new_element.bidi_component.json for delta in self.session.deltas.values())
        return json.loads(next(text for text in texts if '"key": "map"' in text))

    def _box(self) -> Selectbox:
        """The box of runs in the sidebar."""
        boxes = (delta.new_element.selectbox for delta in self.session.deltas.values())
        return next(box for box in boxes if box.label == "Run")

    def _headings(self) -> list[str]:
        return [delta.new_element.heading.body for delta in self.session.deltas.values()]

    async def _tell(self, **event: object) -> tuple[float, Any]:
        """Something happens on the map: the seconds until it was answered, and the map's data then."""
        before = self._map()
        self._events = max(self._events, before["acknowledged"]) + 1
        here = {name: before[name] for name in ("points", "decoder", "revision")}
        told = [{"event": "events", "value": [{**here, **event, "number": self._events}]}]
        seconds = await self.session.change("map", json_trigger_value=json.dumps(told))
        after = self._map()
        _same("events heard", after["acknowledged"], self._events)
        return seconds, after

    async def click(self, place: Place) -> float:
        self.places.append(place)
        seconds, after = await self._tell(kind="click", z=place, point=None)
        pins = [_rounded(pin) for pin in after["pins"]]
        _same("chosen place", pins[after["chosen"]], _rounded(place))
        _same("pins of others", set(pins) - set(map(_rounded, self.places)), set())
        return seconds

    async def draw(self, start: Place, end: Place) -> float:
        seconds, after = await self._tell(kind="line", **{"from": start, "to": end})
        _same("path", [_rounded(after["line"][i]) for i in (0, -1)], [_rounded(start), _rounded(end)])
        return seconds

    async def open(self, number: int) -> float:
        opened = json.dumps([{"event": "clicked", "value": number}])
        seconds = await self.session.change("gallery", json_trigger_value=opened)
        shown = [heading.rpartition("#")[2] for heading in self._headings() if "#" in heading]
        _same("opened picture", shown, [str(number)])
        return seconds

    async def close(self) -> float:
        seconds = await self.session.change("One picture, closer", trigger_value=True)
        _same("picture in the address", "index=" in self.session.query, False)
        return seconds

    async def turn(self, page: str, run: str) -> float:
        seconds = await self.session.turn(page)
        self._look_for(run, page)
        return seconds

    async def choose(self, run: str, page: str) -> float:
        option = next(each for each in self._box().options if each.partition(" ")[0] == run)
        seconds = await self.session.change("selected_run_box", string_value=option)
        self._look_for(run, page)
        return seconds

    async def leave(self) -> None:
        await self.session.close()

    @property
    def errors(self) -> list[str]:
        return self.session.errors

    def _look_for(self, run: str, page: str) -> None:
        """Raises StrangeError unless this run is shown on this page."""
        _same("selected run", self._box().raw_value.partition(" ")[0], run)  # its state follows
        if page == MAP:
            _same("map", self._map()["label"].split(". Arrows")[0], f"Latent space of {run}")
        elif page == TRAIN:
            _same("training", any(each.startswith(f"{run}: ") for each in self._headings()), True)


class Glass:
    """A page of a browser."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    @classmethod
    async def open_at(cls, page: Page, address: str) -> Self:
        """Returns when the map is there. Raises playwright's TimeoutError."""
        await page.goto(address)
        await page.wait_for_function(READY, arg=["map", 1])
        return cls(page)

    async def click(self, place: Place) -> float:
        x, y = await self.page.evaluate(PLACE, ["map", *place])
        before, started = await self._told(), time.perf_counter()
        await self.page.mouse.click(x, y)
        await self._answered(before)
        seconds = time.perf_counter() - started
        said = await self.page.locator(".chosen p b").first.text_content()
        chosen = [float(number.replace("−", "-")) for number in re.findall(r"[−\d.]+", said or "")]
        # A click on a point means that one, which is a few pixels away.
        _same(f"distance of {said} from {place}", _far(chosen, place), False)
        return seconds

    async def draw(self, start: Place, end: Place) -> float:
        (x, y), there = [await self.page.evaluate(PLACE, ["map", *place]) for place in (start, end)]
        before, started = await self._told(), time.perf_counter()
        await self.page.keyboard.down("Shift")
        await self.page.mouse.move(x, y)
        await self.page.mouse.down()
        await self.page.mouse.move(*there, steps=3)
        await self.page.mouse.up()
        await self.page.keyboard.up("Shift")
        await self._answered(before)
        return time.perf_counter() - started

    async def open(self, number: int) -> float:
        tile = self.page.locator("[data-tiles=gallery] button").nth(number)
        title = await tile.locator(".tile-title").text_content() or ""
        await tile.scroll_into_view_if_needed()
        started = time.perf_counter()
        await tile.click()
        heading = self.page.get_by_role("dialog").get_by_role("heading", name=title)
        await expect(heading).to_be_visible(timeout=SLOW)
        return time.perf_counter() - started

    async def close(self) -> float:
        started = time.perf_counter()
        await self.page.keyboard.press("Escape")
        await expect(self.page.get_by_role("dialog")).to_have_count(0, timeout=SLOW)
        await self._still()
        return time.perf_counter() - started

    async def turn(self, page: str, run: str) -> float:
        started = time.perf_counter()
        await self.page.get_by_role("link", name=TITLES[page], exact=True).click()
        await self._shows(run, page)
        return time.perf_counter() - started

    async def choose(self, run: str, page: str) -> float:
        await self.page.get_by_role("combobox", name="Run").click()
        started = time.perf_counter()
        await self.page.get_by_role("option", name=run).click()
        await self._shows(run, page)
        return time.perf_counter() - started

    async def leave(self) -> None:
        alerts = await self.page.locator(
            "[data-testid=stException], [data-testid=stAlertContentError]"
        ).all_inner_texts()
        self.errors += alerts
        await self.page.close()

    async def _shows(self, run: str, page: str) -> None:
        """Waits until this run is shown on this page."""
        if page == MAP:
            await expect(self.page.locator(f'[aria-label^="Latent space of {run}."]')).to_be_visible(
                timeout=SLOW
            )
            await self.page.wait_for_function(READY, arg=["map", 1], timeout=SLOW)
        elif page == TRAIN:
            await expect(self.page.get_by_role("heading", name=f"{run}:")).to_be_visible(timeout=SLOW)
        else:
            tile = self.page.locator("[data-tiles=gallery] button").first
            await expect(tile).to_be_visible(timeout=SLOW)
            await self.page.wait_for_function(f"location.search.includes('run={run}')", timeout=SLOW)
        await self._still()

    async def _told(self) -> int:
        """The number of the last thing that happened on the map."""
        return int(await self.page.evaluate(f"{QUEUE}.last"))

    async def _answered(self, before: int) -> None:
        """Waits until more has happened on the map, and all of it was answered."""
        answered = f"(before) => {QUEUE}.last > before && !{QUEUE}.pending.length"
        try:
            await self.page.wait_for_function(answered, arg=before, timeout=SLOW)
        except PlaywrightTimeoutError as error:
            waiting = await self.page.evaluate(f"{QUEUE}.pending.length")
            raise StrangeError(f"told {await self._told() - before}, not answered {waiting}") from error
        await self._still()

    async def _still(self) -> None:
        """Waits until no script runs for this page."""
        await self.page.wait_for_selector(
            "[data-testid=stApp][data-test-script-state=notRunning]", timeout=SLOW
        )


def _same(what: str, seen: object, done: object) -> None:
    if seen != done:
        raise StrangeError(f"{what}: {seen} instead of {done}")


def _rounded(place: Any) -> Place:
    """Coordinates come back as float32."""
    x, y = place
    return round(float(x), 3), round(float(y), 3)


def _far(chosen: list[float], place: Place) -> bool:
    near = REACH / 4  # half of what lies between two pages; the point may have moved under newer weights
    return len(chosen) != 2 or max(abs(one - other) for one, other in zip(chosen, place, strict=True)) > near


@dataclass
class Visitor:
    """One of `count` people. What was measured: `seconds` of each act by its kind, and `troubles` it saw."""

    window: Window
    number: int
    count: int
    runs: list[str]
    run: str
    page: str = MAP
    opened: bool = False
    seconds: dict[str, list[float]] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = Random(self.number)

    async def stay(self, until: float, pause: float = 2.0) -> None:
        """Does something every `pause` seconds on average, until a moment of `time.perf_counter`. What is
        not answered in time delays the next thing: nobody clicks twice."""
        await asyncio.sleep(self.random.uniform(0, pause))
        while time.perf_counter() < until:
            due = time.perf_counter() + self.random.uniform(0.5, 1.5) * pause
            kind, act = self._next()
            try:
                self.seconds.setdefault(kind, []).append(await act())
            except Exception as error:  # noqa: BLE001 (whatever it is, it is counted, and the others go on)
                self.troubles.append(f"visitor {self.number}, {kind} on {self.page}: {error!r}"[:300])
            await asyncio.sleep(max(0, due - time.perf_counter()))

    def _next(self) -> tuple[str, Callable[[], Awaitable[float]]]:
        if self.opened:
            self.opened = False
            return "picture closed", self.window.close
        kinds = {MAP: "click click click click path turn run", GALLERY: "open open turn", TRAIN: "run turn"}
        match self.random.choice(kinds[self.page].split()):
            case "click":
                place = self._place()
                return "click on the map", lambda: self.window.click(place)
            case "path":
                start, end = self._place(), self._place()
                return "path drawn", lambda: self.window.draw(start, end)
            case "open":
                number = self._picture()
                self.opened = True
                return "picture opened", lambda: self.window.open(number)
            case "turn":
                self.page = self.random.choice([page for page in TITLES if page != self.page])
                return "page turned", lambda: self.window.turn(self.page, self.run)
        self.run = self.random.choice([run for run in self.runs if run != self.run])
        return "run chosen", lambda: self.window.choose(self.run, self.page)

    def _place(self) -> Place:
        """Nobody else's: each has a column of the map."""
        x = REACH * (2 * (self.number + 0.5) / self.count - 1)
        return round(x, 3), round(self.random.uniform(-REACH, REACH), 3)

    def _picture(self) -> int:
        """Nobody else's, if it is a tab's; of what a real page shows any."""
        if isinstance(self.window, Glass):
            return self.random.randrange(SHOWN)
        return self.number + self.count * self.random.randrange(10_000 // self.count)
