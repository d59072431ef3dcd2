"""The import of 10,000 PNGs of 64 x 64: seconds, beside bare decoding of the same files, and peak memory."""

import os
import resource
import statistics
import tempfile
import time
from contextlib import closing
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.targets import Measurement, machine_load, show
from vae.datasets.fitting import Form
from vae.datasets.importing import import_pictures, open_source
from vae.datasets.registry import delete_dataset

PICTURES, SIDE, CLASSES = 10_000, 64, 10
TURNS = 3


def make_pictures(folder: Path) -> None:
    """Writes smooth pictures in colour, with noise, in folders of their classes."""
    random = np.random.default_rng(0)
    for number in range(PICTURES):
        small = Image.fromarray(random.integers(0, 256, (4, 4, 3)).astype(np.uint8))
        smooth = np.asarray(small.resize((SIDE, SIDE), Image.Resampling.BICUBIC), np.int16)
        noisy = (smooth + random.integers(-8, 9, smooth.shape)).clip(0, 255).astype(np.uint8)
        path = folder / f"class {number % CLASSES}" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(noisy).save(path, compress_level=1)


def decode_all(folder: Path) -> float:
    """Decodes all pictures by Pillow, one after the other; returns seconds."""
    started = time.perf_counter()
    for path in folder.rglob("*.png"):
        with Image.open(path) as image:
            image.load()
    return time.perf_counter() - started


def import_all(folder: Path, name: str) -> float:
    """Imports all pictures, and deletes the data set; returns the seconds of the import."""
    started = time.perf_counter()
    form = Form(SIDE, 3)
    with open_source(folder) as source, closing(import_pictures(source, form, name)) as steps:
        for step in steps:
            last = step
    seconds = time.perf_counter() - started
    assert last.record is not None
    assert sum(last.record.counts.values()) == PICTURES
    delete_dataset(name)
    return seconds


def measure() -> list[Measurement]:
    """The medians of alternating turns, and the peak memory of this process."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["VAE_DATA_DIR"] = str(Path(folder) / "data")
        pictures = Path(folder) / "pictures"
        pictures.mkdir()
        make_pictures(pictures)
        turns = [(import_all(pictures, f"turn-{turn}"), decode_all(pictures)) for turn in range(TURNS)]
    seconds = statistics.median(importing for importing, _ in turns)
    ratio = statistics.median(importing / decoding for importing, decoding in turns)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    what = f"import of {PICTURES:,} PNGs of {SIDE} x {SIDE}"
    return [
        Measurement(what, seconds, "s", 20),
        Measurement(f"{what}, beside bare decoding", ratio, "", 4),
        Measurement(f"{what}: peak memory", megabytes, "MB", 300),
    ]


if __name__ == "__main__":
    print(f"importing pictures, {machine_load()}")
    show(measure())
