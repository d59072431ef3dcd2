"""Places and pins as URL parameters: `z=0.41,-1.2`, `index=417`, `pins=0.41,-1.2_i417*_-3,0`.

A `*` follows those that are kept. Independent of Streamlit.

Shapes: N test pictures, Z latent size.
"""

import re
from dataclasses import dataclass

import numpy as np

from pages.components.map.pins import MOST, Pin, Pins
from vae import VaeError
from vae.inference.planes import FURTHEST
from vae.inference.scored_set import Floats
from vae.storage.untrusted import shortened

LONGEST = 60  # characters of a number
# Each character matches in one way only: an ambiguous pattern could take quadratic time.
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class PinQuery:
    """The URL parameters of pins, None where missing.

    The chosen pin is given by `z`, its place, or by `index`, its test picture; `pins` is the whole row.
    """

    z: str | None = None
    index: str | None = None
    pins: str | None = None


def place_text(place: Floats) -> str:
    """A place (Z,) with the fewest digits that identify it among float32 numbers."""
    # 0, not -0; and no `+`, which is a space in addresses.
    return ",".join(str(value + np.float32(0)).removesuffix(".0").replace("e+", "e") for value in place)


def place_of(text: str, latent_dim: int) -> Floats:
    """Parses a place (Z,). Raises VaeError if the text is none."""
    parts = [part.strip() for part in text.split(",", latent_dim)]
    if len(parts) == latent_dim and all(len(part) <= LONGEST and _NUMBER.fullmatch(part) for part in parts):
        values = [float(part) for part in parts]
        if is_place(values, latent_dim):
            return np.array(values, np.float32)
    raise VaeError(
        f"'{shortened(text)}' is no z here: it is {_numbers(latent_dim)}, none beyond ±{FURTHEST:,}."
    )


def is_place(values: object, latent_dim: int) -> bool:
    """Whether a value is a list of Z numbers, none of them beyond ±`FURTHEST`."""
    return (
        isinstance(values, list)
        and len(values) == latent_dim
        and all(type(value) in (int, float) and abs(value) <= FURTHEST for value in values)
    )


def index_of(text: str, count: int) -> int:
    """Parses the index of a test picture, 0 to `count` - 1. Raises VaeError if the text is none."""
    if text.isascii() and text.isdecimal() and len(text) < 10 and int(text) < count:
        return int(text)
    raise VaeError(f"There is no test image '{shortened(text)}': they are numbered from 0 to {count - 1:,}.")


def pin_text(pin: Pin) -> str:
    """A pin as part of `pins`."""
    return (place_text(pin.z) if pin.index is None else f"i{pin.index}") + "*" * pin.kept


def format_pins(pins: Pins) -> PinQuery:
    """The URL parameters of a row; `pins` only if it has several pins, or one that is kept."""
    chosen = pins.chosen
    if chosen is None:
        return PinQuery()
    row = "_".join(map(pin_text, pins.row)) if len(pins.row) > 1 or chosen.kept else None
    if chosen.index is not None:
        return PinQuery(index=str(chosen.index), pins=row)
    return PinQuery(z=place_text(chosen.z), pins=row)


def parse_pins(texts: PinQuery, means: Floats, pins: Pins) -> tuple[Pins, tuple[str, ...]]:
    """Parses a row of pins; returns it, and a message about each parameter that is invalid.

    Args:
        texts: the URL parameters.
        means: of the model's test pictures: (N, Z).
        pins: the row so far. It stays if there is no `pins`, else only its kept pins do.
    """
    sentences: list[str] = []
    if texts.pins is not None:
        pins, sentence = _read_row(texts.pins, means, pins.clear())
        sentences += [sentence] if sentence else []
    try:
        if texts.index is not None:
            index = index_of(texts.index, len(means))
            return _chosen(pins, means[index], index), tuple(sentences)
    except VaeError as error:
        sentences.append(str(error))
    try:
        if texts.z is not None:
            pins = _chosen(pins, place_of(texts.z, means.shape[1]), None)
    except VaeError as error:
        sentences.append(str(error))
    return pins, tuple(sentences)


def _numbers(latent_dim: int) -> str:
    return "a number" if latent_dim == 1 else f"{latent_dim} numbers with commas between"


def _pin(text: str, means: Floats) -> Pin:
    """Parses a part of `pins`. Raises VaeError if it is no pin."""
    name = text.removesuffix("*")
    index = index_of(name[1:], len(means)) if name.startswith("i") else None
    place = place_of(name, means.shape[1]) if index is None else means[index]
    return Pin(tuple(place.tolist()), index, kept=text != name)


def _chosen(pins: Pins, place: Floats, index: int | None) -> Pins:
    """Chooses the pin at a place, or adds one there."""
    same = [pin.number for pin in pins.row if (pin.place, pin.index) == (tuple(place.tolist()), index)]
    return pins.choose(same[-1]) if same else pins.add(place, index)


def _read_row(text: str, means: Floats, pins: Pins) -> tuple[Pins, str]:
    """Adds the pins of a text to a row; returns it, and a message if some parts are invalid."""
    parts = text.split("_") if text else []
    wrong = []
    spare = list(pins.row)  # each of them takes the place of one equal pin of the text
    for part in parts[-MOST:]:
        try:
            pin = _pin(part, means)
        except VaeError:
            wrong.append(part)
            continue
        if same := [each for each in spare if (each.place, each.index) == (pin.place, pin.index)]:
            spare.remove(same[0])
            continue
        pins = pins.add(pin.place, pin.index)
        if pin.kept:
            pins = pins.keep(pins.choice)
    if wrong:
        more = len(wrong) - 1
        others = "" if not more else ", nor is another" if more == 1 else f", nor are {more} others"
        return pins, (
            f"'{shortened(wrong[0])}' is no pin here{others}: a pin is a z, {_numbers(means.shape[1])}, "
            f"or a test image, from i0 to i{len(means) - 1:,}."
        )
    if len(parts) > MOST:
        return pins, f"The address names {len(parts):,} pins; the last {MOST} of them are here."
    return pins, ""
