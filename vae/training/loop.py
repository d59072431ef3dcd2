"""One visible loop: it trains a run from wherever it stands to its end.

Losses are in nats per image.
"""

import math
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path

import torch
from torch import Tensor

from vae import VaeError
from vae.config import TrainConfig
from vae.datasets.registry import ImageSet, load
from vae.inference.latent_space import Posterior, encode_set
from vae.inference.scoring import score_set
from vae.models.network import VAE
from vae.runs.catalogue import new_run
from vae.runs.checkpoints import snapshot_bytes
from vae.runs.records import State, Status
from vae.runs.run import Run
from vae.storage.atomic import remove_leftovers
from vae.training.artifacts import sort_out_snapshots, view_writer, write_snapshot
from vae.training.device import Pace, choose_device, choose_threads
from vae.training.distributed import Workers
from vae.training.requests import Orders
from vae.training.schedule import snapshot_steps
from vae.training.state import training_of
from vae.training.step import Learner

SAVE_SECONDS = 10
STATUS_SECONDS = 0.25
VIEW_SECONDS = 0.3  # in the first epoch, and in slow motion; else a view an epoch
# Train lines of metrics.jsonl an epoch: dense while everything happens, then sparse.
FIRST_EPOCH_LINES, EPOCH_LINES = 50, 10


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
    """Trains `run` from wherever it stands to its end, and yields its status several times a second.

    It obeys the run's requests after the batch it is at, and ends when it is asked to stop; leaving the
    iterator ends it, too. Raises VaeError if another process trains it, or if the loss diverges; the last
    good weights stay.
    """
    with run.lock():
        state = run.status().state
        if state == "finished":
            return
        for folder in (run.path, run.path / "snapshots"):
            remove_leftovers(folder, spared=run.request_path.name)  # which a viewer may be writing just now
        if state != "starting" and run.request() is not None:  # else it may be meant for this very start
            run.update_request(stop=False, pause_at=None)
        threads = torch.get_num_threads()
        try:
            yield from _loop(run)
        except Exception as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else error
            known = isinstance(error, VaeError)
            sentence = str(error) if known else f"The training failed: {why}. Mend that, then resume."
            with suppress(OSError):  # a full disk has no room for its own bad news
                run.write_status(run.status().model_copy(update={"state": "failed", "error": sentence}))
            if isinstance(error, OSError | MemoryError | torch.OutOfMemoryError):
                raise VaeError(sentence) from error
            raise
        finally:
            torch.set_num_threads(threads)
            with suppress(OSError, VaeError):
                _forget_orders(run)


def follow(workers: Workers) -> None:
    """Takes the steps that worker 0, where `fit` runs, announces. Raises VaeError if that is gone."""
    told = workers.hear()
    if told is None:
        return
    config = TrainConfig.model_validate_json(told)
    device = choose_device(config)
    images = load(config.dataset, train=True).images.to(device)
    model = VAE(config).to(device)
    torch.set_num_threads(choose_threads(config, model))
    learner = Learner(config, model, images, workers)
    learner.align()
    while (plan := workers.next()) is not None:
        learner.take(plan)


def _forget_orders(run: Run) -> None:
    """All but the rates: a run that was stopped before its first batch has saved nothing of them."""
    request = run.request()
    if request and (request.learning_rate or request.beta is not None) and run.status().state != "finished":
        run.update_request(stop=False, pause_at=None, delay=0)
    else:
        run.clear_request()


