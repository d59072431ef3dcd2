"""Comparison presets: cards that describe a comparison, train its runs, and open it."""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import streamlit as st

from pages.components.runs import run_data
from pages.components.runs.run_actions import perform, show_busy_run, start_all
from pages.components.runs.run_heading import progress_line
from pages.components.runs.run_picker import select_pair
from pages.components.shell.access import may_change
from pages.components.shell.messages import escape_markdown, show_errors
from pages.components.train import form
from vae import VaeError
from vae.config import TrainConfig
from vae.runs.catalogue import default_runs_dir, run_of_config
from vae.runs.records import LIVE, Status
from vae.runs.run import Run
from vae.training.forecast import in_words, training_seconds
from vae.training.jobs import unfinished

CARDS = "cards"  # key of the switch, and its query parameter
_NEXT = "cards_next"  # the switch's value from the next run of the page on
# The title of the comparison that was started in this tab, until its last run has finished.
_STARTED = "comparison_started"
POLL = 2.0  # seconds, while one of them is trained or waits


class Comparison(NamedTuple):
    """A comparison preset.

    Attributes:
        about: two sentences on what to look for.
        configs: the configs of its runs, by what distinguishes them.
    """

    title: str
    about: str
    configs: dict[str, TrainConfig]


PRESETS = (
    Comparison(
        "An autoencoder against a VAE",
        "Without the price of KL the autoencoder's clouds drift apart and shrink: look how far its map "
        "reaches, and what is drawn in its holes. It reconstructs better, and its −ELBO is far worse.",
        {"beta 0": TrainConfig.preset("quick", beta=0), "beta 1": TrainConfig.preset("quick")},
    ),
    Comparison(
        "What KL costs: beta 0.1, 1 and 4",
        "The larger beta, the closer to the prior all images lie, and the more of them share a point. "
        "Look how KL falls, reconstruction rises, and the digits blur into each other.",
        {f"beta {beta:g}": TrainConfig.preset("quick", beta=beta) for beta in (0.1, 1, 4)},
    ),
    Comparison(
        "Two seeds",
        "The losses are nearly the same, and the maps are not: turned, mirrored, with other neighbours. "
        "Hover over one map and see that the same z means another digit on the other.",
        {f"seed {seed}": TrainConfig.preset("quick", seed=seed) for seed in (1, 2)},
    ),
    Comparison(
        "The blog's settings against the best",
        "Two latent dimensions each, and some twenty nats between them: the best run's classes lie apart "
        "where the blog's lie in each other. Pick a 4 or an 8 and compare the reconstructions.",
        {"blog": TrainConfig.preset("blog"), "best": TrainConfig.preset("best")},
    ),
)


def presets(*, alone: bool) -> None:
    """Shows a card for each preset if the switch in the sidebar is on, or there is nothing else (`alone`)."""
    _fold_when_finished()
    if not alone:
        if _NEXT in st.session_state:
            st.session_state[CARDS] = st.session_state.pop(_NEXT)
        shown = st.sidebar.toggle(
            "Ready-made comparisons",
            key=CARDS,
            bind="query-params",
            help="Each trains the runs that it needs, and opens them here.",
        )
        if not shown:
            return
    with st.container(key="comparisons"), show_errors():
        states = _states()
        # A run that waits for its turn is "stopped", and none is live between two of them.
        moving = any(state in LIVE or state == "stopped" for state in states)
        st.fragment(show_errors()(_cards), run_every=POLL if moving else None)(states)


def _fold_when_finished() -> None:
    """Folds the cards once the comparison that was started in this tab has finished: the maps are shown.

    Not if other runs were chosen since then, such as by a link.
    """
    started = next((each for each in PRESETS if each.title == st.session_state.get(_STARTED)), None)
    if started is None:
        return
    try:
        if _missing(started):
            return
        left, right = _pair(list(started.configs.values())[:2])
    except VaeError:  # one is damaged, which its card reports
        return
    del st.session_state[_STARTED]
    shown = st.query_params.get("run"), st.query_params.get("with")
    if left and right and shown == (left.name, right.name):
        st.session_state[_NEXT] = False


