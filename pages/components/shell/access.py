"""Who may start, change and delete runs: everybody, or, where the page is open to a class, the host alone.

`VAE_READ_ONLY=1` in the server's environment locks all tabs; entering the `VAE_HOST_KEY` unlocks one tab.
Hidden buttons are only a convenience, as a browser can send anything. What protects the runs is `host_only`,
through which every action of the pages goes.
"""

import hmac
import math
import os
import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import NamedTuple, ParamSpec, TypeVar

import streamlit as st

from vae import VaeError

_UNLOCKED = "unlocked_by_its_host"
_FIELD = "host_key"
_ANSWER = "answer_to_host_key"
MAX_WAIT = 60.0  # seconds between two tries
RESET_AFTER = 600.0  # seconds after the last wrong key

P = ParamSpec("P")
R = TypeVar("R")


class _WrongKeys(NamedTuple):
    """How many wrong keys came from an IP address, and when the last one did (monotonic, in seconds)."""

    tries: int
    at: float

    @property
    def wait_ends(self) -> float:
        doublings = min(self.tries - 1, 10)  # bounded, as 2.0 ** 1024 overflows
        return self.at + min(2.0**doublings, MAX_WAIT)


# For all tabs, as opening another one is easy; by IP address, or a guesser would lock out the host as well.
_wrong: dict[str | None, _WrongKeys] = {}
_lock = threading.Lock()


def may_change() -> bool:
    """Whether this tab may start, change and delete runs."""
    return not _read_only() or st.session_state.get(_UNLOCKED) is True


def host_only(action: Callable[P, R]) -> Callable[P, R]:
    """Decorates an action that starts, changes or deletes runs: in a tab that may not, it raises VaeError."""

    @wraps(action)
    def guarded(*args: P.args, **keywords: P.kwargs) -> R:
        if not may_change():
            raise VaeError(read_only_text())
        return action(*args, **keywords)

    return guarded


def read_only_text() -> str:
    """Explains to a locked tab what it may do."""
    how = (
        "unlocks a tab with the host key."
        if _host_key()
        else "can unlock a tab once the app is started with a VAE_HOST_KEY."
    )
    return (
        "You can watch and explore here. Only the host starts, changes and deletes runs, adds and deletes "
        f"data sets, and {how}"
    )


def show_lock() -> None:
    """Shows, where the app is read-only, whether this tab is locked, and the field for the host key."""
    if not _read_only():
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if may_change():
            st.caption("Only the host may change runs here. This tab is unlocked until it is reloaded.")
            return
        st.caption(read_only_text(), width="content")
        if _host_key():
            with st.popover("Unlock", type="tertiary", icon=":material/lock:"):
                # A form, because a field outside of one would submit its text when it loses the focus.
                # Cleared by each submission, so that no page keeps a key.
                with st.form("unlock", clear_on_submit=True, border=False):
                    st.text_input("Host key", type="password", key=_FIELD, autocomplete="off")
                    st.form_submit_button("Unlock this tab", on_click=_submit_key)
                if answer := st.session_state.pop(_ANSWER, ""):
                    st.warning(answer)


def unlock(key: str) -> str:
    """Unlocks this tab if `key` is the host key; otherwise returns an error message.

    After a wrong key no other is checked for a second, then two, four and so on, up to a minute.
    """
    address, now = st.context.ip_address, time.monotonic()
    with _lock:
        for other in [each for each, wrong in _wrong.items() if now - wrong.at > RESET_AFTER]:
            del _wrong[other]
        wrong = _wrong.get(address, _WrongKeys(0, now))
        if wrong.tries and now < wrong.wait_ends:
            return f"Too soon after a wrong key. Try again in {_seconds(wrong.wait_ends - now)}."
        expected = _host_key()
        if expected and hmac.compare_digest(key.strip().encode(), expected.encode()):
            _wrong.pop(address, None)
            st.session_state[_UNLOCKED] = True
            return ""
        _wrong[address] = wrong = _WrongKeys(wrong.tries + 1, now)
        return f"This is not the host key. Try again in {_seconds(wrong.wait_ends - now)}."


def _submit_key() -> None:
    st.session_state[_ANSWER] = unlock(st.session_state[_FIELD])


def _read_only() -> bool:
    """Whether tabs are locked; a host key alone locks as well, as nobody sets one for an app open to all."""
    value = os.environ.get("VAE_READ_ONLY", "").strip().lower()
    return value not in {"0", "false", "no", "off"} if value else _host_key() is not None


def _host_key() -> str | None:
    return os.environ.get("VAE_HOST_KEY", "").strip() or None


def _seconds(seconds: float) -> str:
    rounded = math.ceil(seconds)
    return f"{rounded} second{'s' * (rounded != 1)}"
