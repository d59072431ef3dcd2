"""The address of the project, which exported files link to."""

from email.message import Message
from pathlib import Path

import pytest

from pages.components.explore.project_address import project_address

MODULE = "pages.components.explore.project_address"
HOME, REPOSITORY = "https://example.org/", "https://example.org/code"


@pytest.mark.parametrize(
    ("urls", "expected"),
    [
        ({}, None),
        ({"Repository": REPOSITORY}, REPOSITORY),
        ({"homepage": HOME}, HOME),
        ({"Homepage": HOME, "Repository": REPOSITORY}, REPOSITORY),
        ({"Issues": HOME}, None),
        ({"Repository": "javascript:alert(1)"}, None),
        ({"Repository": "data:text/html,x"}, None),
        ({"Repository": "file:///etc/passwd"}, None),
        ({"Repository": "https://"}, None),
        ({"Repository": "https://[x"}, None),
    ],
)
def test_the_address_is_that_of_the_project_if_it_is_one_of_the_web(
    urls: dict[str, str], expected: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f'{name} = "{address}"' for name, address in urls.items()]
    text = "\n".join(['[project]\nname = "x"', "[project.urls]", *lines])
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(f"{MODULE}.PROJECT", tmp_path)
    assert project_address() == expected

    package = Message()  # as that of an installed package
    for name, address in urls.items():
        package["Project-URL"] = f"{name}, {address}"
    monkeypatch.setattr(f"{MODULE}.INSTALLED", True)
    monkeypatch.setattr(f"{MODULE}.metadata", lambda _: package)
    assert project_address() == expected


@pytest.mark.parametrize("text", [None, "[project]", "[project", "[project]\nname = 'x'"])
def test_without_a_readable_file_there_is_no_address(
    text: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if text is not None:
        (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(f"{MODULE}.PROJECT", tmp_path)
    assert project_address() is None
