"""The contrast of all text with what lies behind it, on each page and in both themes (WCAG 2.2, 1.4.3)."""

import shutil
from contextlib import suppress
from typing import Literal

import pytest
from playwright.sync_api import Error, Page, expect

from tests.support.browser import Workshop, ready
from vae.runs.run import Run

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("small")]

Scheme = Literal["light", "dark"]
PAGES = {
    "map?run=RUN&index=3&pins=i3_0,1&path=-1,0_1,0.5&panel=samples": "map",
    "map?run=RUN&lasso=-2,-2_2,-2_2,2_-2,2&panel=save": "map",
    "compare?run=RUN&with=other": "right",
    "train?run=RUN&beta=4": "curves",
    "train?run=RUN&show=Runs": None,
    "reconstructions?run=RUN&boxes=true": "losses_by_class",
    "data": None,
    "data?dataset=sprites": None,
    "data?view_of_data=Add+pictures": None,
    "learn": None,
}
# Texts whose contrast is less than 4.5:1, or 3:1 if they are large or icons. Not those of inactive controls,
# which are exempt, and not what is painted on a canvas.
TOO_FAINT = """() => {
    const context = Object.assign(document.createElement("canvas"), { width: 1, height: 1 })
        .getContext("2d", { willReadFrequently: true });
    const known = new Map();
    const rgba = (text) => {
        if (!known.has(text)) {
            context.clearRect(0, 0, 1, 1);
            context.fillStyle = text;
            context.fillRect(0, 0, 1, 1);
            const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
            known.set(text, [r, g, b, a / 255]);
        }
        return known.get(text);
    };
    const over = ([r, g, b, a], ground) => [r, g, b].map((level, i) => a * level + (1 - a) * ground[i]);
    const luminance = (levels) => levels
        .map((level) => level / 255)
        .map((level) => (level <= 0.04045 ? level / 12.92 : ((level + 0.055) / 1.055) ** 2.4))
        .reduce((sum, level, i) => sum + level * [0.2126, 0.7152, 0.0722][i], 0);
    const ancestors = (element) => (element ? [...ancestors(element.parentElement), element] : []);
    const faint = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const text = walker.currentNode.data.trim();
        const element = walker.currentNode.parentElement;
        const visible = element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
        const exempt = element.closest("script, style, :disabled, [aria-disabled=true], .visually-hidden");
        if (!text || !visible || exempt) continue;
        const box = element.getBoundingClientRect();
        if (box.width < 2 || box.height < 2) continue;
        // Each ancestor's background over the one behind it; an opacity mixes what is inside with that. The
        // value of a slider stands above the thumb, of which it is a child.
        let ground = [255, 255, 255];
        let opacity = 1;
        let behind = ground;
        for (const each of ancestors(element)) {
            const style = getComputedStyle(each);
            if (Number(style.opacity) < 1) {
                behind = opacity < 1 ? behind : ground;
                opacity *= Number(style.opacity);
            }
            if (!each.matches("[data-testid=stSlider] *")) ground = over(rgba(style.backgroundColor), ground);
        }
        const style = getComputedStyle(element);
        const colour = rgba(element.closest("svg") ? style.fill : style.color);
        if (!colour[3]) continue;
        const mixed = (levels) => over([...levels, opacity], behind);
        const ink = over(colour, ground);
        const [a, b] = (opacity < 1 ? [mixed(ink), mixed(ground)] : [ink, ground]).map(luminance);
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        const size = parseFloat(style.fontSize);
        const icon = style.fontFamily.includes("Material Symbols");
        const large = icon || size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        if (contrast < (large ? 3 : 4.5)) faint.push(`${contrast.toFixed(2)} ${text.slice(0, 60)}`);
    }
    return [...new Set(faint)];
}"""
# Whether the background is that of a theme.
FOLLOWS = """(scheme) => {
    const { backgroundColor } = getComputedStyle(document.querySelector("[data-testid=stApp]"));
    const [red] = backgroundColor.match(/\\d+/);
    return scheme === "dark" ? red < 60 : red > 200;
}"""


def test_every_text_can_be_read(page: Page, workshop: Workshop, trained: Run) -> None:
    """Each page is opened in one theme and goes over to the other; every second one is dark at first."""
    for name in (trained.name, "other"):
        shutil.copytree(trained.path, workshop.runs / name)
    first: Scheme = "light"
    second: Scheme = "dark"
    faint: list[str] = []
    for address, chart in PAGES.items():
        page.emulate_media(color_scheme=first)
        page.goto(workshop.address(address.replace("RUN", trained.name)))
        if chart is None:
            expect(page.get_by_role("heading", level=1)).to_be_attached()
            page.wait_for_selector("[data-test-script-state=notRunning]")
        else:
            ready(page, chart)
        faint += (f"{address} in {first}: {text}" for text in page.evaluate(TOO_FAINT))
        page.emulate_media(color_scheme=second)
        page.wait_for_function(FOLLOWS, arg=second)
        with suppress(Error):  # what is drawn follows a little later
            page.wait_for_function(f"() => ({TOO_FAINT})().length === 0")
        faint += (f"{address} in {second}: {text}" for text in page.evaluate(TOO_FAINT))
        first, second = second, first
    assert faint == []
