"""One visible loop: it trains a run from wherever it stands to its end.

Shapes: N images, B batch, P pixels, Z latent size. Losses are in nats per image.
"""

import math
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from vae import checkpoints, losses
from vae.catalogue import new_run
from vae.config import TrainConfig
from vae.data import load
from vae.errors import VaeError
from vae.evaluate import image_losses
from vae.latent import encode_set, pixels
from vae.machine import choose_device, choose_threads
from vae.model import VAE
from vae.runs import Metrics, Run, State, Status
from vae.schedule import learning_rate, randomness, snapshot_steps

SAVE_SECONDS = 10
VOUCHING = 1000  # test images that must have a finite loss before weights are saved
# Train lines of metrics.jsonl an epoch: dense while everything happens, then sparse.
FIRST_EPOCH_LINES, EPOCH_LINES = 50, 10
SPEED_SECONDS = 1  # over which the speed is measured
CALIBRATION_SECONDS = 20  # between two choices of the thread count, unless the speed halves


def train(
    config: TrainConfig,
    runs_dir: str | Path = "checkpoints",
    *,
    name: str | None = None,
    again: bool = False,
) -> Run:
    """Trains here, or returns the finished run of that config; an interrupted one goes on.

    `name` replaces the run's own name; `again` trains a further run of the same config.
    Raises VaeError if another process trains it, or if the loss diverges.
    """
    run = new_run(config, Path(runs_dir), name, again=again)
    for _ in fit(run):
        pass
    return run


def fit(run: Run) -> Generator[Status, None, None]:
    """Trains `run` from wherever it stands to its end, and yields its status at every line it logs.

    A request to stop ends it after the batch it is at; leaving the iterator ends it, too.
    Raises VaeError if another process trains it, or if the loss diverges; the last good weights stay.
    """
    with run.hold():
        state = run.status().state
        if state == "finished":
            return
        if state != "starting":  # else the request may be meant for this very start
            run.forget_requests()
        threads = torch.get_num_threads()
        try:
            yield from _loop(run)
        except Exception as error:
            known = isinstance(error, VaeError)
            sentence = str(error) if known else f"The training failed: {error}. Mend that, then resume."
            with suppress(OSError):  # a full disk has no room for its own bad news
                run.write_status(run.status().model_copy(update={"state": "failed", "error": sentence}))
            if isinstance(error, OSError | MemoryError | torch.OutOfMemoryError):
                raise VaeError(sentence) from error
            raise
        finally:
            torch.set_num_threads(threads)
            run.forget_requests()


