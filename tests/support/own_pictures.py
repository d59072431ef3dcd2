"""A small imported data set: discs of random place and colour, whose classes are their colours."""

from pathlib import Path

import numpy as np

from vae.datasets.folder import DatasetRecord, DatasetWriter

TRAIN, TEST = 300, 80  # images
_CHANNELS = ("red", "green", "blue")


def write_own_pictures(
    root: Path,
    name: str = "own",
    channels: int = 3,
    side: int = 12,
    classes: int = 3,
    seed: int = 0,
    test: int = TEST,
) -> DatasetRecord:
    """Writes the data set into the folder `root`.

    Args:
        classes: how many; without any, the pictures have no labels.
        seed: of another one, other pictures.
        test: how many test images.
    """
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    with DatasetWriter(root / name, channels, side) as writer:
        for split, count in (("train", TRAIN), ("test", test)):
            labels = np.arange(count) % max(classes, 1)
            generator.shuffle(labels)
            middle = generator.uniform(side / 4, 3 * side / 4, (2, count, 1, 1))
            disc = np.hypot(x - middle[0], y - middle[1]) < side / 4
            levels = np.full((count, channels), 60)
            levels[np.arange(count), labels % channels] = 255 - labels // channels
            images = (disc[:, None] * levels[:, :, None, None]).astype(np.uint8)
            writer.add("train" if split == "train" else "test", images, labels if classes else None)
        names = tuple(_CHANNELS[k] if classes <= len(_CHANNELS) else f"class {k}" for k in range(classes))
        return writer.finish(classes=names, source="Drawn by the tests", preparation="Discs of one colour.")
