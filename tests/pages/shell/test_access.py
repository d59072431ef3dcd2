"""A page that is open to a class: everybody watches, its host alone starts, changes and deletes runs."""

import ast
import io
import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from pages.components.runs import run_actions, run_zip
from pages.components.shell import access
from tests.support.app_test import PAGES, messages, visit
from tests.support.small_runs import small_config
from tests.support.sources import SOURCES
from vae import VaeError
from vae.runs.run import Run

TRAIN = "pages/train.py"
KEY = "correct horse"
# What writes files, or begins a process that does.
WRITING = {"write_atomic", "write_bytes", "write_text", "mkdir", "rename", "unlink", "rmtree", "Popen"}
WRITING |= {"copyfile", "copytree", "extractall"}
CHANGES_DATA = {"delete_dataset", "begin_import"}  # the calls into `vae.datasets` that change what is there
NOT_OF_RUNS = {
    *(module for module in SOURCES if module.startswith("vae.datasets.")),
    "vae.export.animation",
    "vae.export.images",
    "pages.components.shell.assets",
    "pages.components.explore.figure_dialog",
    "pages.components.explore.page_command",
}  # data sets, which `CHANGES_DATA` has; pictures in memory, static/; a figure; a file of the command line


@pytest.fixture(autouse=True)
def nobody_guessed() -> Iterator[None]:
    access._wrong.clear()
    yield
    access._wrong.clear()


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAE_READ_ONLY", "1")
    monkeypatch.setenv("VAE_HOST_KEY", KEY)


def caption(test: AppTest) -> str:
    return " ".join(element.value for element in test.caption)


def called(tree: ast.AST) -> set[str]:
    """What is called in a piece of source: functions by their names, methods with a dot before it."""
    modules = {module.rsplit(".")[-1] for module in SOURCES}
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found.add(node.func.id)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            of_module = ast.unparse(node.func.value) in modules
            found.add(node.func.attr if of_module else f".{node.func.attr}")
    return found


def what_changes_runs() -> tuple[set[str], set[str]]:
    """Functions and methods of `vae` that write into runs, or that call some that do."""
    uses: dict[str, set[str]] = {}
    for module, path in SOURCES.items():
        if module.startswith("vae.") and module not in NOT_OF_RUNS:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            own = [method for each in tree.body if isinstance(each, ast.ClassDef) for method in each.body]
            for dot, body in (("", tree.body), (".", own)):
                for each in body:
                    if isinstance(each, ast.FunctionDef):
                        uses.setdefault(f"{dot}{each.name}", set()).update(called(each))
    writing = WRITING | {f".{name}" for name in WRITING}
    while more := {name for name, calls in uses.items() if calls & writing} - writing:
        writing |= more
    found = uses.keys() & writing
    return {name for name in found if name[0] != "."}, {name[1:] for name in found if name[0] == "."}


def orders_that_leave(module: str, functions: set[str], methods: set[str]) -> Iterator[tuple[str, bool]]:
    """Where a page's module names one of these, and whether that stands in what is the host's alone."""

    def walk(node: ast.AST, guarded: bool) -> Iterator[tuple[str, bool]]:
        if isinstance(node, ast.FunctionDef):
            guarded = guarded or any(ast.unparse(each) == "host_only" for each in node.decorator_list)
        if isinstance(node, ast.Name) and node.id in imported:
            yield f"{module}:{node.lineno} {node.id}", guarded
        if isinstance(node, ast.Attribute):
            of_module = ast.unparse(node.value) in modules
            if node.attr in (functions if of_module else methods):
                yield f"{module}:{node.lineno} {node.attr}", guarded
        for child in ast.iter_child_nodes(node):
            yield from walk(child, guarded)

    tree = ast.parse(SOURCES[module].read_text(encoding="utf-8"))
    imported, modules = set(), {"vae"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] == "vae":
            imported |= {alias.asname or alias.name for alias in node.names if alias.name in functions}
            inner = [alias for alias in node.names if f"{node.module}.{alias.name}" in SOURCES]
            modules |= {alias.asname or alias.name for alias in inner}
    return walk(tree, False)


