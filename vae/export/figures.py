"""Figures for print: manifold, loss curves, path and reconstructions, as PDF, SVG or PNG.

They are drawn by matplotlib, an optional dependency, with dark ink on a light ground. Text stays text. The
latent map is in `map_figure`.

Shapes: N images, S pixels of a side, Z latent size, D points of a path, M rows of reconstructions.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from vae import VaeError
from vae.export.packages import needed
from vae.inference.planes import Plane, prior_grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from vae.datasets.images import ImageArray
    from vae.inference.forward import Model
    from vae.inference.scored_set import Floats
    from vae.runs.history import Losses

Subject = Literal["map", "manifold", "curves", "path", "reconstructions"]
Format = Literal["pdf", "svg", "png"]
Layout = Literal["constrained", "compressed"]
CM = 1 / 2.54  # inches
POINTS = 72 * CM  # of a centimetre
LARGEST_TILE = 4.0  # cm: the side of an image beside its reconstruction
MOST_PIXELS = 100_000_000  # of a file: they take four bytes each while it is drawn
INK, GRID = "#222222", "#cccccc"
_TEST, _TRAIN = "#e76300", "#3f90da"


@dataclass(frozen=True)
class Style:
    """How a figure is drawn. Raises VaeError if something is out of bounds.

    Attributes:
        width: in centimetres, 3 to 100.
        height: in centimetres; None for what the figure needs.
        font: size of the text in points, 4 to 40.
        dpi: of PNG files, and of what is embedded in others as pixels: 50 to 1200.
        raster: whether points are embedded as pixels: of ten thousand points, vectors take a megabyte.
    """

    width: float = 12
    height: float | None = None
    font: float = 9
    dpi: int = 300
    raster: bool = False

    def __post_init__(self) -> None:
        bounds = (
            ("width", self.width, 3, 100, "cm"),
            ("height", self.height, 3, 100, "cm"),
            ("font size", self.font, 4, 40, "points"),
            ("resolution", self.dpi, 50, 1200, "dpi"),
        )
        for name, value, low, high, unit in bounds:
            if value is not None and not low <= value <= high:
                raise VaeError(f"A {name} of {value:g} {unit} is not possible: {low} to {high}.")


def manifold_figure(model: Model, plane: Plane, count: int, style: Style) -> Figure:
    """What the model decodes at quantiles of the prior on a plane, `count` a side; on a line, one row."""
    grid = prior_grid(count)
    rows = grid[:1] if plane.is_line else grid
    middle = plane.coordinates(np.zeros((1, len(plane.base))))[0]
    places = np.stack([plane.at(x, y) for x, y in (rows + middle).reshape(-1, 2)])
    pictures = model.decode(places)
    figure = empty_figure(style, style.width * len(rows) / count + (0 if plane.is_line else 0.4))
    axes = figure.add_subplot()
    axes.imshow(tiled(pictures, count), **looks(pictures), extent=(0, count, 0, len(rows)))
    ticks = np.unique(np.linspace(0, count - 1, 5).round().astype(int))  # both ends, and the middle
    quantiles = grid[0, ticks, 0]
    axes.set_xticks(ticks + 0.5, [_number(value) for value in quantiles + middle[0]])
    axes.set_xlabel(plane.names[0])
    axes.set_yticks([])
    if not plane.is_line:
        axes.set_yticks(ticks + 0.5, [_number(value) for value in quantiles + middle[1]])
        axes.set_ylabel(plane.names[1])
    return figure


def _number(value: float) -> str:
    return f"{value:.1f}".replace("-", "−")


def curves_figure(losses: Losses, style: Style) -> Figure:
    """Reconstruction, KL and −ELBO over the epochs, in nats per image: training and test."""
    figure = empty_figure(style, style.width * 0.36)
    panels = figure.subplots(1, 3)
    for axes, (title, names) in zip(panels, _PANELS, strict=True):
        for rows, colour, label in ((losses.train, _TRAIN, "train"), (losses.test, _TEST, "test")):
            values = np.sum([rows[name] for name in names], axis=0)
            axes.plot(rows["epoch"], values, color=colour, linewidth=1, label=label)
        settled = np.concatenate(
            [_settled(np.sum([rows[name] for name in names], axis=0)) for rows in losses]
        )
        if len(settled):
            room = 0.06 * max(float(np.ptp(settled)), 1e-3)
            axes.set_ylim(float(settled.min()) - room, float(settled.max()) + room)
        axes.set(title=title, xlabel="epoch")
        axes.grid(color=GRID, linewidth=0.4)
    panels[0].set_ylabel("nats per image")
    panels[-1].legend(frameon=False)
    return figure


_PANELS = (("Reconstruction", ("reconstruction",)), ("KL", ("kl",)), ("−ELBO", ("reconstruction", "kl")))


def path_figure(pictures: ImageArray, style: Style) -> Figure:
    """The images along a path, (D, S, S) or (D, S, S, 3), in one row."""
    figure = empty_figure(style, style.width / len(pictures), layout=None)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(tiled(pictures, len(pictures)), **looks(pictures))
    axes.set_axis_off()
    return figure


def reconstructions_figure(
    pictures: ImageArray, reconstructions: ImageArray, titles: Sequence[str], style: Style
) -> Figure:
    """Images (M, S, S) or (M, S, S, 3) over their reconstructions, each with a title of some lines.

    Text is smaller than the style's where titles would touch each other, or words take a third of the width.
    """
    words = ("image", "reconstruction")
    word_size = _fitting(0.8 * style.font, 0.3 * style.width, words)
    side = (style.width - 9 * word_size / POINTS) / len(pictures)
    lines = [title.split("\n") for title in titles]
    title_size = _fitting(style.font, side, [line for title in lines for line in title])
    title_height = 1.4 * title_size / POINTS * max(map(len, lines))
    figure = empty_figure(style, 2 * min(side, LARGEST_TILE) + title_height, layout=None)
    # Padding in inches: beside ten images the usual one takes a fifth of the width.
    figure.set_layout_engine("compressed", w_pad=0.01, h_pad=0.01)
    rows = figure.subplots(2, len(pictures), squeeze=False)
    for row, word, shown in zip(rows, words, (pictures, reconstructions), strict=True):
        for axes, picture in zip(row, shown, strict=True):
            axes.imshow(picture, **looks(pictures))
            axes.set(xticks=[], yticks=[], frame_on=False)  # not `set_axis_off`, which hides the word, too
        row[0].set_ylabel(word, fontsize=word_size, rotation=0, ha="right", va="center")
    for axes, title in zip(rows[0], titles, strict=True):
        axes.set_title(title, fontsize=title_size, pad=2)
    return figure


def _fitting(size: float, width: float, lines: Sequence[str]) -> float:
    """The size of text in points, at most `size`, at which each of the lines is at most `width` cm long."""
    return min(size, width * POINTS / max(0.62 * len(line) for line in lines))


def figure_file(draw: Callable[[], Figure], kind: Format, style: Style) -> bytes:
    """What `draw` draws as a file. Text in PDF and SVG can be selected; SVG takes it from the reader's fonts.

    Raises VaeError if matplotlib is missing, or the file would have more than `MOST_PIXELS` pixels.
    """
    mpl = needed("matplotlib", "Figures")
    texts = ("font.size", "axes.titlesize", "axes.labelsize", "xtick.labelsize", "ytick.labelsize")
    settings: dict[Any, Any] = {
        **dict.fromkeys((*texts, "legend.fontsize"), style.font),
        "axes.linewidth": 0.6,
        "svg.fonttype": "none",
        "svg.hashsalt": "vae",  # the same file each time
        "pdf.fonttype": 42,  # TrueType, which journals ask for
    }
    metadata: dict[Format, dict[str, None]] = {
        "pdf": {"CreationDate": None},
        "svg": {"Date": None},
        "png": {},
    }
    file = io.BytesIO()
    with mpl.rc_context(settings):
        figure = draw()
        width, height = figure.get_size_inches() * style.dpi
        if (kind == "png" or style.raster) and width * height > MOST_PIXELS:
            raise VaeError(
                f"{width:,.0f} x {height:,.0f} pixels are not possible, {MOST_PIXELS / 1e6:.0f} million at "
                "most: choose a smaller width or fewer dots per inch."
            )
        figure.savefig(file, format=kind, dpi=style.dpi, facecolor="white", metadata=metadata[kind])
    return file.getvalue()


def empty_figure(style: Style, needed: float, layout: Layout | None = "constrained") -> Figure:
    """An empty figure of the style's width; its height is the style's, or else what is needed, in cm."""
    from matplotlib.figure import Figure

    height = style.height or max(1.0, needed)
    return Figure(figsize=(style.width * CM, height * CM), layout=layout)


def _settled(values: Floats) -> Floats:
    """The values without the first tenth, whose fall would flatten the rest of a curve."""
    return values[len(values) // 10 :]


def tiled(pictures: ImageArray, columns: int) -> ImageArray:
    """Pictures (N, S, S[, 3]) in rows of so many: (N / columns · S, columns · S[, 3])."""
    count, side = pictures.shape[:2]
    grid = pictures.reshape(count // columns, columns, side, side, *pictures.shape[3:])
    return grid.swapaxes(1, 2).reshape(count // columns * side, columns * side, *pictures.shape[3:])


def looks(pictures: ImageArray) -> dict[str, Any]:
    """How matplotlib draws pictures: each pixel a square; grey ones dark on light."""
    if pictures.ndim == 4:
        return {"interpolation": "none"}
    return {"interpolation": "none", "cmap": "gray_r", "vmin": 0, "vmax": 255}
