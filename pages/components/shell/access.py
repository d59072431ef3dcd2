"""Who may start, change and delete runs: everybody, or, where the page is open to a class, its host alone.

`VAE_READ_ONLY=1` in the server's environment locks, and who types the `VAE_HOST_KEY` unlocks their own tab.
That buttons are hidden is comfort. What holds is `host_only`, through which every order leaves the pages: a
browser can be made to say anything.
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
LONGEST_PAUSE = 60.0  # seconds between two tries
FORGOTTEN = 600.0  # seconds after a wrong key

P = ParamSpec("P")
R = TypeVar("R")


class _Wrong(NamedTuple):
    """How many wrong keys came from somewhere, and when the last one did (monotonic, in seconds)."""

    tries: int
    at: float

    @property
    def pause_ends(self) -> float:
        return self.at + min(2.0 ** (self.tries - 1), LONGEST_PAUSE)


# Of the server, not of a tab: another tab is quickly opened. By address, or one who guesses would lock the
# host out, too.
_wrong: dict[str | None, _Wrong] = {}
_one_try_at_a_time = threading.Lock()


def may_change() -> bool:
    """Whether this tab may start, change and delete runs."""
    return not _read_only() or st.session_state.get(_UNLOCKED) is True


def host_only(order: Callable[P, R]) -> Callable[P, R]:
    """An order that starts, changes or deletes runs. It raises VaeError in a tab that may not."""

    @wraps(order)
    def guarded(*args: P.args, **keywords: P.kwargs) -> R:
        if not may_change():
            raise VaeError(why_locked())
        return order(*args, **keywords)

    return guarded


def why_locked() -> str:
    """What is said to those who may not."""
    how = (
        "unlocks a tab with the host key."
        if _host_key()
        else "can unlock a tab once the app is started with a VAE_HOST_KEY."
    )
    return f"You can watch and explore here. Only the host starts, changes and deletes runs, and {how}"


def show_lock() -> None:
    """Where the page is read-only, says so, and asks its host for the key; in an unlocked tab, says that."""
    if not _read_only():
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if may_change():
            st.caption("Only the host may change runs here. This tab is unlocked until it is reloaded.")
            return
        st.caption(why_locked(), width="content")
        if _host_key():
            with st.popover("Unlock", type="tertiary", icon=":material/lock:"):
                _ask_for_key()


def unlock(key: str) -> str:
    """Unlocks this tab if that is the host key. Otherwise returns a sentence.

    After a wrong key none is looked at for a second, then two, four and so on, up to a minute.
    """
    address, now = st.context.ip_address, time.monotonic()
    with _one_try_at_a_time:
        for other in [each for each, wrong in _wrong.items() if now - wrong.at > FORGOTTEN]:
            del _wrong[other]
        wrong = _wrong.get(address, _Wrong(0, now))
        if wrong.tries and now < wrong.pause_ends:
            return f"Too soon after a wrong key. Try again in {_seconds(wrong.pause_ends - now)}."
        expected = _host_key()
        if expected and hmac.compare_digest(key.strip().encode(), expected.encode()):
            _wrong.pop(address, None)
            st.session_state[_UNLOCKED] = True
            return ""
        _wrong[address] = wrong = _Wrong(wrong.tries + 1, now)
        return f"This is not the host key. Try again in {_seconds(wrong.pause_ends - now)}."


def _ask_for_key() -> None:
    # A form, as a field of its own would try what stands in it when it is left. It is cleared by each try, so
    # that no page keeps a key.
    with st.form("unlock", clear_on_submit=True, border=False):
        st.text_input("Host key", type="password", key=_FIELD, autocomplete="off")
        st.form_submit_button("Unlock this tab", on_click=_try_key)
    if answer := st.session_state.pop(_ANSWER, ""):
        st.warning(answer)


def _try_key() -> None:
    st.session_state[_ANSWER] = unlock(st.session_state[_FIELD])


def _read_only() -> bool:
    """Locked also where only a key is given: nobody sets one for a page that is open to all."""
    said = os.environ.get("VAE_READ_ONLY", "").strip().lower()
    return said not in {"0", "false", "no", "off"} if said else _host_key() is not None


def _host_key() -> str | None:
    return os.environ.get("VAE_HOST_KEY", "").strip() or None


def _seconds(seconds: float) -> str:
    rounded = math.ceil(seconds)
    return f"{rounded} second{'s' * (rounded != 1)}"
