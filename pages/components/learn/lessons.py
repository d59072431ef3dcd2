"""Lessons and glossary: Markdown files in `docs/lessons/`, by language (docs/LESSONS.md). No Streamlit."""

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vae import VaeError
from vae.config import explain

FOLDER = Path(__file__).parents[3] / "docs" / "lessons"
LANGUAGES: Mapping[str, str] = {"en": "English", "ko": "한국어"}
# The pages of the app as lessons name them, and their addresses relative to any page: the default one is at
# the top.
PAGES: Mapping[str, str] = {
    "map": ".",
    "reconstructions": "reconstructions",
    "compare": "compare",
    "train": "train",
    "learn": "learn",
}

_FILE = re.compile(r"(\d\d)-[a-z0-9-]+\.md")
_LINK = re.compile(r'\[(?P<label>[^\]]+)\]\((?P<address>/[^)\s]*)(?:\s+"(?P<parts>[^"]*)")?\)')
_TERM = re.compile(r"^(?P<name>.+?)\s*\{#(?P<anchor>[a-z0-9-]+)\}$")
# Marks of formulas, and what a tooltip has for them.
_SIGNS: Mapping[str, str] = {
    r"\approx": "≈",
    r"\beta": "β",
    r"\cdot": "·",
    r"\ln": "ln",
    r"\log": "log",
    r"\mid": "|",
    r"\sum": "Σ",
    r"\;": " ",
    "_i": "ᵢ",
    "-": "−",
}


@dataclass(frozen=True)
class Link:
    """A link from a lesson into the app.

    Attributes:
        label: Markdown.
        page: a key of `PAGES`.
        query: the query parameters, in their order; a name may come several times.
        parts: what must be visible there without scrolling: names of `data-on-screen` and `screen_part`.
            On a phone, where not all can be, the page scrolls to the first.
    """

    label: str
    page: str
    query: tuple[tuple[str, str], ...]
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """A step of a lesson, as Markdown. The answer unfolds, under its own heading; most steps have none."""

    heading: str
    text: str
    answer_heading: str = ""
    answer: str = ""

    @property
    def links(self) -> tuple[Link, ...]:
        """All links into the app, in their order."""
        return links_of(f"{self.text}\n{self.answer}")


@dataclass(frozen=True)
class Lesson:
    """A lesson; `runs` are the names of the runs that its links open, `number` is as in the file's name."""

    number: str
    title: str
    minutes: int
    runs: tuple[str, ...]
    introduction: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Term:
    """A term of the glossary; name and definition are Markdown."""

    anchor: str
    name: str
    definition: str

    @property
    def plain(self) -> str:
        """The definition without marks, in one line, for a tooltip; its formulas in Unicode."""
        text = re.sub(r"\$([^$]*)\$", lambda formula: _in_unicode(formula[1]), self.definition)
        return " ".join(re.sub(r"\[([^\]]*)\]\([^)]*\)|[*\"]", r"\1", text).split())


def _in_unicode(formula: str) -> str:
    """LaTeX as text: what the glossary uses of it."""
    text = re.sub(r"\\frac\{([^}]*)\}\{([^}]*)\}", r"\1/\2", formula)
    text = re.sub(r"\\text\{([^}]*)\}", r"\1", text)
    for mark, sign in _SIGNS.items():
        text = text.replace(mark, sign)
    return text


class _FrontMatter(BaseModel):
    """What heads the file of a lesson."""

    model_config = ConfigDict(extra="forbid", strict=True)

    title: Annotated[str, Field(min_length=1)]
    minutes: Annotated[int, Field(ge=1, le=60)]
    runs: list[str]


@functools.cache
def all_lessons(language: str, folder: Path = FOLDER) -> tuple[Lesson, ...]:
    """The lessons, by number; those that are not translated in English. Raises VaeError as `parse_lesson`."""
    files = {path.name: path for name in ("en", language) for path in (folder / name).glob("[0-9]*.md")}
    return tuple(parse_lesson(files[name]) for name in sorted(files))


