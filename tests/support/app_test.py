"""The app without a browser: a page at an address, and what it says."""

import json
import re
from typing import Any

from streamlit.testing.v1 import AppTest

from pages.components.runs import run_data
from pages.components.shell.messages import WORD_JOINER
from tests.support.paths import ROOT

PAGES = ["pages/latent.py", "pages/reconstructions.py", "pages/train.py", "pages/compare.py"]


def visit(page: str, /, state: dict[str, object] | None = None, **query: str) -> AppTest:
    """The app at `page`, the address saying `query`, run once without an uncaught error."""
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for name, value in (state or {}).items():
        test.session_state[name] = value
    for name, value in query.items():
        test.query_params[name] = value
    run_data.status.clear()  # nobody waits here until what was true a moment ago is asked anew
    # Before its first run AppTest is a server's first visitor, whom Streamlit leads past app.py.
    test.switch_page(page).run()
    assert not test.exception
    return test


def messages(test: AppTest) -> str:
    return read(" ".join(element.value for element in (*test.error, *test.warning, *test.info)))


def read(text: str) -> str:
    """What stands there once Markdown that `plain` has made has been read."""
    return re.sub(r"\\(.)", r"\1", text.replace(WORD_JOINER, ""))


def html(test: AppTest) -> str:
    """What the page says in HTML of its own."""
    return " ".join(element.proto.body for element in test.get("html"))


def bars(text: str) -> dict[str, int]:
    """A bar chart of the page: of each class how many."""
    found = re.findall(
        r'<th scope="row">(\w+)</th><td><span style="width: (\d+)%[^<]*</span></td><td>(\d+)', text
    )
    counts = {name: int(count) for name, _, count in found}
    longest = max(counts.values())
    assert all(abs(int(width) - 100 * counts[name] / longest) <= 0.5 for name, width, _ in found)
    return counts


def component(test: AppTest, key: str) -> Any:
    """The data that a component was given."""
    texts = (part.proto.json for part in test.get("bidi_component"))
    sent = (json.loads(text) for text in texts if f'"key": "{key}"' in text)
    return next(data for data in sent if data.get("key") == key)


def on_this_map(test: AppTest, *events: object) -> list[object]:
    """Events as told from the map that stands there, but for those that say of which they are."""
    here = {name: component(test, "map")[name] for name in ("revision", "decoder")}
    return [here | event if isinstance(event, dict) else event for event in events]


def tell(test: AppTest, *events: object) -> AppTest:
    """The page after a browser has told these."""
    test.session_state["map"] = {"events": on_this_map(test, *events)}
    test.run()
    assert not test.exception
    return test
