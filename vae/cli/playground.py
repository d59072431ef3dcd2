"""`vae-playground`: starts the app of the installed package."""

import runpy
import sys
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter
from cyclopts.validators import Number

from vae import VaeError, __version__
from vae.cli.output import OutputConsole
from vae.runs.catalogue import copy_bundled_runs, default_runs_dir
from vae.storage.folders import PROJECT, data_dir

app = App(
    name="vae-playground",
    version=__version__,
    version_flags=["--version"],
    exit_on_error=False,
    print_error=False,
    result_action="return_value",
    console=OutputConsole(),
)
Port = Annotated[
    int | None,
    Parameter(
        validator=Number(gte=1, lte=65535), help="Where it listens; default 8501, or the next that is free."
    ),
]


@app.default
def start(
    *streamlit: Annotated[
        str, Parameter(allow_leading_hyphen=True, help="Options of `streamlit run`, as --server.address.")
    ],
    port: Port = None,
) -> None:
    """Start the app, and print where its runs and data sets are and the address to open in a browser.

    VAE_RUNS_DIR and VAE_DATA_DIR name other folders. Ctrl-C ends the app; trainings go on.
    """
    copy_bundled_runs()
    print(f"Runs are in {default_runs_dir()}, data sets in {data_dir()}.", flush=True)
    chosen = [] if port is None else ["--server.port", str(port)]
    sys.argv = ["streamlit", "run", str(PROJECT / "app.py"), *chosen, *streamlit]
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)


def main(arguments: list[str] | None = None) -> None:
    """Starts the app with arguments, default the command's; a sentence says what is wrong with them."""
    try:
        app(arguments)
    except CycloptsError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except VaeError as error:
        sys.exit(str(error))
