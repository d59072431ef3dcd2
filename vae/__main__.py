"""`python -m vae`, and `vae` where the package is installed: the command line."""

import os
import sys
import threading
from typing import NoReturn


def run() -> NoReturn:
    """Runs the command line and ends this process with its exit status."""
    try:
        from vae.cli.commands import main

        status = main()
    except KeyboardInterrupt:  # while modules are imported; `main` catches later ones
        print("Interrupted.", file=sys.stderr, flush=True)
        status = 130  # 128 and the number of SIGINT, as `main` returns it
    if any(thread.daemon for thread in threading.enumerate()):
        # One that waits in torch's C code would abort the process if it came back while Python ends.
        os._exit(status)
    sys.exit(status)


if __name__ == "__main__":
    run()
