"""Firefox, and WebKitGTK with the engine of Safari, in which the exported file has to work, too.

Playwright drives neither as Debian has it, so WebDriver is spoken here: BiDi to Firefox itself, the classic
protocol to WebKit's driver. `python -m tests.support.other_browsers` installs both where it may.
"""

import json
import os
import shutil
import socket
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

from websockets.sync.client import ClientConnection, connect

from tests.support.browser import SLOW, answers, can_install, free_port, install, wait_until

WIDTH, HEIGHT = 1400, 900  # pixels
_OWN = ("file:", "data:", "blob:")
_PRESS = [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
_PLACE_IN = """() => {{
    const element = {element};
    element.scrollIntoView({{ block: "nearest" }});
    const {{ left, top, width, height }} = element.getBoundingClientRect();
    return [left + {share} * width, top + height / 2];
}}"""
_REPORT = """() => {
    window.troubles = [];
    const report = ({ type, message, reason, violatedDirective }) =>
        window.troubles.push(`${type}: ${message ?? reason ?? violatedDirective}`);
    for (const type of ["error", "unhandledrejection", "securitypolicyviolation"])
        addEventListener(type, report);
    console.error = (...parts) => report({ type: "console", message: parts.join(" ") });
}"""


class Tab(ABC):
    """A tab of a browser."""

    @abstractmethod
    def goto(self, url: str) -> None:
        """Opens a page."""

    @abstractmethod
    def troubles(self) -> list[str]:
        """Errors of the page so far, and what it asked other hosts for."""

    @abstractmethod
    def _call(self, function: str, text: str) -> str | None:
        """What a JavaScript function makes of a text: a text, or None for undefined."""

    @abstractmethod
    def _act(self, actions: Sequence[dict[str, object]]) -> None:
        """Has the pointer do what WebDriver calls actions."""

    def evaluate(self, expression: str, arg: Any = None) -> Any:
        """As Playwright's; for functions only."""
        found = self._call(f"(text) => JSON.stringify(({expression})(JSON.parse(text)))", json.dumps(arg))
        return None if found is None else json.loads(found)

    def move(self, x: float, y: float) -> None:
        self._act([{"type": "pointerMove", "x": round(x), "y": round(y), "origin": "viewport"}])

    def click(self, x: float, y: float) -> None:
        self.move(x, y)
        self._act(_PRESS)

    def click_on(self, element: str, share: float = 0.5) -> None:
        """Clicks an element that a JavaScript expression finds, at a share of its width."""
        self.click(*self.evaluate(_PLACE_IN.format(element=element, share=share)))


class _BiDiTab(Tab):
    """WebDriver BiDi: https://www.w3.org/TR/webdriver-bidi/."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection, self.count, self.events = connection, 0, list[dict[str, Any]]()
        self._send("session.new", capabilities={})
        self._send("session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"])
        self.context = self._send("browsingContext.getTree")["contexts"][0]["context"]
        viewport = {"width": WIDTH, "height": HEIGHT}
        self._send("browsingContext.setViewport", context=self.context, viewport=viewport)

    def _send(self, method: str, **parameters: object) -> dict[str, Any]:
        self.count += 1
        self.connection.send(json.dumps({"id": self.count, "method": method, "params": parameters}))
        while (answer := json.loads(self.connection.recv(SLOW / 1000))).get("id") != self.count:
            self.events.append(answer)
        if answer["type"] == "error":
            raise RuntimeError(f"{method}: {answer['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    def goto(self, url: str) -> None:
        self._send("browsingContext.navigate", context=self.context, url=url, wait="complete")

    def troubles(self) -> list[str]:
        found = [event["params"] for event in self.events]
        errors = [each["text"] for each in found if each.get("level") == "error"]
        addresses = [each["request"]["url"] for each in found if "request" in each]
        return errors + [address for address in addresses if not address.startswith(_OWN)]

    def _call(self, function: str, text: str) -> str | None:
        answer = self._send(
            "script.callFunction",
            functionDeclaration=function,
            arguments=[{"type": "string", "value": text}],
            target={"context": self.context},
            awaitPromise=False,
        )
        if answer["type"] == "exception":
            raise RuntimeError(answer["exceptionDetails"]["text"])
        value: str | None = answer["result"].get("value")
        return value

    def _act(self, actions: Sequence[dict[str, object]]) -> None:
        self._send("input.performActions", context=self.context, actions=_pointer(actions))


class _ClassicTab(Tab):
    """WebDriver: https://www.w3.org/TR/webdriver2/.

    It tells neither errors nor requests: listeners get the errors once the document is loaded, and requests
    of other hosts go to a proxy that answers nothing.
    """

    def __init__(self, driver: str, proxy: socket.socket) -> None:
        proxy.setblocking(False)
        self.proxy, self.address = proxy, f"{driver}/session"
        host = "{}:{}".format(*proxy.getsockname())
        settings = {"proxyType": "manual", "httpProxy": host, "sslProxy": host}
        session = self._post("", capabilities={"alwaysMatch": {"proxy": settings}})
        self.address += f"/{session['sessionId']}"
        self._post("/window/rect", width=WIDTH, height=HEIGHT)

    def _post(self, path: str, **parameters: object) -> Any:
        request = Request(self.address + path, json.dumps(parameters).encode())
        with urlopen(request, timeout=SLOW / 1000) as answer:
            return json.load(answer)["value"]

    def close(self) -> None:
        urlopen(Request(self.address, method="DELETE"), timeout=SLOW / 1000).close()

    def goto(self, url: str) -> None:
        self._post("/url", url=url)
        self.evaluate(_REPORT)

    def troubles(self) -> list[str]:
        errors: list[str] = self.evaluate("() => window.troubles")
        try:
            connection, _ = self.proxy.accept()
        except BlockingIOError:
            return errors
        with connection:
            return [*errors, f"asked another host: {connection.recv(200)!r}"]

    def _call(self, function: str, text: str) -> str | None:
        script = f"return ({function})(arguments[0])"
        found: str | None = self._post("/execute/sync", script=script, args=[text])
        return found

    def _act(self, actions: Sequence[dict[str, object]]) -> None:
        self._post("/actions", actions=_pointer(actions))


def _pointer(actions: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    return [{"type": "pointer", "id": "mouse", "actions": actions}]


@contextmanager
def _running(command: Sequence[str], **more: Any) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, text=True, **more) as process:
        try:
            yield process
        finally:
            process.terminate()


@contextmanager
def _listening(command: Sequence[str], environment: Mapping[str, str] = os.environ) -> Iterator[int]:
    """Runs a server; its port is put in place of {}."""
    port = free_port()
    command = [part.format(port) for part in command]
    with _running(command, env=environment, stdout=subprocess.DEVNULL) as process:
        wait_until(lambda: answers(port) or process.poll() is not None)
        assert process.poll() is None, f"{command[0]} ended by itself"
        yield port


@contextmanager
def _firefox(folder: Path) -> Iterator[Tab]:
    command = [_firefox_path() or "", "--headless", "--remote-debugging-port={}", "--profile", str(folder)]
    with (
        _listening(command) as port,
        connect(f"ws://localhost:{port}/session", max_size=None) as connection,
    ):
        yield _BiDiTab(connection)


@contextmanager
def _webkit(_: Path) -> Iterator[Tab]:
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", f"{WIDTH}x{HEIGHT}x24"]
    with _running(command, stdout=subprocess.PIPE) as screen, socket.create_server(("localhost", 0)) as proxy:
        assert screen.stdout is not None
        display = f":{screen.stdout.readline().strip()}"
        # It draws without OpenGL, which takes a third more processor time where it is emulated.
        environment = {**os.environ, "DISPLAY": display, "WEBKIT_DISABLE_COMPOSITING_MODE": "1"}
        with _listening(["WebKitWebDriver", "--port={}"], environment) as port:
            tab = _ClassicTab(f"http://localhost:{port}", proxy)
            try:
                yield tab
            finally:
                tab.close()


def _firefox_path() -> str | None:
    return shutil.which("firefox-esr") or shutil.which("firefox")


class OtherBrowser(NamedTuple):
    """A browser.

    Attributes:
        open: opens a tab in a new one, which has its files in an empty folder.
        found: whether it is installed.
        packages: what it needs of Debian's.
    """

    name: str
    open: Callable[[Path], AbstractContextManager[Tab]]
    found: Callable[[], bool]
    packages: tuple[str, ...]

    @property
    def missing(self) -> str:
        packages = " and ".join(self.packages)
        return f"No {self.name} was found, so nothing was tried in it. Debian's packages: {packages}."

    @property
    def required(self) -> bool:
        """Whether tests fail without it: with CI=true; without WebKit only where it can be installed."""
        return os.environ.get("CI") == "true" and (self is FIREFOX or can_install(*self.packages))


FIREFOX = OtherBrowser("Firefox", _firefox, lambda: _firefox_path() is not None, ("firefox-esr",))
WEBKIT = OtherBrowser(
    "WebKitGTK",
    _webkit,
    lambda: all(shutil.which(command) for command in ("WebKitWebDriver", "Xvfb")),
    ("webkit2gtk-driver", "xvfb"),
)

if __name__ == "__main__":
    for each in (FIREFOX, WEBKIT):
        if not each.found():
            install(*each.packages)
        if not each.found():
            print(each.missing)
