"""The adapter to private parts of Streamlit: what it does, and what it says where a part is missing."""

import logging
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import streamlit as st
from streamlit.components.v2.bidi_component import serialization
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.pages_manager import PagesManager

from pages.components.shell import streamlit_patches
from pages.components.shell.streamlit_patches import WRITTEN_FOR
from tests.support.paths import ROOT


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What comes to Streamlit's own method."""
    arrived: list[Any] = []

    def request_rerun(self: AppSession, client_state: ClientState | None) -> None:  # noqa: ARG001
        arrived.append(client_state)

    monkeypatch.setattr(AppSession, "request_rerun", request_rerun)
    return arrived


def request(*, polled: bool) -> ClientState:
    state = ClientState(is_auto_rerun=polled)
    state.widget_states.widgets.add(id="button", trigger_value=True)
    state.widget_states.widgets.add(id="slider", double_value=0.5)
    state.widget_states.widgets.add(id="map", json_trigger_value="[]")
    return state


def patch() -> None:
    """Patches anew, which the app does once a process."""
    streamlit_patches.ignore_clicks_in_polls.__wrapped__()


def test_it_was_written_for_the_installed_version() -> None:
    assert st.__version__.startswith(f"{WRITTEN_FOR}."), "look at each part again, then change WRITTEN_FOR"


def test_a_poll_brings_no_clicks_and_a_click_stays_one(requests: list[Any]) -> None:
    patch()
    for polled in (True, False):
        AppSession.request_rerun(object(), request(polled=polled))  # type: ignore[arg-type]
    AppSession.request_rerun(object(), None)  # type: ignore[arg-type]
    poll, click, first = requests
    assert [widget.id for widget in poll.widget_states.widgets] == ["slider"]
    assert [widget.id for widget in click.widget_states.widgets] == ["button", "slider", "map"]
    assert first is None


def without_method(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(AppSession, "request_rerun")


def with_another_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AppSession, "request_rerun", lambda self, states, query: (self, states, query))


def without_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "streamlit.runtime.app_session", None)


def with_other_names_of_clicks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamlit_patches, "CLICKS", {"click_value"})


@pytest.mark.usefixtures("requests")
@pytest.mark.parametrize(
    "change", [without_method, with_another_signature, without_module, with_other_names_of_clicks]
)
def test_where_a_part_is_missing_nothing_is_patched_and_one_sentence_logged(
    change: Callable[[pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    change(monkeypatch)
    before = getattr(AppSession, "request_rerun", None)
    patch()
    assert getattr(AppSession, "request_rerun", None) is before
    (record,) = caplog.records
    assert record.getMessage().startswith(f"This version of Streamlit differs from {WRITTEN_FOR} (")
    assert record.getMessage().endswith("a click during a poll may be handled twice.")


WITHOUT_PANDAS = """
import json, sys
from streamlit.components.v2.bidi_component import serialization
from streamlit.proto.BidiComponent_pb2 import BidiComponent
from pages.components.shell.streamlit_patches import search_no_tables_in_components
search_no_tables_in_components()
data, message = {"list": [1, [2]], "dict": {"a": [3]}, "text": "x", "none": None}, BidiComponent()
serialization.serialize_mixed_data(data, message)
assert json.loads(message.json) == data
assert "pandas" not in sys.modules and "pyarrow" not in sys.modules
import numpy
serialization.serialize_mixed_data({"table": [numpy.ones(2)], "array": numpy.ones((2, 2))}, message)
assert len(message.mixed.arrow_blobs) == 1
"""


def test_a_component_is_sent_json_without_an_import_of_pandas() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT_PANDAS], check=True, cwd=ROOT)


def test_a_streamlit_that_sends_data_in_another_way_imports_pandas(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delattr(serialization, "is_dataframe_like")
    with caplog.at_level("INFO"):
        streamlit_patches.search_no_tables_in_components.__wrapped__()
    assert not hasattr(serialization, "is_dataframe_like")
    assert "the first page takes a second longer" in caplog.text


def test_the_files_of_the_pages_folder_are_not_listed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(PagesManager, "uses_pages_directory", None)  # as when a server starts
    streamlit_patches.list_no_pages_folder.__wrapped__()
    PagesManager(str(ROOT / "app.py"))  # of the first visitor
    assert PagesManager.uses_pages_directory is False
    monkeypatch.delattr(PagesManager, "uses_pages_directory")
    with caplog.at_level(logging.INFO):
        streamlit_patches.list_no_pages_folder.__wrapped__()
    assert "the first visitor sees the names of files" in caplog.text
