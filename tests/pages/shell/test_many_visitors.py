"""Several at once: whoever visits sees what they did themselves, and nobody else's."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

import pytest
from streamlit import config
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection

from benchmarks.load import late
from benchmarks.sessions import Session
from benchmarks.users import GALLERY, MAP, SocketTab, WrongResultError
from tests.support.browser import Server
from tests.support.paths import BUNDLED
from vae.runs.run import Run

TOGETHER = 3
T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """What `asyncio.run` gives, in a thread of its own: playwright's loop lives in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def test_visitors_who_act_at_once_see_their_own(shared: Server) -> None:
    async def visit(number: int) -> list[str]:
        tab = SocketTab(await Session.open(shared.address(f"?run={BUNDLED.name}")))
        own = (number - 1.0, 0.25 * number)
        await tab.click(own)
        await tab.draw(own, (-own[1], own[0]))
        await tab.go_to(GALLERY, Run(BUNDLED))
        await tab.open(100 + number)
        await tab.close()
        await tab.go_to(MAP, Run(BUNDLED))
        await tab.click((own[1], own[0]))
        await tab.leave()
        return tab.errors

    async def together() -> list[list[str]]:
        return await asyncio.gather(*(visit(number) for number in range(TOGETHER)))

    assert run(together()) == [[]] * TOGETHER


def test_what_another_did_is_known_as_such(shared: Server) -> None:
    async def look() -> None:
        tab = SocketTab(await Session.open(shared.address(f"?run={BUNDLED.name}")))
        await tab.click((0.5, 1.0))
        tab.places.clear()  # as if another had clicked there
        try:
            with pytest.raises(WrongResultError, match=r"pins of others: .*0\.5, 1\.0"):
                await tab.click((1.5, 1.0))
        finally:
            await tab.leave()

    run(look())


class Silent:
    """A connection over which nothing comes."""

    async def send(self, _message: bytes) -> None:
        pass

    async def recv(self, *, decode: bool) -> bytes:  # noqa: ARG002
        await asyncio.sleep(3600)
        return b""


@pytest.mark.parametrize(
    ("fragment", "following", "answered"),
    [("map", "poll", True), ("map", "map", False), ("map", "", False), ("", "poll", True), ("", "", False)],
)
def test_what_ended_as_another_fragment_began_was_answered(
    fragment: str, following: str, answered: bool
) -> None:
    """`fragment` ran, or all of the page, and `following` began before its end was sent."""

    async def look() -> None:
        session = Session(cast(ClientConnection, Silent()), "http://localhost/")

        def take(of: str, *, broken_off: bool = False) -> None:
            message = ForwardMsg()
            if broken_off:
                message.script_finished = ForwardMsg.FINISHED_EARLY_FOR_RERUN
            else:
                message.new_session.SetInParent()
            message.metadata.run.fragment_ids.extend([of] if of else [])
            session._take(message)

        click = asyncio.create_task(session.rerun(fragment_id=fragment))
        await asyncio.sleep(0)
        take(fragment)
        take(fragment, broken_off=True)
        await asyncio.sleep(0)
        assert not click.done()
        take(following)
        await asyncio.sleep(0.01)
        assert click.done() == answered
        click.cancel()
        session._reader.cancel()

    run(look())


@pytest.mark.parametrize(("runs", "missed"), [(10, False), (11, True)])
def test_what_no_longer_is_kept_and_is_yet_named_is_an_error(runs: int, missed: bool) -> None:
    """As in a browser, where it shows as a fault of the page."""

    async def look() -> None:
        session = Session(cast(ClientConnection, Silent()), "http://localhost/")
        kept, named = ForwardMsg(hash="one"), ForwardMsg(ref_hash="one")
        kept.delta.new_element.text.body = "one"
        kept.metadata.cacheable = True
        session._take(kept)
        for _ in range(runs):
            begun, ended = ForwardMsg(), ForwardMsg(script_finished=ForwardMsg.FINISHED_SUCCESSFULLY)
            begun.new_session.config.max_cached_message_age = config.get_option("global.maxCachedMessageAge")
            session._take(begun)
            session._take(ended)
        session._take(named)
        assert bool(session.errors) == missed
        session._reader.cancel()

    run(look())


def test_the_95th_percentile_is_no_more_than_the_worst() -> None:
    assert late([0.1] * 19 + [9.0]) < 9.0
    assert late([0.1] * 18 + [9.0] * 2) == 9.0