def test_every_order_that_leaves_a_page_is_the_hosts() -> None:
    functions, methods = what_changes_runs()
    assert functions >= {"start", "resume", "train_longer", "new_run", "delete_run"}
    assert methods >= {"update_request", "request_stop", "write_status", "write_config", "clear_request"}
    pages = [module for module in SOURCES if not module.startswith("vae") and module not in NOT_OF_RUNS]
    functions |= CHANGES_DATA
    found = [each for module in pages for each in orders_that_leave(module, functions, methods)]
    assert len(found) >= 5
    assert all(any(name in where for where, _ in found) for name in CHANGES_DATA)
    assert not [where for where, guarded in found if not guarded]


@pytest.mark.usefixtures("read_only")
@pytest.mark.parametrize(
    "order",
    [
        lambda _: run_actions.start(small_config(seed=7)),
        lambda run: run_actions.start(run.config, again=True),
        run_actions.resume,
        lambda run: run_actions.train_longer(run, 1),
        run_actions.delete,
        lambda run: run_actions.request(run, stop=True),
        lambda _: run_zip.add_run(io.BytesIO()),
    ],
)
def test_an_order_is_refused_on_the_server(
    order: Callable[[Run], object], runs_dir: Path, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vae.training.jobs._spawn", lambda _: None)  # no process, should it get that far
    before = {path: path.read_bytes() for path in runs_dir.rglob("*") if path.is_file()}
    with pytest.raises(VaeError, match="Only the host starts, changes and deletes runs"):
        order(Run(runs_dir / trained.name))
    assert {path: path.read_bytes() for path in runs_dir.rglob("*") if path.is_file()} == before


@pytest.mark.usefixtures("read_only")
def test_what_changes_runs_is_not_shown_and_the_rest_is(runs_dir: Path, trained: Run) -> None:
    run = Run(runs_dir / trained.name)
    for state in ("finished", "stopped", "running"):
        with run.lock():
            run.write_status(run.status().model_copy(update={"state": state}))
            test = visit(TRAIN, {"chosen_runs": [run.name]})
            assert [button.label for button in test.button] == ["Unlock this tab"]
            listed = visit(TRAIN, {"chosen_runs": [run.name]}, show="Runs")
            assert [button.label for button in listed.button] == ["Open", "Unlock this tab"]
            for shown in (test, listed):
                assert not [*shown.number_input, *shown.select_slider, *shown.selectbox[1:]]
                assert not shown.get("file_uploader")
            assert [each.proto.label for each in listed.get("download_button")] == ["Download"]
            assert caption(test).count("Only the host starts, changes and deletes runs") == 1
            assert not test.error
            assert not listed.dataframe[0].value.empty
            assert test.sidebar.selectbox[0].help == f"This one is the folder {trained.name}."
    for page in PAGES[:2]:
        assert messages(visit(page)) == ""


@pytest.mark.usefixtures("read_only", "small")
def test_without_runs_nobody_is_sent_to_a_button_that_is_not_there() -> None:
    assert messages(visit(TRAIN)) == "There are no runs yet. Those that the host starts appear here."


def test_a_button_that_stood_there_before_the_page_was_locked_does_nothing(
    runs_dir: Path, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(runs_dir / trained.name)
    with run.lock():
        run.write_status(run.status().model_copy(update={"state": "running"}))
        for label in ("Pause", "One batch", "One epoch", "Stop"):
            monkeypatch.delenv("VAE_READ_ONLY", raising=False)
            test = visit(TRAIN)
            monkeypatch.setenv("VAE_READ_ONLY", "1")
            next(button for button in test.button if button.label == label).click().run()
            assert run.request() is None
        monkeypatch.delenv("VAE_READ_ONLY")
        test = visit(TRAIN)
        monkeypatch.setenv("VAE_READ_ONLY", "1")
        test.select_slider[0].set_value(0.5).run()
        assert run.request() is None


def try_key(test: AppTest, key: str) -> AppTest:
    test.text_input(key="host_key").set_value(key)
    next(button for button in test.button if button.label == "Unlock this tab").click()
    test.run()
    assert not test.exception
    return test


@pytest.mark.usefixtures("read_only", "runs_dir")
def test_the_host_key_unlocks_one_tab(monkeypatch: pytest.MonkeyPatch) -> None:
    test = try_key(visit(TRAIN), "wrong")
    assert "This is not the host key. Try again in 1 second." in messages(test)
    assert "Start" not in [button.label for button in test.button]
    now = itertools.count(time.monotonic() + 5)
    monkeypatch.setattr(access, "time", SimpleNamespace(monotonic=lambda: next(now)))
    test = try_key(test, f" {KEY} ")
    assert {"Start", "Train again"} <= {button.label for button in test.button}
    assert "This tab is unlocked until it is reloaded" in caption(test)
    assert KEY not in str(test.session_state)
    assert "Start" not in [button.label for button in visit(TRAIN).button], "another tab"


@pytest.fixture
def guess(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, float, str | None], str]:
    """Tries a key at a time, from an address."""

    def tried(key: str, at: float, address: str | None = None) -> str:
        monkeypatch.setattr(access, "time", SimpleNamespace(monotonic=lambda: at))
        monkeypatch.setattr(
            access, "st", SimpleNamespace(context=SimpleNamespace(ip_address=address), session_state={})
        )
        said = access.unlock(key)
        assert access.may_change() == (said == "")
        return said

    return tried


@pytest.mark.usefixtures("read_only")
def test_wrong_keys_make_one_wait_longer_and_longer(guess: Callable[..., str]) -> None:
    at, pauses = 0.0, []
    for _ in range(9):
        said = guess("wrong", at)
        pauses.append(int(said.split("Try again in ")[1].split()[0]))
        assert "Too soon" in guess(KEY, at + pauses[-1] - 0.1), "nobody learns that it was right"
        at += pauses[-1]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert guess(KEY, at, "10.0.0.7") == "", "who guesses does not lock out others"
    assert guess(KEY, at) == ""
    assert "in 1 second." in guess("wrong", at), "the count begins anew"
    guess("wrong", at + 700, "10.0.0.7")
    assert [*access._wrong] == ["10.0.0.7"], "those of long ago are forgotten"


@pytest.mark.usefixtures("read_only")
def test_thousands_of_wrong_keys_make_one_wait_no_longer_than_a_minute(guess: Callable[..., str]) -> None:
    for number in range(1100):  # 2.0 ** 1024 is no float
        assert "This is not the host key." in guess("wrong", 60.0 * number)
    assert "in 60 seconds." in guess("wrong", 60.0 * 1100)
    assert guess(KEY, 60.0 * 1101) == ""


@pytest.mark.parametrize(
    ("read_only", "key", "locked"),
    [
        (None, None, False),
        ("", "", False),
        ("0", None, False),
        ("False", None, False),
        ("1", None, True),
        ("true", None, True),
        ("perhaps", None, True),
        (None, KEY, True),
        ("0", KEY, False),
        (None, "  ", False),
        ("1", "  ", True),
    ],
)
def test_what_locks(
    read_only: str | None,
    key: str | None,
    locked: bool,
    guess: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in (("VAE_READ_ONLY", read_only), ("VAE_HOST_KEY", key)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    assert access.may_change() != locked
    if key != KEY and locked:
        assert "once the app is started with a VAE_HOST_KEY" in access.read_only_text()
        for at, empty in enumerate(("", "  ", "None")):
            assert guess(empty, 100.0 * at) != ""
