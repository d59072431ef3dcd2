"""The row of pins: what the model draws at each, with buttons to choose, keep, save and remove it."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from pages.components.charts.images import levels_text
from pages.components.map.map_data import nearest_to, picture_at
from pages.components.map.pin_urls import place_text
from pages.components.map.pins import Pin, Pins
from pages.components.runs.loaded_model import LoadedModel
from pages.components.shell import component_events
from pages.components.shell.assets import module_component
from pages.components.shell.links import RECONSTRUCTIONS
from vae.inference.planes import Plane

KEY = "pins"
LONGEST = 120  # characters of a file's name

_mount = module_component(
    __file__,
    '<div class="pins-row pixelated" data-on-screen="pins"><div class="pins-row-tiles" role="group"></div>'
    '<div class="pins-row-all component-controls"></div><p class="pins-row-empty"></p></div>',
)

Name = Literal["choose", "keep", "remove", "clear"]


class Action(NamedTuple):
    """An action on the pin of that number; to clear the row, on all of them."""

    name: Name
    number: int


def _action(sent: Any) -> Action:
    name, pin = sent["action"], sent["pin"]
    if name not in get_args(Name):
        raise ValueError
    return Action(name, -1 if pin is None else int(pin))


def new_actions() -> Iterator[Action]:
    """The actions since the last run of the page (see `component_events`); called before the row is drawn."""
    return (action for _, action in component_events.new_events(KEY, _action))


def pins_row(
    pins: Pins,
    loaded: LoadedModel,
    plane: Plane,
    *,
    run: str,
    query: Mapping[str, str | None],
) -> None:
    """Shows the row; `new_actions` returns what is done in it.

    Args:
        pins: each with a place in the latent space of the model.
        loaded: its model draws the pictures; each pin links to a test picture, if it is none to the nearest,
            unless these are missing.
        plane: the plane of the map, by whose axes places are named.
        run: the name of the model's run.
        query: the values of the URL's query parameters, None to remove one.
    """
    test = loaded.test
    # Both are cached: a click draws and searches for the new pin only.
    pictures = [picture_at(loaded, pin.z) for pin in pins.row]
    shown = [nearest_to(loaded, pin.z) if pin.index is None else pin.index for pin in pins.row]
    titles = [loaded.image_title(index) for index in shown]
    _mount(
        key=KEY,
        data={
            "key": KEY,
            "run": run,
            "side": test.images.shape[1],
            "pictures": levels_text(np.stack(pictures)) if pictures else "",
            "chosen": pins.choice,
            "pins": [
                _tile(
                    pin,
                    plane.format_place(pin.z),
                    title,
                    run,
                    None
                    if loaded.missing
                    else {"page": RECONSTRUCTIONS, "query": {"run": run, "index": str(index)}},
                )
                for pin, title, index in zip(pins.row, titles, shown, strict=True)
            ],
            "query": query,
            **component_events.acknowledged(KEY),
        },
        on_events_change=lambda: None,  # without it nothing reaches `new_actions`
    )


def _tile(pin: Pin, place: str, title: str, run: str, link: Mapping[str, object] | None) -> dict[str, object]:
    """A tile's data; `title` names the test picture that its link leads to, if there is one."""
    z, own = place_text(pin.z), pin.index is not None
    return {
        "number": pin.number,
        "kept": pin.kept,
        "text": title if own else place,
        "z": place,
        "title": f"test image {title}, z = {place}" if own else f"z = {z}",
        "file": f"{run}{f'_i{pin.index}' * own}_z={z}"[:LONGEST],
        "link": link,
        "link_label": f"Show {title if own else f'the nearest test image, {title},'} in Reconstructions",
    }
