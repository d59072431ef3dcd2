"""Files beside the code: for containers, for other services, for people who build on the project."""

import re
import shlex

import pytest
import yaml

from tests.support.paths import ROOT
from vae import __version__


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_all_name_one_version() -> None:
    assert yaml.safe_load(read("CITATION.cff"))["version"] == __version__
    newest = re.search(r"^## (\S+)$", read("CHANGELOG.md"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == __version__


def test_the_container_copies_what_there_is() -> None:
    lines = read("Dockerfile").replace("\\\n", " ").splitlines()
    copies = [shlex.split(line)[1:] for line in lines if line.startswith("COPY ")]
    sources = {source for *several, _ in copies for source in several if not source.startswith("--")}
    assert sources >= {"vae", "pages", "app.py", "requirements.txt"}
    assert [source for source in sources if not (ROOT / source).exists()] == []
    kept = {line[1:] for line in read(".dockerignore").splitlines() if line.startswith("!")}
    bundled = {name for name in kept if name.startswith("checkpoints/")}
    assert kept - bundled == sources
    committed = {line[2:].rstrip("/") for line in read(".gitignore").splitlines() if "!/checkpoints/" in line}
    assert bundled == committed, "not the runs of who builds the image"
    # By a command at each start, runs that a person has deleted would come back, and files of changed ones.
    assert ["--chown=playground", "checkpoints", "/playground/runs"] in copies
    assert "VAE_RUNS_DIR=/playground/runs" in " ".join(lines)
    users = [number for number, line in enumerate(lines) if line.startswith("USER ")]
    (command,) = (number for number, line in enumerate(lines) if line.startswith("CMD "))
    assert users
    assert users[-1] < command, "the app does not run as root"


def test_the_service_has_a_volume_and_stays_on_its_machine() -> None:
    compose = yaml.safe_load(read("compose.yaml"))
    (service,) = compose["services"].values()
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert [volume.split(":")[0] for volume in service["volumes"]] == [*compose["volumes"]]
    (folder,) = (volume.split(":")[1] for volume in service["volumes"])
    assert f"VOLUME {folder}" in read("Dockerfile")


def test_styles_have_no_stray_brace() -> None:
    """After one a browser leaves out the next rule without a word."""
    for path in (ROOT / "pages").rglob("*.css"):
        depth = 0
        for brace in re.findall("[{}]", re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.DOTALL)):
            depth += 1 if brace == "{" else -1
            assert depth >= 0, path
        assert depth == 0, path


@pytest.mark.parametrize("name", [".github/workflows/ci.yml", ".pre-commit-config.yaml"])
def test_checks_elsewhere_are_those_of_make(name: str) -> None:
    text = str(yaml.safe_load(read(name)))
    makefile = read("Makefile")
    for command in ("ruff format --check", "ruff check", "mypy"):
        assert command in makefile
        assert command in text or ".ci/run" in text


def test_requirements_for_a_cpu_are_the_same() -> None:
    lines = [line for line in read("requirements-cpu.txt").splitlines() if not line.startswith("#")]
    assert lines == ["--extra-index-url https://download.pytorch.org/whl/cpu", "-r requirements.txt"]
