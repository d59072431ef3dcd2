"""The command `vae-playground`; tests/test_package.py starts a real server with it."""

import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from vae import __version__
from vae.cli import commands, playground

STREAMLIT = ["streamlit", "run", str(ROOT / "app.py")]
pytestmark = pytest.mark.usefixtures("small")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that Streamlit would be started with."""
    found: list[list[str]] = []
    monkeypatch.setattr(sys, "argv", sys.argv)  # which `start` replaces
    monkeypatch.setattr("runpy.run_module", lambda *_, **__: found.append(sys.argv))
    return found


@pytest.mark.parametrize(
    ("given", "passed"),
    [
        ([], []),
        (["--port", "8600"], ["--server.port", "8600"]),
        (
            ["--server.port", "8600", "--server.headless=true"],
            ["--server.port", "8600", "--server.headless=true"],
        ),
        (
            ["--server.headless", "true", "--port", "8600"],
            ["--server.port", "8600", "--server.headless", "true"],
        ),
    ],
)
def test_streamlit_gets_the_port_and_its_own_options(
    given: list[str],
    passed: list[str],
    started: list[list[str]],
    small: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    playground.main(given)
    assert started == [[*STREAMLIT, *passed]]
    assert f"Runs are in {small}, data sets in" in capsys.readouterr().out


def test_help_and_a_wrong_port_start_nothing(
    started: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    playground.main(["--help"])
    said = capsys.readouterr().out
    assert "Usage: vae-playground" in said
    assert "--port INT" in said
    with pytest.raises(SystemExit, match="2"):
        playground.main(["--port", "70000"])
    assert capsys.readouterr().err == 'Invalid value "70000" for --port. Must be <= 65535.\n'
    assert started == []


def test_both_commands_print_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    playground.main(["--version"])
    assert commands.main(["--version"]) == 0
    assert capsys.readouterr().out.split() == [__version__, __version__]
