"""Files that the app serves to browsers itself, so that no network is needed; and components made of them."""

import functools
import hashlib
import os
import posixpath
import re
import shutil
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from streamlit.components.v2 import component
from streamlit.components.v2.types import ComponentRenderer

from pages.components.shell.recorded_mounts import is_recording, recordable
from pages.components.shell.streamlit_patches import serve_static_files_from
from vae import VaeError
from vae.storage.atomic import temporary_path, write_atomic
from vae.storage.folders import INSTALLED, PROJECT, configured_folder
from vae.storage.untrusted import MAX_WEIGHTS, read_limited, safetensors_limit

COMPONENTS = Path(__file__).parents[1]
# Streamlit serves static/ beside the main script (app.py) when
# `[server] enableStaticServing = true`.
STATIC = PROJECT / "static"
# In the folder that VAE_STATIC_DIR names: all that lies in it is served, and old files in it are removed.
OWN_FOLDER = "vae-static"
# Beside its licence; of the same version as the plotly.js of the installed plotly package.
PLOTLY_VERSION = "4.1.1"
PLOTLY = COMPONENTS / "charts" / "plotly_library" / "plotly-cartesian.min.js"
KEPT_SECONDS = 24 * 3600  # how long unused files stay at least


def static_dir() -> Path:
    """The folder from which browsers fetch files: static/, or `vae-static` in `VAE_STATIC_DIR`.

    Where the package is installed, a person's folder of caches is the default of that variable. Raises
    VaeError if it names no folder, or if Streamlit cannot serve files from there.
    """
    if not INSTALLED and not os.environ.get("VAE_STATIC_DIR", "").strip():
        return STATIC
    folder = configured_folder("VAE_STATIC_DIR", "static", cache=True) / OWN_FOLDER
    serve_static_files_from(folder, instead_of=STATIC)
    return folder


def serve(name: str, make: Callable[[], bytes]) -> str:
    """Puts a file into `static_dir`, unless it is there, and returns its URL relative to the page.

    Every page is one level deep (`/latent`, `/base/latent`), so that a relative URL also works under
    `server.baseUrlPath` and behind a proxy that adds a prefix.

    Args:
        name: contains a version or a hash of the content, as browsers cache the file.
        make: returns the content.

    Raises VaeError if the folder cannot be written.
    """
    folder = static_dir()
    target = folder / name
    if not target.exists():
        # Several processes may do this at once: each writes a whole file, and the last one stays.
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(target, make(), durable=False)
        except OSError as error:
            raise VaeError(
                f"What this page shows is fetched from {folder}, where nothing can be written: "
                f"{error.strerror}. Let the app write into this folder and reload the page; or set "
                "VAE_STATIC_DIR to another folder and start the app again."
            ) from error
    return f"app/static/{name}"


def serve_files(folder: str, files: Mapping[str, Path]) -> None:
    """Serves existing files at the URLs `app/static/{folder}/{name}`; raises VaeError as `serve`.

    They are linked where the disk allows it, else copied; a file that is gone by now is left out. Other files
    in the folder are removed after a day, and other folders of the same kind (the part of the name before the
    first hyphen) when they were not used for a day.
    """
    target = static_dir() / folder
    new = not target.exists()
    for name, path in files.items():
        if not (target / name).exists():
            _link(folder, name, path)
    with suppress(OSError):
        os.utime(target)
        _remove_unnamed(target, files)
    if new:
        remove_others(folder)


def remove_files(folder: str) -> None:
    """Removes a folder that `serve_files` has filled; what cannot be removed stays."""
    with suppress(OSError):
        _remove(static_dir() / folder)


def _link(folder: str, name: str, path: Path) -> None:
    target = static_dir() / folder / name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.hardlink_to(path)
    except FileExistsError:
        pass  # another server was faster
    # Another disk, or one or a system without links; or the file is gone.
    except (OSError, NotImplementedError):
        try:
            content = read_limited(path, safetensors_limit(MAX_WEIGHTS))
        except (FileNotFoundError, ValueError):
            return  # the next listing of the files reports it
        serve(f"{folder}/{name}", lambda: content)


def _remove_unnamed(folder: Path, files: Collection[str]) -> None:
    """Removes other files than these, except new ones, which a tab may still fetch. Raises OSError."""
    for path in folder.iterdir():
        # The ctime is when a link was last made or removed, here or elsewhere; the mtime is that of the
        # content, which may be old when it is linked here.
        if path.name not in files and path.lstat().st_ctime < time.time() - KEPT_SECONDS:
            path.unlink(missing_ok=True)


def served_url(name: str) -> str | None:
    """The URL of a file that `serve` has made, None if it is not there; raises VaeError as `static_dir`."""
    return f"app/static/{name}" if (static_dir() / name).exists() else None


