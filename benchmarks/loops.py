"""Training loops, ours and others', as iterators: each yields the number of images since its last yield.

All train the blog's network at its learning rate. Those of Lightning and Keras are left out where these
packages are not installed (`pip install lightning keras`).
"""

import importlib.util
import logging
import math
import os
import warnings
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from greenlet import getcurrent, greenlet  # comes with playwright
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from vae.config import TrainConfig
from vae.datasets.registry import load
from vae.datasets.torchvision_import import datasets
from vae.runs.catalogue import new_run
from vae.storage.folders import data_dir
from vae.training.loop import fit

Loop = Iterator[int]
BATCH, RATE, PIXELS = 128, 1e-4, 784


def bare_products(batch: int) -> Loop:
    """Only the matrix products of the forward and backward pass, into preallocated outputs."""
    sizes = [(PIXELS, 256), (256, 256), (256, 4), (2, 256), (256, 256), (256, PIXELS)]
    layers = [(torch.randn(batch, wide), torch.randn(wide, narrow)) for wide, narrow in sizes]
    outputs = [torch.empty(batch, narrow) for _, narrow in sizes]
    input_gradients = [torch.empty(batch, wide) for wide, _ in sizes]
    weight_gradients = [torch.empty(wide, narrow) for wide, narrow in sizes]
    while True:
        for (x, w), output in zip(layers, outputs, strict=True):
            torch.mm(x, w, out=output)
        for index, (x, w) in enumerate(layers):
            torch.mm(x.t(), outputs[index], out=weight_gradients[index])
            if index > 0:  # the gradient of the images is not needed
                torch.mm(outputs[index], w.t(), out=input_gradients[index])
        yield batch


def our_loop(config: TrainConfig, runs_dir: Path) -> Loop:
    """The loop of `python -m vae train`, with requests, metrics, tests, live views, snapshots and saves."""
    images = len(load(config.dataset, train=True).images)
    epoch_steps = math.ceil(images / config.batch_size)

    def images_until(step: int) -> int:  # an epoch's last batch is smaller
        return step // epoch_steps * images + step % epoch_steps * config.batch_size

    for before, after in pairwise(fit(new_run(config, runs_dir))):
        yield images_until(after.step) - images_until(before.step)


def tutorial_images() -> Dataset[Any]:
    """MNIST as in tutorials: each image goes through PIL and ToTensor whenever it is read."""
    from torchvision import transforms  # here, because torchvision_import must come first

    for train in (True, False):
        load("mnist", train=train)  # unpacks and verifies it
    return datasets.MNIST(data_dir(), train=True, transform=transforms.ToTensor())


class BlogVAE(nn.Module):
    """The blog's network, written in the usual way."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(PIXELS, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU())
        self.mean, self.logvar = nn.Linear(256, 2), nn.Linear(256, 2)
        self.decoder = nn.Sequential(
            nn.Linear(2, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, PIXELS), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        hidden = self.encoder(x)
        mean, logvar = self.mean(hidden), self.logvar(hidden)
        z = mean + torch.exp(logvar / 2) * torch.randn_like(mean)
        return self.decoder(z), mean, logvar


def blog_loop() -> Loop:
    """The blog's loop: a DataLoader, the KL of two distributions, and both losses read at every step."""
    loader = DataLoader(tutorial_images(), batch_size=BATCH, shuffle=True)
    model = BlogVAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    reconstructions, kls = [], []
    while True:
        for images, _ in loader:
            x = images.view(-1, PIXELS)
            xhat, mean, logvar = model(x)
            reconstruction = functional.binary_cross_entropy(xhat, x, reduction="sum")
            # exp(logvar) is not the standard deviation: the blog's mistake, kept (docs/METHOD.md).
            posterior = Normal(mean, torch.exp(logvar))
            kl = kl_divergence(posterior, Normal(torch.zeros_like(mean), torch.ones_like(mean))).sum()
            optimizer.zero_grad()
            (reconstruction + kl).backward()
            optimizer.step()
            reconstructions.append(reconstruction.item())
            kls.append(kl.item())
            yield len(images)


