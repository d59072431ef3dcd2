"""The card that shows the step of a lesson over the page it is about, while a lesson goes on."""

from pages.components.learn.lesson_state import language, lesson_going_on
from pages.components.learn.lesson_view import lesson_view


def lesson_card(page: str) -> None:
    """Shows the card over `page`, unless no lesson goes on. Raises VaeError if the lessons have a fault."""
    lesson = lesson_going_on()
    if lesson is not None:
        lesson_view(lesson, language(), frame="card", going_on=True, page=page)
