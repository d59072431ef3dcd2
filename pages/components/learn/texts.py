"""What the Learn page and the lesson card say, in each language of the lessons."""

from collections.abc import Mapping
from dataclasses import dataclass


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


TEXTS: Mapping[str, Texts] = {
    "en": Texts(
        lesson="Lesson {number}",
        lessons="Lessons",
        minutes="{minutes} min",
        step="{at} of {count}",
        done="done",
        previous="Previous",
        next="Next",
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
    ),
    "ko": Texts(
        lesson="수업 {number}",
        lessons="수업",
        minutes="{minutes}분",
        step="{at} / {count}",
        done="완료",
        previous="이전",
        next="다음",
        close="수업 끝내기",
        fold="수업 접기",
        unfold="수업 펼치기",
        language="언어",
        glossary="용어집",
        no_lesson="{number}번 수업은 없습니다. 목록에서 골라 주세요.",
        no_term="용어집에 {term}(이)라는 용어가 없습니다.",
        missing="이 수업에 필요한 실행(run)이 없습니다: {runs}.",
        train="학습시키기 (약 {duration})",
        training="{run} 학습 중: {percent} %. 그동안 계속 읽을 수 있습니다.",
        read_only="호스트에게 학습을 부탁하세요.",
    ),
}
