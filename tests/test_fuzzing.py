"""Runs and zips with anything in them open, or are refused with a sentence, in no time and little memory."""

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT

MEGABYTES = 200


@pytest.mark.parametrize(("what", "examples"), [("runs", 1000), ("zips", 300)])
def test_a_thousand_strange_ones_open_or_are_refused_by_name(what: str, examples: int) -> None:
    # A process of its own: peak memory is a process's, and only ever grows.
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzzing", what, str(examples)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    outcome = json.loads(done.stdout)
    assert outcome["megabytes"] < MEGABYTES
    assert outcome["opened"] >= examples / 20  # what nobody refuses is shown, and must not fail there
    assert sum(outcome["refused"].values()) >= examples / 2
    if what == "runs":
        assert set(outcome["refused"]) == set(outcome["files"])
