"""The order of the house: who imports whom, and how long a file may be."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# From the top down: a module imports only from rows below its own (docs/ARCHITECTURE.md).
LAYERS = [
    ["app"],
    ["pages.train", "pages.reconstructions", "pages.latent"],
    ["pages.components.run_status"],
    [f"pages.components.{name}" for name in ("run_picker", "cached", "charts", "live_figure", "pictures")],
    ["pages.components.plotly_js", "pages.components.way_in"],
    ["vae.__main__"],
    ["vae"],
    ["vae.terminal"],
    ["vae.training", "vae.jobs"],
    ["vae.evaluate", "vae.machine", "vae.schedule"],
    ["vae.latent", "vae.catalogue"],
    ["vae.runs"],
    ["vae.checkpoints", "vae.data"],
    ["vae.model", "vae.losses", "vae.torchvision_import"],
    ["vae.config", "vae.files"],
    ["vae.errors"],
]
RANK = {module: rank for rank, row in enumerate(LAYERS) for module in row}
WITHOUT_TORCH = [
    "vae.config",
    "vae.runs",
    "vae.jobs",
    "vae.catalogue",
    "vae.files",
    "vae.errors",
    "pages.train",
]


def sources() -> dict[str, Path]:
    """Every module of the app and the package, by its dotted name."""
    paths = [ROOT / "app.py", *(ROOT / "vae").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]
    names = {}
    for path in paths:
        parts = path.relative_to(ROOT).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


def imported(path: Path) -> set[str]:
    """The project's modules that a file imports anywhere, those for type checking excepted."""
    found = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in SOURCES else node.module)
    return found & set(SOURCES)


SOURCES = sources()


def test_every_module_has_its_place() -> None:
    assert set(SOURCES) == set(RANK)


@pytest.mark.parametrize("module", SOURCES)
def test_imports_go_down_only(module: str) -> None:
    for other in imported(SOURCES[module]):
        assert RANK[other] > RANK[module], f"{module} imports {other}, which stands above or beside it"


def test_the_package_knows_nothing_of_streamlit_and_watching_nothing_of_torch() -> None:
    for module, path in SOURCES.items():
        text = path.read_text(encoding="utf-8")
        if module.startswith("vae"):
            assert "streamlit" not in text.lower().replace("pages", ""), module
        if module in WITHOUT_TORCH:
            tree = ast.parse(text)
            top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
            assert not any("torch" in ast.unparse(node) for node in top), module


def test_jobs_and_training_share_only_the_run_directory() -> None:
    shared = imported(SOURCES["vae.jobs"]) & imported(SOURCES["vae.training"])
    assert shared == {"vae.catalogue", "vae.config", "vae.errors", "vae.runs"}


@pytest.mark.parametrize("module", SOURCES)
def test_files_stay_short(module: str) -> None:
    lines = len(SOURCES[module].read_text(encoding="utf-8").splitlines())
    is_page = module == "app" or (module.startswith("pages.") and ".components" not in module)
    assert lines <= (100 if is_page else 250)
