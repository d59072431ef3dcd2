"""The public address of this project, if its publisher has written one down."""

import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from urllib.parse import urlsplit

from vae.storage.folders import INSTALLED, PROJECT

_KEYS = ("repository", "homepage")  # of [project.urls] in pyproject.toml, the first that is there


def project_address() -> str | None:
    """The address in pyproject.toml, or in the package's metadata; None if it is none of the web."""
    try:
        urls = _installed_urls() if INSTALLED else _urls_of_checkout()
        known = {name.lower(): address for name, address in urls.items()}
        address = next((known[key] for key in _KEYS if key in known), "")
        parts = urlsplit(address)
    except (OSError, ValueError, PackageNotFoundError):
        return None
    return address if parts.scheme in ("http", "https") and parts.hostname else None


def _urls_of_checkout() -> dict[str, str]:
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    urls = settings.get("project", {}).get("urls", {})
    return {name: str(address) for name, address in urls.items()}


def _installed_urls() -> dict[str, str]:
    lines = metadata("vae-playground").get_all("Project-URL") or []
    pairs = (line.partition(",") for line in lines)
    return {name.strip(): address.strip() for name, _, address in pairs}
