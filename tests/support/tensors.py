"""Data sets as torch's tensors."""

import torch
from torch import Tensor

from vae.datasets import registry


def load(dataset: str, *, train: bool) -> tuple[Tensor, Tensor]:
    """As `registry.load`: images (N, 28, 28) uint8 and labels (N,) int64, of the same memory."""
    images, labels = map(torch.from_numpy, registry.load(dataset, train=train))
    return images, labels
