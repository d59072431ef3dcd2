"""Uses all controls of a page, whatever they are, one after the other."""

import time
from collections.abc import Iterable

from playwright.sync_api import Page, Request, WebSocket
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.support.browser import SLOW

# The next control that is visible, enabled, and unlike those used before; its kind and its name: that of its
# widget, and its own text without numbers, so that of pictures and pages one stands for all. Those of a
# dialog or popover come first, those that hide what is seen last. Not the choice of page and runs; not what
# only the browser answers to (hints, and the buttons of Plotly and of Streamlit's toolbars); not the steppers
# of a number's field, which the arrow keys stand for.
_NEXT = """(used) => {
    const kinds = {
        slide: "input[type=range]",
        choose: "[role=combobox]",
        type: "input[type=number]",
        press: "button:not([aria-label=Close], .st-key-panel button, .st-key-show button), " +
            "details:not([open]) > summary, [role=switch], [type=checkbox]",
        leave: "[role=tab], .st-key-panel button, .st-key-show button, [aria-label=Close]",
    };
    const away = "[data-testid=stSidebarHeader], [data-testid=stSidebarNav], [class*=_run_box], " +
        "[data-testid=stHeader], [aria-label^='Help for'], " +
        "[data-testid=stElementToolbar], [data-testid=stNumberInput] button, [aria-label=Open], " +
        ".modebar, .latent-map-legend";
    const nameOf = (element) => {
        const widget = element.closest("[class*=st-key-]")?.className.match(/st-key-(\\S+)/)[1] ?? "";
        const label = element.getAttribute("aria-label") || element.labels?.[0]?.innerText;
        const box = label === "Close" && element.closest("[role=dialog]");
        const dialog = box && box.innerText.trim().split("\\n")[0];
        const text = dialog ? `${label} ${dialog}` : label || element.innerText;
        const words = text.replace(/\\b(keyboard_arrow|expand)_\\w+/, "").replace(/[−-]?\\d[\\d.,]*/g, "0");
        const name = words.replace(/(0, )+/g, "").replace(/0+/g, "0").replace(/\\s+/g, " ").trim();
        return `${widget.replace(/-\\d+/, "")}: ${name}`;
    };
    const above = document.querySelectorAll("[role=dialog], [data-testid=stPopoverBody]");
    for (const root of [...above, document])
        for (const [kind, selector] of Object.entries(kinds))
            for (const element of root.querySelectorAll(selector)) {
                if (element.disabled || element.closest(away) || !element.checkVisibility()) continue;
                const name = nameOf(element);
                if (used.includes(name)) continue;
                window.control = element;
                return [kind, name];
            }
    return null;
}"""
_FRAMES = "() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"


class Controls:
    """Of one tab, which has not opened an address yet."""

    def __init__(self, page: Page) -> None:
        self.page, self.used = page, list[str]()
        self._asked = False  # whether the server has not answered yet
        self._loading: set[Request] = set()  # files that are on their way, such as a component's modules
        page.on("websocket", self._listen)
        page.on("request", lambda request: self._loading.add(request))
        for end in ("requestfinished", "requestfailed"):
            page.on(end, lambda request: self._loading.discard(request))

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framesent", self._sent)
        socket.on("framereceived", self._received)

    def _sent(self, frame: bytes | str) -> None:
        if isinstance(frame, bytes) and BackMsg.FromString(frame).HasField("rerun_script"):
            self._asked = True

    def _received(self, frame: bytes | str) -> None:
        if not isinstance(frame, bytes):
            return
        message = ForwardMsg.FromString(frame)
        # A run that a newer request ended early is no answer to that.
        if message.WhichOneof("type") == "script_finished" and (
            message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN
        ):
            self._asked = False

    def settle(self) -> None:
        """Waits until the server has answered all that the page has asked for."""
        self.page.evaluate(_FRAMES)
        end = time.monotonic() + SLOW / 1000
        while self._asked or self._loading:
            assert time.monotonic() < end, f"no answer from the server: {self.page.url}"
            self.page.wait_for_timeout(5)
            if not (self._asked or self._loading):
                self.page.evaluate(_FRAMES)  # it may ask for more

    def use_all(self, but: Iterable[str]) -> list[str]:
        """Uses each control that is seen, those that others bring up, too; returns their names.

        Args:
            but: words; controls with one of them in their names are left alone.
        """
        used: list[str] = []
        while found := self._next(used):
            kind, name = found
            if kind != "type" and self._asked:  # by fields that were typed into, one after the other
                self.settle()
                continue
            used.append(name)
            if not any(each in name for each in but):
                self._use(kind)
                if kind != "type":
                    self.settle()
        return used

    def _next(self, used: list[str]) -> tuple[str, str] | None:
        """The next control; one that hides others, or none, once no other has come for 20 frames.

        Components come up some time after the server's answer; frames take longer on a busy machine, too.
        """
        found: tuple[str, str] | None = None
        for _ in range(10):
            found = self.page.evaluate(_NEXT, used)
            if found is not None and found[0] != "leave":
                break
            self.settle()
        return found

    def _use(self, kind: str) -> None:
        self.page.evaluate("window.control.focus()")
        if kind in ("press", "leave"):
            self.page.evaluate("window.control.click()")
        else:
            keys = {
                "slide": ["ArrowRight"],
                "choose": ["ArrowDown", "ArrowDown", "Enter"],
                "type": ["ArrowUp", "Enter"],
            }
            for key in keys[kind]:
                self.page.keyboard.press(key)
