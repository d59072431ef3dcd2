"""Runs from strangers: whatever stands in the place of a file, it is read in no time or refused by name."""

import json
import os
import shutil
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.support.evaluations import evaluation_of
from tests.support.small_runs import small_config
from vae import VaeError
from vae.config import TrainConfig
from vae.runs.archive import check_run
from vae.runs.catalogue import list_runs, new_run, summary
from vae.runs.evaluation_record import save_evaluation
from vae.runs.live_view import load_view
from vae.runs.records import CHUNK, Metrics, Status
from vae.runs.run import MAX_METRICS, Run
from vae.storage.untrusted import MAX_HEADER, MAX_JSON, MAX_WEIGHTS

JSONS = ("config.json", "status.json", "request.json", "evaluation.json", "metrics.jsonl")
TENSORS = ("view.safetensors", "model.safetensors", "resume.safetensors", "snapshots/00000000.safetensors")
FILES = JSONS + TENSORS


@pytest.fixture
def run(trained: Run, tmp_path: Path) -> Run:
    """A run with all of its files."""
    run = Run(tmp_path / "runs" / "gift")
    shutil.copytree(trained.path, run.path)
    run.update_request(delay=1)
    save_evaluation(run, evaluation_of(run))
    return run


def test_a_sound_run_is_read_whole(run: Run) -> None:
    assert all((run.path / name).exists() for name in FILES)
    check_run(run)


def refused(run: Run, name: str, why: str = "gift/") -> str:
    """The sentence with which the run is refused, which names the file."""
    with pytest.raises(VaeError, match=why) as caught:
        check_run(Run(run.path))
    sentence = str(caught.value)
    assert f"gift/{name}" in sentence
    assert len(sentence) < 1500
    assert sentence.isprintable()
    return sentence


def a_link(path: Path) -> None:
    path.symlink_to("/dev/zero")


def nonsense(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00nonsense\n")


def a_sparse_file(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(100 * 2**30)


PLACEHOLDERS: dict[str, Callable[[Path], None]] = {
    "link": a_link,
    "pipe": os.mkfifo,
    "folder": Path.mkdir,
    "100 GB": a_sparse_file,
    "nonsense": nonsense,
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("what", PLACEHOLDERS)
def test_what_stands_in_the_place_of_a_file_is_refused_by_name(what: str, name: str, run: Run) -> None:
    (run.path / name).unlink()
    PLACEHOLDERS[what](run.path / name)
    tracemalloc.start()
    with pytest.raises(VaeError) as caught:
        check_run(Run(run.path))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert name in str(caught.value)
    assert what != "100 GB" or "it has 107,374,182,400 bytes, and at most" in str(caught.value)
    assert most < 20e6
    assert [found["run"] for found in map(summary, list_runs(run.path.parent)) if what != "folder"] == (
        [] if what == "folder" else [run.name]
    )


@pytest.mark.parametrize("left", [b"", bytes(4096)])
def test_what_a_power_cut_left_of_a_file_that_nobody_flushed_is_nothing(left: bytes, run: Run) -> None:
    for path in (run.path / "status.json", run.request_path, run.view_path):
        path.write_bytes(left)
    check_run(run)
    assert (run.status().state, run.request(), load_view(run.view_path, run.config)) == (
        "interrupted",
        None,
        None,
    )
    assert run.update_request(delay=1).delay == 1
    assert run.request() is not None


def replaced(run: Run, name: str, *, old: str, new: str) -> None:
    path = run.path / name
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new, 1))


VALUES = {
    "nested": ("[" * 100_000, "nested too deep"),
    "twice": ('1, "{field}": 1', "same name twice"),
    "NaN": ("NaN", "NaN is no number"),
    "infinite": ("1e999", "1e999 is no number"),
    "huge": ("1" + "0" * 5000, "is no number here"),
    "beyond a date": ("1e30", "{field}: "),
    "half a character": ('"\\ud800"', "no UTF-8"),
    "text": ('"<b>"', "{field}: "),
    "unknown": ('1, "colour": "red"', "colour: extra inputs are not permitted"),
    "control": ('1, "\\u001b[2J": 1', "cannot be printed"),
}


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("config.json", "seed"),
        ("status.json", "epoch"),
        ("request.json", "pause_at"),
        ("evaluation.json", "step"),
        ("metrics.jsonl", "step"),
    ],
)
@pytest.mark.parametrize("what", VALUES)
def test_a_value_that_is_none_is_refused_by_name(what: str, name: str, field: str, run: Run) -> None:
    value, why = VALUES[what]
    fields = json.loads(
        (run.path / name).read_bytes().splitlines()[0]
        if name == "metrics.jsonl"
        else (run.path / name).read_bytes()
    )
    text = json.dumps(fields | {field: "HERE"}).replace('"HERE"', value.replace("{field}", field))
    (run.path / name).write_text(text + "\n")
    refused(run, name, why.replace("{field}", field))


