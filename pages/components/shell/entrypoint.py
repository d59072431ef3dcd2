"""Entry of a page that Streamlit started without app.py."""

import runpy
from pathlib import Path


def reenter_through_app() -> None:
    """Runs app.py in place of a page that Streamlit started by itself.

    Until `st.navigation` was called for a server's first visitor, Streamlit finds the files in pages/ by
    itself, and runs the one in the URL without app.py: for instance in a tab that reloads after a restart of
    the server.
    """
    runpy.run_path(str(Path(__file__).resolve().parents[3] / "app.py"), run_name="__main__")
