"""A click is heard once.

Streamlit's part in the browser (1.67) keeps a click among the widgets' values until its next turn, and what
asks for a polled fragment sends these values whole. If that falls between the two, the click comes along
with the poll, and again by itself: one batch becomes two, and what was paused is resumed at once. It happens
where the browser is busy. Nothing public tells the two messages apart.
"""

from functools import cache

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession

CLICKS = {"trigger_value", "json_trigger_value", "string_trigger_value", "chat_input_value"}


@cache
def ignore_clicks_in_polls() -> None:
    """Has the server leave out what was clicked where a poll brings it along."""
    request_rerun = AppSession.request_rerun

    def without_clicks(session: AppSession, client_state: ClientState | None) -> None:
        if client_state and client_state.is_auto_rerun:
            widgets = client_state.widget_states.widgets
            for click in [widget for widget in widgets if widget.WhichOneof("value") in CLICKS]:
                widgets.remove(click)
        request_rerun(session, client_state)

    AppSession.request_rerun = without_clicks  # type: ignore[assignment, method-assign]
