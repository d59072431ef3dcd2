"""What happens in a component, told by its script and heard once.

Of two triggers during one run of the page Streamlit keeps the last. So scripts number what happens, and tell
it with all that was not answered yet (`latent_map/telling.js`); what is answered goes back in their data.
"""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import streamlit as st

MOST = 100  # events at a time
E = TypeVar("E")


@dataclass
class _Heard:
    number: int = 0  # of the last event
    session: str = field(default_factory=lambda: secrets.token_hex(4))


def _heard(key: str) -> _Heard:
    heard: _Heard = st.session_state.setdefault(f"{key}_heard", _Heard())
    return heard


def heard(key: str) -> dict[str, int | str]:
    """Data for the component `key`: the last event that was heard, and a name of this session.

    After a restart of the server an open tab has another session, which has heard nothing yet.
    """
    last = _heard(key)
    return {"heard": last.number, "session": last.session}


def happened(key: str, event_of: Callable[[Any], E]) -> Iterator[tuple[int, E]]:
    """What happened in the component `key` since this was last asked, with its number, the oldest first.

    Each only once: it counts as heard when the next is asked for. A run of the page that is broken off before
    leaves it to the next. Streamlit breaks one off where it asks for the session's state, or before it writes
    there; so what must not be done twice is written last, and nothing stands between that and the next event.

    Args:
        event_of: what was told as an event; TypeError, KeyError, ValueError or OverflowError, if it is none.
    """
    told = st.session_state.get(key, {}).get("happened") or []
    last = _heard(key)  # changed in its place, as a write into the session's state could be broken off
    for each in told[-MOST:] if isinstance(told, list) else []:
        try:
            number, event = int(each["number"]), event_of(each)
        except (TypeError, KeyError, ValueError, OverflowError):  # it comes from a browser
            continue
        if number > last.number:
            yield number, event
            last.number = number
