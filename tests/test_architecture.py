"""The order of the house: who imports whom, and how long a file may be."""

import ast
import re
from pathlib import Path

import pytest

import vae

ROOT = Path(__file__).resolve().parent.parent

# From the top down: a module imports only from rows below its own. Those of vae are in its docstring.
PAGES_LAYERS = [
    ["app"],
    ["pages.train", "pages.reconstructions", "pages.latent", "pages.compare"],
    ["pages.components.pair_maps"],
    [
        f"pages.components.{name}"
        for name in (
            *("pair_choice", "pair_figures", "ready_made"),
            "watching",
            "own_picture",
            "opened",
            "walking",
            "beneath_map",
            "awaiting",
        )
    ],
    [
        f"pages.components.{name}"
        for name in (
            *("run_status", "controls", "runs_table", "close_up", "class_means", "gallery"),
            *("poster", "journey", "walked_map", "region_panel", "traversals", "rewinding"),
        )
    ],
    [f"pages.components.{name}" for name in ("offers", "filters", "chosen_place", "chosen_panel", "path")],
    [f"pages.components.{name}" for name in ("orders", "pins_row", "archives")],
    [
        f"pages.components.{name}"
        for name in ("cached_maps", "cached_moments", "cached_figures", "run_picker")
    ],
    ["pages.components.cached", "pages.components.film_frames"],
    [f"pages.components.{name}" for name in ("scoring", "description", "map_controls", "drawn")],
    ["pages.components.latent_map.points", "pages.components.plane_picker"],
    [
        f"pages.components.{name}"
        for name in (
            *("curves", "live_figure", "draw_pad", "config_form", "address", "distributions"),
            *("coordinates", "latent_map", "latent_map.region", "class_bars", "path_strip"),
            *("moments", "time_machine", "pair"),
        )
    ],
    ["pages.components.planes", "pages.components.pin_texts", "pages.components.film_drawing"],
    ["pages.components.pins"],
    [
        f"pages.components.{name}"
        for name in ("changes", "panels", "thinning", "charts", "explanations", "selection", "digits")
    ],
    [f"pages.components.{name}" for name in ("tables", "tiles", "decoder", "look_panel", "pictures")],
    [f"pages.components.{name}" for name in ("links", "window", "stores")],
    [
        f"pages.components.{name}"
        for name in (
            "access",
            "clicks",
            "served",
            "way_in",
            "sentences",
            "telling",
            "wishes",
            "while_shown",
        )
    ],
]
ROWS = re.findall(r"^    ((?:\w+, )*\w+)  +\S", str(vae.__doc__).split("The layers;")[1], re.MULTILINE)
LAYERS = [
    *PAGES_LAYERS,
    ["vae.__main__"],
    ["vae"],
    *([f"vae.{name}" for name in row.split(", ")] for row in ROWS if row != "__main__"),
]
RANK = {module: rank for rank, row in enumerate(LAYERS) for module in row}


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


@pytest.mark.parametrize("module", [name for name, path in SOURCES.items() if path.name == "__init__.py"])
def test_no_package_imports_what_is_in_it(module: str) -> None:
    """Two threads would wait for each other, where one begins with the package, the other with what is in it;
    Python ends that by an ImportError in one of them: the first visitors of a server, all at once, met it."""
    assert not [other for other in imported(SOURCES[module]) if other.startswith(f"{module}.")]


def test_the_package_knows_nothing_of_streamlit() -> None:
    for module, path in SOURCES.items():
        if module.split(".")[0] == "vae":
            tree = ast.parse(path.read_text(encoding="utf-8"))
            imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
            assert not any("streamlit" in ast.unparse(node) for node in imports), module


def test_the_architecture_names_every_module() -> None:
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    for path in SOURCES.values():
        name = f"{path.parent.name}/" if path.name == "__init__.py" else path.name
        assert name in text, path


def test_jobs_and_training_share_only_the_run_directory() -> None:
    shared = imported(SOURCES["vae.jobs"]) & imported(SOURCES["vae.training"])
    assert shared == {"vae.catalogue", "vae.config", "vae.errors", "vae.records", "vae.runs"}


@pytest.mark.parametrize("module", SOURCES)
def test_files_stay_short(module: str) -> None:
    lines = len(SOURCES[module].read_text(encoding="utf-8").splitlines())
    is_page = module == "app" or (module.startswith("pages.") and ".components" not in module)
    assert lines <= (100 if is_page else 250)
