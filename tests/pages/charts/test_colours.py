"""The ten colours of classes, as people with each kind of colour vision see them."""

from collections.abc import Sequence

import numpy as np

from pages.components.charts.colours import LABEL_COLOURS

# Machado, Oliveira & Fernandes 2009, severity 1, on linear RGB: protanopia, deuteranopia, tritanopia.
DICHROMATS = (
    ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
)
# Ottosson 2020: linear sRGB to cone responses, and their cube roots to OKLab.
TO_CONES = ((0.412221, 0.536333, 0.051446), (0.211903, 0.680700, 0.107397), (0.088302, 0.281719, 0.629979))
TO_OKLAB = ((0.210454, 0.793618, -0.004072), (1.977998, -2.428592, 0.450594), (0.025904, 0.782772, -0.808676))


def linear_rgb(colours: Sequence[str]) -> np.ndarray:
    """Colours like #1133ff as linear sRGB (N, 3), 0 to 1."""
    srgb = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in colours]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def oklab(linear: np.ndarray) -> np.ndarray:
    """Linear sRGB (N, 3) in OKLab (N, 3), where distances are those that people see."""
    lab: np.ndarray = np.cbrt(np.clip(linear, 0, 1) @ np.array(TO_CONES).T) @ np.array(TO_OKLAB).T
    return lab


def test_everybody_can_tell_the_ten_colours_apart() -> None:
    linear = linear_rgb(LABEL_COLOURS)
    for seen in (np.eye(3), *map(np.array, DICHROMATS)):
        lab = oklab(linear @ seen.T)
        distances = np.linalg.norm(lab[:, None] - lab[None], axis=-1) + 9 * np.eye(10)
        assert distances.min() > 0.12  # 0.02 is just noticeable side by side
