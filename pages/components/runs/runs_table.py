"""Table of all runs, and what can be done with the chosen ones: overlay, open, download, delete."""

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import streamlit as st

from pages.components.runs import run_data
from pages.components.runs.run_actions import REFUSED_SECONDS, delete, perform, rename
from pages.components.runs.run_picker import select_run
from pages.components.runs.run_zip import download_button, upload_field
from pages.components.shell.access import may_change
from pages.components.shell.messages import USER_ERRORS, error_text, escape_markdown
from vae import VaeError
from vae.runs import catalogue
from vae.runs.catalogue import default_runs_dir, list_runs
from vae.runs.run import Run
from vae.runs.titles import MAX_TITLE, differences, given_title
from vae.storage.untrusted import shortened
from vae.training.forecast import in_words

OVERLAID = 12  # runs at most: more have no colours of their own, and their legend leaves the curves no room
_CHOSEN = "chosen_runs"
OVERLAY = "overlay"  # their URL parameter: names between commas
_ERRORS = "why_runs_were_kept"
BITS = "bits/dim"
COLUMNS = ("title", "state", "preset", "differs", "epochs", "−ELBO", BITS, "at epoch", "time", "MB", "name")


def chosen_runs() -> list[Run]:
    """The runs chosen in the table that still exist."""
    names = st.session_state.get(_CHOSEN)
    if not names:
        return []
    return [run for run in list_runs(default_runs_dir()) if run.name in names]


def take_overlay() -> None:
    """Takes over the runs that the URL lays over the curves, or writes those chosen in this tab into it.

    Names of no run are left out, with a sentence.
    """
    asked = st.query_params.get(OVERLAY)
    if asked is not None:
        names = [name for name in asked.split(",") if name]
        there = {run.name for run in list_runs(default_runs_dir())}
        missing = [shortened(name) for name in names if name not in there]
        st.session_state[_CHOSEN] = [name for name in names if name in there]
        if missing:
            which = ", ".join(missing[:OVERLAID]) + ", …" * (len(missing) > OVERLAID)
            st.warning(escape_markdown(f"Not laid over the curves, as there is no such run: {which}."))
            _write_overlay(st.session_state[_CHOSEN])
    elif chosen := st.session_state.get(_CHOSEN):
        _write_overlay(chosen)


def _write_overlay(names: Sequence[str]) -> None:
    if names:
        st.query_params[OVERLAY] = ",".join(names)
    elif OVERLAY in st.query_params:
        del st.query_params[OVERLAY]


def overlaid_runs() -> list[Run]:
    """The newest of the chosen runs, whose curves lie over those of the selected run."""
    return chosen_runs()[:OVERLAID]


def runs_table() -> None:
    """Shows the table, the actions for the chosen runs, and the upload field."""
    runs = list_runs(default_runs_dir())
    if runs:
        _table(runs)
    if may_change():
        upload_field()


def _table(runs: Sequence[Run]) -> None:
    rows = [_row(run_data.title(run), catalogue.summary(run)) for run in runs]
    names = [run.name for run in runs]
    chosen = st.session_state.setdefault(_CHOSEN, [])
    event = st.dataframe(
        rows,
        hide_index=True,
        # The selection is by row number: other runs make another table.
        key=f"runs {hash(tuple(names))}",
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": [i for i, name in enumerate(names) if name in chosen]}},
        column_config={
            "−ELBO": st.column_config.NumberColumn(format="%.1f", help="Nats per test image."),
            BITS: st.column_config.TextColumn(
                help="−ELBO in bits for each value of an image, of Gaussian likelihoods.",
            ),
            "at epoch": st.column_config.NumberColumn(
                help="When −ELBO was measured: at the start, and after each whole epoch."
            ),
            "MB": st.column_config.NumberColumn(format="%.1f"),
        },
    )
    picked = [names[row] for row in event.selection.rows if row < len(names)]
    if picked != chosen:
        st.session_state[_CHOSEN] = picked
        _write_overlay(picked)
        st.rerun()
    errors, since = st.session_state.get(_ERRORS, ((), 0.0))
    if time.monotonic() - since < REFUSED_SECONDS:
        for error in errors:
            st.error(error)
    _actions([run for run in runs if run.name in picked])


def _actions(runs: Sequence[Run]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if not runs:
            st.caption(
                "Choose rows at the left to lay their curves over those of the run on Watch, to open"
                f"{', download or delete' if may_change() else ' or download'} them. A run that is started "
                "elsewhere appears when you come back to this window."
            )
            return
        if st.button("Open", disabled=len(runs) != 1):
            perform(lambda: select_run(runs[0]))
        if len(runs) == 1:
            download_button(runs[0])
            if may_change():
                _rename_button(runs[0])
        what = escape_markdown(run_data.title(runs[0])) if len(runs) == 1 else f"{len(runs)} runs"
        if may_change():
            with st.popover("Delete …"):
                megabytes = sum(run.size() for run in runs) / 1e6
                st.write(f"Delete {what} ({megabytes:.1f} MB) for good?")
                if st.button("Delete", type="primary"):
                    _delete(runs)
        which = "Their curves" if len(runs) <= OVERLAID else f"The curves of the newest {OVERLAID}"
        st.caption(
            f"{which} lie over those of the run on Watch, if that has the same data set and likelihood."
        )


def _rename_button(run: Run) -> None:
    """Shows a field for the run's title."""
    given = None
    with suppress(VaeError):  # a damaged title is replaced by the next one
        given = given_title(run)
    with st.popover("Rename …"):
        title = st.text_input(
            "Title",
            given or "",
            max_chars=MAX_TITLE,
            placeholder=run_data.title(run),
            key=f"title of {run.name}",
            help=f"Shown instead of the settings. The name in addresses stays {escape_markdown(run.name)}.",
        )
        if st.button("Save", type="primary", help="An empty title shows the settings again."):
            perform(lambda: rename(run, title))


def _delete(runs: Sequence[Run]) -> None:
    errors = []
    for run in runs:
        try:
            delete(run)
        except USER_ERRORS as error:
            errors.append(error_text(error))
    st.session_state[_CHOSEN] = []
    _write_overlay([])
    st.session_state[_ERRORS] = errors, time.monotonic()
    st.rerun()


def _row(title: str, summary: dict[str, Any]) -> dict[str, Any]:
    if "error" in summary:
        return dict.fromkeys(COLUMNS) | {
            "title": title,
            "name": summary["run"],
            "state": "damaged",
            "differs": summary["error"],
        }
    return {
        "title": title,
        "state": summary["state"],
        "preset": summary["preset"],
        "differs": ", ".join(differences(summary["differs"]) + ["steered"] * summary["steered"]),
        "epochs": f"{round(summary['epoch'], 2):g} of {summary['epochs']}",
        "−ELBO": summary["negative_elbo"],
        # As text: an empty cell of numbers reads "None".
        BITS: "" if (bits := summary["bits_per_dimension"]) is None else f"{bits:.3f}",
        "at epoch": summary["negative_elbo_epoch"],
        "time": in_words(summary["seconds"]),
        "MB": summary["bytes"] / 1e6,
        "name": summary["run"],
    }
