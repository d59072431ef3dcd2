"""`python -m benchmarks.convolutions`: decoding in the browser and training with the network `conv`.

The training is compared with a plain PyTorch loop of the same network, whose pictures lie in memory. The
loops take turns, as in `training_speed`.
"""

import os
import statistics
import tempfile
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from playwright.sync_api import sync_playwright
from torch import Tensor, nn
from torch.nn import functional

from benchmarks import loops
from benchmarks.loops import Loop
from benchmarks.targets import Measurement, machine_load, show
from benchmarks.training_speed import images_per_second, ratio
from tests.support.browser import ARGUMENTS, chromium, serve_modules
from tests.support.decoders import make_decoder
from tests.support.small_runs import with_numpy
from vae.config import TrainConfig
from vae.datasets.folder import DatasetWriter
from vae.datasets.registry import with_data
from vae.models.layers import encoder_layers, is_weighted
from vae.models.network import VAE

NAME = "random"  # of a data set with the size of CIFAR-10
SIDE, TRAIN_IMAGES, TEST_IMAGES = 32, 50_000, 1_000
THREADS = 2
TURNS, TURN = 9, 3_000  # images; all in our first epoch, which writes most lines and views
DECODES = ((32, 8), (64, 16))  # pixels of a side, milliseconds at most
# In the page: returns the milliseconds of each of many decodings.
DECODED = """(name) => {
  const { decode, layers } = window.decoders[name];
  return Array.from({ length: 400 }, () => {
    const z = Array.from({ length: layers[0].inputs }, () => 4 * Math.random() - 2);
    const started = performance.now();
    decode(z);
    return performance.now() - started;
  }).slice(50);
}"""


def conv_config(side: int, **changes: object) -> TrainConfig:
    """The network `conv` for colour pictures, with its default width."""
    fields = {"network": "conv", "channels": 3, "side": side, "hidden_dims": (256,), "latent_dim": 16}
    return TrainConfig.model_validate({"dataset": NAME, **fields, **changes})


def measure_decoding() -> list[Measurement]:
    """Milliseconds of a decoding in the browser, which 95% of all stay below."""
    path = chromium()
    if path is None:
        print("  No Chromium: decoding was not measured.")
        return []
    measurements = []
    with serve_modules() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        for side, most in DECODES:
            config = conv_config(side)
            page = browser.new_page()
            page.goto(address)
            make_decoder(page, "conv", with_numpy(VAE(config), config).decoder)
            values = page.evaluate(DECODED, "conv")
            late = statistics.quantiles(values, n=20)[-1]
            print(f"  a decode of {side} x {side} x 3: median {statistics.median(values):.2f} ms")
            what = f"a decode of {side} x {side} x 3, 95% within"
            measurements.append(Measurement(what, late, "ms", most))
            page.close()
        browser.close()
    return measurements


class PlainVAE(nn.Module):
    """The network of a config as one writes it with PyTorch's own modules."""

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        (wide,), size = config.hidden_dims, config.latent_dim
        down = [layer for layer in encoder_layers(config).shared if is_weighted(layer)]
        convolutions = [layer for layer in down if layer["kind"] == "downsample"]
        last = convolutions[-1]
        encoder: list[nn.Module] = []
        for layer in convolutions:
            encoder += [nn.Conv2d(*layer["channels"], 3, stride=2, padding=1), nn.SiLU()]
        encoder += [nn.Flatten(), nn.Linear(last["outputs"], wide), nn.SiLU()]
        shape = last["channels"][1], last["sides"][1], last["sides"][1]
        decoder = [nn.Linear(size, wide), nn.SiLU(), nn.Linear(wide, last["outputs"]), nn.SiLU()]
        decoder.append(nn.Unflatten(1, shape))
        for layer in reversed(convolutions):
            decoder += [
                nn.Upsample(scale_factor=2),
                nn.Conv2d(*layer["channels"][::-1], 3, padding=1),
                nn.SiLU(),
            ]
        self.encoder, self.decoder = nn.Sequential(*encoder), nn.Sequential(*decoder[:-1])
        self.mean, self.logvar = nn.Linear(wide, size), nn.Linear(wide, size)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        hidden = self.encoder(x)
        mean, logvar = self.mean(hidden), -functional.softplus(self.logvar(hidden))
        z = mean + torch.exp(logvar / 2) * torch.randn_like(mean)
        return self.decoder(z), mean, logvar


def plain_loop(config: TrainConfig, images: Tensor) -> Loop:
    """An eager loop over pictures in memory, (N, C, S, S) uint8."""
    model = PlainVAE(config)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    while True:
        for batch in torch.randperm(len(images)).split(config.batch_size):
            x = images[batch].float() / 255
            logits, mean, logvar = model(x)
            reconstruction = functional.binary_cross_entropy_with_logits(logits, x, reduction="sum")
            kl = -0.5 * torch.sum(1 + logvar - mean.pow(2) - logvar.exp())
            optimizer.zero_grad()
            (reconstruction + kl).backward()
            optimizer.step()
            yield len(x)


def write_random_pictures(data_dir: Path) -> Tensor:
    """Writes a data set of random pictures; returns those for training, (N, C, S, S) uint8."""
    generator = np.random.default_rng(0)
    train, test = (
        generator.integers(0, 256, (count, 3, SIDE, SIDE), np.uint8) for count in (TRAIN_IMAGES, TEST_IMAGES)
    )
    with DatasetWriter(data_dir / NAME, 3, SIDE) as writer:
        writer.add("train", train)
        writer.add("test", test)
        writer.finish()
    return torch.from_numpy(train)


def measure_training() -> list[Measurement]:
    """Images per second of our loop over those of the plain one; prints both."""
    before = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    with tempfile.TemporaryDirectory() as name, mock.patch.dict(os.environ, VAE_DATA_DIR=name):
        images = write_random_pictures(Path(name))
        config = with_data(conv_config(SIDE, epochs=1000, threads=THREADS, device="cpu"))
        competing = {"ours": loops.our_loop(config, Path(name) / "runs"), "plain": plain_loop(config, images)}
        for loop in competing.values():
            images_per_second(loop, TURN)  # warms up
        speeds: dict[str, list[float]] = {who: [] for who in competing}
        for _ in range(TURNS):
            for who, loop in competing.items():
                speeds[who].append(images_per_second(loop, TURN))
    torch.set_num_threads(before)
    for who, values in speeds.items():
        print(f"  {who:5} {statistics.median(values):7,.0f} images/s")
    what = f"images per second of conv over a plain loop, {THREADS} threads"
    return [Measurement(what, ratio(speeds["ours"], speeds["plain"]), "x", 0.8, at_least=True)]


def measure() -> list[Measurement]:
    """Takes all measurements, and prints their details."""
    print(f"convolutions, {machine_load()}")
    return [*measure_decoding(), *measure_training()]


if __name__ == "__main__":
    show(measure())
