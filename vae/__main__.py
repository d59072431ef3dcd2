"""`python -m vae`: the command line."""

import sys

if __name__ == "__main__":
    try:
        from vae.cli.commands import main

        sys.exit(main())
    except KeyboardInterrupt:  # while modules are imported; `main` catches later ones
        sys.exit("Interrupted.")
