"""Windows' rules for open files, simulated on Linux: none is replaced, renamed or removed meanwhile."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vae.storage import systems


def open_files() -> set[Path]:
    """The files that this process has open or mapped into its memory."""
    found = set()
    for link in Path("/proc/self/fd").iterdir():
        try:
            found.add(link.readlink())
        except FileNotFoundError:  # that of the listing itself
            continue
    lines = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    return found | {Path(words[5]) for line in lines if len(words := line.split(maxsplit=5)) == 6}


def act_like_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuses what Windows refuses, and lets the code know that this is Windows."""
    monkeypatch.setattr(systems, "WINDOWS", True)
    monkeypatch.setattr(systems, "IN_USE_SECONDS", 0)
    for owner, name, checked in ((os, "replace", (0, 1)), (Path, "rename", (0,)), (Path, "unlink", (0,))):
        monkeypatch.setattr(owner, name, _refusing(getattr(owner, name), checked))


def _refusing(action: Callable[..., Any], checked: tuple[int, ...]) -> Callable[..., Any]:
    def refusing(*arguments: Any, **options: Any) -> Any:
        for place in checked:
            path = Path(arguments[place]).resolve()
            if any(file == path or path in file.parents for file in open_files()):
                raise PermissionError(13, "The process cannot access the file", str(path))
        return action(*arguments, **options)

    return refusing
