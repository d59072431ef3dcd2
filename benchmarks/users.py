"""Simulated users, who act at random intervals and check that the app shows the results of their own actions.

Some are websocket sessions, others pages of a real browser. Each uses coordinates and indices that no other
user has, so that the result of another user's action is recognised.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Self

from playwright.async_api import Page, expect
from playwright.async_api import TimeoutError as PlaywrightTimeoutError
from streamlit.proto.Selectbox_pb2 import Selectbox

from benchmarks.sessions import Session
from tests.support import latent_page
from tests.support.browser import PLACE, READY, SLOW
from vae.runs.run import Run
from vae.runs.titles import title_of

MAP, GALLERY, TRAIN = "", "reconstructions", "train"  # as Streamlit names the pages
QUEUE = f"{latent_page.MAP}.queue"  # of the map's events
TITLES = {MAP: "Latent space", GALLERY: "Reconstructions", TRAIN: "Train"}
REACH = 1.5  # the largest coordinate of a place, which lies on the map of every run
SHOWN = 20  # the fewest pictures on a page of the gallery
Place = tuple[float, float]


class WrongResultError(Exception):
    """What the app shows a user is not the result of the user's last action."""


class SocketTab:
    """A websocket session, which sends the requests of a browser and draws nothing.

    Each action returns the seconds until it was answered, and raises WrongResultError if the app then shows
    another result.
    """

    def __init__(self, session: Session) -> None:
        self.session, self.errors = session, session.errors
        self.places: list[Place] = []
        self._events = 0

    def _map_data(self) -> Any:
        """The data of the map component."""
        texts = (delta.new_element.bidi_component.json for delta in self.session.deltas.values())
        return json.loads(next(text for text in texts if '"key": "map"' in text))

    def _run_box(self) -> Selectbox:
        """The select box of runs in the sidebar."""
        boxes = (delta.new_element.selectbox for delta in self.session.deltas.values())
        return next(box for box in boxes if box.label == "Run")

    def _headings(self) -> list[str]:
        return [delta.new_element.heading.body for delta in self.session.deltas.values()]

    async def _emit(self, **event: object) -> tuple[float, Any]:
        """Sends an event of the map; the seconds until it was answered, and the map's data then."""
        before = self._map_data()
        self._events = max(self._events, before["acknowledged"]) + 1
        here = {name: before[name] for name in ("points", "decoder", "revision")}
        sent = [{"event": "events", "value": [{**here, **event, "number": self._events}]}]
        seconds = await self.session.change("map", json_trigger_value=json.dumps(sent))
        after = self._map_data()
        _expect("acknowledged event", after["acknowledged"], self._events)
        return seconds, after

    async def click(self, place: Place) -> float:
        """Pins a place on the map."""
        self.places.append(place)
        seconds, after = await self._emit(kind="click", z=place, point=None)
        pins = [_rounded(pin) for pin in after["pins"]]
        _expect("chosen place", pins[after["chosen"]], _rounded(place))
        _expect("pins of others", set(pins) - set(map(_rounded, self.places)), set())
        return seconds

    async def draw(self, start: Place, end: Place) -> float:
        """Draws a path on the map."""
        seconds, after = await self._emit(kind="line", **{"from": start, "to": end})
        _expect("path", [_rounded(after["line"][i]) for i in (0, -1)], [_rounded(start), _rounded(end)])
        return seconds

    async def open(self, number: int) -> float:
        """Opens a picture of the gallery, given by its index in the test set."""
        opened = json.dumps([{"event": "clicked", "value": number}])
        seconds = await self.session.change("gallery", json_trigger_value=opened)
        shown = [heading.rpartition("#")[2] for heading in self._headings() if "#" in heading]
        _expect("opened picture", shown, [str(number)])
        return seconds

    async def close(self) -> float:
        """Closes the picture."""
        seconds = await self.session.change("One image, closer", trigger_value=True)
        _expect("picture in the address", "index=" in self.session.query, False)
        return seconds

    async def go_to(self, page: str, run: Run) -> float:
        """Goes to another page, where `run` stays selected."""
        seconds = await self.session.go_to(page)
        self._expect_run(run, page)
        return seconds

    async def choose(self, run: Run, page: str) -> float:
        """Selects a run, on the page `page`."""
        option = next(each for each in self._run_box().options if each.partition(" · ")[0] == title_of(run))
        seconds = await self.session.change("selected_run_box", string_value=option)
        self._expect_run(run, page)
        return seconds

    async def leave(self) -> None:
        """Closes the tab."""
        await self.session.close()

    def _expect_run(self, run: Run, page: str) -> None:
        """Raises WrongResultError unless the page shows this run."""
        title = title_of(run)
        # Its widget state comes later.
        _expect("selected run", self._run_box().raw_value.partition(" · ")[0], title)
        if page == MAP:
            _expect("map", self._map_data()["label"].split(". Arrows")[0], f"Latent space of {title}")
        elif page == TRAIN:
            _expect("training", any(each.startswith(f"{title}: ") for each in self._headings()), True)


