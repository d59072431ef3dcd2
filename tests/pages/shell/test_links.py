"""Links between pages, which open a page as it was left: also where the browser keeps nothing."""

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

# What a browser may do instead of keeping texts.
DENIALS = {
    "as usual": "",
    "access is denied": """Object.defineProperty(window, "sessionStorage", {
        get() { throw new DOMException("Access is denied for this document.", "SecurityError"); } })""",
    "there is none": 'Object.defineProperty(window, "sessionStorage", { value: null })',
    "it is full": """Storage.prototype.setItem = () => {
        throw new DOMException("The quota has been exceeded.", "QuotaExceededError"); }""",
    "reading is denied": """Storage.prototype.getItem = () => {
        throw new DOMException("Access is denied for this document.", "SecurityError"); }""",
}
# Leaves a page at an address, twice, by a link to another, and returns the addresses of a link back.
FOLLOW = """async () => {
    const { navigate } = await import("./shell/links/navigate.js");
    const [there, back] = ["a", "a"].map((name) => document.body.appendChild(document.createElement(name)));
    const seen = [];
    for (const pins of ["1,2", "3,4"]) {
        history.replaceState(null, "", `latent?pins=${pins}`);
        navigate(there, { page: "reconstructions", query: { index: "5" } });
        seen.push(there.getAttribute("href"));
        there.click();
        seen.push(location.search);
        navigate(back, { page: "latent", query: { run: "best" } });
        seen.push(new URL(back.href).searchParams.get("pins"), new URL(back.href).searchParams.get("run"));
    }
    return seen;
}"""


@pytest.mark.parametrize("denial", DENIALS)
def test_a_link_leads_back_to_a_page_as_it_was_left(denial: str, bare_page: Page) -> None:
    bare_page.evaluate(f"() => {{ {DENIALS[denial]} }}")
    there = f"{bare_page.url}reconstructions?index=5"
    first, second = ([there, "?index=5", pins, "best"] for pins in ("1,2", "3,4"))
    assert bare_page.evaluate(FOLLOW) == [*first, *second]
