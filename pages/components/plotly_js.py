"""Plotly.js for the browser, served by this app itself, so that no network is needed."""

import functools
from pathlib import Path

import plotly
from plotly.offline import get_plotlyjs

from vae.files import write_whole

# Streamlit serves static/ beside the main script (app.py, in the repository's root) when
# `[server] enableStaticServing = true`.
STATIC = Path(__file__).resolve().parents[2] / "static"


@functools.cache
def plotly_js_url() -> str:
    """Put the installed plotly package's plotly.min.js (4.8 MB) into static/, once, and return
    its address, relative to the page: every page of an app is one level deep (`/latent`,
    `/base/latent`), so that a relative address also holds under `server.baseUrlPath` and behind
    a proxy that adds a prefix.

    Raises OSError if static/ cannot be written.
    """
    # The version is in the name: browsers cache the file, and an upgrade must not meet the old one.
    target = STATIC / f"plotly-{plotly.__version__}.min.js"
    if not target.exists():
        STATIC.mkdir(exist_ok=True)
        # Several processes may do this at once: each writes its own file, and the last one wins.
        write_whole(target, get_plotlyjs().encode(), durable=False)
    return f"app/static/{target.name}"