def test_each_unknown_field_is_named_but_not_ten_thousand(run: Run) -> None:
    fields = {f"x{i}": i for i in range(10_000)}
    (run.path / "config.json").write_text(json.dumps({"format": 2} | fields))
    assert refused(run, "config.json").count("not permitted") == 5


@pytest.mark.parametrize("widths", [[10**9], [256] * 9, [4096] * 8])
def test_a_network_that_does_not_fit_takes_no_memory(widths: list[int], run: Run) -> None:
    config = json.loads((run.path / "config.json").read_bytes()) | {"hidden_dims": widths}
    (run.path / "config.json").write_text(json.dumps(config))
    # The widest there may be is named by the weights that do not fit.
    within = len(widths) < 9 and max(widths) <= 4096
    refused(run, "model.safetensors" if within else "config.json", "other sizes" if within else "hidden_dims")


def test_the_widest_network_has_as_many_weights_as_are_allowed() -> None:
    from vae.runs.checkpoints import size_limits

    widest = TrainConfig(hidden_dims=(4096,) * 8, latent_dim=64, dataset="own", channels=3, side=64)
    assert 0.9 * MAX_WEIGHTS < size_limits(widest).model < MAX_WEIGHTS


def test_the_longest_config_can_be_read(tmp_path: Path) -> None:
    config = TrainConfig(epochs=10_000, restarts=tuple(range(1, 10_000)))
    run = new_run(config, tmp_path)
    assert Run(run.path).config == config
    assert 0.3 * MAX_JSON < (run.path / "config.json").stat().st_size < MAX_JSON


def header_of(path: Path) -> dict[str, object]:
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    found: dict[str, object] = json.loads(content[8 : 8 + length])
    return found


def with_header(path: Path, header: dict[str, object]) -> None:
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + length :])


@pytest.mark.parametrize("name", TENSORS)
@pytest.mark.parametrize("what", ["100 GB", "header", "type", "shape", "name", "more", "metadata"])
def test_a_header_that_says_something_else_gets_a_sentence(what: str, name: str, run: Run) -> None:
    path = run.path / name
    header = header_of(path)
    tensor = next(key for key in header if key != "__metadata__")
    entry = header[tensor]
    assert isinstance(entry, dict)
    if what == "100 GB":
        header[tensor] = entry | {"shape": [25 * 2**30], "data_offsets": [0, 100 * 2**30]}
    elif what == "header":
        path.write_bytes(struct.pack("<Q", 100 * 2**30) + path.read_bytes()[8:])
        refused(run, name, f"would take 107,374,182,400 bytes, and at most {MAX_HEADER:,}")
        return
    elif what == "type":
        header[tensor] = entry | {"dtype": "I8" if name.startswith("view") else "I32"}
    elif what == "shape":
        header[tensor] = entry | {"shape": [*entry["shape"], 1]}
    elif what == "name":
        header["\x1b[2J"] = header.pop(tensor)
    elif what == "more":
        header["colour"] = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    else:
        header["__metadata__"] = {"step": "-1", "colour": "red"}
        if name.startswith("snapshots"):
            return  # their name says it
    with_header(path, header)
    refused(run, name)


def test_weights_that_are_no_numbers_are_refused(run: Run) -> None:
    tensors = load_file(run.model_path)
    tensors["decoder.logits.bias"][3] = torch.nan
    save_file(tensors, run.model_path, header_of(run.model_path)["__metadata__"])  # type: ignore[arg-type]
    refused(run, "model.safetensors", "some of its weights or scores are no numbers")


