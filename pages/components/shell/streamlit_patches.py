"""All uses of private parts of Streamlit, as of version 1.67. Where one is missing, the app does without.

The page's markup is private too, but can be named only where it is styled or read. The app depends on:

- `data-testid=stApp` with `data-test-connection-state` (connection.js): without them a page does not run anew
  after a lost connection, and the console has a warning.
- The event `popstate`, dispatched by us, has Streamlit run the page of the URL (connection.js,
  links/navigate.js): without it, a link changes the URL alone until the page is loaded again.
- `data-testid=stElementContainer` (stores/registry/component.css): without it stores leave gaps on the page.
- The `data-testid` of Streamlit's containers, widgets and buttons, and its classes `st-key-…`, in the CSS
  (shell/app.css, and beside pages and components): without them widths, heights and margins are Streamlit's.
- Of `st.session_state` and of the URL in the browser only what is documented.
"""

import inspect
import logging
import os
from functools import cache
from pathlib import Path

from vae import VaeError

WRITTEN_FOR = "1.67"
CLICKS = {"trigger_value", "json_trigger_value", "string_trigger_value", "chat_input_value"}


@cache
def ignore_clicks_in_polls() -> None:
    """Has the server drop clicks from the requests of polled fragments, so that a click is handled once.

    Streamlit's client keeps a click among the widget values until its next turn, and sends all values with
    each poll. A poll in between contains the click, and then the click is sent by itself: one batch becomes
    two, and what was paused is resumed at once. It happens where the browser is busy.
    """
    try:
        from streamlit.proto.ClientState_pb2 import ClientState
        from streamlit.proto.WidgetStates_pb2 import WidgetState
        from streamlit.runtime.app_session import AppSession

        request_rerun = AppSession.request_rerun
        _require([*inspect.signature(request_rerun).parameters] == ["self", "client_state"], "request_rerun")
        fields = {*ClientState.DESCRIPTOR.fields_by_name}
        _require(fields >= {"is_auto_rerun", "widget_states"}, "ClientState")
        _require({*WidgetState.DESCRIPTOR.fields_by_name} >= CLICKS, "WidgetState")
    except (ImportError, AttributeError) as error:
        _log_missing(error, "a click during a poll may be handled twice", logging.WARNING)
        return

    def without_clicks(session: AppSession, client_state: ClientState | None) -> None:
        if client_state and client_state.is_auto_rerun:
            widgets = client_state.widget_states.widgets
            for click in [widget for widget in widgets if widget.WhichOneof("value") in CLICKS]:
                widgets.remove(click)
        request_rerun(session, client_state)

    AppSession.request_rerun = without_clicks  # type: ignore[assignment, method-assign]


@cache
def list_no_pages_folder() -> None:
    """Has the server not list the files of pages/ as its pages before `st.navigation` is called.

    A server's first visitor saw their names in the sidebar for an instant.
    """
    try:
        from streamlit.runtime.pages_manager import PagesManager

        _require(hasattr(PagesManager, "uses_pages_directory"), "PagesManager")
    except (ImportError, AttributeError) as error:
        _log_missing(error, "the first visitor sees the names of files")
        return
    PagesManager.uses_pages_directory = False


@cache
def search_no_tables_in_components() -> None:
    """Has components send the lists and dicts in their data as JSON, without a look whether they are tables.

    For that look Streamlit imports pandas: 0.6 s and 70 MB, in front of a server's first visitor. Our
    components are never sent tables.
    """
    try:
        from streamlit.components.v2.bidi_component import serialization

        names_of_module = vars(serialization)
        is_table = names_of_module["is_dataframe_like"]
        _require([*inspect.signature(is_table).parameters] == ["obj"], "is_dataframe_like")
    except (ImportError, AttributeError, KeyError) as error:
        _log_missing(error, "the first page takes a second longer")
        return

    def is_other_table(obj: object) -> bool:
        return not isinstance(obj, list | dict) and is_table(obj)

    names_of_module["is_dataframe_like"] = is_other_table


@cache
def serve_static_files_from(folder: Path, instead_of: Path) -> None:
    """Has the server take the files of `app/static/` from `folder`, for the rest of this process.

    Streamlit serves the folder static/ beside the main script, and no other. The handler of these URLs asks a
    function for the file of a URL, at each request; it is replaced by one that puts `folder` in the place of
    `instead_of`, the absolute path of static/. Whatever lies outside of `folder` stays refused.

    Raises VaeError if this version of Streamlit has no such function.
    """
    try:
        from streamlit.web.server.starlette import starlette_routes

        names_of_module = vars(starlette_routes)
        path_of = names_of_module["build_safe_abspath"]
        parameters = [*inspect.signature(path_of).parameters]
        _require(parameters == ["component_root", "relative_url_path"], "build_safe_abspath")
    except (ImportError, AttributeError, KeyError) as error:
        raise VaeError(
            f"VAE_STATIC_DIR works with Streamlit {WRITTEN_FOR}; the installed version differs ({error}). "
            "Install that version; or leave the variable unset, and let the app write into static."
        ) from error
    replaced = os.path.realpath(instead_of)

    def path_in_folder(component_root: str, relative_url_path: str) -> str | None:
        root = str(folder) if component_root == replaced else component_root
        found: str | None = path_of(root, relative_url_path)
        return found

    names_of_module["build_safe_abspath"] = path_in_folder


def _log_missing(error: Exception, effect: str, level: int = logging.INFO) -> None:
    """Logs that a part of Streamlit is missing or another, and what follows for visitors."""
    logging.getLogger(__name__).log(
        level, "This version of Streamlit differs from %s (%s): %s.", WRITTEN_FOR, error, effect
    )


def _require(as_expected: bool, part: str) -> None:
    """Raises AttributeError where a part of Streamlit is not as it was."""
    if not as_expected:
        raise AttributeError(f"{part} has changed")
