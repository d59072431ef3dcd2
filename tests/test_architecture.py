"""Who may import whom (docs/ARCHITECTURE.md)."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.sources import SOURCES, imported


@pytest.mark.parametrize("module", [name for name, path in SOURCES.items() if path.name == "__init__.py"])
def test_no_package_imports_its_own_modules(module: str) -> None:
    """Two threads that import a package and a module of it at the same instant would wait for each other, and
    Python ends that by an ImportError in one of them."""
    assert not [other for other in imported(SOURCES[module]) if other.startswith(f"{module}.")]


def folder(module: str) -> str:
    """The part of the project that a module belongs to: a folder of `vae` or of `pages/components`, or all
    pages."""
    first, *rest = module.split(".")
    depth = {"vae": 1, "pages": 2}.get(first, 0) if rest[:1] == ["components"] or first != "pages" else 0
    return ".".join([first, *rest[:depth]])


def test_folders_import_in_one_direction() -> None:
    graph: dict[str, set[str]] = {}
    for module, path in SOURCES.items():
        others = {folder(other) for other in imported(path) & set(SOURCES)}
        graph.setdefault(folder(module), set()).update(others - {folder(module)})
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the folders


@pytest.mark.parametrize("module", SOURCES)
def test_the_package_does_not_know_the_app_nor_the_app_torch(module: str) -> None:
    forbidden = {"streamlit", "pages"} if module.split(".")[0] == "vae" else {"torch", "torchvision"}
    assert not forbidden & {other.split(".")[0] for other in imported(SOURCES[module])}


def test_no_page_leads_to_torch() -> None:
    """All modules of the app are imported where torch cannot be."""
    modules = [name for name in SOURCES if name.split(".")[0] in ("app", "pages") and name != "app"]
    script = (
        "import importlib, sys\n"
        "sys.modules |= {'torch': None, 'torchvision': None}\n"
        f"for name in {modules}: importlib.import_module(name)"
    )
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


TORCH = {"torch", "torchvision", "safetensors.torch"}
# `Run.load_model`, which is for programs that use the package: no page calls it.
LATER = ("vae.runs.run", "vae.models.network")


def test_no_module_of_the_server_imports_torch_later() -> None:
    """Imports within functions count, too, of all modules that those of the app import."""
    ways = {name: name for name in SOURCES if name.split(".")[0] in ("app", "pages")}
    waiting = list(ways)
    while waiting:
        module = waiting.pop()
        others = imported(SOURCES[module])
        if module == LATER[0]:
            others.discard(LATER[1])
        found = {name for name in others if {name, name.split(".")[0]} & TORCH}
        assert not found, f"{ways[module]} imports {found}"
        for other in others & set(SOURCES) - set(ways):
            ways[other] = f"{ways[module]} imports {other}"
            waiting.append(other)
    assert not {"load_model"} & {
        node.attr
        for name in SOURCES
        if name.split(".")[0] == "pages"
        for node in ast.walk(ast.parse(SOURCES[name].read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
    }


@pytest.mark.parametrize("parent", [ROOT / "vae", ROOT / "pages" / "components"])
def test_a_folder_can_be_taken_in_at_a_glance(parent: Path) -> None:
    assert len([path for path in parent.iterdir() if path.name != "__pycache__"]) <= 12
