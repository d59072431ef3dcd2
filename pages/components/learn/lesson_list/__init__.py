"""The list of lessons: title, minutes, and how far one is in this tab; the language, and the glossary."""

from collections.abc import Sequence
from dataclasses import asdict

from pages.components.learn.lessons import LANGUAGES, Lesson
from pages.components.learn.texts import TEXTS
from pages.components.shell.assets import module_component

_mount = module_component(
    __file__,
    '<nav class="lesson-list"><p class="lesson-languages"></p><ol></ol><p class="lesson-glossary"></p></nav>',
)


def lesson_list(lessons: Sequence[Lesson], language: str, shown: str | None) -> None:
    """Shows the list.

    Args:
        shown: the number of the lesson that is shown; None if it is the glossary.
    """
    _mount(
        key="lesson_list",
        data={
            "key": "lesson_list",
            "lessons": [
                {
                    "number": lesson.number,
                    "title": lesson.title,
                    "minutes": TEXTS[language].minutes.format(minutes=lesson.minutes),
                    "steps": len(lesson.steps),
                }
                for lesson in lessons
            ],
            "shown": shown,
            "language": language,
            "languages": dict(LANGUAGES),
            "texts": asdict(TEXTS[language]),
        },
    )
