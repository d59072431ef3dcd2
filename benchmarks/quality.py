"""`python -m benchmarks.quality`: compares the presets with published results, and writes the tables of both.

Trains blog, quick and best in turn on all training images, evaluates them on the test set, saves the results
in quality.json, and writes them into README.md and docs/METHOD.md. `--keep FOLDER` keeps the runs.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from benchmarks.targets import Measurement, show
from vae.config import PresetName, TrainConfig
from vae.evaluation.evaluate import IMPORTANCE_SAMPLES, evaluate
from vae.evaluation.published import PUBLISHED, PublishedResult
from vae.training.forecast import cores
from vae.training.loop import Trainer, train

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).with_name("quality.json")
PAGES = (ROOT / "README.md", ROOT / "docs" / "METHOD.md")
BEGIN, END = "<!-- begin: python -m benchmarks.quality writes this -->", "<!-- end -->"

NAMES: tuple[PresetName, ...] = ("blog", "quick", "best")
# At most: -ELBO in nats per image, and seconds of training on two quiet cores.
TARGETS: dict[PresetName, tuple[float, float]] = {"quick": (145, 30), "best": (131, 300)}
WRITING = 3  # the largest share of the training, in percent, for saves and snapshots
FEW_SAMPLES = 50  # of the NLL, which has no target, for `python -m benchmarks`

Results = dict[str, Any]  # the content of quality.json


def machine() -> str:
    """A description of the machine."""
    processor = Path("/proc/cpuinfo")  # only Linux has it
    lines = processor.read_text(encoding="utf-8").splitlines() if processor.exists() else []
    names = [line for line in lines if line.startswith("model name")]
    name = names[0].partition(":")[2].strip() if names else platform.processor() or platform.machine()
    # Without instructions for bfloat16 the products are computed in float32 in any case.
    flags = [line for line in lines if line.startswith("flags")]
    lacks = ", without bfloat16" if flags and "bf16" not in flags[0] else ""
    return f"{cores()} cores ({name}{lacks}), PyTorch {torch.__version__.partition('+')[0]}"


@contextmanager
def time_writing() -> Iterator[list[float]]:
    """Collects the seconds of each save and each snapshot, with the encoding for it, while the block runs."""
    seconds: list[float] = []

    def timed(work: Any) -> Any:
        def call(*args: Any) -> Any:
            started = time.perf_counter()
            result = work(*args)
            seconds.append(time.perf_counter() - started)
            return result

        return call

    with (
        mock.patch.object(Trainer, "keep_snapshot", timed(Trainer.keep_snapshot)),
        mock.patch.object(Trainer, "save", timed(Trainer.save)),
    ):
        yield seconds


def measure(
    runs_dir: Path, names: Iterable[PresetName] = NAMES, samples: int = IMPORTANCE_SAMPLES, **changes: Any
) -> Results:
    """Trains presets in `runs_dir`, each with `changes`, and evaluates them."""
    rows = {}
    for name in names:
        config = TrainConfig.preset(name, **changes)
        print(f"  {name}, load average {os.getloadavg()[0]:.1f}", flush=True)
        with time_writing() as writing_seconds:
            run = train(config, runs_dir, again=True)
        rows[name] = {
            "config": config.identity,
            "seconds": run.status().seconds,
            "writing": sum(writing_seconds),
            "evaluation": evaluate(run, samples).model_dump(),
        }
    return {"date": date.today().isoformat(), "machine": machine(), "runs": rows}


def compare(results: Results) -> list[Measurement]:
    """The presets' measurements beside their targets."""
    measurements = []
    for name, (nats, seconds) in TARGETS.items():
        row = results["runs"][name]
        share = 100 * row["writing"] / row["seconds"]
        measurements += [
            Measurement(f"{name}: test -ELBO", row["evaluation"]["negative_elbo"], "nats", nats),
            Measurement(f"{name}: training", row["seconds"], "s", seconds),
            Measurement(f"{name}: saves and snapshots of that", share, "%", WRITING),
        ]
    return measurements


def render(results: Results) -> str:
    """The results as a Markdown table, published ones below ours."""
    counts = {row["evaluation"]["importance_samples"] for row in results["runs"].values()}
    likelihood = f"NLL ({', '.join(map(str, counts))} samples)"
    rows = [
        ("", "−ELBO", "reconstruction", "KL", "refined −ELBO", likelihood, "5-NN", "seconds", "conditions"),
        ("---",) * 9,
        *(_own_row(name, row, results["machine"]) for name, row in results["runs"].items()),
        *(_published_row(other) for other in PUBLISHED),
    ]
    how = f"{results['date']}, {results['machine']}; seconds are those of training, tests and saves included."
    return "\n".join([*(f"| {' | '.join(cells)} |" for cells in rows), "", how])


def _own_row(name: str, row: Results, machine: str) -> tuple[str, ...]:
    config, scores = row["config"], row["evaluation"]
    widths = " ".join(map(str, config["hidden_dims"]))
    precision = config.get("precision", "float32")
    if f"without {precision}" in machine:
        precision = f"float32 in place of {precision}"
    network = f"{config.get('network', 'plain')} network of {widths}, {precision}"
    conditions = (
        f"MNIST, {scores['images']:,} test images, grey, {config['latent_dim']} latent dimensions, "
        f"{network}, {config['epochs']} epochs, seed {config['seed']}, {_samples(row)}"
    )
    return (
        f"`{name}`",
        f"{scores['negative_elbo']:.1f} ± {scores['standard_error']:.1f}",
        *(f"{scores[term]:.1f}" for term in ("reconstruction", "kl", "refined_negative_elbo", "nll")),
        f"{scores['knn_5']:.3f}",
        f"{row['seconds']:.0f}",
        conditions,
    )


def _samples(row: Results) -> str:
    """How often z was sampled for −ELBO: once, as evaluations do it, or as often as earlier ones did."""
    count = row.get("elbo_samples", 1)
    return f"{count} samples of z" if count > 1 else "z sampled once"


def _published_row(other: PublishedResult) -> tuple[str, ...]:
    losses = (other.negative_elbo, other.reconstruction, other.kl, None, other.nll)
    texts = ("" if loss is None else f"{loss:.1f}" for loss in losses)
    reservation = f"; not comparable: {other.obstacle}" if other.obstacle else ""
    return (other.name, *texts, "", "", other.conditions + reservation)


def with_table(text: str, table: str) -> str:
    """The text of a page with this table between its markers."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def write(results: Results) -> None:
    """Saves the results, and writes the table into the pages."""
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    for page in PAGES:
        page.write_text(with_table(page.read_text(encoding="utf-8"), render(results)), encoding="utf-8")


def measure_targets() -> list[Measurement]:
    """Measures the presets that have targets, and prints the table without saving it."""
    with tempfile.TemporaryDirectory() as folder:
        results = measure(Path(folder), TARGETS, FEW_SAMPLES)
    print(render(results))
    return compare(results)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keep", type=Path, help="folder for the runs, which are otherwise deleted")
    parser.add_argument(
        "--trial", action="store_true", help="one epoch each, few samples, nothing is written"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        shortened: dict[str, Any] = {"samples": 1, "epochs": 1} if arguments.trial else {}
        results = measure(arguments.keep or Path(folder), **shortened)
    print(render(results))
    show(compare(results))
    if not arguments.trial:
        write(results)


if __name__ == "__main__":
    main()
