"""The URL's parameters as the browser has them."""

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Workshop

pytestmark = pytest.mark.browser

SCRIPT = """
import streamlit as st
from pages.components.shell.url_state import query_in_browser

@st.fragment
def part():
    if st.toggle("Ask"):
        known, asked = st.query_params, query_in_browser()
        st.text(f"Streamlit has {known.get('window')}, the browser {asked.get('window')}.")

st.query_params["window"] = "before"  # from now on Streamlit sends what it has set
part()
"""


def test_the_query_is_that_of_the_browser(workshop: Workshop, page: Page) -> None:
    page.goto(workshop.serve_script(SCRIPT).address())
    ask = page.get_by_text("Ask", exact=True)
    expect(ask).to_be_visible()
    page.wait_for_function("location.search.includes('before')")
    page.evaluate("history.replaceState(history.state, '', '?window=after%2C1')")
    ask.click()
    expect(page.get_by_text("Streamlit has before, the browser after,1.")).to_be_visible()
    ask.click()
    page.evaluate("history.replaceState(history.state, '', '?window=later')")
    ask.click()
    expect(page.get_by_text("Streamlit has before, the browser later.")).to_be_visible()
