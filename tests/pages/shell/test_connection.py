"""The script that has Streamlit run the page after a lost connection, on a page of its markup alone."""

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

# The number of `popstate` events, and the warnings, after the connection was lost and restored twice.
RECONNECT = """async (attribute) => {
    document.body.innerHTML = `<div data-testid="stApp" ${attribute}="CONNECTED"></div>`;
    const app = document.body.firstChild;
    let [runs, warnings] = [0, []];
    addEventListener("popstate", () => (runs += 1));
    console.warn = (text) => warnings.push(text);
    const { default: show } = await import("/shell/connection.js");
    show();
    const end = show();
    for (const state of ["PINGING_SERVER", "CONNECTED", "CONNECTED", "PINGING_SERVER", "CONNECTED"]) {
        app.setAttribute(attribute, state);
        await new Promise((done) => setTimeout(done));
    }
    end?.();
    return [runs, warnings];
}"""


def test_the_page_runs_when_the_connection_is_restored(bare_page: Page) -> None:
    assert bare_page.evaluate(RECONNECT, "data-test-connection-state") == [4, []]  # two scripts, two losses


def test_other_markup_of_streamlit_gets_one_warning(bare_page: Page) -> None:
    runs, warnings = bare_page.evaluate(RECONNECT, "data-other-state")
    assert runs == 0
    assert warnings == ["Streamlit's markup has changed: after a lost connection, reload the page."]
