"""Files that browsers fetch from this app itself, so that no network is needed."""

import functools
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import ParamSpec, TypeVar

import plotly
from plotly.offline import get_plotlyjs
from streamlit.components.v2 import component
from streamlit.components.v2.types import ComponentRenderer

from vae import VaeError
from vae.storage.atomic import temporary_path, write_atomic
from vae.storage.untrusted import MAX_WEIGHTS, read_limited, safetensors_limit

COMPONENTS = Path(__file__).parents[1]
# Streamlit serves static/ beside the main script (app.py, in the repository's root) when
# `[server] enableStaticServing = true`.
STATIC = COMPONENTS.parents[1] / "static"
KEPT_SECONDS = 24 * 3600  # that folders which nobody uses any more stay at least


def serve(name: str, make: Callable[[], bytes]) -> str:
    """Put a file into static/, unless it is there, and return its address, relative to the page: every
    page of an app is one level deep (`/latent`, `/base/latent`), so that a relative address also holds
    under `server.baseUrlPath` and behind a proxy that adds a prefix.

    Args:
        name: names the content too, by a version or a hash: browsers keep the file, and must not take an
            old one for a new one.
        make: the content.

    Raises VaeError if static/ cannot be written.
    """
    target = STATIC / name
    if not target.exists():
        # Several processes may do this at once: each writes its own file, and the last one wins.
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(target, make(), durable=False)
        except OSError as error:
            raise VaeError(
                f"What this page shows is fetched from {STATIC}, where nothing can be written: "
                f"{error.strerror}. Let the app write into this folder, and reload the page."
            ) from error
    return f"app/static/{name}"


def serve_files(folder: str, files: Mapping[str, Path]) -> None:
    """Put files that lie elsewhere into a folder of static/, under these names; their addresses are
    `app/static/{folder}/{name}`. They take no room of their own where the disk can link them; one that is
    gone by now is left out. What else is in the folder goes after a day, and folders of the same kind, what
    stands before the first hyphen, once nobody has used them for a day.

    Raises VaeError as `serve`.
    """
    target = STATIC / folder
    new = not target.exists()
    for name, path in files.items():
        if not (target / name).exists():
            _link(folder, name, path)
    with suppress(OSError):
        os.utime(target)
        _remove_unnamed(target, files)
    if new:
        _remove_others(folder)


def remove_files(folder: str) -> None:
    """Takes away what `serve_files` has put into a folder; what cannot be removed stays."""
    with suppress(OSError):
        _remove(STATIC / folder)


def _link(folder: str, name: str, path: Path) -> None:
    target = STATIC / folder / name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.hardlink_to(path)
    except FileExistsError:
        pass  # another server was faster
    except OSError:  # another disk, or one without links; or the file is gone
        try:
            content = read_limited(path, safetensors_limit(MAX_WEIGHTS))
        except (FileNotFoundError, ValueError):
            return  # whoever asks what there is next hears of it
        serve(f"{folder}/{name}", lambda: content)


def _remove_unnamed(folder: Path, files: Collection[str]) -> None:
    """Other files than these, but for what a tab may still fetch. Raises OSError."""
    for path in folder.iterdir():
        # Its ctime is when it last got or lost a name, here or where it is linked to; its mtime is the
        # content's, which may be old when it comes here.
        if path.name not in files and path.lstat().st_ctime < time.time() - KEPT_SECONDS:
            path.unlink(missing_ok=True)


def served_url(name: str) -> str | None:
    """The address of a file that `serve` has put into static/, or None if it is not there."""
    return f"app/static/{name}" if (STATIC / name).exists() else None


def plotly_js_url() -> str:
    """The address of the installed plotly package's plotly.min.js (4.8 MB). Raises VaeError as `serve`."""
    return serve(f"plotly-{plotly.__version__}.min.js", lambda: get_plotlyjs().encode())


# A script that travels with each message has to be short, and can import nothing. This one calls the
# module's `show` in its place, in order, and with the same meaning of what it returns.
_LOADER = """
const module = import(new URL("app/static/{address}", document.baseURI));
module.catch(() => {{}}); // each place says it
export default function (mount) {{
  let end;
  let ended = false;
  const say = (error) => {{
    const said = mount.parentElement.querySelector(":scope > .not-loaded");
    if (!error) return said?.remove();
    if (ended || said) return;
    const text = document.createElement("p");
    text.className = "not-loaded";
    text.setAttribute("role", "alert");
    text.textContent = "This part of the page cannot be loaded. Reload the page to try again.";
    mount.parentElement.prepend(text);
  }};
  module.then(({{ show }}) => {{
    if (ended) return;
    try {{
      end = show(mount);
      say(null);
    }} catch (error) {{
      say(error);
      reportError(error); // ours: the console says it, and a test fails
    }}
  }}, say);
  return () => {{
    ended = true;
    end?.();
  }};
}}
"""
P = ParamSpec("P")
R = TypeVar("R")


def module_component(file: str, html: str) -> ComponentRenderer:
    """A component whose script is the module `component.js`, and whose style is the `component.css`, beside
    the Python `file` that wraps it; not isolated from the page. Mounting it raises VaeError as `serve`.

    The module exports `show({data, parentElement, setTriggerValue})`, which is called whenever the data or
    the theme changes, and imports other modules by relative paths, those of other components too. If it
    cannot be loaded, a sentence stands in its place.

    Args:
        file: the wrapper's `__file__`; the name of its folder names the component.
    """
    folder = Path(file).parent
    mount = component(
        folder.name,
        html=html,
        css=(folder / "component.css").read_text(encoding="utf-8"),
        js=_LOADER.format(
            address=f"{_modules()[0]}/{folder.relative_to(COMPONENTS).as_posix()}/component.js"
        ),
        isolate_styles=False,
    )
    return _with_modules(mount)


def _with_modules(mount: Callable[P, R]) -> Callable[P, R]:
    """Modules are written when they are first needed, where a page can say that they cannot be."""

    def mounted(*args: P.args, **keywords: P.kwargs) -> R:
        serve_modules()
        return mount(*args, **keywords)

    return mounted


def serve_modules() -> str:
    """Where in static/ the modules of all components are, in folders as here. Raises VaeError as `serve`."""
    folder, texts = _modules()
    # In this order, so that all are there if the last one is.
    if not (STATIC / folder / max(texts)).exists():
        for name in sorted(texts):
            serve(f"{folder}/{name}", lambda name=name: texts[name])  # type: ignore[misc]
        _remove_others(folder)
    return folder


@functools.cache
def _modules() -> tuple[str, Mapping[str, bytes]]:
    """The name of that folder, and what is in it."""
    texts = {
        path.relative_to(COMPONENTS).as_posix(): path.read_bytes()
        for path in sorted(COMPONENTS.rglob("*.js"))
    }
    return f"modules-{hashlib.sha256(repr(texts).encode()).hexdigest()[:16]}", texts


def _remove_others(folder: str) -> None:
    """Those of the same kind (other versions of the app, other runs), but for what a server may have used
    lately. One that needs them yet writes them again."""
    kind, _, _ = folder.partition("-")
    for other in STATIC.glob(f"{kind}-*"):
        with suppress(OSError):  # two servers may do this at once
            if other.name != folder and other.stat().st_mtime < time.time() - KEPT_SECONDS:
                _remove(other)


def _remove(folder: Path) -> None:
    """Raises OSError."""
    leaving = temporary_path(folder)
    folder.rename(leaving)  # nobody meets half of it
    shutil.rmtree(leaving)
