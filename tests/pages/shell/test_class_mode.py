"""A server that is open to a class, as its browsers meet it, and those who write their messages by hand."""

import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from playwright.sync_api import Page, WebSocket, expect
from streamlit.proto.WidgetStates_pb2 import WidgetState

from benchmarks.sessions import Session
from pages.components.shell import access
from tests.support.browser import Server
from tests.support.paths import APP
from vae.runs.run import Run

pytestmark = pytest.mark.browser

KEY = "correct horse battery"


@pytest.fixture(scope="module")
def of_a_class(trained: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Run]]:
    """A server with a run that was stopped."""
    run = Run(tmp_path_factory.mktemp("runs") / trained.name)
    shutil.copytree(trained.path, run.path)
    run.write_status(run.status().model_copy(update={"state": "stopped"}))
    with Server(APP, VAE_RUNS_DIR=str(run.path.parent), VAE_READ_ONLY="1", VAE_HOST_KEY=KEY) as server:
        yield server, run


def test_a_server_answers_its_own_machine_only_unless_told_otherwise(of_a_class: tuple[Server, Run]) -> None:
    port = of_a_class[0].port
    with socket.create_connection(("localhost", port)):
        pass
    # Another address of the same machine, at which a server that is bound to all of them answers, too.
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port))


@contextmanager
def sessions(address: str, count: int) -> Iterator[tuple[BlockingPortal, list[Session]]]:
    """Tabs of which each message is our own; the portal is to call their methods by."""
    with start_blocking_portal() as portal, ExitStack() as opened:
        tabs = [portal.call(Session.open, address) for _ in range(count)]
        for tab in tabs:
            opened.callback(portal.call, tab.close)
        yield portal, tabs


def widget(session: Session, kind: str, label: str) -> tuple[WidgetState, str]:
    """The last one of that label on the page, as a browser would name it, and its fragment."""
    elements = [(getattr(delta.new_element, kind), delta) for delta in session.deltas.values()]
    *_, (found, delta) = (each for each in elements if each[0].label == label)
    return WidgetState(id=found.id), delta.fragment_id


def test_messages_written_by_hand_change_nothing(of_a_class: tuple[Server, Run]) -> None:
    server, run = of_a_class
    with sessions(server.address("train"), 2) as (portal, (host, visitor)):
        (field, fragment), (button, _) = (
            widget(host, "text_input", "Host key"),
            widget(host, "button", "Unlock this tab"),
        )
        field.string_value, button.trigger_value = KEY, True
        portal.call(partial(host.rerun, field, button, fragment_id=fragment))
        # What the host's tab would say, said by another: a rate, a button, and that it is unlocked.
        beta, fragment = widget(host, "number_input", "Beta")
        beta.double_value = 4
        resume, _ = widget(host, "button", "Resume")
        resume.trigger_value = True
        forged = WidgetState(id=access._UNLOCKED, bool_value=True)
        for part in (fragment, ""):
            portal.call(partial(visitor.rerun, forged, beta, resume, fragment_id=part))
            assert run.request() is None
            assert run.status().state == "stopped"
            with pytest.raises(ValueError, match="not enough values"):
                widget(visitor, "button", "Resume")
        portal.call(partial(host.rerun, beta, fragment_id=fragment))
        request = run.request()
        assert request is not None
        assert request.beta == 4, "the same message is obeyed, if it is the host's"


def test_the_key_unlocks_a_tab_and_is_told_to_nobody(
    of_a_class: tuple[Server, Run], page: Page, open_page: Callable[[], Page]
) -> None:
    server, _ = of_a_class
    heard: list[str | bytes] = []

    def listen(websocket: WebSocket) -> None:
        websocket.on("framereceived", lambda frame: heard.append(frame))

    page.on("websocket", listen)
    page.goto(server.address("train"))
    why = page.get_by_text(
        "Only the host starts, changes and deletes runs, adds and deletes data sets, and unlocks"
    )
    expect(why).to_have_count(1)
    start = page.get_by_role("button", name="Start", exact=True)
    for key, said in (("wrong", "This is not the host key. Try again in 1 second."), (KEY, "")):
        if not page.get_by_label("Host key").is_visible():
            page.get_by_role("button", name="Unlock", exact=True).click()
        expect(start).to_have_count(0)
        page.get_by_label("Host key").fill(key)
        page.keyboard.press("Enter")
        if said:
            expect(page.get_by_text(said)).to_be_visible()
            expect(page.get_by_label("Host key")).to_have_value("")
            page.wait_for_timeout(1100)
    expect(start).to_be_visible()
    expect(page.get_by_text("This tab is unlocked until it is reloaded.")).to_be_visible()
    assert KEY.split()[-1] not in page.url + page.content()
    said_by_server = b"".join(each if isinstance(each, bytes) else each.encode() for each in heard)
    assert b"Only the host starts" in said_by_server
    assert KEY.encode() not in said_by_server
    other = open_page()
    other.goto(server.address("train"))
    expect(other.get_by_text("Only the host starts, changes and deletes runs")).to_have_count(1)
    expect(other.get_by_role("button", name="Start", exact=True)).to_have_count(0)
    page.reload()
    expect(why).to_have_count(1)
    expect(start).to_have_count(0)
