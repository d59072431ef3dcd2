"""`python -m vae`: the command line."""

import os
import sys
import threading

if __name__ == "__main__":
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
