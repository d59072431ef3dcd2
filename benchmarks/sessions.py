"""Streamlit sessions over websockets without a browser, many in one process.

They follow the frontend of Streamlit 1.67, but draw nothing: an `auto_rerun` sets a timer that sends a
request at every interval, answered or not; a run of the whole page first clears all timers; large messages
are cached, and each request lists the cached ones, so that they are not sent again.
"""

import asyncio
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self
from urllib.parse import urlsplit

from anyio.from_thread import start_blocking_portal
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

TRIGGERS = "$$STREAMLIT_INTERNAL_KEY_{}__events"  # Streamlit's widget id of a component's triggers
Answer = asyncio.Future[float]  # the seconds it took


class Session:
    """One tab of a browser, simulated.

    Attributes:
        runs: how many runs of the script the server has begun.
        answers: how many of them have ended.
        poll_seconds: from each poll to its answer.
        errors: the errors on the page.
        deltas: the newest delta at each path of the page.
        query: the query string of its URL.
    """

    def __init__(self, websocket: ClientConnection, address: str) -> None:
        self.runs = self.answers = 0
        self.poll_seconds: list[float] = []
        self.errors: list[str] = []
        self.deltas: dict[tuple[int, ...], Delta] = {}
        self._websocket, self._address, self.query = websocket, address, urlsplit(address).query
        self._page_hash = ""  # not known before the first answer
        self._pages: dict[str, str] = {}  # their hashes, by path
        self._widgets: dict[str, WidgetState] = {}
        self._cached: dict[str, tuple[Delta, int]] = {}  # with the number of answers when it was last used
        self._cached_answers = 0  # for how many answers an unused message is kept; the server sets it
        self._waiting: list[tuple[float, str, Answer | None]] = []  # sent when, for which fragment
        self._began = 0.0  # when the first message of the newest run arrived
        self._ended: set[str] | None = None  # fragments of a run ended early; empty for the whole page
        self._timers: dict[str, tuple[float, asyncio.Task[None]]] = {}
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, address: str) -> Self:
        """Connects, and returns when the page is shown. Raises OSError, ConnectionClosed or TimeoutError."""
        stream = f"ws://{urlsplit(address).netloc}/_stcore/stream"
        session = cls(await connect(stream, max_size=None, ping_interval=None), address)
        await session.rerun()
        return session

    async def close(self) -> None:
        await self._websocket.close()
        await self._reader

    async def rerun(self, *changed: WidgetState, fragment_id: str = "") -> float:
        """Sends changes of widgets, and returns the seconds until they were answered.

        A trigger (a button) is sent once, any other state also with every later request. `fragment_id` is
        that of the widget's delta, "" for the whole page. Raises ConnectionClosed or TimeoutError.
        """
        answer: Answer = asyncio.get_running_loop().create_future()
        await self._ask(fragment_id, answer, *changed)
        return await asyncio.wait_for(answer, 120)  # seconds, more than any answer takes

    async def change(self, name: str, **value: Any) -> float:
        """Sets the widget with this key, label or title; returns the seconds until that was answered.

        `value` is a field of `WidgetState`: an event of a component is a `json_trigger_value`. Raises
        LookupError if there is no such widget, and as `rerun`.
        """
        for delta in self.deltas.values():
            kind = delta.new_element.WhichOneof("type")
            widget: Any = getattr(delta.new_element, kind) if kind else delta.add_block.dialog
            widget_id = getattr(widget, "id", "")
            labels = (getattr(widget, field, "") for field in ("label", "title"))
            if widget_id.endswith(f"-{name}") or name in labels:
                break
        else:
            raise LookupError(name)
        widget_id = TRIGGERS.format(widget_id) if "json_trigger_value" in value else widget_id
        return await self.rerun(WidgetState(id=widget_id, **value), fragment_id=delta.fragment_id)

    async def go_to(self, page: str) -> float:
        """Goes to another page by its link; `page` is its path in the URL. Returns and raises as `rerun`."""
        self._page_hash, self.query = self._pages[page], ""
        self._widgets.clear()
        return await self.rerun()

    async def _poll(self, fragment_id: str, interval: float) -> None:
        due = time.perf_counter()
        with suppress(ConnectionClosed):  # the reader records it
            while True:
                due = max(due + interval, time.perf_counter())
                await asyncio.sleep(due - time.perf_counter())
                await self._ask(fragment_id, None)

    async def _ask(self, fragment_id: str, answer: Answer | None, *changed: WidgetState) -> None:
        message = BackMsg()
        state = message.rerun_script
        state.fragment_id, state.is_auto_rerun = fragment_id, answer is None
        state.query_string, state.page_script_hash = self.query, self._page_hash
        state.page_name = "" if self._page_hash else urlsplit(self._address).path.strip("/")
        state.cached_message_hashes.extend(self._cached)
        state.widget_states.widgets.extend((self._widgets | {it.id: it for it in changed}).values())
        self._widgets |= {it.id: it for it in changed if "trigger" not in str(it.WhichOneof("value"))}
        self._waiting.append((time.perf_counter(), fragment_id, answer))
        await self._websocket.send(message.SerializeToString())

    def _stop_polling(self, fragment_ids: Collection[str]) -> None:
        for fragment_id in self._timers.keys() & set(fragment_ids):
            self._timers.pop(fragment_id)[1].cancel()

    async def _read(self) -> None:
        try:
            while True:
                self._take(ForwardMsg.FromString(await self._websocket.recv(decode=False)))
        except ConnectionClosed as closed:
            self._stop_polling(self._timers)
            if self._websocket.close_code != 1000:  # not closed by us
                self.errors.append(f"The connection broke: {closed}")
            for _, _, answer in self._waiting:
                if answer and not answer.done():
                    answer.set_exception(closed)

    def _take(self, message: ForwardMsg) -> None:
        kind, fragment_ids = message.WhichOneof("type"), message.metadata.run.fragment_ids
        if kind == "new_session":
            # Streamlit reports a run as ended early if the next run began before its end was sent. It was
            # interrupted if the next run is of the whole page or the same fragment, else it was complete.
            if fragment_ids and self._ended is not None and not self._ended & set(fragment_ids):
                self._finish(self._ended)
            self._ended = None
            self.runs, self._began = self.runs + 1, time.perf_counter()
            self._cached_answers = message.new_session.config.max_cached_message_age
            if not fragment_ids:
                self._stop_polling(self._timers)
                self.deltas.clear()
        elif kind == "navigation":
            self._page_hash = message.navigation.page_script_hash
            pages = message.navigation.app_pages
            self._pages = {page.url_pathname: page.page_script_hash for page in pages}
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "stop_auto_rerun":
            self._stop_polling(message.stop_auto_rerun.fragment_ids)
        elif kind == "auto_rerun":
            name, interval = message.auto_rerun.fragment_id, message.auto_rerun.interval
            if name not in self._timers or self._timers[name][0] != interval:
                self._stop_polling([name])
                self._timers[name] = interval, asyncio.create_task(self._poll(name, interval))
        elif kind == "page_not_found" or message.session_event.HasField("script_compilation_exception"):
            self.errors.append(str(message))
        elif kind == "script_finished" and message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            self._ended = set(fragment_ids)
        elif kind == "script_finished":
            self._finish(fragment_ids)
        elif kind in ("delta", "ref_hash"):
            name = message.ref_hash or message.hash
            if message.ref_hash and name not in self._cached:
                self.errors.append("The server named a message that is no longer cached.")
                return
            delta = self._cached[name][0] if message.ref_hash else message.delta
            if message.ref_hash or message.metadata.cacheable:
                self._cached[name] = delta, self.answers
            self.deltas[tuple(message.metadata.delta_path)] = delta
            element = delta.new_element
            if element.HasField("exception") or element.alert.format == Alert.ERROR:
                self.errors.append(element.exception.message or element.alert.body)

    def _finish(self, fragment_ids: Collection[str]) -> None:
        """Resolves the requests that the ended run answers: those for its fragments, sent before it began."""
        self.answers += 1
        waiting, self._waiting, now = self._waiting, [], time.perf_counter()
        for sent, fragment_id, answer in waiting:
            if sent > self._began or (fragment_ids and fragment_id not in fragment_ids):
                self._waiting.append((sent, fragment_id, answer))
            elif answer is None:
                self.poll_seconds.append(now - sent)
            elif not answer.done():
                answer.set_result(now - sent)
        for name, (delta, used) in [*self._cached.items()]:
            of_these = not fragment_ids or delta.fragment_id in fragment_ids
            if of_these and self.answers - used > self._cached_answers:
                del self._cached[name]


@contextmanager
def open_sessions(address: str, count: int) -> Iterator[list[Session]]:
    """`count` tabs that show the page, in a thread of their own."""
    with start_blocking_portal() as portal:
        sessions = [portal.call(Session.open, address) for _ in range(count)]
        yield sessions
        for session in sessions:
            portal.call(session.close)
