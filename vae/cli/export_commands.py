"""The command `python -m vae export`: what was trained, as files for other programs and other people."""

import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from vae import VaeError
from vae.cli.output import shell_command
from vae.cli.terminal import progress_of
from vae.runs.run import Run
from vae.storage.folders import absolute_path
from vae.training.processes import run_process

Kind = Literal["page"]
SUFFIXES: dict[Kind, str] = {"page": ".html"}
_PERCENT = re.compile(r"made ([0-9]{1,3}) %")
KindOfFile = Annotated[Kind, Parameter(help="page: one HTML file that explores the model without a network.")]


def export_run(runs: list[Run], kind: Kind, out: Path | None, *, force: bool, **content: Any) -> None:
    """Writes a file of one run, or of two beside each other.

    Args:
        out: the file; None for the first run's name in the current folder.
        force: whether a file that exists is replaced.
        content: what the page shows; None for its own default.

    Raises VaeError if the file exists or cannot be made.
    """
    target = absolute_path(out or Path(f"{runs[0].name}{SUFFIXES[kind]}"))
    if target.is_dir():
        raise VaeError(f"{target} is a folder. Name a file in it by --out.")
    if not target.parent.is_dir():
        raise VaeError(f"{target} cannot be written: there is no such folder.")
    if target.exists() and not force:
        raise VaeError(f"{target} exists. Add --force to replace it, or choose another name by --out.")
    for run in runs:
        run.saved_model()  # raises VaeError here, before anything is begun
    request = {"runs": [str(run.path.resolve()) for run in runs], "out": str(target)}
    request |= {name: value for name, value in content.items() if value is not None}
    errors: list[str] = []
    with progress_of("made") as show_share:

        def hear(line: str) -> None:
            if found := _PERCENT.fullmatch(line):
                show_share(int(found[1]) / 100)
            else:
                errors.append(line)

        status = run_process(json.dumps(request), hear=hear, module="pages.components.explore.page_command")
    if status:
        raise VaeError(
            errors[-1] if errors else f"{target} could not be made: the process ended with status {status}."
        )
    print(
        f"{target}: {target.stat().st_size / 1e6:.1f} MB. Open it in a browser: {shell_command(str(target))}"
    )
