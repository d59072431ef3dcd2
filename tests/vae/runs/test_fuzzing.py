"""Damaged runs and zips open, or are refused with a sentence, quickly and in little memory.

`make soak` tries four times as many.
"""

import json
import os
import subprocess
import sys

import pytest

from tests.support.paths import ROOT

MEGABYTES = 200


EXAMPLES = {"runs": 1000, "zips": 300} if os.environ.get("SOAK") else {"runs": 250, "zips": 75}


@pytest.mark.parametrize(("what", "examples"), EXAMPLES.items())
def test_damaged_runs_and_zips_open_or_are_refused_by_name(what: str, examples: int) -> None:
    # In a process of its own, because the peak of its memory is watched.
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.fuzzing", what, str(examples)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    outcome = json.loads(done.stdout)
    assert outcome["megabytes"] < MEGABYTES
    assert outcome["opened"] >= examples / 20  # what is not refused is shown, and must not fail there
    assert sum(outcome["refused"].values()) >= examples / 2
    if what == "runs":
        assert set(outcome["refused"]) == set(outcome["files"])
