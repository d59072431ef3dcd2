"""The colours of classes, as people with each kind of colour vision see them on light and dark pages."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pytest

from pages.components.charts.colours import NUMBER_COLOURS, class_colours
from vae.export.colours import CLASS_COLOURS, Theme

Floats = npt.NDArray[np.float64]

# Machado, Oliveira & Fernandes 2009, severity 1, on linear RGB: protanopia, deuteranopia, tritanopia.
DICHROMATS = (
    ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
)
# Ottosson 2020: linear sRGB to cone responses, and their cube roots to OKLab.
TO_CONES = ((0.412221, 0.536333, 0.051446), (0.211903, 0.680700, 0.107397), (0.088302, 0.281719, 0.629979))
TO_OKLAB = ((0.210454, 0.793618, -0.004072), (1.977998, -2.428592, 0.450594), (0.025904, 0.782772, -0.808676))
# IEC 61966-2-1: linear sRGB to CIE XYZ, and the XYZ of white.
TO_XYZ = ((0.412456, 0.357576, 0.180438), (0.212673, 0.715152, 0.072175), (0.019334, 0.119192, 0.950304))
WHITE = (0.95047, 1.0, 1.08883)
GROUNDS: dict[Theme, str] = {"light": "#ffffff", "dark": "#171614"}  # Streamlit's pages
THEMES: tuple[Theme, ...] = ("light", "dark")


def linear_rgb(colours: Sequence[str]) -> Floats:
    """Colours like #1133ff as linear sRGB (N, 3), 0 to 1."""
    srgb = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in colours]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def oklab(linear: Floats) -> Floats:
    """Linear sRGB (N, 3) in OKLab (N, 3), where distances are those that people see."""
    lab: Floats = np.cbrt(np.clip(linear, 0, 1) @ np.array(TO_CONES).T) @ np.array(TO_OKLAB).T
    return lab


def cielab(linear: Floats) -> Floats:
    """Linear sRGB (N, 3) in CIELAB (N, 3), whose Euclidean distance is CIE76's Delta E."""
    xyz = np.clip(linear, 0, 1) @ np.array(TO_XYZ).T / WHITE
    x, y, z = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29).T
    return np.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), axis=1)


def contrast(colours: Sequence[str], ground: str) -> Floats:
    """The contrast of colours on a ground, 1 to 21, as WCAG 2.2 defines it: (N,)."""
    luminances, other = (linear_rgb(each) @ np.array(TO_XYZ[1]) for each in (colours, [ground]))
    high, low = np.maximum(luminances, other), np.minimum(luminances, other)
    ratios: Floats = (high + 0.05) / (low + 0.05)
    return ratios


def closest(colours: Sequence[str], space: Callable[[Floats], Floats]) -> float:
    """The smallest distance of two colours for normal vision and the three kinds of dichromacy."""
    linear = linear_rgb(colours)
    least = []
    for seen in (np.eye(3), *map(np.array, DICHROMATS)):
        places = space(linear @ seen.T)
        distances = np.linalg.norm(places[:, None] - places[None], axis=-1)
        least.append(distances[~np.eye(len(colours), dtype=bool)].min())
    return float(min(least))


@pytest.mark.parametrize("theme", THEMES)
def test_everybody_can_tell_the_ten_colours_apart(theme: Theme) -> None:
    colours = CLASS_COLOURS[theme][:10]
    assert closest(colours, cielab) > 17  # 2.3 is just noticeable side by side
    assert closest(colours, oklab) > 0.11  # 0.02 is just noticeable side by side


@pytest.mark.parametrize("theme", THEMES)
def test_twenty_colours_are_still_told_apart(theme: Theme) -> None:
    colours = CLASS_COLOURS[theme]
    assert len(colours) == 20
    assert closest(colours, cielab) > 11.5
    assert closest(colours, oklab) > 0.07


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("count", "least"), [(2, 0.34), (3, 0.15), (5, 0.14)])
def test_few_colours_are_told_apart_more_easily(theme: Theme, count: int, least: float) -> None:
    colours = class_colours(count, theme)
    assert len(set(colours)) == count
    assert closest(colours, oklab) > least  # of all ten it is 0.12 and 0.13


@pytest.mark.parametrize("theme", THEMES)
def test_every_colour_is_visible_on_the_page_of_its_theme(theme: Theme) -> None:
    assert contrast(CLASS_COLOURS[theme], GROUNDS[theme]).min() >= 3
    numbers = NUMBER_COLOURS[theme]
    levels = [tuple(map(int, colour[4:-1].split(","))) for colour in numbers]
    assert contrast(["#{:02x}{:02x}{:02x}".format(*level) for level in levels], GROUNDS[theme]).min() >= 3


def test_outside_of_a_visit_the_colours_are_those_of_light_pages() -> None:
    assert class_colours(20) == CLASS_COLOURS["light"]


def test_more_than_twenty_classes_share_the_colours_in_turn() -> None:
    colours = class_colours(45)
    assert len(colours) == 45
    assert colours[:3] == colours[20:23] == colours[40:43]
