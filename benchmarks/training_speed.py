"""The speed of training, as ratios to other loops measured in the same minute, beside their targets.

Loops that are compared take turns, because other programs slow the machine down from second to second. A
ratio is taken between neighbouring turns; the result is the median over the turns.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, get_args

import torch

from benchmarks import loops
from benchmarks.loops import Loop
from benchmarks.targets import Measurement, machine_load, show
from vae.config import TrainConfig
from vae.datasets.registry import load
from vae.evaluation.published import BLOG_NEGATIVE_ELBO
from vae.runs.catalogue import new_run
from vae.runs.records import Status
from vae.training.forecast import cores
from vae.training.loop import fit

BATCHES = (loops.BATCH, 512)
PRECISIONS = get_args(TrainConfig.model_fields["precision"].annotation)
SECONDS, LEAST_TURNS = 30, 3  # of taking turns: a busy machine gets fewer
EPOCH = 60_000  # images
TURN = EPOCH // 10  # images of a turn; the loop writes a line of metrics as often
ROUNDS = 3  # of measurements that start processes or train to the end

BLOG_ELBO, BLOG_EPOCHS = -BLOG_NEGATIVE_ELBO, 30  # what the blog's loop comes to, and when
# The quickest config found that reaches this on held-out training images (150.0 after its one epoch). Such a
# small network gains nothing from a second thread.
QUICKEST: dict[str, Any] = {
    "network": "residual",
    "hidden_dims": (64, 64, 64, 64),
    "epochs": 1,
    "batch_size": 32,
    "learning_rate": 6e-3,
    "threads": 1,
}

PYTHON = [sys.executable, "-c"]
# Prints the peak memory of a child process in bytes. A process starts with its parent's peak, so a small one
# stands between.
PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""


def images_per_second(loop: Loop, images: int = TURN) -> float:
    """One turn: at least `images` images."""
    started, done = time.perf_counter(), 0
    while done < images:
        done += next(loop)
    return done / (time.perf_counter() - started)


def ratio(numerators: list[float], denominators: list[float]) -> float:
    """The median of the turns' ratios."""
    return statistics.median(a / b for a, b in zip(numerators, denominators, strict=True))


def take_turns(competitors: dict[str, Loop]) -> dict[str, list[float]]:
    """Images per second of each loop, turn by turn."""
    for name, loop in competitors.items():
        # In its first epoch ours writes five times as many lines, and views, as later.
        images_per_second(loop, EPOCH if name.startswith("ours") else TURN)
    speeds: dict[str, list[float]] = {name: [] for name in competitors}
    end, turns = time.monotonic() + SECONDS, 0
    while turns < LEAST_TURNS or time.monotonic() < end:
        for name, loop in competitors.items():
            speeds[name].append(images_per_second(loop))
        turns += 1
    return speeds


def compare_loops(threads: int) -> list[Measurement]:
    """A step over its bare float32 products, ours over the loops of others; prints images per second."""
    torch.set_num_threads(threads)
    config = TrainConfig.preset("blog", threads=threads, device="cpu", epochs=1000)
    with tempfile.TemporaryDirectory() as folder:
        competitors = {}
        for batch in BATCHES:
            competitors[f"bare products, batch {batch}"] = loops.bare_products(batch)
            for precision in PRECISIONS:
                same = config.model_copy(update={"batch_size": batch, "precision": precision})
                competitors[f"ours in {precision}, batch {batch}"] = loops.our_loop(same, Path(folder))
        others = {"blog": loops.blog_loop, **loops.other_loops()}
        speeds = take_turns(competitors | {name: loop() for name, loop in others.items()})
    with_threads = f"{threads} thread{'s' if threads > 1 else ''}"
    print(f"{with_threads}, median of {len(speeds['blog'])} turns:")
    for name, values in speeds.items():
        print(f"  {name:26} {statistics.median(values):9,.0f} images/s")
    steps = [
        Measurement(
            f"a {precision} step over bare float32 products, {with_threads}, {batch}",
            ratio(speeds[f"bare products, batch {batch}"], speeds[f"ours in {precision}, batch {batch}"]),
            "x",
            1.25,
        )
        for batch in BATCHES
        for precision in PRECISIONS
    ]
    return steps + [
        Measurement(
            f"images per second over {name}'s loop, {precision}, {with_threads}",
            ratio(speeds[f"ours in {precision}, batch {loops.BATCH}"], speeds[name]),
            "x",
            5 if name == "blog" else 1,
            at_least=True,
        )
        for name in others
        for precision in PRECISIONS
    ]


def blog_seconds(loop: Loop) -> float:
    """Seconds of the blog's loop for its epochs, from a turn with one thread or all, the faster one."""
    speeds = []
    for threads in {1, cores()}:
        torch.set_num_threads(threads)
        speeds.append(images_per_second(loop))
    return BLOG_EPOCHS * EPOCH / max(speeds)


