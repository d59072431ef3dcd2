"""The row of pins: small pictures of what the model draws at each, to be chosen, kept, saved and removed."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

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
    '<div class="pins-row"><div class="pins-row-tiles" role="group"></div>'
    '<div class="pins-row-all"></div><p class="pins-row-empty"></p></div>',
)

Name = Literal["choose", "keep", "remove", "clear"]


class Action(NamedTuple):
    """What was asked for in the row: of the pin of that number, or, to clear it, of all."""

    name: Name
    number: int


def _action(told: Any) -> Action:
    name, pin = told["action"], told["pin"]
    if name not in get_args(Name):
        raise ValueError
    return Action(name, -1 if pin is None else int(pin))


def asked_actions() -> Iterator[Action]:
    """What was asked for, as `component_events.new_events`; called before the row is drawn."""
    return (action for _, action in component_events.new_events(KEY, _action))


def pins_row(
    pins: Pins,
    loaded: LoadedModel,
    names: Sequence[str],
    plane: Plane,
    *,
    run: str,
    address: Mapping[str, str | None],
) -> None:
    """Shows the row, and reports what is asked for in it to `asked_actions`.

    Args:
        pins: what to show, each with a place in the latent space of the model.
        loaded: what it draws there; a place leads to the nearest picture of the test set.
        names: of the classes.
        plane: what the map shows, which so says how places are named.
        run: the name of the model's run.
        address: what the page's address is to say of each name, None for nothing.
    """
    test = loaded.test
    # Each is kept: a click must not draw and search all of the row again.
    pictures = b"".join(picture_at(loaded, pin.z).tobytes() for pin in pins.row)
    shown = [nearest_to(loaded, pin.z) if pin.index is None else pin.index for pin in pins.row]
    titles = [f"{names[test.labels[index]]} · #{index}" for index in shown]
    _mount(
        key=KEY,
        data={
            "key": KEY,
            "run": run,
            "side": test.images.shape[-1],
            "pictures": base64.b64encode(pictures).decode(),
            "chosen": pins.choice,
            "pins": [
                _tile(
                    pin,
                    plane.format_place(pin.z),
                    title,
                    run,
                    {"page": RECONSTRUCTIONS, "query": {"run": run, "index": str(index)}},
                )
                for pin, title, index in zip(pins.row, titles, shown, strict=True)
            ],
            "address": address,
            **component_events.acknowledged(KEY),
        },
        on_events_change=lambda: None,  # without it nothing reaches `asked_actions`
    )


def _tile(pin: Pin, place: str, title: str, run: str, link: Mapping[str, object]) -> dict[str, object]:
    """What a tile says; `title` is the test picture that its link leads to."""
    z, own = place_text(pin.z), pin.index is not None
    return {
        "number": pin.number,
        "kept": pin.kept,
        "text": title if own else place,
        "z": place,
        "title": f"test picture {title}, z = {place}" if own else f"z = {z}",
        "file": f"{run}{f'_i{pin.index}' * own}_z={z}"[:LONGEST],
        "link": link,
        "leads": f"Show {title if own else f'the nearest test picture, {title},'} in Reconstructions",
    }
