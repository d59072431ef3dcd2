"""Stores: what brings heavy content to the browser, once, for all components of the page.

In a module, or in a script that begins with `REGISTRY`, JavaScript gets what a store brings by its name,
whichever of the two is mounted first:

    const decoder = await decoders().get(data.decoder);
    const { xy, labels } = await pointSets().get(data.points);

Megabytes must not travel with each run. Streamlit keeps messages of 10 kB and more in the browser, by a hash
of all their content, and sends a reference of 0.1 kB to one that is there. So a store is a component of its
own, with nothing in its data that changes, mounted outside of fragments. And the content must not be taken
for that of another run: so its name is a hash of it, and one that is not here yet is awaited.
"""

from pathlib import Path
from typing import Literal

from streamlit.components.v2 import component
from streamlit.components.v2.types import ComponentRenderer

_HERE = Path(__file__).parent
REGISTRY = (_HERE / "registry.js").read_text(encoding="utf-8")


def store(kind: Literal["decoders", "points", "moments"], script: str) -> ComponentRenderer:
    """A component of which nothing is to be seen.

    Args:
        kind: which registry it fills.
        script: its module, which finds `registry.js` above itself, and the element `[data-store]`.
    """
    return component(
        f"{kind}_store",
        html=f'<div data-store="{kind}"></div>',
        css=(_HERE / "component.css").read_text(encoding="utf-8"),
        js=REGISTRY + script,
        isolate_styles=False,  # its style concerns the element around it
    )
