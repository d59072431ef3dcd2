"""The documents: links lead somewhere, files that are named exist, and no paragraph is a wall of text."""

import re
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "data/README.md", "checkpoints/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
LINE, PARAGRAPH, MAP = 120, 700, 120  # characters, characters, lines
LINK = re.compile(r"\]\(([^)\s]+)\)")
# A file of the project, by its path or the end of it; folders end with a slash.
FILE = re.compile(r"`([\w./-]*\w\.(?:py|js|css|md|toml|txt)|[\w./-]+/)`")
MADE_BY_RUNS = {"log.txt"}
TOPS = ("[!.]*.*", "vae", "pages", "tests", "benchmarks", "docs", "data", "checkpoints", "static")
FILES = [
    path.relative_to(ROOT).as_posix() + "/" * path.is_dir()
    for top in TOPS
    for found in ROOT.glob(top)
    for path in (found, *found.rglob("*"))
]


def paragraphs(text: str) -> list[str]:
    """What is neither code nor a table, a heading, a picture or generated."""
    text = re.sub(r"```.*?```|<!-- begin.*?<!-- end -->", "", text, flags=re.DOTALL)
    parts = re.split(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )", text)
    return [part for part in parts if not part.lstrip().startswith(("|", "#", "!["))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_to_files(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = [link for link in LINK.findall(text) if "://" not in link]
    assert [link for link in links if not (page.parent / link.partition("#")[0]).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_files_that_are_named_exist(page: Path) -> None:
    named = {name for name in FILE.findall(page.read_text(encoding="utf-8")) if name not in MADE_BY_RUNS}
    assert [name for name in named if not any(f"/{path}".endswith(f"/{name}") for path in FILES)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_line_and_no_paragraph_is_a_wall(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    lines = "\n".join(paragraphs(text)).splitlines()
    assert [line for line in lines if len(line) > LINE] == []
    assert [part for part in paragraphs(text) if len(part) > PARAGRAPH] == []


def test_the_architecture_is_a_map_of_two_screens_that_names_all_folders() -> None:
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAP
    folders = [path for top in ("vae", "pages/components") for path in (ROOT / top).glob("[!_]*/")]
    assert [path.name for path in folders if f"{path.name}/ " not in text] == []
