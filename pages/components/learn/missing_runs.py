"""The runs that a lesson opens and that are not as it says: a button trains them, and shows its progress."""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

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
from vae.runs.titles import settings_title
from vae.training.forecast import training_seconds

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


Trouble = Literal["missing", "unfinished", "other", "damaged"]


class _Found(NamedTuple):
    """A run that a lesson opens and that is not as it should be; `status` is None unless it is unfinished."""

    trouble: Trouble
    status: Status | None = None

    @property
    def is_live(self) -> bool:
        return self.status is not None and self.status.state in LIVE

    @property
    def share(self) -> float:
        return 0 if self.status is None else self.status.share


def missing_runs(lesson: Lesson, language: str) -> None:
    """Shows which runs of a lesson are missing or not as it says; follows those that are being trained."""
    if troubled := _troubled(lesson):
        # A run that waits for its turn is "stopped", and none is live between two of them.
        moving = any(each.trouble == "unfinished" for each in troubled.values())
        st.fragment(show_errors()(_panel), run_every=POLL if moving else None)(lesson, language)


def _troubled(lesson: Lesson) -> dict[str, _Found]:
    """The runs of a lesson that are not finished trainings of its configs."""
    found = {name: _find(name) for name in lesson.runs}
    return {name: each for name, each in found.items() if each is not None}


def _find(name: str) -> _Found | None:
    runs_dir = default_runs_dir()
    if not (runs_dir / name).exists():
        return _Found("missing")
    try:
        run = find_run(runs_dir, name)
        status = run_data.status(run)
        config = CONFIGS.get(name, run.config)
        if run.config.identity != config.identity or run.is_steered():
            return _Found("other")
    except VaeError:
        return _Found("damaged")
    return None if status.state == "finished" else _Found("unfinished", status)


def _panel(lesson: Lesson, language: str) -> None:
    texts = TEXTS[language]
    troubled = _troubled(lesson)
    if not troubled:
        st.rerun()
    live = {name: each for name, each in troubled.items() if each.is_live}
    for name, each in live.items():
        st.info(escape_markdown(texts.training.format(run=_title(name), percent=_percent(each))))
    _say(texts.other, (name for name, each in troubled.items() if each.trouble == "other"))
    _say(texts.damaged, (name for name, each in troubled.items() if each.trouble == "damaged"))
    if live:
        return
    _say(texts.missing, (_title(name) for name, each in troubled.items() if each.trouble == "missing"))
    begun = {name: each for name, each in troubled.items() if each.trouble == "unfinished"}
    parts = (texts.part.format(run=_title(name), percent=_percent(each)) for name, each in begun.items())
    _say(texts.unfinished, parts)
    trainable = {name for name, each in troubled.items() if each.trouble in {"missing", "unfinished"}}
    configs = {name: config for name, config in CONFIGS.items() if name in trainable}
    if configs and not may_change():
        st.caption(texts.read_only)
    elif configs:
        speed = form.core_speed()
        seconds = sum(
            training_seconds(config, speed, done=troubled[name].share) for name, config in configs.items()
        )
        label = texts.train.format(duration=texts.duration(seconds))
        if st.button(label, type="primary", key="train_lesson_runs"):
            perform(lambda: start_named(configs))
    show_busy_run()


def _title(name: str) -> str:
    """What the run of a lesson is called when it is as it should be; its name if no config is known."""
    return settings_title(CONFIGS[name], steered=False) if name in CONFIGS else name


def _say(sentence: str, runs: Iterable[str]) -> None:
    """Shows a sentence about these runs, if there are any."""
    if names := "; ".join(runs):
        st.info(escape_markdown(sentence.format(runs=names)))


def _percent(found: _Found) -> int:
    return round(100 * found.share)
