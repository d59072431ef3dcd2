"""The legend of a map: a row of a few classes, a list of many that can be searched, nothing for one."""

import pytest
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

# A legend with the app's rule for what is hidden; `hiddenLabels` are those it has reported.
SHOW = """async (names) => {
    const { makeLegend } = await import("/map/latent_map/legend.js");
    document.head.insertAdjacentHTML("beforeend", "<style>[hidden] { display: none !important; }</style>");
    document.body.innerHTML = '<div id="legend"></div>';
    window.hiddenLabels = [];
    const report = (labels) => (window.hiddenLabels = [...labels].sort((one, other) => one - other));
    const legend = makeLegend(document.getElementById("legend"), report);
    const look = { classes: names, colours: names.map((_, k) => `rgb(${k}, 0, 0)`), colouring: "class" };
    // As the map does when new points have come.
    window.draw = () => {
        const labels = Uint8Array.from({ length: 3 * names.length }, (_, k) => k % names.length);
        legend.draw(look, labels, null, new Set(window.hiddenLabels));
    };
    window.draw();
}"""
MANY = [f"Class {k}" for k in range(40)]


def hidden(page: Page) -> list[int]:
    labels: list[int] = page.evaluate("window.hiddenLabels")
    return labels


def opener(page: Page) -> Locator:
    return page.locator(".latent-map-classes-opener")


def found(page: Page) -> list[str]:
    """The classes that the list shows."""
    return page.locator(".latent-map-classes-items button:visible").all_inner_texts()


def test_few_classes_stand_in_a_row_and_a_single_one_nowhere(bare_page: Page) -> None:
    for names in ([*"0123456789"], ["T-shirt/top", "Trouser"], [*"ABCDEFGHIJKLMNOPQRST"]):
        bare_page.evaluate(SHOW, names)
        assert bare_page.locator("#legend > .latent-map-class:visible").all_inner_texts() == names
        expect(opener(bare_page)).to_have_count(0)
    bare_page.evaluate(SHOW, ["all"])
    expect(bare_page.locator("#legend > *")).to_have_count(0)
    expect(bare_page.locator("#legend")).to_have_attribute("data-empty", "")


@pytest.mark.parametrize("names", [MANY, [f"a long name {k}" for k in range(15)]])
def test_a_list_is_opened_searched_and_closed(bare_page: Page, names: list[str]) -> None:
    page = bare_page
    page.evaluate(SHOW, names)
    expect(opener(page)).to_have_text(f"{len(names)} classes")
    expect(opener(page)).to_have_attribute("aria-expanded", "false")
    assert found(page) == []
    opener(page).click()
    expect(opener(page)).to_have_attribute("aria-expanded", "true")
    assert found(page) == names
    field = page.get_by_role("searchbox", name="Find a class")
    expect(field).to_be_focused()
    field.fill(" 12")
    assert found(page) == [names[12]]
    expect(page.get_by_role("status")).to_have_text("1 class found")
    page.evaluate("window.draw()")  # new points: the search stays
    assert found(page) == [names[12]]
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    assert found(page) == []
    expect(opener(page)).to_be_focused()


def test_classes_are_hidden_shown_and_shown_alone(bare_page: Page) -> None:
    page = bare_page
    page.evaluate(SHOW, MANY)
    opener(page).click()
    one = page.get_by_role("button", name="Class 33 (3)")
    one.click()
    assert hidden(page) == [33]
    expect(one).to_have_attribute("aria-pressed", "false")
    expect(opener(page)).to_have_text("39 of 40 classes")
    one.click(modifiers=["Shift"])
    assert hidden(page) == [label for label in range(40) if label != 33]
    expect(opener(page)).to_have_text("1 of 40 classes")
    page.get_by_role("button", name="All", exact=True).click()
    assert hidden(page) == []
    expect(opener(page)).to_be_focused()


def test_keys_move_within_the_list(bare_page: Page) -> None:
    page = bare_page
    page.evaluate(SHOW, MANY)
    opener(page).press("Enter")

    def focused() -> str:
        return str(page.evaluate("document.activeElement.innerText"))

    page.keyboard.press("ArrowDown")
    assert focused() == "Class 0"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert focused() == "Class 2"
    page.keyboard.press("End")
    assert focused() == "Class 39"
    page.keyboard.press("ArrowDown")
    assert focused() == "Class 39"
    page.keyboard.press("Home")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("class 3")
    page.keyboard.press("Tab")  # the list is one stop
    assert focused() == "Class 3"
    page.keyboard.press("ArrowDown")
    assert focused() == "Class 30"
    page.keyboard.press("Space")
    assert hidden(page) == [30]
    page.evaluate("window.draw()")
    assert focused() == "Class 30"
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("Tab")
    assert focused() == "Class 30"
