"""Several at once: whoever visits sees what they did themselves, and nobody else's."""

import asyncio
import time

import pytest

from benchmarks.load import late
from benchmarks.sessions import Session
from benchmarks.visitors import GALLERY, MAP, StrangeError, Tab, Visitor
from tests.browser import Server
from tests.conftest import BUNDLED

TOGETHER = 4


def test_visitors_who_act_at_once_see_their_own(shared: Server) -> None:
    async def visit(number: int) -> Visitor:
        tab = Tab(await Session.open(shared.address(f"?run={BUNDLED.name}")))
        visitor = Visitor(tab, number, TOGETHER, [BUNDLED.name], BUNDLED.name)
        own = (number - 1.5, 0.25 * number)
        await tab.click(own)
        await tab.draw(own, (-own[1], own[0]))
        await tab.turn(GALLERY, BUNDLED.name)
        await tab.open(100 + number)
        await tab.close()
        await tab.turn(MAP, BUNDLED.name)
        await tab.click((own[1], own[0]))
        await visitor.stay(time.perf_counter() - 1, pause=0)  # too late for anything
        await tab.leave()
        return visitor

    async def together() -> list[Visitor]:
        return await asyncio.gather(*(visit(number) for number in range(TOGETHER)))

    visitors = asyncio.run(together())
    assert [visitor.window.errors for visitor in visitors] == [[]] * TOGETHER
    assert not any(visitor.seconds or visitor.troubles for visitor in visitors)


def test_what_another_did_is_known_as_such(shared: Server) -> None:
    async def look() -> None:
        tab = Tab(await Session.open(shared.address(f"?run={BUNDLED.name}")))
        await tab.click((0.5, 1.0))
        tab.places.clear()  # as if another had clicked there
        try:
            with pytest.raises(StrangeError, match=r"pins of others: .*0\.5, 1\.0"):
                await tab.click((1.5, 1.0))
        finally:
            await tab.leave()

    asyncio.run(look())


def test_the_95th_percentile_is_no_more_than_the_worst() -> None:
    assert late([0.1] * 19 + [9.0]) < 9.0
    assert late([0.1] * 18 + [9.0] * 2) == 9.0
