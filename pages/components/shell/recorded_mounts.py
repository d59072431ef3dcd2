"""Components recorded instead of mounted, for a page without a server (`explore/recorded_run.py`)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple


class Mount(NamedTuple):
    """What a component would have been mounted with.

    Attributes:
        name: its folder, such as "map/latent_map".
        html, css: its elements and styles.
        script: the text of a store's script; empty for a component, whose module is `component.js`.
        key: its identity on the page.
        data: what it shows; bytes of a store.
    """

    name: str
    html: str
    css: str
    script: str
    key: str
    data: Any


_recorded: ContextVar[list[Mount] | None] = ContextVar("recorded_mounts", default=None)


@contextmanager
def recording() -> Iterator[list[Mount]]:
    """Components that are mounted in this block are added to the list that it yields, and not shown."""
    mounts: list[Mount] = []
    token = _recorded.set(mounts)
    try:
        yield mounts
    finally:
        _recorded.reset(token)


def is_recording() -> bool:
    """Whether components are recorded at present."""
    return _recorded.get() is not None


def recordable(
    name: str, html: str, css: str, mount: Callable[..., Any], script: str = ""
) -> Callable[..., Any]:
    """The function `mount` of a component, which records its arguments while components are recorded."""

    def mounted(*args: Any, **keywords: Any) -> Any:
        recorded = _recorded.get()
        if recorded is None:
            return mount(*args, **keywords)
        recorded.append(Mount(name, html, css, script, keywords["key"], keywords["data"]))
        return None

    return mounted