class BrowserTab:
    """A page of a real browser, with the same actions as a `SocketTab`; `open` counts the pictures shown."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    @classmethod
    async def open_at(cls, page: Page, address: str) -> Self:
        """Opens the page, and returns when the map is drawn. Raises playwright's TimeoutError."""
        await page.goto(address)
        await page.wait_for_function(READY, arg=["map", 1])
        return cls(page)

    async def click(self, place: Place) -> float:
        x, y = await self.page.evaluate(PLACE, ["map", *place])
        before, started = await self._last_event(), time.perf_counter()
        await self.page.mouse.click(x, y)
        await self._acknowledged(before)
        seconds = time.perf_counter() - started
        text = await self.page.locator(".look-chosen").get_attribute("data-z")
        chosen = json.loads(text or "[]")
        # A click near a point selects that point, which is a few pixels away.
        _expect(f"distance of {text} from {place}", _are_far_apart(chosen, place), False)
        return seconds

    async def draw(self, start: Place, end: Place) -> float:
        (x, y), there = [await self.page.evaluate(PLACE, ["map", *place]) for place in (start, end)]
        before, started = await self._last_event(), time.perf_counter()
        await self.page.keyboard.down("Shift")
        await self.page.mouse.move(x, y)
        await self.page.mouse.down()
        await self.page.mouse.move(*there, steps=3)
        await self.page.mouse.up()
        await self.page.keyboard.up("Shift")
        await self._acknowledged(before)
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
        await self._settled()
        return time.perf_counter() - started

    async def go_to(self, page: str, run: Run) -> float:
        started = time.perf_counter()
        await self.page.get_by_role("link", name=TITLES[page], exact=True).click()
        await self._wait_for_run(run, page)
        return time.perf_counter() - started

    async def choose(self, run: Run, page: str) -> float:
        await self.page.get_by_role("combobox", name="Run").click()
        started = time.perf_counter()
        await self.page.get_by_role("option", name=title_of(run)).click()
        await self._wait_for_run(run, page)
        return time.perf_counter() - started

    async def leave(self) -> None:
        alerts = self.page.locator("[data-testid=stException], [data-testid=stAlertContentError]")
        self.errors += await alerts.all_inner_texts()
        await self.page.close()

    async def _wait_for_run(self, run: Run, page: str) -> None:
        """Waits until the page shows this run."""
        if page == MAP:
            shown_map = self.page.locator(f'[aria-label^="Latent space of {title_of(run)}."]')
            await expect(shown_map).to_be_visible(timeout=SLOW)
            await self.page.wait_for_function(READY, arg=["map", 1], timeout=SLOW)
        elif page == TRAIN:
            await expect(self.page.get_by_role("heading", name=f"{title_of(run)}:")).to_be_visible(
                timeout=SLOW
            )
        else:
            tile = self.page.locator("[data-tiles=gallery] button").first
            await expect(tile).to_be_visible(timeout=SLOW)
            await self.page.wait_for_function(f"location.search.includes('run={run.name}')", timeout=SLOW)
        await self._settled()

    async def _last_event(self) -> int:
        """The number of the map's last event."""
        return int(await self.page.evaluate(f"{QUEUE}.last"))

    async def _acknowledged(self, before: int) -> None:
        """Waits until the map has a newer event, and all are acknowledged."""
        acknowledged = f"(before) => {QUEUE}.last > before && !{QUEUE}.pending.length"
        try:
            await self.page.wait_for_function(acknowledged, arg=before, timeout=SLOW)
        except PlaywrightTimeoutError as error:
            waiting = await self.page.evaluate(f"{QUEUE}.pending.length")
            events = await self._last_event() - before
            raise WrongResultError(f"{events} events, {waiting} unanswered") from error
        await self._settled()

    async def _settled(self) -> None:
        """Waits until no script runs for this page."""
        idle = "[data-testid=stApp][data-test-script-state=notRunning]"
        await self.page.wait_for_selector(idle, timeout=SLOW)


