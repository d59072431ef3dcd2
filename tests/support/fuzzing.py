"""Opens mutated runs and zips; `test_fuzzing.py` runs it in a process of its own.

`python -m tests.support.fuzzing runs 1000` prints, as JSON, how many opened, how many were refused, and the
growth of this process's peak memory in megabytes. What is neither opened nor refused with a sentence raises.
"""

import collections
import io
import json
import resource
import shutil
import signal
import struct
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from streamlit import logger

from pages.components.charts.live_figure import figure_spec
from pages.components.charts.loss_curves import Curve, loss_curves, rate_changes
from pages.components.runs.run_heading import config_summary, progress_line
from pages.components.train.moment_view import newest_moment, points_of_view
from tests.support.evaluations import evaluation_of
from tests.support.paths import ROOT
from vae import VaeError
from vae.runs.archive import check_run, pack, unpack
from vae.runs.catalogue import list_runs, summary
from vae.runs.history import History
from vae.runs.live_view import load_view
from vae.runs.run import Run
from vae.runs.titles import title_of

GIVEN = ROOT / "tests" / "run_of_format_4"
SECONDS = 20  # for one example, which takes milliseconds: only what hangs takes as long
FILES = sorted(path.relative_to(GIVEN).as_posix() for path in GIVEN.rglob("*") if path.is_file())
REQUEST = b'{"number": 1, "stop": false, "pause_at": 3, "delay": 0.5, "learning_rate": 0.001, "beta": 1.0}'
EVALUATION = evaluation_of(Run(GIVEN)).model_dump_json().encode()
CONTENTS = {name: (GIVEN / name).read_bytes() for name in FILES}
CONTENTS |= {"request.json": REQUEST, "evaluation.json": EVALUATION}
# What JSON and headers do not expect.
ODD = [
    *(
        b"NaN",
        b"-1",
        b"1e999",
        b"1e38",
        b"9" * 30,
        b"9" * 5000,
        b"null",
        b"true",
        b'""',
        b"[]",
        b"{}",
        b'"\\ud800"',
    ),
    *(
        b"[" * 3000,
        b'{"a":' * 3000,
        b"\x00",
        b"\xff",
        b"\xef\xbb\xbf",
        b'"step": 1, "step": 2,',
        b"4096",
        b"[4096]",
    ),
    *(b"F64", b"I8", b"BF16", b'"stopped"', b'"running"', b"\n", b"\n\n", b" " * 300_000, b"\x1b[2J", b"../"),
]
# What might pass, and lead astray later.
NUMBERS = [b"0", b"1", b"-1", b"2", b"7", b"1e38", b"-1e38", b"1e-300", b"9e14", b"0.999", b"9" * 18, b"null"]
NUMBERS += [b'"finished"', b'"failed"', b'"test"', b"[1]", b'"mnist"', b'"kmnist"', b'"tanh"', b'"plain"']
Edit = Callable[[bytes], bytes]
LONGEST = 3_000_000  # bytes that an edit adds: this process is the one whose memory is watched
places = st.floats(0, 1, exclude_max=True)


