"""The runs that a lesson opens and that are not there: a button trains them, and its progress is shown."""

from collections.abc import Mapping

import streamlit as st

from pages.components.learn.lessons import Lesson
from pages.components.learn.texts import TEXTS
from pages.components.runs import run_data
from pages.components.runs.run_actions import perform, show_busy_run, start_named
from pages.components.shell.access import may_change
from pages.components.shell.messages import escape_markdown, show_errors
from pages.components.train import form
from vae import VaeError
from vae.config import TrainConfig
from vae.runs.catalogue import default_runs_dir, find_run
from vae.runs.records import LIVE, Status
from vae.training.forecast import in_words, training_seconds

POLL = 1.0  # seconds
# The runs that lessons open, as they come with the project.
CONFIGS: Mapping[str, TrainConfig] = {
    "mnist-best-11f9cf": TrainConfig.preset("best"),
    "beta-1-seed-2": TrainConfig.preset("small", seed=2),
    "z-10": TrainConfig.preset("small", latent_dim=10),
    **{
        f"beta-{beta}": TrainConfig.preset("small", beta=float(beta)) for beta in ("0", "0.1", "1", "4", "40")
    },
}


def missing_runs(lesson: Lesson, language: str) -> None:
    """Shows which runs of a lesson are missing, if any; those that are being trained are followed."""
    if _missing(lesson):
        st.fragment(show_errors()(_panel), run_every=POLL)(lesson, language)


def _missing(lesson: Lesson) -> dict[str, Status | None]:
    """The runs of a lesson without weights of a finished training, and their statuses; None without a run."""
    found = {name: _status(name) for name in lesson.runs}
    return {name: status for name, status in found.items() if status is None or status.state != "finished"}


def _status(name: str) -> Status | None:
    try:
        return run_data.status(find_run(default_runs_dir(), name))
    except VaeError:
        return None


def _panel(lesson: Lesson, language: str) -> None:
    texts = TEXTS[language]
    missing = _missing(lesson)
    if not missing:
        st.rerun()
    live = {name: status for name, status in missing.items() if status is not None and status.state in LIVE}
    for name, status in live.items():
        percent = round(100 * status.share)
        st.info(escape_markdown(texts.training.format(run=name, percent=percent)))
    if live:
        return
    st.info(escape_markdown(texts.missing.format(runs=", ".join(missing))))
    configs = {name: CONFIGS[name] for name in missing if name in CONFIGS}
    if not may_change():
        st.caption(texts.read_only)
    elif configs:
        speed = form.core_speed()
        seconds = sum(training_seconds(config, speed) for config in configs.values())
        if st.button(texts.train.format(duration=in_words(seconds)), type="primary", key="train_lesson_runs"):
            perform(lambda: start_named(configs))
    show_busy_run()
