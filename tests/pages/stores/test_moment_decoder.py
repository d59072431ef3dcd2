"""The decoder of the moment that is shown, by itself, on a page that shows nothing."""

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

# Counts the calls of `changed` after each act; decoders come when they are released.
ACTS = """async () => {
    const arrived = {};
    const get = (name) => new Promise((release) => (arrived[name] = release));
    window.decodersOfThisApp = { get };
    const { timeline } = await import("/stores/moments/timeline.js");
    const { MomentDecoder } = await import("/stores/moments/moment_decoder.js");
    let scene = null;
    const shown = timeline("time");
    Object.defineProperty(shown, "scene", { get: () => scene });
    const states = [];
    let calls = 0;
    const decoder = new MomentDecoder(() => (calls += 1));
    const act = async (work) => {
        work();
        await new Promise((done) => setTimeout(done));
        states.push([decoder.value, decoder.moment?.decoder ?? null, calls]);
    };
    const move = (loaded) => () => {
        scene = loaded && { loaded };
        shown.dispatchEvent(new Event("change"));
    };
    await act(() => decoder.request("first", "time"));
    await act(() => arrived.first("newest"));
    await act(move({ decoder: "early" }));
    await act(move({ decoder: "early" }));
    await act(() => decoder.request("second", "another"));
    await act(() => arrived.second("newer"));
    await act(move(null));
    await act(() => decoder.request(null, "time"));
    await act(() => decoder.request("second", "time"));
    decoder.end();
    await act(move({ decoder: "early" }));
    return states;
}"""


def test_it_follows_the_timeline_and_tells_each_change_once(page: Page, modules: str) -> None:
    page.goto(modules)
    assert page.evaluate(ACTS) == [
        [None, None, 0],
        ["newest", None, 1],
        ["early", "early", 2],
        ["early", "early", 2],  # a frame of the same moment
        [None, "early", 2],  # newer weights are on their way
        ["early", "early", 3],
        ["newer", None, 4],
        [None, None, 4],  # another run, without weights
        ["newer", None, 4],
        ["early", "early", 4],  # nobody listens any more
    ]
