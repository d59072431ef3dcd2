"""Data sets as torch's tensors."""

import torch
from torch import Tensor

from vae.datasets import registry
from vae.datasets.images import as_rows


def load(dataset: str, *, train: bool) -> tuple[Tensor, Tensor]:
    """As `registry.load`: rows of values (N, P) uint8 and labels (N,) int64, of the same memory."""
    images, labels = registry.load(dataset, train=train)
    return torch.from_numpy(as_rows(images)), torch.from_numpy(labels)
