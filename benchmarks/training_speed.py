"""Images per second of the training loop, against the bare matrix products and the blog's loop.

All three train the blog's network with batches of 128 in one process, in turns of a few steps, so that
a busy machine slows them alike; the figures are medians over the turns, and their ratios are what counts.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader

from vae.catalogue import new_run
from vae.config import TrainConfig
from vae.data import data_dir, load
from vae.torchvision_import import datasets
from vae.training import fit

BATCH = 128
TURNS = 12
TURN_STEPS = 40  # about; ours ends a turn where it logs


def bare_products() -> Iterator[int]:
    """Only the matrix products of forward and backward, into outputs that are there; yields images."""
    sizes = [(784, 256), (256, 256), (256, 4), (2, 256), (256, 256), (256, 784)]
    layers = [(torch.randn(BATCH, wide), torch.randn(wide, narrow)) for wide, narrow in sizes]
    outputs = [torch.empty(BATCH, narrow) for _, narrow in sizes]
    input_gradients = [torch.empty(BATCH, wide) for wide, _ in sizes]
    weight_gradients = [torch.empty(wide, narrow) for wide, narrow in sizes]
    while True:
        for (x, w), output in zip(layers, outputs, strict=True):
            torch.mm(x, w, out=output)
        for index, (x, w) in enumerate(layers):
            torch.mm(x.t(), outputs[index], out=weight_gradients[index])
            if index > 0:  # nobody asks for the gradient of the pictures
                torch.mm(outputs[index], w.t(), out=input_gradients[index])
        yield BATCH


class BlogVAE(nn.Module):
    """The blog's network, as people write it first."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU())
        self.mean, self.logvar = nn.Linear(256, 2), nn.Linear(256, 2)
        self.decoder = nn.Sequential(
            nn.Linear(2, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 784), nn.Sigmoid()
        )

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        hidden = self.encoder(x)
        mean, logvar = self.mean(hidden), self.logvar(hidden)
        z = mean + torch.exp(logvar / 2) * torch.randn_like(mean)
        return self.decoder(z), mean, logvar


def blog_loop() -> Iterator[int]:
    """The common loop: a DataLoader that decodes each picture, losses read at every step; yields images."""
    from torchvision import transforms  # here, because vae.torchvision_import must come first

    load("mnist", train=True)  # unpacked and verified
    pictures = datasets.MNIST(data_dir(), train=True, transform=transforms.ToTensor())
    loader = DataLoader(pictures, batch_size=BATCH, shuffle=True)
    model = BlogVAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    reconstructions, kls = [], []
    while True:
        for images, _ in loader:
            x = images.view(-1, 784)
            xhat, mean, logvar = model(x)
            reconstruction = functional.binary_cross_entropy(xhat, x, reduction="sum")
            kl = -0.5 * (1 + logvar - mean**2 - logvar.exp()).sum()
            optimizer.zero_grad()
            (reconstruction + kl).backward()
            optimizer.step()
            reconstructions.append(reconstruction.item())
            kls.append(kl.item())
            yield len(images)


def our_loop(threads: int, runs_dir: Path) -> Iterator[int]:
    """The real loop with all it does: log, test, snapshots, saves; yields images."""
    run = new_run(TrainConfig.preset("blog", threads=threads, device="cpu"), runs_dir, f"threads-{threads}")
    for before, after in pairwise(fit(run)):
        yield (after.step - before.step) * BATCH


def images_per_second(loop: Iterator[int], images: int) -> float:
    """One turn: at least `images` images."""
    started, done = time.perf_counter(), 0
    while done < images:
        done += next(loop)
    return done / (time.perf_counter() - started)


def compare(threads: int) -> None:
    """Prints the three speeds with `threads` threads, and the ratios."""
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as folder:
        loops = {
            "bare matrix products": bare_products(),
            "python -m vae train": our_loop(threads, Path(folder)),
            "the blog's loop": blog_loop(),
        }
        speeds: dict[str, list[float]] = {name: [] for name in loops}
        for turn in range(TURNS + 1):
            for name, loop in loops.items():
                speed = images_per_second(loop, TURN_STEPS * BATCH)
                if turn > 0:  # the first turn loads and warms up
                    speeds[name].append(speed)
    bare, ours, blog = (statistics.median(values) for values in speeds.values())
    print(f"{threads} thread{'s' if threads > 1 else ''}, batch {BATCH}, median of {TURNS} turns:")
    for name, values in speeds.items():
        print(f"  {name:22} {statistics.median(values):9,.0f} images/s")
    print(f"  a step takes {bare / ours:.2f} x the bare products; {ours / blog:.1f} x the blog's loop")


def main() -> None:
    """All thread counts that make sense here."""
    for threads in sorted({1, os.cpu_count() or 1}):
        compare(threads)


if __name__ == "__main__":
    main()