@st.composite
def edits(draw: st.DrawFn) -> Edit:
    """A change of some bytes."""
    at, to = sorted((draw(places), draw(places)))
    kind = draw(
        st.sampled_from(["flip", "cut", "insert", "over", "drop", "double", "swap", "length"] + ["value"] * 6)
    )
    odd, byte = draw(st.sampled_from(NUMBERS if kind == "value" else ODD)), draw(st.integers(1, 255))
    near = draw(st.booleans())  # headers and the first lines decide more than the rest

    def edit(content: bytes) -> bytes:
        reach = min(len(content), 1500) if near else len(content)
        i, j = int(at * reach), int(to * reach)
        if kind == "flip":
            return content[:i] + bytes([content[i] ^ byte]) + content[i + 1 :] if content else content
        if kind == "cut":
            return content[:i]
        if kind == "insert":
            return content[:i] + odd + content[i:]
        if kind == "over":
            return content[:i] + odd + content[i + len(odd) :]
        if kind == "drop":
            return content[:i] + content[j:]
        if kind == "double":
            return content[:j] + content[i:j] * min(byte, LONGEST // (j - i + 1)) + content[j:]
        if kind == "swap":
            return content[j:] + content[i:j] + content[:i]
        if kind == "length":
            return struct.pack("<Q", byte << (byte % 57)) + content[8:]
        return _with_value(content, i, odd)

    return edit


def _with_value(content: bytes, at: int, value: bytes) -> bytes:
    """A value of JSON, the next behind `at`, replaced; and the length of the header before it mended."""
    colon = content.find(b":", at)
    end = min((found for mark in b",}" if (found := content.find(mark, colon)) > 0), default=-1)
    if colon < 0 or end < 0:
        return content
    changed = content[: colon + 1] + value + content[end:]
    if content[8:9] != b"{":
        return changed
    (length,) = struct.unpack("<Q", content[:8])
    return struct.pack("<Q", max(0, length + len(changed) - len(content))) + changed[8:]


changed_files = st.dictionaries(
    st.sampled_from(sorted(CONTENTS)), st.lists(edits(), min_size=1, max_size=2), min_size=1, max_size=2
)


@contextmanager
def no_longer_than(seconds: int) -> Iterator[None]:
    """Raises TimeoutError where something hangs."""

    def give_up(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def show(run: Run) -> None:
    """What pages show of a run without its pictures; raises VaeError as its readers do."""
    summary(run)
    title_of(run)
    status = run.status()
    progress_line(status)
    config_summary(run)
    losses = History(run).read()
    figure_spec(
        loss_curves(
            [Curve(run.name, losses)],
            scale="log",
            x="epoch",
            references=True,
            changes=rate_changes(losses, status),
        )
    )
    view = load_view(run.view_path, run.config)
    if view is not None:
        newest_moment(run, status, None)
        points_of_view(run, view.step)


class Outcomes:
    """What became of each example."""

    def __init__(self) -> None:
        self.opened = 0
        self.refused: collections.Counter[str] = collections.Counter()

    @contextmanager
    def of_one(self, names: set[str]) -> Iterator[None]:
        """Counts the block as opened, or as refused if it says so in a sentence that names one of these."""
        try:
            with no_longer_than(SECONDS):
                yield
            self.opened += 1
        except VaeError as error:
            sentence = str(error)
            assert sentence.isprintable(), sentence
            assert len(sentence) < 2000, len(sentence)
            (named, *_) = [name for name in sorted(names) if name in sentence] or [""]
            assert named, sentence
            self.refused[named] += 1


def always_the_same(examples: int) -> settings:
    """So many examples, the same each time; an alarm, not a deadline, ends one that hangs."""
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def fuzz_runs(examples: int, folder: Path, outcomes: Outcomes) -> None:
    """Mutates the files of a run."""
    run = Run(folder / "gift")
    (run.path / "snapshots").mkdir(parents=True)
    stale = set(CONTENTS)

    @always_the_same(examples)
    @given(changed_files)
    def fuzz(changed: dict[str, list[Edit]]) -> None:
        for name in stale:
            (run.path / name).write_bytes(CONTENTS[name])
        stale.clear()
        for name, wanted in changed.items():
            content = CONTENTS[name]
            for edit in wanted:
                content = edit(content)
            (run.path / name).write_bytes(content)
            stale.add(name)
        # Another config is one that the weights do not fit.
        with outcomes.of_one(set(CONTENTS if "config.json" in changed else changed)):
            fresh = Run(run.path)
            assert list_runs(folder) == [fresh]
            check_run(fresh)
            show(fresh)

    fuzz()


def fuzz_zips(examples: int, folder: Path, outcomes: Outcomes) -> None:
    """Mutates the zip of a run."""
    source = Run(folder / "theirs" / "gift")
    shutil.copytree(GIVEN, source.path)
    file = io.BytesIO()
    pack(source, file)
    whole, here = file.getvalue(), folder / "here"
    directory = whole.index(b"PK\x01\x02")

    @always_the_same(examples)
    @given(st.lists(edits(), min_size=1, max_size=2), st.booleans())
    def fuzz(wanted: list[Edit], at_end: bool) -> None:
        kept, content = (whole[:directory], whole[directory:]) if at_end else (b"", whole)
        for edit in wanted:
            content = edit(content)
        with outcomes.of_one({"zip", *(name.split("/")[0] for name in FILES)}):
            show(unpack(io.BytesIO(kept + content), here))
        runs = list(here.iterdir())
        assert len(runs) <= 1
        for path in runs:
            shutil.rmtree(path)

    fuzz()


def peak() -> float:
    """Megabytes that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def main(what: str, examples: int) -> None:
    logger.set_log_level("ERROR")
    outcomes = Outcomes()
    with tempfile.TemporaryDirectory() as folder:
        given_run = Path(folder) / "given"
        shutil.copytree(GIVEN, given_run / "gift")
        check_run(Run(given_run / "gift"))
        show(Run(given_run / "gift"))
        before = peak()
        {"runs": fuzz_runs, "zips": fuzz_zips}[what](examples, Path(folder) / what, outcomes)
    outcome = {"opened": outcomes.opened, "refused": outcomes.refused, "files": sorted(CONTENTS)}
    print(json.dumps(outcome | {"megabytes": peak() - before}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