def other_loops() -> dict[str, Callable[[], Loop]]:
    """The loops of the other packages that are installed."""
    loops = {"lightning": lightning_loop, "keras": keras_loop}
    return {name: loop for name, loop in loops.items() if importlib.util.find_spec(name)}


def iterate(train: Callable[[Callable[..., object]], object]) -> Loop:
    """Turns a training that calls a function after each batch into an iterator."""
    caller = getcurrent()
    trainer = greenlet(lambda: train(lambda *_, **__: caller.switch(BATCH)))
    while not trainer.dead:
        yield trainer.switch()


def lightning_loop() -> Loop:
    """Lightning's loop: a LightningModule and a DataLoader for its Trainer, without bars, logs and files."""
    import lightning

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    # It recommends more workers for the DataLoader; the blog's loop has none either.
    warnings.filterwarnings("ignore", module="lightning")

    class Module(lightning.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = BlogVAE()

        def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
            x = batch[0].view(-1, PIXELS)
            xhat, mean, logvar = self.model(x)
            reconstruction = functional.binary_cross_entropy(xhat, x, reduction="sum")
            kl = -0.5 * torch.sum(1 + logvar - mean.pow(2) - logvar.exp())
            self.log_dict({"reconstruction": reconstruction, "kl": kl})
            return reconstruction + kl

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), lr=RATE)

    def train(done: Callable[..., object]) -> None:
        trainer = lightning.Trainer(
            max_epochs=-1,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[lightning.pytorch.callbacks.LambdaCallback(on_train_batch_end=done)],
        )
        trainer.fit(Module(), DataLoader(tutorial_images(), batch_size=BATCH, shuffle=True))

    return iterate(train)


def keras_loop() -> Loop:
    """Keras' loop on PyTorch: an array of images and a model with a `train_step`, as in its guide."""
    os.environ["KERAS_BACKEND"] = "torch"
    import keras
    from keras import layers

    class Sampling(layers.Layer):  # type: ignore[misc]
        def call(self, inputs: tuple[Any, Any]) -> Any:
            mean, logvar = inputs
            return mean + keras.ops.exp(logvar / 2) * keras.random.normal(keras.ops.shape(mean))

    class Model(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            hidden = [layers.Dense(256, activation="relu") for _ in range(4)]
            pictures, z = keras.Input((PIXELS,)), keras.Input((2,))
            encoded = hidden[1](hidden[0](pictures))
            posterior = layers.Dense(2)(encoded), layers.Dense(2)(encoded)
            self.encoder = keras.Model(pictures, [*posterior, Sampling()(posterior)])
            decoded = layers.Dense(PIXELS, activation="sigmoid")(hidden[3](hidden[2](z)))
            self.decoder = keras.Model(z, decoded)
            self.reconstruction, self.kl = (keras.metrics.Mean(name) for name in ("reconstruction", "kl"))

        @property
        def metrics(self) -> list[Any]:
            return [self.reconstruction, self.kl]

        def call(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            mean, logvar, z = self.encoder(x)
            return self.decoder(z), mean, logvar

        def train_step(self, x: Tensor) -> dict[str, Any]:
            self.zero_grad()
            xhat, mean, logvar = self(x, training=True)
            crossentropy = keras.losses.binary_crossentropy(x, xhat)  # a mean over the pixels
            reconstruction = keras.ops.sum(crossentropy) * PIXELS
            kl = -0.5 * keras.ops.sum(1 + logvar - keras.ops.square(mean) - keras.ops.exp(logvar))
            (reconstruction + kl).backward()
            weights = list(self.trainable_weights)
            with torch.no_grad():
                self.optimizer.apply([weight.value.grad for weight in weights], weights)
            self.reconstruction.update_state(reconstruction)
            self.kl.update_state(kl)
            return {metric.name: metric.result() for metric in self.metrics}

    def train(done: Callable[..., object]) -> None:
        images = load("mnist", train=True).images.reshape(-1, PIXELS).astype("float32") / 255
        model = Model()
        model.compile(optimizer=keras.optimizers.Adam(RATE))
        callback = keras.callbacks.LambdaCallback(on_train_batch_end=done)
        model.fit(images, batch_size=BATCH, epochs=1000, verbose=0, callbacks=[callback])

    return iterate(train)
