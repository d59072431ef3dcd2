"""Markup in names, errors and addresses is shown, not run."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from pages.components.shell.messages import WORD_JOINER, message_markdown
from tests.support.browser import Server, Workshop, own_page, ready
from tests.support.paths import ROOT
from tests.support.sources import SOURCES
from vae.datasets.registry import class_names
from vae.runs.run import Run
from vae.runs.titles import give_title

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "<b>bold</b> &lt;i&gt;",
    "[link](https://evil.example/a) ![picture](https://evil.example/b.png)",
    "https://evil.example/c www.evil.example me@evil.example",
    "$x^2$ $$y$$ `code` *a* _b_ ~~c~~",
    ":red[red] :blue-badge[badge] :smile: :material/home: :streamlit:",
    "-> <- <-> -- >= <= ~=",
    "1. list",
    "- list",
    "# heading",
)
NAME = "www.evil.example--x"  # of a run, and may be one
TITLE = '<b>a</b> <a href="https://evil.example">%{y}</a> &lt;'  # of a run


def shown(place: Locator) -> str:
    """The text that a person reads there."""
    return place.inner_text().replace(WORD_JOINER, "")


def led_outside(page: Page) -> list[str]:
    """The addresses on the page that hostile texts would have made."""
    addresses: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("[href], [src]")]
            .map((each) => each.getAttribute("href") ?? each.getAttribute("src"))"""
    )
    return [each for each in addresses if each == "x" or re.match("https?://(www[.])?evil[.]|mailto:", each)]


# A page with hostile texts in each place that reads Markdown.
TEXTS = f"""
import json
import re
import streamlit as st
from pages.components.shell.messages import escape_markdown
for number, text in enumerate(json.loads({json.dumps(json.dumps(HOSTILE))})):
    with st.container(key=f"texts_{{number}}"):
        st.error(escape_markdown(text))
        st.caption(escape_markdown(text))
        st.subheader(escape_markdown(text), anchor=False)
        st.button(escape_markdown(text), key=f"button_{{number}}")
        shown = lambda _, text=text: escape_markdown(text)
        st.pills("Classes", [0], format_func=shown, key=f"pills_{{number}}")
"""


@pytest.mark.browser
def test_plain_text_is_read_letter_by_letter_wherever_markdown_is(workshop: Workshop, page: Page) -> None:
    page.goto(workshop.serve_script(TEXTS).address())
    expect(page.locator("[class*=st-key-pills_]")).to_have_count(len(HOSTILE))
    for number, text in enumerate(HOSTILE):
        box = page.locator(f".st-key-texts_{number}")
        places = box.locator("[data-testid=stMarkdownContainer], [data-testid=stCaptionContainer]")
        expect(places).to_have_count(6)
        assert [shown(place) for place in places.all()] == [*[text] * 4, "Classes", text]
        assert box.locator("a, img, b, em, strong, code, del, li, h1, .katex").count() == 0
    assert led_outside(page) == []


def test_a_message_shows_its_commands_as_code_and_all_else_letter_by_letter() -> None:
    missing = "The set a*b is not in /x_y. `python -m vae download a*b` gets it; `other` stays."
    assert message_markdown(missing) == (
        r"The set a\*b is not in /x\_y. `python -m vae download a*b` gets it; \`other\` stays."
    )
    assert message_markdown("`python -m vae") == r"\`python \-m vae"


