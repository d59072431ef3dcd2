"""Packages that only some exports need, imported when one is made."""

from importlib import import_module
from typing import Any

from vae import VaeError


def needed(module: str, purpose: str) -> Any:
    """A module of an optional package.

    Args:
        purpose: what it is for, the beginning of a sentence in the plural, such as "ONNX files".

    Raises VaeError, which says what to install, if it cannot be imported.
    """
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ImportError as error:
        raise VaeError(
            f"{purpose} need the package {package}, which is not installed: pip install {package}"
        ) from error
