"""What the Learn page and the lesson card say, in each language of the lessons."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from vae.training.forecast import in_words


@dataclass(frozen=True)
class Texts:
    """Words around the lessons; those in braces are filled in, by Python or by a script."""

    lesson: str
    lessons: str
    minutes: str
    step: str
    done: str
    previous: str
    next: str
    nextLesson: str  # noqa: N815 (the script's name for it)
    close: str
    fold: str
    unfold: str
    language: str
    glossary: str
    no_lesson: str
    no_term: str
    missing: str
    train: str
    training: str
    read_only: str
    unfinished: str
    part: str
    other: str
    damaged: str
    units: Mapping[str, str] = field(default_factory=dict)  # those of `in_words`, without a space before

    def duration(self, seconds: float) -> str:
        """A duration as text, as `in_words`."""
        return re.sub(r" (days?|h|min|s)\b", lambda unit: self.units.get(unit[1], unit[0]), in_words(seconds))


TEXTS: Mapping[str, Texts] = {
    "en": Texts(
        lesson="Lesson {number}",
        lessons="Lessons",
        minutes="{minutes} min",
        step="{at} of {count}",
        done="done",
        previous="Previous",
        next="Next",
        nextLesson="Next lesson",
        close="End the lesson",
        fold="Fold the lesson",
        unfold="Unfold the lesson",
        language="Language",
        glossary="Glossary",
        no_lesson="There is no lesson {number}. The list has them all.",
        no_term="The glossary has no term called {term}.",
        missing="This lesson opens runs that are not here: {runs}.",
        train="Train them (about {duration})",
        training="{run} is being trained: {percent} %. You can read on meanwhile.",
        read_only="Ask the host to train them.",
        unfinished="This lesson opens runs whose training is not finished: {runs}.",
        part="{run} ({percent} %)",
        other="Runs that this lesson opens have other settings here, so its figures may differ: {runs}.",
        damaged="Runs that this lesson opens are damaged: {runs}. Delete them, and they can be trained here.",
    ),
    "ko": Texts(
        lesson="수업 {number}",
        lessons="수업",
        minutes="{minutes}분",
        step="{at} / {count}",
        done="완료",
        previous="이전",
        next="다음",
        nextLesson="다음 수업",
        close="수업 끝내기",
        fold="수업 접기",
        unfold="수업 펼치기",
        language="언어",
        glossary="용어집",
        no_lesson="{number}번 수업은 없습니다. 목록에서 골라 주세요.",
        no_term="용어집에 {term}(이)라는 용어가 없습니다.",
        missing="이 수업에 필요한 실행(run)이 없습니다: {runs}.",
        train="학습시키기 (약 {duration})",
        training="{run} 학습 중: {percent}%. 그동안 계속 읽을 수 있습니다.",
        read_only="호스트에게 학습을 부탁하세요.",
        unfinished="이 수업에 필요한 실행(run) 가운데 학습이 끝나지 않은 것이 있습니다: {runs}.",
        part="{run} ({percent}%)",
        other="설정이 달라서 수업의 수치와 다를 수 있는 실행(run)이 있습니다: {runs}.",
        damaged="손상된 실행(run)이 있습니다: {runs}. 삭제하면 여기서 다시 학습시킬 수 있습니다.",
        units={"s": "초", "min": "분", "h": "시간", "day": "일", "days": "일"},
    ),
}
