"""`vae-playground`: starts the app of the installed package."""

import runpy
import sys

from vae import VaeError
from vae.runs.catalogue import copy_bundled_runs, default_runs_dir
from vae.storage.folders import PROJECT, data_dir


def main() -> None:
    """Says where runs and data are, and becomes `streamlit run` with the arguments of this command."""
    try:
        copy_bundled_runs()
        print(f"Runs are in {default_runs_dir()}, data sets in {data_dir()}.", flush=True)
    except VaeError as error:
        sys.exit(str(error))
    sys.argv = ["streamlit", "run", str(PROJECT / "app.py"), *sys.argv[1:]]
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)
