"""torchvision's data sets, also where torch and torchvision are of different builds (torchvision 0.28).

A torchvision built for CUDA beside a CPU-only torch cannot load its compiled operators. Its import then fails
with "operator torchvision::nms does not exist", because it refers to two undefined operators. The data sets
use neither. Once their schemas are defined, everything written in Python works.
"""

import logging

import torch

__all__ = ["datasets"]

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
