"""A path to try in a browser: a page of its own."""

from pathlib import Path

import numpy as np

START, END = np.array([[-2.0, 1.0], [1.5, -0.3]], np.float32)
SCRIPT = """
import numpy as np
import streamlit as st
from pages.components.runs import loaded_model
from pages.components.stores.decoder import decoder_store
from pages.components.explore.path_panel import End, path_panel
from pages.components.map.drawings import chosen_path_kind
from vae.inference.planes import axis_directions
from vae.runs.catalogue import open_run

run = open_run({run!r})
explored = loaded_model.load(run)
decoder_store(explored.decoder)

@st.fragment
def panel():
    turned = st.toggle("Turned round")
    ends = [np.array(place, np.float32) for place in {ends!r}]
    start, end = reversed(ends) if turned else ends
    st.session_state.asked_before = chosen_path_kind()
    if not st.toggle("Gone"):
        plane = axis_directions(len(start)).through(start)
        path_panel(run, explored, (End(start, "an [end]"), End(end, "0 · #13")), plane)
    st.session_state.parts = st.session_state.get("parts", 0) + 1
    st.text(f"part {{st.session_state.parts}}")
    st.button("Again")

panel()
"""


def path_script(run: Path) -> str:
    """A page that shows a path of a run."""
    return SCRIPT.format(run=str(run), ends=[START.tolist(), END.tolist()])
