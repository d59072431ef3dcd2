"""Where the app, its runs and its data are: folders beside the code, or a person's own, as absolute paths.

Processes that the app starts have another current folder than the server, so a relative path must not be
passed on.
"""

import os
from pathlib import Path

from vae import VaeError
from vae.storage.systems import cache_folder, data_folder

_PACKAGE = Path(__file__).resolve().parents[1]
# A wheel has the app, the runs and MNIST in vae/app/ (pyproject.toml), where nobody may be able to write.
INSTALLED = (_PACKAGE / "app" / "app.py").exists()
# The folder of app.py, pages/, the runs and the data that come with the project.
PROJECT = _PACKAGE / "app" if INSTALLED else _PACKAGE.parent
_NAME = "vae-playground"  # of a person's own folders


def absolute_path(path: str | Path) -> Path:
    """`path` without links and `..`; `~` is the home, and a relative path starts at the current folder.

    Raises VaeError if there is no such home or no current folder, if links lead in a circle, and for a name
    that is no UTF-8, under which neither weights can be opened nor pages shown.
    """
    try:
        found = Path(path).expanduser().resolve()
        str(found).encode()
        os.fsencode(found).decode()
    except UnicodeError as error:
        raise VaeError(
            f"{str(path)!r} cannot be used: its name is no UTF-8, or not taken for it. Rename it, "
            "or set PYTHONUTF8=1."
        ) from error
    # RuntimeError: no home, or a circle of links. OSError: the current folder was deleted.
    except (OSError, RuntimeError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error).rstrip(".")
        raise VaeError(
            f"{str(path)!r} cannot be used ({why}). Choose another, or write its whole path."
        ) from error
    return found


def configured_folder(variable: str, default: str, *, cache: bool = False) -> Path:
    """The folder that an environment variable names, or `default` if it is empty or not set.

    The default is in the project, or in a person's own folder of data if the package is installed.

    Args:
        cache: what is in it can be made again, so that a person's folder of caches will do.

    Raises VaeError, which names the variable, as `absolute_path` does.
    """
    text = os.environ.get(variable, "")
    if not text.strip():
        own = cache_folder(_NAME) if cache else data_folder(_NAME)
        return absolute_path((own if INSTALLED else PROJECT) / default)
    try:
        return absolute_path(text)
    except VaeError as error:
        raise VaeError(f"{variable} is wrong: {error}") from error


def data_dir() -> Path:
    """The folder of the data sets: `VAE_DATA_DIR`, or the default `data`. Raises VaeError."""
    return configured_folder("VAE_DATA_DIR", "data")
