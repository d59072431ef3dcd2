"""The source files of the app and the package, and what each imports."""

import ast
from pathlib import Path

from tests.support.paths import ROOT


def sources() -> dict[str, Path]:
    """Every module of the app and the package, by its dotted name."""
    paths = [ROOT / "app.py", *(ROOT / "vae").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]
    names = {}
    for path in paths:
        parts = path.relative_to(ROOT).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


SOURCES = sources()


def imported(path: Path) -> set[str]:
    """The modules that a file imports anywhere, except for type checking; the project's in full."""
    found = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in SOURCES else node.module for name in inner}
    return found
