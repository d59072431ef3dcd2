"""torchvision's data sets, also where torch and torchvision are of different builds (torchvision 0.28).

A torchvision built for CUDA beside a CPU-only torch cannot load its compiled operators. Its import then fails
with "operator torchvision::nms does not exist", because it refers to two undefined operators. The data sets
use neither. Once their schemas are defined, everything written in Python works.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch

__all__ = ["datasets", "without_progress_bars"]

try:
    from torchvision import datasets
except RuntimeError as error:
    if "torchvision::nms" not in str(error):
        raise
    logging.getLogger(__name__).info(
        "torchvision and torch are of different builds: only data sets are used."
    )
    # The definitions live as long as this object.
    _schemas = torch.library.Library("torchvision", "FRAGMENT")
    for _name in ("nms", "qnms"):
        _schemas.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    from torchvision import datasets


@contextmanager
def without_progress_bars() -> Iterator[None]:
    """Keeps torchvision 0.28 from printing the progress of its downloads, which would mix with ours."""
    utils = datasets.utils
    bar = getattr(utils, "tqdm", None)
    if bar is None:
        logging.getLogger(__name__).info("This torchvision has no progress bars to be switched off.")
        yield
        return
    utils.tqdm = partial(bar, disable=True)
    try:
        yield
    finally:
        utils.tqdm = bar