def _loop(run: Run) -> Iterator[Status]:
    device = choose_device(run.config)
    images = load(run.config.dataset, train=True).images.to(device)
    test = ImageSet(*(part.to(device) for part in load(run.config.dataset, train=False)))
    workers = Workers()
    training = training_of(run, images, workers)
    model, clock, batch_size = training.model, training.clock, run.config.batch_size
    epoch_steps = training.epoch_steps
    workers.tell(run.config.model_dump_json())
    training.learner.align()
    size = snapshot_bytes(run.config, len(test.images))
    snapshots = snapshot_steps(training.total, epoch_steps, size)
    sort_out_snapshots(run, snapshots, training.step)
    write_view = view_writer(run.view_path, test)
    orders = Orders(run)
    pace = Pace(training.step * batch_size, clock())

    def status(state: State) -> Status:
        left = (training.total - training.step) * batch_size
        now = Status(
            state=state,
            step=training.step,
            total_steps=training.total,
            epoch=training.epoch,
            seconds=clock(),
            images_per_second=pace.speed,
            eta_seconds=left / pace.steady if pace.is_known else None,
            threads=torch.get_num_threads(),
            workers=workers.count,
            device=device.type,
            **training.rates,
            steered=training.steered,
            delay=orders.now.delay,
            heard=orders.now.number,
        )
        run.write_status(now)
        return now

    def log_train() -> None:
        """A line for the batches since the last one, if there are any."""
        if terms:
            training.log("train", torch.stack(terms), torch.stack(terms))
            terms.clear()

    def log_test() -> Posterior:
        """A line for the test set; what its images are encoded as."""
        scores = score_set(model, test.images)
        both = torch.stack((scores.reconstruction, scores.kl), dim=1)
        training.log("test", both, torch.stack([batch.mean(dim=0) for batch in both.split(batch_size)]))
        training.sound = training.step
        return Posterior(scores.mean, scores.logvar)

    def keep(posterior: Posterior) -> None:
        """A snapshot, with what was logged last."""
        write_snapshot(run.snapshot_path(training.step), model, test, posterior, training.newest)

    def obey() -> Iterator[Status]:
        """Does what is asked, and stands still as long as that is asked."""
        while True:
            training.steer(orders.steered(training.config))
            pausing = orders.pauses(training.step) and not orders.now.stop
            write_view(model, training.step)
            heard = status("paused" if pausing else "running")  # before the save, which may take long
            training.save(test.images)
            yield heard
            if not pausing:
                return
            with clock.stopped():
                orders.wait(math.inf)
            orders.changed()

    terms: list[Tensor] = []  # (2,) of each batch since the last line: reconstruction, KL
    yield status("running")
    if training.step == 0:
        keep(log_test())
        write_view(model, 0)
    told_at = viewed_at = saved_at = clock()
    pace = Pace(training.step * batch_size, clock())

    for epoch in range(training.step // epoch_steps, run.config.epochs):
        lines = FIRST_EPOCH_LINES if epoch == 0 else EPOCH_LINES
        first = training.step % epoch_steps
        for index in range(first, epoch_steps):
            if orders.changed() or orders.pauses(training.step):
                log_train()
                yield from obey()
                if orders.now.stop:
                    workers.dismiss()  # before the state is told: one that is gone is noticed here
                    yield status("stopped")
                    return

            plan = training.plan
            workers.announce(plan)
            terms.append(training.learner.take(plan))
            training.step += 1

            slow = orders.now.delay > 0
            epoch_ends = index + 1 == epoch_steps
            line_ends = slow or (index + 1) * lines // epoch_steps > index * lines // epoch_steps
            if line_ends or epoch_ends or training.step in snapshots:
                log_train()
            posterior = log_test() if epoch_ends else None
            if training.step in snapshots:
                keep(posterior or encode_set(model, test.images))
            if epoch_ends or ((slow or epoch == 0) and clock() - viewed_at > VIEW_SECONDS):
                write_view(model, training.step)
                viewed_at = clock()
            if epoch_ends or clock() - saved_at > SAVE_SECONDS:
                log_train()
                training.save(test.images)
                saved_at = clock()
            if pace.measure(training.step * batch_size, clock()) and run.config.threads == "auto":
                torch.set_num_threads(choose_threads(run.config, model))
            if line_ends or epoch_ends or clock() - told_at > STATUS_SECONDS:
                yield status("running")
                told_at = clock()
            if not orders.pauses(training.step):
                orders.wait(orders.now.delay)
    yield status("finished")