@pytest.mark.parametrize("field", ["step", "updates", "seconds", "threads", "learning_rate", "beta"])
@pytest.mark.parametrize("value", ["-1", "nan", "1e400", "9" * 5000, "x"])
def test_a_position_that_is_none_is_refused(field: str, value: str, run: Run) -> None:
    header = header_of(run.resume_path)
    metadata = header["__metadata__"]
    assert isinstance(metadata, dict)
    with_header(run.resume_path, header | {"__metadata__": metadata | {field: value}})
    refused(run, "resume.safetensors", f"no valid step .{field}: ")


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("[[NaN, 1]]", "no valid step .pending"),
        ("[[1, Infinity]]", "no valid step .pending"),
        ("[[1, 1e300]]", "no valid step .pending"),
        ("[[1]]", "no valid step .pending"),
        (json.dumps([[1, 1]] * 4_801), "it has losses of 4,801 batches, more than an epoch has"),
    ],
)
def test_losses_that_no_epoch_has_are_refused(value: str, sentence: str, run: Run) -> None:
    header = header_of(run.resume_path)
    metadata = header["__metadata__"]
    assert isinstance(metadata, dict)
    with_header(run.resume_path, header | {"__metadata__": metadata | {"pending": value}})
    refused(run, "resume.safetensors", sentence)


def test_a_line_of_metrics_without_end_is_refused(run: Run) -> None:
    with run.metrics_path.open("ab") as file:
        file.write(b"[" * (CHUNK + 1))
    refused(run, "metrics.jsonl", "a line has more than 10,000 bytes")


def test_a_long_history_is_read_in_parts(run: Run) -> None:
    line = run.metrics_path.read_bytes().splitlines(keepends=True)[0]
    count = 2 * CHUNK // len(line) + 7
    run.metrics_path.write_bytes(line * count + line[:50])
    file = run.open_metrics()
    with file:
        parts = list(run.read_metrics(file, 0))
    assert len(parts) == 3
    assert sum(len(lines) for lines, _ in parts) == count == len(run.metric_lines()[0])
    assert parts[-1][1] == count * len(line) == run.metric_lines()[1]


def test_ten_thousand_epochs_of_metrics_can_be_read(trained: Run) -> None:
    longest = max(map(len, trained.metrics_path.read_bytes().splitlines()))
    assert 10_000 * 11 * longest < MAX_METRICS


@pytest.mark.parametrize("name", ["log.txt", "snapshots", "lock"])
def test_a_link_that_a_trainer_would_write_through_is_refused(name: str, run: Run, tmp_path: Path) -> None:
    target = tmp_path / "target"
    shutil.rmtree(run.path / name) if name == "snapshots" else (run.path / name).unlink(missing_ok=True)
    (run.path / name).symlink_to(target)
    with pytest.raises(
        VaeError, match=rf"gift/config.json cannot be read \('{name}' beside it is no plain file"
    ):
        _ = Run(run.path).config


def test_a_lock_that_cannot_be_held_gets_a_sentence(run: Run) -> None:
    (run.path / "lock").unlink()
    (run.path / "lock").mkdir()
    run.write_status(Status(state="running"))
    with pytest.raises(VaeError, match=r"gift/lock cannot be used .* Delete it"):
        run.status()


def test_a_start_that_is_still_to_come_is_none(run: Run) -> None:
    (run.path / "status.json").write_text('{"state": "starting", "heartbeat": 1e12}')
    assert run.status().state == "interrupted"


@pytest.mark.parametrize("what", ["link", "pipe", "folder", "100 GB"])
def test_a_run_goes_on_from_plain_files_only(what: str, run: Run) -> None:
    run.model_path.unlink()
    PLACEHOLDERS[what](run.model_path)
    with pytest.raises(VaeError, match=r"gift/model.safetensors cannot be copied: it (is no plain file|has)"):
        new_run(small_config(seed=9), run.path.parent, origin=run)
    assert [path.name for path in run.path.parent.iterdir()] == ["gift"]


def test_what_a_diverged_training_says_of_itself_is_a_line_still() -> None:
    fields = dict.fromkeys(Metrics.model_fields, 1.0) | {"split": "train", "step": 1, "kl": float("nan")}
    assert Metrics.model_validate(fields)  # the trainer looks at it before it is written
    with pytest.raises(ValueError, match="NaN is no number"):
        Metrics.read(json.dumps(fields).encode())
