"""The one way in: app.py."""

import runpy
from pathlib import Path


def reenter_through_app() -> None:
    """Runs app.py in place of the page that Streamlit started by itself.

    Until a server's first visitor has called `st.navigation`, Streamlit finds the files in pages/ by
    itself, and runs the one in the address without app.py. A tab that reloads after the server was
    restarted is such a visitor.
    """
    runpy.run_path(str(Path(__file__).resolve().parents[3] / "app.py"), run_name="__main__")
