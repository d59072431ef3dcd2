"""The lesson that goes on in this tab, and the language of lessons: `?lesson=07&at=2&language=ko`.

The step is the browser's affair (`lesson_view/`): all steps of the lesson are sent, and one is shown.
"""

import streamlit as st

from pages.components.learn.lessons import LANGUAGES, Lesson, all_lessons
from pages.components.shell.page_state import page_state

_LESSON, _ENDED, _LANGUAGE = "lesson_going_on", "lesson_ended", "lesson_language"


def language() -> str:
    """The language of the URL, else the one chosen before in this tab, else English."""
    requested = st.query_params.get("language")
    if requested in LANGUAGES:
        st.session_state[_LANGUAGE] = requested
    return st.session_state.get(_LANGUAGE, "en")


def lesson_of(number: str) -> Lesson | None:
    """The lesson with a number, as "7" or "07", or None. Raises VaeError if the lessons have a fault."""
    return next((each for each in all_lessons(language()) if each.number == number.zfill(2)), None)


def lesson_going_on() -> Lesson | None:
    """The lesson that the URL names, else the one that goes on in this tab. Raises VaeError as `lesson_of`.

    While the page stays on which a lesson was ended, a URL does not begin it again: the server may see an
    older one than the tab shows.
    """
    requested = st.query_params.get("lesson")
    ended = page_state().get(_ENDED, ())
    if requested is not None and requested.zfill(2) not in ended and lesson_of(requested) is not None:
        st.session_state[_LESSON] = requested
    number = st.session_state.get(_LESSON)
    return None if number is None else lesson_of(number)


def begin_lesson(number: str) -> None:
    """From now on, this lesson goes on in this tab."""
    st.session_state[_LESSON] = number
    page_state().pop(_ENDED, None)


def end_lesson() -> None:
    """No lesson goes on any more."""
    numbers = st.query_params.get("lesson"), st.session_state.pop(_LESSON, None)
    page_state()[_ENDED] = {number.zfill(2) for number in numbers if number is not None}
