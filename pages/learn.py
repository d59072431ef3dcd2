"""The page of lessons: one of them, the list of all, and the glossary."""

import streamlit as st

from pages.components.learn.glossary import glossary_panel
from pages.components.learn.lesson_list import lesson_list
from pages.components.learn.lesson_state import language, lesson_going_on
from pages.components.learn.lesson_view import lesson_view
from pages.components.learn.lessons import all_lessons
from pages.components.learn.missing_runs import missing_runs
from pages.components.learn.texts import TEXTS
from pages.components.shell.entrypoint import reenter_through_app
from pages.components.shell.messages import escape_markdown
from pages.components.shell.page_layout import page_heading, screen_part
from vae import __version__


def main() -> None:
    """Draws the page."""
    page_heading("Learn")
    chosen, term = language(), st.query_params.get("term")
    lessons = all_lessons(chosen)
    going_on = lesson_going_on()
    lesson = going_on or lessons[0]
    left, right = st.columns([5, 3], gap="large")
    with right:
        lesson_list(lessons, chosen, None if term is not None else lesson.number)
        st.caption(f"VAE playground {__version__}")
    with left:
        if term is not None:
            glossary_panel(chosen, term)
            return
        requested = st.query_params.get("lesson")
        if requested is not None and going_on is None:
            st.info(escape_markdown(TEXTS[chosen].no_lesson.format(number=requested[:20])))
        with screen_part("step"):
            lesson_view(lesson, chosen, frame="page", going_on=going_on is not None, page="learn")
        missing_runs(lesson, chosen)  # last, so that it moves nothing


if __name__ == "__main__":
    reenter_through_app()