def _pair(configs: Sequence[TrainConfig]) -> tuple[Run | None, Run | None]:
    """The runs of two configs; None for one that there is not. Raises VaeError."""
    left, right = (run_of_config(config, default_runs_dir()) for config in configs)
    return left, right


def _state(config: TrainConfig) -> str | None:
    """The state of the config's run; None if there is none, or it is damaged, which its card reports."""
    try:
        begun = run_data.begun(config)
    except VaeError:
        return None
    return None if begun is None else begun.state


def _states() -> list[str | None]:
    """The states of the runs of all presets."""
    return [_state(config) for each in PRESETS for config in each.configs.values()]


def _cards(states: Sequence[str | None]) -> None:
    if _states() != states:
        st.rerun()  # another comparison can be opened, or the next run trains
    for row in (PRESETS[:2], PRESETS[2:]):
        for column, each in zip(st.columns(2), row, strict=True):
            with column.container(border=True, height="stretch"):
                st.markdown(f"**{escape_markdown(each.title)}**")
                st.write(escape_markdown(each.about))
                with show_errors():
                    _card(each)
    show_busy_run()


def _card(comparison: Comparison) -> None:
    """Shows buttons that open the trained runs and train the others, and the progress of training."""
    missing = _missing(comparison)
    trained = [name for name in comparison.configs if name not in missing]
    begun = {name: run_data.begun(config) for name, config in missing.items()}
    statuses = {name: status for name, status in begun.items() if status is not None}
    live = {name: status for name, status in statuses.items() if status.state in LIVE}
    for name, status in live.items():
        st.caption(f"{escape_markdown(name)} is trained now: {escape_markdown(progress_line(status))}")
    with st.container(horizontal=True, vertical_alignment="center"):
        for one, other in combinations(trained, 2):
            label = "Open" if len(comparison.configs) == 2 else f"Open {one} and {other}"
            if st.button(label, key=f"{comparison.title}: {one} and {other}"):
                _open([comparison.configs[name] for name in (one, other)])
                st.rerun()
        if missing and not live and may_change():
            speed = form.core_speed()
            seconds = sum(
                training_seconds(config, speed, done=statuses[name].share if name in statuses else 0)
                for name, config in missing.items()
            )
            if st.button("Start", key=f"{comparison.title}: start", type="primary"):
                st.session_state.update({_STARTED: comparison.title, _NEXT: True})
                perform(lambda: start_all(list(comparison.configs.values())))
            st.caption(
                f"Trains {_listed(list(missing))}: about {in_words(seconds)} on this machine, "
                "when it is idle.",
                width="stretch",
            )
        else:
            texts: dict[str, list[str]] = {}
            for name in missing:
                if name not in live:
                    texts.setdefault(_missing_text(statuses.get(name), turn=bool(live)), []).append(name)
            for text, names in texts.items():
                st.caption(f"{_listed(names)}: {escape_markdown(text)}")


def _missing(comparison: Comparison) -> dict[str, TrainConfig]:
    """The configs of its runs that are not finished, by their names."""
    runs_dir = default_runs_dir()
    return {name: config for name, config in comparison.configs.items() if unfinished(config, runs_dir)}


def _open(configs: Sequence[TrainConfig]) -> None:
    """Selects the runs of two configs, and folds the cards: the next run of the page shows their maps."""
    left, right = _pair(configs)
    if left is not None and right is not None:  # neither was deleted since
        select_pair(left, right)
        st.session_state[_NEXT] = False
    st.session_state.pop(_STARTED, None)


def _missing_text(status: Status | None, *, turn: bool) -> str:
    """The state of a run that is neither finished nor trained now; `turn`: another run of the preset is."""
    if status is not None and status.step:
        return f"{status.state} at epoch {status.epoch:.2f}."
    return "trained after that." if turn and status is not None else "not trained yet."


def _listed(names: Sequence[str]) -> str:
    """Names in a list with "and", as Markdown."""
    *others, last = map(escape_markdown, names)
    return f"{', '.join(others)} and {last}" if others else last