def plotly_js_url() -> str:
    """The URL of our plotly.js: plotly.js-cartesian-dist-min of npm, 1.5 MB. Raises VaeError as `serve`.

    It has all that our charts draw (scatter, bar, box), in a third of the 4.8 MB of the plotly package's own.
    Empty while components are recorded: a page without the server has it in itself.
    """
    if is_recording():
        return ""
    return serve(f"plotly-{PLOTLY_VERSION}-cartesian.min.js", PLOTLY.read_bytes)


# A component's script is sent with each message, so it has to be short, and it cannot import statically. This
# one imports the module and calls its `show`, in order; both return a function that ends it.
_LOADER = """
const module = import(new URL("app/static/{path}", document.baseURI));
module.catch(() => {{}}); // handled below, by each instance
export default function (mount) {{
  let end;
  let ended = false;
  const report = (error) => {{
    const message = mount.parentElement.querySelector(":scope > .not-loaded");
    if (!error) return message?.remove();
    if (ended || message) return;
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
      report(null);
    }} catch (error) {{
      report(error);
      reportError(error); // a fault of ours: for the console and the tests
    }}
  }}, report);
  return () => {{
    ended = true;
    end?.();
  }};
}}
"""


def module_component(file: str, html: str) -> ComponentRenderer:
    """A component of the module `component.js` and the style `component.css` beside the wrapper `file`.

    The module exports `show({data, parentElement, setTriggerValue})`, which is called whenever the data or
    the theme changes. It may import other modules by relative paths, those of other components too. If it
    cannot be loaded, a message is shown instead. Its styles are not isolated. Mounting it raises VaeError as
    `serve`.

    Args:
        file: the wrapper's `__file__`; the name of its folder names the component.
    """
    folder = Path(file).parent
    name = folder.relative_to(COMPONENTS).as_posix()
    css = (folder / "component.css").read_text(encoding="utf-8")
    mount = component(
        folder.name,
        html=html,
        css=css,
        js=_LOADER.format(path=f"{modules()[0]}/{name}/component.js"),
        isolate_styles=False,
    )

    def mounted(*args: Any, **keywords: Any) -> Any:
        serve_modules()  # not before a mount, as only then can the page show an error
        return mount(*args, **keywords)

    return recordable(name, html, css, mounted)


IMPORT = re.compile(r'^import .*? from "(\..*?)";$', re.MULTILINE | re.DOTALL)
_mount_preload = component(
    "preload",
    html="<span hidden data-preload></span>",
    # It is invisible, and must leave no gap at the top of the page.
    css='[data-testid="stElementContainer"]:has([data-preload]) {\n  display: none;\n}',
    js=(Path(__file__).parent / "preload.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def preload(*folders: str) -> None:
    """Has the browser fetch plotly.js and components' modules before the page mounts these.

    Otherwise it asks for each module when it has read the one that imports it, and for plotly.js last.

    Args:
        folders: of components, such as "map/latent_map".
    """
    with suppress(VaeError):  # the component that needs them says why they cannot be served
        modules = [f"app/static/{serve_modules()}/{name}" for name in imported_by(folders)]
        _mount_preload(key="preload", data={"modules": modules, "script": plotly_js_url()})


@functools.cache
def imported_by(folders: tuple[str, ...]) -> list[str]:
    """The modules that components import, directly or not, and their own."""
    _, texts = modules()
    found: dict[str, None] = {}
    waiting = [f"{folder}/component.js" for folder in folders]
    while waiting:
        name = waiting.pop(0)
        if name not in found:
            found[name] = None
            imports = IMPORT.findall(texts[name].decode())
            waiting += [posixpath.normpath(f"{posixpath.dirname(name)}/{path}") for path in imports]
    return list(found)


def serve_modules() -> str:
    """Serves all components' modules, and returns the name of their folder; raises VaeError as `serve`."""
    folder, texts = modules()
    # In order, so that all are there if the last one is.
    if not (static_dir() / folder / max(texts)).exists():
        for name in sorted(texts):
            serve(f"{folder}/{name}", lambda name=name: texts[name])  # type: ignore[misc]
        remove_others(folder)
    return folder


@functools.cache
def modules() -> tuple[str, Mapping[str, bytes]]:
    """The name of the modules' folder, and its files."""
    texts = {
        path.relative_to(COMPONENTS).as_posix(): path.read_bytes()
        for path in sorted(COMPONENTS.rglob("*.js"))
        if path != PLOTLY
    }
    return f"modules-{hashlib.sha256(repr(texts).encode()).hexdigest()[:16]}", texts


def remove_others(folder: str) -> None:
    """Removes other folders of the same kind (other versions, other runs) that were not used for a day.

    A server that still needs one writes it again.
    """
    kind, _, _ = folder.partition("-")
    for other in static_dir().glob(f"{kind}-*"):
        with suppress(OSError):  # two servers may do this at once
            if other.name != folder and other.stat().st_mtime < time.time() - KEPT_SECONDS:
                _remove(other)


def _remove(folder: Path) -> None:
    """Removes a folder, renamed first so that no server finds half of it. Raises OSError."""
    leaving = temporary_path(folder)
    folder.rename(leaving)
    shutil.rmtree(leaving)
