"""The speed of training as a ratio to that of other training loops, measured alternately.

The loops take turns, because other programs slow the machine down from second to second. A ratio is taken
between neighbouring turns; the result is the median over the turns.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, get_args

import torch

from benchmarks import loops
from benchmarks.live_run import read_status
from benchmarks.loops import Loop
from benchmarks.targets import Measurement, machine_load, show
from vae.config import TrainConfig
from vae.datasets.registry import load
from vae.evaluation.published import BLOG_NEGATIVE_ELBO
from vae.runs.catalogue import list_runs
from vae.training.forecast import cores
from vae.training.loop import train

BATCHES = (loops.BATCH, 512)
PRECISIONS = get_args(TrainConfig.model_fields["precision"].annotation)
SECONDS, LEAST_TURNS = 30, 3  # of a comparison; on a busy machine fewer turns fit into the time
EPOCH = 60_000  # images
TURN = EPOCH // 10  # images of a turn: our loop writes one line of metrics in it
ROUNDS = 3  # repetitions of measurements that start processes or train to the end

BLOG_EPOCHS = 30  # in which the blog's loop reaches BLOG_NEGATIVE_ELBO
# The quickest config found that reaches this −ELBO on held-out training images: 150.0 after its only epoch.
# Such a small network gains nothing from a second thread.
QUICKEST: dict[str, Any] = {
    "network": "residual",
    "hidden_dims": (64, 64, 64, 64),
    "epochs": 1,
    "batch_size": 32,
    "learning_rate": 6e-3,
    "threads": 1,
}

PYTHON = [sys.executable, "-c"]
# Prints the peak memory of a child process in bytes. A process inherits its parent's peak, so the command is
# started by this small one.
PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""


def images_per_second(loop: Loop, images: int = TURN) -> float:
    """The speed of a loop in one turn, of at least `images` images."""
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
    """Compares our loop with its float32 matrix products alone, and with other loops; prints all speeds."""
    torch.set_num_threads(threads)
    config = TrainConfig.preset("blog", threads=threads, device="cpu", epochs=1000)
    with tempfile.TemporaryDirectory() as folder:
        competitors = {}
        for batch in BATCHES:
            competitors[f"bare products, batch {batch}"] = loops.bare_products(batch)
            for precision in PRECISIONS:
                ours = config.model_copy(update={"batch_size": batch, "precision": precision})
                competitors[f"ours in {precision}, batch {batch}"] = loops.our_loop(ours, Path(folder))
        others = {"blog": loops.blog_loop, **loops.other_loops()}
        speeds = take_turns(competitors | {name: loop() for name, loop in others.items()})
    with_threads = f"{threads} thread{'s' if threads > 1 else ''}"
    print(f"{with_threads}, median of {len(speeds['blog'])} turns:")
    for name, values in speeds.items():
        print(f"  {name:26} {statistics.median(values):9,.0f} images/s")
    measurements = []
    for batch, precision in product(BATCHES, PRECISIONS):
        what = f"a {precision} step over bare float32 products, {with_threads}, {batch}"
        value = ratio(speeds[f"bare products, batch {batch}"], speeds[f"ours in {precision}, batch {batch}"])
        measurements.append(Measurement(what, value, "x", 1.25))
    for name, precision in product(others, PRECISIONS):
        what = f"images per second over {name}'s loop, {precision}, {with_threads}"
        value = ratio(speeds[f"ours in {precision}, batch {loops.BATCH}"], speeds[name])
        measurements.append(Measurement(what, value, "x", 5 if name == "blog" else 1, at_least=True))
    return measurements


def blog_seconds(loop: Loop) -> float:
    """Seconds of the blog's loop for all of its epochs, from one turn with one thread and one with all."""
    speeds = []
    for threads in {1, cores()}:
        torch.set_num_threads(threads)
        speeds.append(images_per_second(loop))
    return BLOG_EPOCHS * EPOCH / max(speeds)


def seconds_to_quality() -> tuple[float, float]:
    """Seconds of training until the test -ELBO is that of the blog, and the last -ELBO."""
    with tempfile.TemporaryDirectory() as folder:
        run = train(TrainConfig(**QUICKEST, device="cpu"), folder)
        tests = [line for line in run.metric_lines()[0] if line.split == "test"]
    reached = (line.seconds for line in tests if -line.elbo <= BLOG_NEGATIVE_ELBO)
    return next(reached, float("inf")), -tests[-1].elbo


def time_to_quality() -> list[Measurement]:
    """Compares the seconds of training to the blog's -ELBO, ours between turns of the blog's loop."""
    ours, blogs, loop = [], [], loops.blog_loop()
    images_per_second(loop)  # reads the data, and warms up
    for _ in range(ROUNDS):
        before = blog_seconds(loop)
        seconds, elbo = seconds_to_quality()
        ours.append(seconds)
        blogs.append((before + blog_seconds(loop)) / 2)
        reached = f"-ELBO {BLOG_NEGATIVE_ELBO} in {seconds:.1f} s ({elbo:.1f} at the end)"
        print(f"  {reached}; the blog's {blogs[-1]:.0f} s")
    print(
        "  (Ours: training, tests, snapshots and saves, until the end of the epoch that reaches it; without"
    )
    print("  loading torch and data. The blog's: 30 epochs at the measured images per second.)")
    what = "the blog's seconds to its quality, over ours"
    return [Measurement(what, ratio(blogs, ours), "x", 30, at_least=True)]


def seconds_until(command: list[str], condition: Callable[[], bool]) -> float:
    """Starts a process and kills it once a condition holds; returns the seconds that this took."""
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
    """Whether the run in `runs_dir` has a status after its first step."""
    return any(read_status(run).step > 0 for run in list_runs(runs_dir))


def train_command(runs_dir: Path) -> list[str]:
    """The command of a training of one epoch."""
    command = [sys.executable, "-m", "vae", "train", "--epochs", "1", "--device", "cpu"]
    return [*command, "--runs-dir", str(runs_dir)]


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
    what = "from the command to its first step, over import torch"
    return [Measurement(what, statistics.median(differences), "s", 3)]


def peak_megabytes(command: list[str]) -> float:
    """The peak of a command's resident memory, in megabytes."""
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
    """Takes all measurements, and prints their details."""
    load("mnist", train=True)  # unpacks and verifies it before anything is timed
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
    measurements = measure()
    print("speed beside its targets:")
    show(measurements)


if __name__ == "__main__":
    main()
