"""Controls of a run: pause, single batches, slow motion, rates; resume, train again or longer."""

import streamlit as st

from pages.components.runs.config_text import field_label
from pages.components.runs.run_actions import (
    perform,
    request_and_wait,
    request_steps,
    resume,
    show_refusal,
    start,
    train_longer,
)
from pages.components.shell.access import may_change
from pages.components.shell.page_layout import screen_part
from pages.components.train.form import click_step
from vae.config import TrainConfig
from vae.runs.records import LIVE, Request, Status
from vae.runs.run import Run

DELAYS = {0.0: "off", 0.05: "0.05 s", 0.2: "0.2 s", 0.5: "0.5 s", 1.0: "1 s", 2.0: "2 s"}


def controls(run: Run) -> None:
    """Shows the controls of a live run, or the actions for one that has ended; nothing in a read-only tab."""
    if not may_change():
        return
    status = run.status()
    request = run.request() or Request(number=status.heard)
    acknowledged = request.number == status.heard
    with screen_part("controls", horizontal=True):
        # First, where Pause stands while a run trains: a late click on that must start nothing. In a
        # container that is always there (see `notices`).
        with st.container(key="train_longer", width="content"):
            if status.state == "finished":
                _train_longer(run)
        if status.state not in LIVE:
            _ended_actions(run, status)
        else:
            _buttons(run, status, request, acknowledged=acknowledged)
            key, delay = _key_and_default(
                run, "delay", status.delay, requested=request.delay, acknowledged=acknowledged
            )
            st.select_slider(
                "Slow motion",
                sorted({*DELAYS, status.delay, delay}),
                value=delay,
                format_func=lambda seconds: DELAYS.get(seconds, f"{seconds:g} s"),
                key=key,
                on_change=lambda: request_and_wait(run, delay=st.session_state[key]),
                help="How long to wait after each batch.",
                width=176,
            )
        if status.state != "finished":
            _rate(run, "learning_rate", status, request)
            _rate(run, "beta", status, request)
    show_refusal()


def _buttons(run: Run, status: Status, request: Request, *, acknowledged: bool) -> None:
    """Shows pause or resume, one batch, one epoch, stop; the labels show a request that is pending."""
    paused = status.state == "paused"
    if paused:
        text, pause_at = ("Resume" if acknowledged else "Resuming …"), None
    else:
        pending = not acknowledged and request.pause_at is not None
        text, pause_at = ("Pausing …" if pending else "Pause"), 0
    st.button(
        text,
        key="pause",
        type="primary",
        help="The space bar does the same, wherever you are; Enter presses the other buttons.",
        icon=":material/play_arrow:" if paused else ":material/pause:",
        shortcut="Space",
        on_click=request_and_wait,
        args=(run,),
        kwargs={"pause_at": pause_at},
        width=160,  # of "Resuming …", the longest of its labels
    )
    epoch_steps = max(1, status.total_steps // run.config.epochs)
    for text, key, steps, about in (
        ("One batch", "batch", 1, "One optimiser step, then pauses."),
        ("One epoch", "epoch", epoch_steps, "To the epoch's end, then pauses."),
    ):
        st.button(text, key=key, on_click=request_steps, args=(run, steps), help=about)
    st.button(
        "Stopping …" if request.stop else "Stop",
        key="stop",
        on_click=request_and_wait,
        args=(run,),
        kwargs={"stop": True},
        help="Saves after this batch; it can be resumed.",
    )


def _rate(run: Run, field: str, status: Status, request: Request) -> None:
    """Shows a number that can be changed during training; the trainer's bounds are the config's."""
    now = getattr(status, field)
    value = float(getattr(run.config, field) if now is None else now)
    requested, acknowledged = getattr(request, field), request.number == status.heard
    key, default = _key_and_default(run, field, value, requested=requested, acknowledged=acknowledged)
    st.number_input(
        field_label(field),
        value=default,
        step=click_step(field, float(getattr(run.config, field))),
        format="%.4g",
        key=key,
        on_change=lambda: request_and_wait(run, **{field: st.session_state[key]}),
        help=TrainConfig.model_fields[field].description,
        width={"learning_rate": 222, "beta": 156}[field],
    )


def _key_and_default(
    run: Run, field: str, value: float, *, requested: float | None, acknowledged: bool
) -> tuple[str, float]:
    """The key of a widget, and its default: the value in force, or a requested one that is pending.

    A value that was changed elsewhere makes a new widget. Set in the session's state, it would be in one
    message only; if the browser draws that together with the next, Streamlit 1.67 keeps the old value, or the
    least one, in the widget and sends it as if somebody had entered it.
    """
    memory = f"{run.name} {field}"
    shown = value if acknowledged or requested is None else requested
    number, default = st.session_state.get(memory, (0, shown))
    # What was entered in this widget is left there while the trainer has not heard of it.
    if acknowledged and st.session_state.get(f"{memory} {number}", default) != value:
        number, default = number + 1, value
    st.session_state[memory] = number, default
    return f"{memory} {number}", default


def _ended_actions(run: Run, status: Status) -> None:
    """Shows the actions for a run that has ended: resume, train again."""
    if status.state != "finished" and st.button(
        "Resume", type="primary", help="Goes on where the run stood.", width=150
    ):
        perform(lambda: resume(run))
    if st.button("Train again", help="A further run of the same settings.", width=150):
        perform(lambda: start(run.config, again=True))


def _train_longer(run: Run) -> None:
    with st.popover("Train longer", width=150):
        epochs = st.number_input("More epochs", value=run.config.epochs, step=1)
        st.caption(
            "A run of its own goes on from these weights, at the rates that are in force; the learning "
            "rate's schedule begins anew."
        )
        if st.button("Go on", type="primary"):
            perform(lambda: train_longer(run, epochs))