def seconds_to_quality() -> tuple[float, float]:
    """Seconds until the test -ELBO is the blog's, by the training's own clock; and the last -ELBO."""
    with tempfile.TemporaryDirectory() as folder:
        run = new_run(TrainConfig(**QUICKEST, device="cpu"), Path(folder))
        for _ in fit(run):
            pass
        tests = [line for line in run.metrics()[0] if line.split == "test"]
    reached = (line.seconds for line in tests if line.elbo >= BLOG_ELBO)
    return next(reached, float("inf")), -tests[-1].elbo


def time_to_quality() -> list[Measurement]:
    """Trains to the blog's quality, between turns of the blog's loop."""
    ours, blogs, loop = [], [], loops.blog_loop()
    images_per_second(loop)  # loads and warms up
    for _ in range(ROUNDS):
        before = blog_seconds(loop)
        seconds, elbo = seconds_to_quality()
        ours.append(seconds)
        blogs.append((before + blog_seconds(loop)) / 2)
        print(
            f"  -ELBO {-BLOG_ELBO} in {seconds:.1f} s ({elbo:.1f} at the end); the blog's {blogs[-1]:.0f} s"
        )
    print("  (Ours: from its model to the end of the epoch that gets there, tests, snapshots and saves")
    print("  included, torch and data loaded before. The blog's: images per second, for its 30 epochs.)")
    return [
        Measurement(
            "the blog's seconds to its quality, over ours", ratio(blogs, ours), "x", 30, at_least=True
        )
    ]


def seconds_until(command: list[str], condition: Callable[[], bool]) -> float:
    """Seconds from the start of a process until a condition holds; the process is then killed."""
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            while not condition():
                if process.poll() not in (None, 0):
                    raise SystemExit(f"{command} ended with {process.returncode}")
                time.sleep(0.002)
            return time.perf_counter() - started
        finally:
            process.kill()


def has_stepped(runs_dir: Path) -> bool:
    """Whether the run in this folder has taken a step; its status is written every ten steps."""
    # Not `run.status()`, which tries the trainer's lock.
    texts = [path.read_bytes() for path in runs_dir.glob("*/status.json")]
    return any(Status.model_validate_json(text).step > 0 for text in texts)


def train_command(runs_dir: Path) -> list[str]:
    """The command of a training of one epoch."""
    return [
        sys.executable,
        "-m",
        "vae",
        "train",
        "--epochs",
        "1",
        "--device",
        "cpu",
        "--runs-dir",
        str(runs_dir),
    ]


def time_to_start() -> list[Measurement]:
    """Seconds from the command to its first step, minus those of `import torch`."""
    differences = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            touch = f"import torch, pathlib; pathlib.Path({str(folder / 'imported')!r}).touch()"
            imported = seconds_until([*PYTHON, touch], (folder / "imported").exists)
            stepped = seconds_until(train_command(folder), partial(has_stepped, folder))
        differences.append(stepped - imported)
        print(f"  first step after {stepped:.2f} s, torch imported after {imported:.2f} s")
    return [
        Measurement(
            "from the command to its first step, over import torch", statistics.median(differences), "s", 3
        )
    ]


def peak_megabytes(command: list[str]) -> float:
    """The peak of a command's resident memory."""
    found = subprocess.run([*PYTHON, PEAK, *command], check=True, capture_output=True, text=True)
    return int(found.stdout) / 1e6


def peak_memory() -> list[Measurement]:
    """The peak memory of one epoch of the default training, minus that of `import torch`."""
    with tempfile.TemporaryDirectory() as folder:
        imported = peak_megabytes([*PYTHON, "import torch"])
        trained = peak_megabytes(train_command(Path(folder)))
    print(f"  peak of resident memory {trained:.0f} MB, {imported:.0f} MB with torch imported")
    return [Measurement("peak memory of training, over import torch", trained - imported, "MB", 600)]


def measure() -> list[Measurement]:
    """All measurements; prints their parts as it goes."""
    load("mnist", train=True)  # unpacked and verified before anything is timed
    print(f"training speed, blog's network, {machine_load()}")
    missing = {"lightning", "keras"} - loops.other_loops().keys()
    if missing:
        print(f"  not compared, because not installed: {', '.join(sorted(missing))}")
    threads = torch.get_num_threads()
    measurements = [each for count in (1, 2) if count <= cores() for each in compare_loops(count)]
    measurements += time_to_quality()
    torch.set_num_threads(threads)
    return [*measurements, *time_to_start(), *peak_memory()]


def main() -> None:
    """Prints the measurements beside their targets."""
    measurements = measure()
    print("speed beside its targets:")
    show(measurements)


if __name__ == "__main__":
    main()
