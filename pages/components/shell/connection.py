"""Reruns and keyboard focus for the whole window.

- When the window gets the focus again, the page runs anew and shows what changed elsewhere, such as a
  training started on the command line: while no training runs here, only a run in trouble is polled.
- After a click, or a number that was entered, the control loses the focus, so that the space bar pauses and
  resumes the training.
- When a lost connection is restored, the page runs anew with the current URL. A restarted server has no
  fragments of the page and ignores requests for one; Streamlit (1.67) would not run the page, or with an old
  URL.
"""

from pathlib import Path

from streamlit.components.v2 import component
from streamlit.components.v2.types import ComponentRenderer


def _script_component(name: str) -> ComponentRenderer:
    """An invisible component of the script beside this file, sent with it: static/ may not be writable."""
    script = Path(__file__).with_name(f"{name}.js").read_text(encoding="utf-8")
    return component(name, html="<span hidden></span>", js=script)


_mount_window = _script_component("window")
_mount_connection = _script_component("connection")


def watch_window() -> None:
    """Reruns when the window gets the focus, and takes the focus off clicked controls."""
    _mount_window(key="window", on_entered_change=lambda: None)


def watch_connection() -> None:
    """Reruns when a lost connection is restored."""
    _mount_connection(key="connection")
