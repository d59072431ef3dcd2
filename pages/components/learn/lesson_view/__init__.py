"""A lesson with its steps, of which one is shown: on the Learn page, and on the card on other pages.

All steps are Markdown elements of the page; the script shows one of them, moves to others without the server,
keeps the place in the URL and in the tab, and opens links within the app.
"""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

import streamlit as st

from pages.components.learn.lesson_state import begin_lesson, end_lesson
from pages.components.learn.lessons import PAGES, Lesson, Link, Step, all_lessons, glossary, with_addresses
from pages.components.learn.texts import TEXTS
from pages.components.shell.assets import module_component

Frame = Literal["card", "page"]
_STYLE = Path(__file__).with_name("frame.css")
_LOOK = (
    ("colour", "class"),
    *(("layers", layer) for layer in ("points", "decoded grid", "prior")),
    ("hide", ""),
    ("window", ""),
)
# What links say where a lesson does not: a tab keeps these while other pages are shown.
_DEFAULTS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "map": (*_LOOK, ("pictures", "test"), ("panel", "nearest"), ("pins", ""), ("path", ""), ("lasso", "")),
    "compare": (*_LOOK, ("linked", "epoch"), ("same_axes", "true")),
}

_mount = module_component(
    __file__,
    '<div class="lesson-bar component-controls" role="group"><style></style>'
    '<button type="button" data-act="previous"></button><span class="lesson-at" role="status"></span>'
    '<button type="button" data-act="next"></button><span class="lesson-heading"></span>'
    '<button type="button" data-act="fold"></button>'
    '<button type="button" data-act="close">✕</button></div>',
)


def lesson_view(
    lesson: Lesson,
    language: str,
    *,
    frame: Frame,
    going_on: bool,
    page: str,
) -> None:
    """Shows a lesson at the step that the URL names, else where it was left in this tab.

    Args:
        frame: the card can be folded and closed.
        going_on: whether the place stands in the URL; else it does from the first move on.
        page: the page of the app; the script writes the URL anew when it changes.
    """
    st.html(_STYLE)
    with st.container(key=f"lesson_frame_{frame}"):
        if frame == "page":
            st.subheader(lesson.title, anchor=False)
        for at, step in enumerate(lesson.steps, start=1):
            with st.container(key=f"lesson_step_{frame}_{at}"):
                _step(step, lesson, at, language)
        _mount(
            key=f"lesson_bar_{frame}",
            data={
                "key": f"lesson_bar_{frame}",
                "frame": frame,
                "number": lesson.number,
                "title": lesson.title,
                "steps": [step.heading for step in lesson.steps],
                "following": _following(lesson, language),
                "language": language,
                "goingOn": going_on,
                "page": page,
                "texts": asdict(TEXTS[language]),
            },
            on_begun_change=partial(begin_lesson, lesson.number),
            on_ended_change=end_lesson,
        )


def _following(lesson: Lesson, language: str) -> str | None:
    """The number of the next lesson; None for the last one."""
    numbers = (each.number for each in all_lessons(language))
    return next((number for number in numbers if number > lesson.number), None)


def _step(step: Step, lesson: Lesson, at: int, language: str) -> None:
    if at == 1:
        st.markdown(_linked(lesson.introduction, lesson, at, language))
    st.markdown(f"**{step.heading}**")
    st.markdown(_linked(step.text, lesson, at, language))
    if step.answer:
        with st.expander(step.answer_heading):
            st.markdown(_linked(step.answer, lesson, at, language))


def _linked(text: str, lesson: Lesson, at: int, language: str) -> str:
    """A step's Markdown with addresses from any page, which keep the lesson; terms have their definition."""
    terms = {term.anchor: term.plain for term in glossary(language)}
    place: Mapping[str, str] = {"lesson": lesson.number, "at": str(at), "language": language}

    def address(link: Link) -> tuple[str, str]:
        query = dict(link.query)
        if "term" in query:
            return f"{PAGES['learn']}?{urlencode({**query, 'language': language})}", terms.get(
                query["term"], ""
            )
        # What an earlier step left is not in the way.
        others = [(name, value) for name, value in _DEFAULTS.get(link.page, ()) if name not in query]
        sought = [("part", link.parts[0])] if link.parts else []
        return f"{PAGES[link.page]}?{urlencode([*link.query, *others, *place.items(), *sought])}", ""

    return with_addresses(text, address)
