"""Writes an HTML file that explores runs: a process that `python -m vae export RUN page` starts.

`vae` does not import pages, but it may start one of their processes.
"""

import json
import logging
import sys
from pathlib import Path

from vae import VaeError
from vae.storage.atomic import write_atomic


def main(arguments: list[str]) -> int:
    """Writes the file of a request: JSON with `runs` (folders), `out` and the fields of a `PageContent`.

    Returns the exit status: 0, or 1 after a sentence on stderr. There it also prints "made 50 %" and so
    on, and "note: " with a sentence for the one who asked.
    """
    logging.disable(logging.WARNING)  # Streamlit's, on functions that are called without its server
    from pages.components.explore.page_file import PageContent, kept_moments, page_file
    from vae.runs.run import Run

    request = json.loads(arguments[0])
    runs = [Run(Path(path)) for path in request.pop("runs")]
    out = Path(request.pop("out"))

    def report(share: float) -> None:
        print(f"made {int(100 * share)} %", file=sys.stderr, flush=True)

    try:
        content = PageContent(**request)
        file = page_file(runs, content, report)
        for run in runs:
            if (kept := kept_moments(run)) < (content.moments or 1):
                moments = "1 moment" if kept == 1 else f"{kept} moments"
                print(f"note: {run.name} has only {moments}.", file=sys.stderr, flush=True)
        try:
            write_atomic(out, file)
        except OSError as error:
            why = f"{out} cannot be written: {error.strerror}. Make room, or choose another --out."
            raise VaeError(why) from error
    except VaeError as error:
        message = str(error)
    except OSError as error:
        message = f"{error.filename or 'A file'} cannot be read: {error.strerror}."
    else:
        return 0
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
