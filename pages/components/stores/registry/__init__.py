"""Stores: components that send large content to the browser once, for all components of the page.

In a module, or in a script that begins with `REGISTRY`, JavaScript gets the content by its name, whether the
store is mounted before or after:

    const decoder = await decoders().get(data.decoder);
    const { xy, labels } = await pointSets().get(data.points);

Megabytes must not be sent with each run of the page. Streamlit caches messages in the browser by a hash of
their content, and then sends a reference of 0.1 kB. So a store is a component of its own, with constant data,
mounted outside of fragments. The name is a hash of the content, so that it cannot be mistaken for that of
another run; content that is not here yet is awaited.
"""

from pathlib import Path
from typing import Literal

from streamlit.components.v2 import component
from streamlit.components.v2.types import ComponentRenderer

from pages.components.shell.recorded_mounts import recordable

_HERE = Path(__file__).parent


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


REGISTRY = _text(_HERE / "registry.js")


def store(kind: Literal["decoders", "points", "moments"], *scripts: Path) -> ComponentRenderer:
    """An invisible component that fills a registry.

    Args:
        kind: the registry.
        scripts: JavaScript with the function `unpack`, which `store.js` calls.
    """
    html, css = f'<div data-store="{kind}"></div>', _text(_HERE / "component.css")
    script = "".join(map(_text, (_HERE / "registry.js", *scripts, _HERE / "store.js")))
    mount = component(
        f"{kind}_store",
        html=html,
        css=css,
        js=script,
        isolate_styles=False,  # the style is for the element around it
    )
    return recordable(f"stores/{kind}", html, css, mount, script)
