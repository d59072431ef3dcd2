"""`python -m vae`: the command line."""

import sys

if __name__ == "__main__":
    try:
        from vae.cli.commands import main

        sys.exit(main())
    except KeyboardInterrupt:  # while modules are imported; `main` catches later ones
        print("Interrupted.", file=sys.stderr)
        sys.exit(130)  # 128 and the number of SIGINT, as `main` returns it
