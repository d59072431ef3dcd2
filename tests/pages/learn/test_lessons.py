"""Files of lessons: how they are read, what is wrong with faulty ones, and that all of ours are right."""

import re
from pathlib import Path

import pytest

from pages.components.learn.lessons import (
    FOLDER,
    LANGUAGES,
    Lesson,
    Link,
    Step,
    all_lessons,
    glossary,
    parse_lesson,
    with_addresses,
)
from pages.components.learn.missing_runs import CONFIGS
from vae import VaeError

LESSON = """---
title: Beta
minutes: 8
runs: [beta-0.1, beta-4]
---
What does $\\beta$ do?

## Predict: a heading
Say what [KL](/learn?term=kl) costs.

## Do: look
[Open **both**](/compare?run=beta-0.1&with=beta-4&layers=points&layers=prior "maps, left-digit")

## Question
Why?

### Answer
Because.
"""
LOOK = Link(
    "Open **both**",
    "compare",
    (("run", "beta-0.1"), ("with", "beta-4"), ("layers", "points"), ("layers", "prior")),
    ("maps", "left-digit"),
)


def written(folder: Path, text: str, name: str = "07-beta.md") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_lesson_is_read(tmp_path: Path) -> None:
    predict, do, question = parse_lesson(written(tmp_path, LESSON)).steps
    assert predict == Step("Predict: a heading", "Say what [KL](/learn?term=kl) costs.")
    assert predict.links == (Link("KL", "learn", (("term", "kl"),), ()),)
    assert do.links == (LOOK,)
    assert question == Step("Question", "Why?", "Answer", "Because.")
    expected = Lesson(
        "07", "Beta", 8, ("beta-0.1", "beta-4"), "What does $\\beta$ do?", (predict, do, question)
    )
    assert parse_lesson(written(tmp_path, LESSON)) == expected


def test_links_get_other_addresses_and_tooltips() -> None:
    text = 'See [KL](/learn?term=kl "x"), [a page](https://a.b) and [the map](/map?run=a "map").'
    changed = with_addresses(text, lambda link: (f"{link.page}?x", "tip" if link.page == "learn" else ""))
    assert changed == 'See [KL](learn?x "tip"), [a page](https://a.b) and [the map](map?x).'


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        (LESSON, "Beta", "must begin with a front matter"),
        ("title: Beta", "title: [", "is no YAML"),
        ("minutes: 8\n", "", "minutes: field required"),
        ("minutes: 8", "minutes: long", "minutes: input should be a valid integer"),
        ("runs:", "run:", "run: extra inputs are not permitted"),
        ("title: Beta", "- Beta", "is no YAML"),
        ("What does $\\beta$ do?", "", "needs a paragraph of introduction"),
        ("## ", "#### ", "needs a paragraph of introduction, and steps"),
        ("Why?\n", "", "the step “Question” needs a text"),
        ("### Answer\nBecause.", "", "its last step needs an answer"),
        ("Because.", "Because.\n### Another\nNo.", "at most one heading"),
        ("/compare?", "/compered?", "the link “Open **both**” leads to /compered; the pages are /map,"),
    ],
)
def test_a_fault_gets_a_sentence(tmp_path: Path, before: str, after: str, sentence: str) -> None:
    assert before in LESSON
    with pytest.raises(VaeError, match=re.escape(sentence)) as caught:
        parse_lesson(written(tmp_path, LESSON.replace(before, after)))
    assert f"{tmp_path.name}/07-beta.md has a fault" in str(caught.value)


def test_the_name_of_a_file_has_a_number(tmp_path: Path) -> None:
    with pytest.raises(VaeError, match=r"its name must be like 07-beta.md"):
        parse_lesson(written(tmp_path, LESSON, "beta.md"))


def test_what_is_not_translated_is_shown_in_english(tmp_path: Path) -> None:
    for language, name in (("en", "01-one.md"), ("en", "02-two.md"), ("ko", "02-two.md")):
        (tmp_path / language).mkdir(exist_ok=True)
        written(tmp_path / language, LESSON.replace("Beta", language), name)
    titles = [(lesson.number, lesson.title) for lesson in all_lessons("ko", tmp_path)]
    assert titles == [("01", "en"), ("02", "ko")]


def test_terms_have_anchors(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    text = "# Glossary\n\n## KL {#kl}\nWhat *it* says about $z$, see [nat](#nat).\n"
    written(tmp_path / "en", text, "glossary.md")
    (term,) = glossary("en", tmp_path)
    assert (term.anchor, term.name, term.plain) == ("kl", "KL", "What it says about z, see nat.")
    glossary.cache_clear()
    written(tmp_path / "en", text.replace(" {#kl}", ""), "glossary.md")
    with pytest.raises(VaeError, match="needs an anchor"):
        glossary("en", tmp_path)


@pytest.mark.parametrize("language", LANGUAGES)
def test_tooltips_have_their_formulas_in_unicode(language: str) -> None:
    tooltips = {term.anchor: term.plain for term in glossary(language)}
    assert "q(z) = 1/N Σᵢ q(z | xᵢ)" in tooltips["aggregate-posterior"]
    assert "1 / ln 2 ≈ 1.44" in tooltips["nat"]
    assert not [text for text in tooltips.values() if set(text) & set("\\${}_^")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_our_lessons_name_terms_and_runs_that_there_are(language: str) -> None:
    anchors = [term.anchor for term in glossary(language)]
    assert len(set(anchors)) == len(anchors)
    for lesson in all_lessons(language):
        queries = [dict(link.query) for step in lesson.steps for link in step.links]
        assert {query["term"] for query in queries if "term" in query} <= set(anchors)
        opened = {query[name] for query in queries for name in ("run", "with") if name in query}
        assert opened <= set(lesson.runs) <= set(CONFIGS), lesson.title
        # The card is 224 pixels wide, and must not cover a page.
        assert all(len(re.sub(r"\([^)]*\)", "", step.text)) <= 600 for step in lesson.steps), lesson.title


def test_both_languages_have_the_same_lessons_steps_and_links() -> None:
    for path in (FOLDER / "ko").glob("[0-9]*.md"):
        english, korean = (parse_lesson(FOLDER / language / path.name) for language in LANGUAGES)
        assert (korean.minutes, korean.runs) == (english.minutes, english.runs)
        assert len(korean.steps) == len(english.steps)
        for one, other in zip(english.steps, korean.steps, strict=True):
            assert [(link.page, link.query, link.parts) for link in one.links if link.page != "learn"] == [
                (link.page, link.query, link.parts) for link in other.links if link.page != "learn"
            ]
            assert bool(one.answer) == bool(other.answer)
    assert {term.anchor for term in glossary("en")} == {term.anchor for term in glossary("ko")}
