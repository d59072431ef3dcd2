"""The document of an HTML file that explores models: elements, styles, packed scripts and data.

Nothing that comes from a run is ever run: it stands in the document as JSON, and the document's
Content-Security-Policy names its scripts by their hashes.
"""

import base64
import gzip
import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pages.components.shell.assets import COMPONENTS, PLOTLY, modules
from pages.components.shell.joined_modules import joined_modules
from pages.components.shell.recorded_mounts import Mount

PART = 500_000  # characters; WebKit reads a script's text in a time that grows with the square of its length
_SCRIPT, _BOOT = (f"explore/explorer_page/{name}.js" for name in ("page", "boot"))


def _script(mounts: Sequence[Mount]) -> str:
    """All modules that the components need, and the call that begins the page."""
    stores = {f"{mount.name}.js": mount.script for mount in mounts if mount.script}
    texts = _module_texts() | stores
    components = sorted({f"{mount.name}/component.js" for mount in mounts if not mount.script})
    return joined_modules([_SCRIPT, *components, *stores], texts) + f'modules["{_SCRIPT}"].start(modules);\n'


def _boot_script() -> str:
    """What unpacks the others and runs them; in a block, as it has names of its own."""
    return f'{{\n{joined_modules([_BOOT], _module_texts())}modules["{_BOOT}"].start();\n}}\n'


def _module_texts() -> dict[str, str]:
    return {name: text.decode() for name, text in modules()[1].items()}


def _style(mounts: Sequence[Mount]) -> str:
    app, page = (
        (COMPONENTS / name).read_text(encoding="utf-8")
        for name in ("shell/app.css", "explore/explorer_page/page.css")
    )
    return "\n".join((app, *dict.fromkeys(mount.css for mount in mounts), page))


def base64_text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def packed(data: bytes, level: int) -> str:
    """Gzipped, as base64."""
    return base64_text(gzip.compress(data, level, mtime=0))


def packed_numbers(data: bytes, level: int) -> str:
    """The same of numbers of four bytes: all first bytes, all second ones and so on, which become smaller."""
    end = len(data) // 4 * 4
    return packed(np.frombuffer(data[:end], np.uint8).reshape(-1, 4).T.tobytes() + data[end:], level)


def document(page: Mapping[str, Any], mounts: Sequence[Mount], level: int) -> bytes:
    """The HTML file; only its own scripts may run, and nothing is fetched from anywhere.

    Args:
        page: what the page's script reads, as JSON; its `title` is that of the document.
        mounts: the components and stores that the page mounts.
        level: of gzip.
    """
    templates = {mount.name: mount.html for mount in mounts}
    boot, scripts = _boot_script(), [PLOTLY.read_text(encoding="utf-8"), _script(mounts)]
    digests = [hashlib.sha256(script.encode()).digest() for script in (boot, *scripts)]
    hashes = " ".join(f"'sha256-{base64_text(digest)}'" for digest in digests)
    # Styles are set by scripts, too; pictures and moments are data in the file; Workers decode the grid.
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "connect-src data: blob:; worker-src blob:; base-uri 'none'; form-action 'none'"
    )
    data = json.dumps(page, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    parts = (
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{html.escape(page['title'])}</title>",
        f"<style>{_style(mounts)}</style>",
        "</head>",
        "<body>",
        '<main><p id="waiting">Unpacking. This needs JavaScript and a browser from 2023 or later.</p></main>',
        *(f'<template data-component="{name}">{text}</template>' for name, text in templates.items()),
        *(
            f'<script type="application/json">{data[start : start + PART]}</script>'
            for start in range(0, len(data), PART)
        ),
        *(f'<script type="application/gzip">{packed(script.encode(), level)}</script>' for script in scripts),
        f"<script>{boot}</script>",
        "</body>",
        "</html>",
    )
    return "\n".join(parts).encode(errors="replace")  # names of strangers may hold half a surrogate pair