def _expect(what: str, shown: object, expected: object) -> None:
    if shown != expected:
        raise WrongResultError(f"{what}: {shown} instead of {expected}")


def _rounded(place: Any) -> Place:
    """A place rounded, as coordinates come back as float32."""
    x, y = place
    return round(float(x), 3), round(float(y), 3)


def _are_far_apart(chosen: list[float], place: Place) -> bool:
    near = REACH / 4  # half the distance of two browser users; newer weights may have moved the point
    return len(chosen) != 2 or max(abs(one - other) for one, other in zip(chosen, place, strict=True)) > near


@dataclass
class User:
    """User `number` of `count`, with the `seconds` of each kind of action, and the `failures` seen."""

    client: SocketTab | BrowserTab
    number: int
    count: int
    runs: list[Run]
    run: Run
    page: str = MAP
    opened: bool = False
    seconds: dict[str, list[float]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = Random(self.number)

    async def stay(self, until: float, pause: float = 2.0) -> None:
        """Acts every `pause` seconds on average, each time after the last answer, until `time.perf_counter`
        reaches `until`."""
        await asyncio.sleep(self.random.uniform(0, pause))
        while time.perf_counter() < until:
            due = time.perf_counter() + self.random.uniform(0.5, 1.5) * pause
            kind, act = self._next()
            try:
                self.seconds.setdefault(kind, []).append(await act())
            except Exception as error:  # noqa: BLE001 (any error is counted, and the others go on)
                self.failures.append(f"user {self.number}, {kind} on {self.page}: {error!r}"[:300])
            await asyncio.sleep(max(0, due - time.perf_counter()))

    def _next(self) -> tuple[str, Callable[[], Awaitable[float]]]:
        if self.opened:
            self.opened = False
            return "picture closed", self.client.close
        kinds = {MAP: "click click click click path page run", GALLERY: "open open page", TRAIN: "run page"}
        match self.random.choice(kinds[self.page].split()):
            case "click":
                place = self._place()
                return "click on the map", lambda: self.client.click(place)
            case "path":
                start, end = self._place(), self._place()
                return "path drawn", lambda: self.client.draw(start, end)
            case "open":
                number = self._picture()
                self.opened = True
                return "picture opened", lambda: self.client.open(number)
            case "page":
                self.page = self.random.choice([page for page in TITLES if page != self.page])
                return "page opened", lambda: self.client.go_to(self.page, self.run)
        self.run = self.random.choice([run for run in self.runs if run != self.run])
        return "run chosen", lambda: self.client.choose(self.run, self.page)

    def _place(self) -> Place:
        """A random place in this user's own column of the map."""
        x = REACH * (2 * (self.number + 0.5) / self.count - 1)
        return round(x, 3), round(self.random.uniform(-REACH, REACH), 3)

    def _picture(self) -> int:
        """The index of a picture that no other user opens; for a browser user, of any on the page."""
        if isinstance(self.client, BrowserTab):
            return self.random.randrange(SHOWN)
        return self.number + self.count * self.random.randrange(10_000 // self.count)