@functools.cache
def glossary(language: str, folder: Path = FOLDER) -> tuple[Term, ...]:
    """The terms in a language, in the order of the file; read once. Raises VaeError if it has a fault."""
    path = folder / language / "glossary.md"
    terms = []
    for heading, text in _sections(_read(path), "## ")[1:]:
        found = _TERM.fullmatch(heading)
        if found is None or not text:
            raise _fault(path, f"the term “{heading}” needs an anchor, as in “## KL {{#kl}}”, and a text")
        terms.append(Term(found["anchor"], found["name"], text))
    return tuple(terms)


def parse_lesson(path: Path) -> Lesson:
    """The lesson in a file. Raises VaeError, which says where the fault is."""
    named = _FILE.fullmatch(path.name)
    if named is None:
        raise _fault(path, "its name must be like 07-beta.md")
    front, body = _front_matter(path, _read(path))
    (_, introduction), *sections = _sections(body, "## ")
    steps = tuple(_step(path, heading, text) for heading, text in sections)
    if not introduction or not steps:
        raise _fault(path, "it needs a paragraph of introduction, and steps, each under a heading “## …”")
    _check_links(path, body)
    if not steps[-1].answer:
        raise _fault(path, "its last step needs an answer, under a heading “### …”")
    return Lesson(named[1], front.title, front.minutes, tuple(front.runs), introduction, steps)


def links_of(text: str) -> tuple[Link, ...]:
    """The links into the app in a Markdown text, in their order."""
    return tuple(_link(found) for found in _LINK.finditer(text))


def with_addresses(text: str, address: Callable[[Link], tuple[str, str]]) -> str:
    """Markdown with other addresses and tooltips of its links into the app: `address` returns both."""

    def replaced(found: re.Match[str]) -> str:
        to, tooltip = address(_link(found))
        return f"[{found['label']}]({to}" + (f' "{tooltip}")' if tooltip else ")")

    return _LINK.sub(replaced, text)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise VaeError(f"There is no file {path.parent.name}/{path.name} in docs/lessons.") from error
    except UnicodeDecodeError as error:
        raise _fault(path, "it is not UTF-8") from error


def _front_matter(path: Path, text: str) -> tuple[_FrontMatter, str]:
    """What stands between the first two lines `---`, and the text below them."""
    _, opening, rest = text.partition("---\n")
    front, closing, body = rest.partition("\n---\n")
    if not text.startswith(opening) or not closing:
        raise _fault(path, "it must begin with a front matter between two lines “---”")
    try:
        return _FrontMatter.model_validate(yaml.safe_load(front)), body
    except yaml.YAMLError as error:
        raise _fault(path, f"its front matter is no YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        raise _fault(path, f"front matter: {explain(error).rstrip('.')}") from error


def _sections(text: str, mark: str) -> list[tuple[str, str]]:
    """(heading, text) of the parts between lines that begin with `mark`; the first part has no heading."""
    parts = re.split(rf"^{re.escape(mark)}(.*)$", text, flags=re.MULTILINE)
    return [
        ("", parts[0].strip()),
        *((a.strip(), b.strip()) for a, b in zip(parts[1::2], parts[2::2], strict=True)),
    ]


def _step(path: Path, heading: str, text: str) -> Step:
    (_, own), *below = _sections(text, "### ")
    if not own or len(below) > 1 or any(not part for pair in below for part in pair):
        raise _fault(
            path, f"the step “{heading}” needs a text, and at most one heading “### …” with an answer"
        )
    return Step(heading, own, *(below[0] if below else ()))


def _check_links(path: Path, text: str) -> None:
    for link in links_of(text):
        if link.page not in PAGES:
            pages = ", ".join(f"/{page}" for page in PAGES)
            raise _fault(path, f"the link “{link.label}” leads to /{link.page}; the pages are {pages}")


def _link(found: re.Match[str]) -> Link:
    address = urlsplit(found["address"])
    query = tuple(parse_qsl(address.query, keep_blank_values=True))
    parts = (part.strip() for part in (found["parts"] or "").split(","))
    return Link(found["label"], address.path.strip("/"), query, tuple(part for part in parts if part))


def _fault(path: Path, fault: str) -> VaeError:
    return VaeError(f"The lesson {path.parent.name}/{path.name} has a fault: {fault}.")