@pytest.fixture
def of_a_stranger(trained: Run, small_data: Path, tmp_path: Path) -> Iterator[Server]:
    """The app with a stranger's run, and a data set whose classes have hostile names."""
    run = Run(tmp_path / "runs" / NAME)
    shutil.copytree(trained.path, run.path)
    run.write_status(run.status().model_copy(update={"state": "failed", "error": " ".join(HOSTILE)}))
    give_title(run, TITLE)
    shutil.copytree(trained.path, tmp_path / "runs" / "plain")
    broken = Run(tmp_path / "runs" / "broken")
    shutil.copytree(trained.path, broken.path)
    (broken.path / "config.json").write_text(json.dumps({"format": 2, "dataset": HOSTILE[0]}))
    script = f"""
import runpy
import vae.datasets.registry
vae.datasets.registry.class_names = lambda dataset: {HOSTILE!r}
runpy.run_path({str(ROOT / "app.py")!r}, run_name="__main__")
"""
    folder = tmp_path / "page"
    folder.mkdir()
    places = {"VAE_RUNS_DIR": str(run.path.parent), "VAE_DATA_DIR": str(small_data)}
    with own_page(folder, script, **places) as server:
        yield server


@pytest.mark.browser
def test_a_strangers_run_shows_its_markup(of_a_stranger: Server, page: Page) -> None:
    assert len(HOSTILE) == len(class_names("mnist"))
    asked: list[str] = []
    page.on("dialog", lambda dialog: asked.append(dialog.message))
    page.goto(of_a_stranger.address(f"train?run={NAME}"))
    heading = page.get_by_role("heading", name=": failed")
    expect(heading).to_be_visible()
    assert shown(heading) == f"{TITLE}: failed"
    expect(page.get_by_test_id("stAlertContentError")).to_be_visible()
    assert shown(page.get_by_test_id("stAlertContentError")) == " ".join(HOSTILE)
    ready(page, "curves")
    assert led_outside(page) == []
    page.goto(of_a_stranger.address(f"train?run=plain&overlay={NAME}"))
    ready(page, "curves")
    legend = page.locator("[data-chart=curves] .legendtext", has_text="evil")
    assert legend.text_content() == TITLE
    point = page.locator("[data-chart=curves] .js-plotly-plot").evaluate(
        "(chart) => chart._fullData.findIndex((trace) => trace.name.includes('evil'))"
    )
    page.evaluate(
        "(i) => Plotly.Fx.hover(document.querySelector('[data-chart=curves] .js-plotly-plot'),"
        " [{curveNumber: i, pointNumber: 0}])",
        point,
    )
    expect(page.locator("[data-chart=curves] .hovertext")).to_contain_text(TITLE)
    assert led_outside(page) == []
    page.goto(of_a_stranger.address("train?run=broken"))
    error = page.get_by_test_id("stAlertContentError").first
    expect(error).to_contain_text(HOSTILE[0])
    page.goto(of_a_stranger.address(f"reconstructions?run={NAME}&boxes=true&index=1"))
    heading = page.get_by_role("heading", name="· #1")
    expect(heading).to_be_visible()
    assert shown(heading) == f"{HOSTILE[2]} · #1"
    ready(page, "losses_by_class")
    for number, text in enumerate(HOSTILE):
        assert shown(page.locator(".st-key-digit button[data-variant=pills]").nth(number)) == text
        assert page.locator("[data-chart=losses_by_class] .xtick").nth(number).text_content() == text
    assert led_outside(page) == []
    page.goto(of_a_stranger.address(f"?run={NAME}&z=i3"))
    ready(page, "map")
    for text in HOSTILE:
        expect(page.locator(".latent-map-legend")).to_contain_text(text)
        expect(page.locator(".class-bars")).to_contain_text(text)
    assert led_outside(page) == []
    assert asked == []


def test_no_text_is_handed_to_the_browser_as_its_markup() -> None:
    """Scripts make elements and give them texts, and pages have no Markdown read as HTML."""
    own = [path for path in (ROOT / "pages").rglob("*.js") if path.parent.name != "plotly_library"]
    for path in own:
        found = re.search(
            r"(inner|outer|Adjacent)HTML|document\.write|DOMParser|srcdoc", path.read_text("utf-8")
        )
        assert found is None, path
    for module, path in SOURCES.items():
        assert "unsafe_allow" not in path.read_text("utf-8"), module