def _loop(run: Run) -> Iterator[Status]:
    config = run.config
    device = choose_device(config)
    images = load(config.dataset, train=True).images.to(device)
    test_images, test_labels = (part.to(device) for part in load(config.dataset, train=False))
    epoch_steps = math.ceil(len(images) / config.batch_size)
    total = epoch_steps * config.epochs
    snapshots = snapshot_steps(total)

    model = _initial_model(config).to(device)
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    step, seconds, speed = 0, 0.0, 0.0
    if run.training_path.exists():
        step, seconds, threads = checkpoints.load_training(run.training_path, model, optimizer)
        torch.set_num_threads(threads if config.threads == "auto" else config.threads)
        run.forget_metrics_after(step)
        # The trainer may have died between the two files.
        checkpoints.save_model(run.model_path, model, config, step, step / epoch_steps)
    elif run.model_path.exists():
        raise VaeError(
            f"{run.name} has weights, but no resume.safetensors to go on from. It can be explored; "
            "`train --again` trains another."
        )
    else:
        torch.set_num_threads(choose_threads(config, model))
        run.forget_metrics_after(-1)
    started = time.monotonic() - seconds

    def clock() -> float:
        return time.monotonic() - started

    def status(state: State) -> Status:
        # The first second warms up and tells nothing.
        speed_is_known = speed > 0 and clock() > 2 * SPEED_SECONDS
        now = Status(
            state=state,
            step=step,
            total_steps=total,
            epoch=step / epoch_steps,
            seconds=clock(),
            images_per_second=speed,
            eta_seconds=(total - step) * config.batch_size / speed if speed_is_known else None,
            threads=torch.get_num_threads(),
            device=device.type,
        )
        run.write_status(now)
        return now

    def log(split: Literal["train", "test"], terms: Tensor, batches: Tensor) -> None:
        """Writes a line: the mean of `terms`, and the deviation over the means of `batches`, (., 2)."""
        # On the CPU: Apple's devices have no float64.
        mean = terms.cpu().double().mean(dim=0).tolist()
        std = batches.cpu().double().std(dim=0, correction=0).tolist()
        vouch(sum(mean))
        run.append_metrics(
            Metrics(
                split=split,
                step=step,
                epoch=step / epoch_steps,
                reconstruction=mean[0],
                reconstruction_std=std[0],
                kl=mean[1],
                kl_std=std[1],
                elbo=-sum(mean),
                learning_rate=rate,
                beta=config.beta,
                seconds=clock(),
            )
        )

    def vouch(loss: float) -> None:
        if not math.isfinite(loss):
            raise VaeError(
                f"The loss was no longer a number by step {step}, at learning rate {rate:g}. The last "
                "good weights are kept. Train again with a third of the learning rate."
            )

    def log_test() -> None:
        terms = torch.stack(image_losses(model, test_images), dim=1)
        batches = [batch.mean(dim=0) for batch in terms.split(config.batch_size)]
        log("test", terms, torch.stack(batches))

    rate = learning_rate(config, step, total)
    yield status("running")
    if step == 0:
        log_test()
        _save_snapshot(run.snapshot_path(step), model, test_images, test_labels)
    terms: list[Tensor] = []  # (2,) of each batch since the last line: reconstruction, KL
    saved_at = timed_at = calibrated_at = clock()
    timed_step, fastest = step, 0.0

    for epoch in range(step // epoch_steps, config.epochs):
        order, noise = (part.to(device) for part in randomness(config, epoch, len(images)))
        lines = FIRST_EPOCH_LINES if epoch == 0 else EPOCH_LINES
        for position in range(step % epoch_steps, epoch_steps):
            batch = slice(position * config.batch_size, (position + 1) * config.batch_size)
            x = pixels(images[order[batch]])
            mean, logvar = model.encode(x)
            logits = model.decoder(model.reparameterize(mean, logvar, noise[batch]))
            reconstruction, kl = losses.reconstruction(logits, x), losses.kl(mean, logvar)

            rate = optimizer.param_groups[0]["lr"] = learning_rate(config, step, total)
            optimizer.zero_grad()
            (reconstruction + config.beta * kl).sum().backward()
            optimizer.step()
            step += 1

            terms.append(torch.stack((reconstruction, kl)).detach().mean(dim=1))
            stopping = run.stop_is_asked()
            epoch_ends = position + 1 == epoch_steps
            line_ends = (position + 1) * lines // epoch_steps > position * lines // epoch_steps
            if not (stopping or epoch_ends or line_ends or step in snapshots):
                continue
            log("train", torch.stack(terms), torch.stack(terms))
            terms.clear()
            if epoch_ends:
                log_test()
            if step in snapshots:
                _save_snapshot(run.snapshot_path(step), model, test_images, test_labels)
            if stopping or epoch_ends or clock() - saved_at > SAVE_SECONDS:
                # The losses above are of the weights before this step; the test set's are of these.
                if not epoch_ends:
                    vouch(sum(term.sum().item() for term in image_losses(model, test_images[:VOUCHING])))
                threads = torch.get_num_threads()
                checkpoints.save_training(run.training_path, model, optimizer, step, clock(), threads)
                checkpoints.save_model(run.model_path, model, config, step, step / epoch_steps)
                saved_at = clock()
            if clock() - timed_at > SPEED_SECONDS or not speed:
                speed = (step - timed_step) * config.batch_size / (clock() - timed_at)
                timed_at, timed_step, fastest = clock(), step, max(speed, fastest)
                # Threads that wait for a core which another program took are slower than none.
                due = CALIBRATION_SECONDS if speed > fastest / 2 else SPEED_SECONDS
                if config.threads == "auto" and clock() - calibrated_at > due:
                    torch.set_num_threads(choose_threads(config, model))
                    calibrated_at, fastest = clock(), 0.0
            if stopping:
                yield status("stopped")
                return
            yield status("running")
    yield status("finished")


def _initial_model(config: TrainConfig) -> VAE:
    """A model with PyTorch's initial weights; the caller's random state stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(config.seed)  # `torch.manual_seed` would seed other devices, too
        return VAE(config)


def _save_snapshot(path: Path, model: VAE, images: Tensor, labels: Tensor) -> None:
    """Writes what the model makes of the test set (N, 28, 28): all of it, and one of each class."""
    mean, logvar = encode_set(model, images)
    first = torch.stack([(labels == label).nonzero()[0, 0] for label in labels.unique()])
    with torch.no_grad():
        pictures = model.decode(mean[first]).flatten(start_dim=1)
    path.parent.mkdir(exist_ok=True)
    checkpoints.save_snapshot(path, checkpoints.Snapshot(model.decoder.state_dict(), mean, logvar, pictures))
