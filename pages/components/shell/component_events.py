"""Events that a component's script reports, each handled once and in order.

Of two triggers during one run of the page Streamlit keeps only the last. So scripts number their events and
send all that are not acknowledged yet (`component_events.js`); the data they get back name the last one.
"""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import streamlit as st

MAX_EVENTS = 100  # at a time
E = TypeVar("E")


@dataclass
class _Progress:
    """How far the events of one component are handled; changed in place, see `new_events`."""

    last: int = 0  # the number of the last event that was handled
    session: str = field(default_factory=lambda: secrets.token_hex(4))


def _progress(key: str) -> _Progress:
    progress: _Progress = st.session_state.setdefault(f"{key}_acknowledged", _Progress())
    return progress


def acknowledged(key: str) -> dict[str, int | str]:
    """Data for the component `key`: the number of the last handled event, and the name of this session.

    After a restart of the server an open tab has another session, in which no event is handled yet.
    """
    progress = _progress(key)
    return {"acknowledged": progress.last, "session": progress.session}


def new_events(key: str, parse: Callable[[Any], E]) -> Iterator[tuple[int, E]]:
    """Yields the events of the component `key` that are not handled yet, with their numbers, oldest first.

    An event counts as handled when the next one is requested. If the run of the page is interrupted before
    that, the next run gets it again. Streamlit interrupts where a script reads or writes the
    session state; so write last what must not be done twice, with nothing between that and the next event.

    Args:
        parse: makes an event of what the script sent; raises TypeError, KeyError, ValueError or
            OverflowError if it is none, and it is skipped.
    """
    sent = st.session_state.get(key, {}).get("events") or []
    progress = _progress(key)  # changed in place: an assignment to the session state could be interrupted
    for each in sent[-MAX_EVENTS:] if isinstance(sent, list) else []:
        try:
            number, event = int(each["number"]), parse(each)
        except (TypeError, KeyError, ValueError, OverflowError):  # it comes from a browser
            continue
        if number > progress.last:
            yield number, event
            progress.last = number
