"""The training loop, which trains a run from its current step to the end.

Losses are in nats per image. Shapes: N test images, M points.
"""

import math
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing, nullcontext, suppress
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from vae import VaeError
from vae.config import TrainConfig
from vae.datasets.images import as_rows, rows_as_images, to_levels
from vae.datasets.obtain import prepare
from vae.datasets.registry import load_for
from vae.inference.planes import axis_directions, largest_axes
from vae.inference.scored_set import example_indices, kl_by_dimension
from vae.inference.scoring import Scores
from vae.models.network import VAE
from vae.runs.catalogue import default_runs_dir, new_run
from vae.runs.checkpoints import Snapshot, save_snapshot, snapshot_bytes
from vae.runs.live_view import MAX_POINTS, LiveView, save_view
from vae.runs.records import LIVE, Metrics, State, Status
from vae.runs.run import Run
from vae.storage.atomic import remove_leftovers, sync
from vae.storage.folders import absolute_path
from vae.storage.untrusted import reason
from vae.training.device import Pace, choose_device, machine_notice
from vae.training.distributed import WorkerGroup
from vae.training.forecast import cores
from vae.training.requests import Requests, StopRequestedError
from vae.training.schedule import snapshot_steps
from vae.training.scoring import TensorScores, encode_set, score_set
from vae.training.state import arrays, prune_snapshots, restore_state
from vae.training.step import Stepper
from vae.training.threads import ThreadTuner, initial_threads, is_automatic

SAVE_SECONDS = 10
STATUS_SECONDS = 0.25
ETA_STEPS = 30  # before the time left is estimated: a training writes most of its snapshots during its first
VIEW_SECONDS = 0.3  # in the first epoch, and in slow motion; else there is a view an epoch
CHECKED_IMAGES = 1000  # test images whose loss must be finite before weights are saved
# Train lines of metrics.jsonl an epoch: dense at first, when the losses change most.
FIRST_EPOCH_LINES, EPOCH_LINES = 50, 10
# A save between two train lines first logs the batches since the last line if they are at least this many.
# Fewer are kept in the saved state and become part of the next line: their mean alone would be mostly noise.
LONG_LINE = 100


def train(
    config: TrainConfig, runs_dir: str | Path | None = None, *, name: str | None = None, again: bool = False
) -> Run:
    """Trains a run of `config` in this process, or returns the finished one; an interrupted one is resumed.

    Args:
        runs_dir: `VAE_RUNS_DIR`, or `checkpoints` in the project, if None.
        name: replaces the run's own name.
        again: trains a further run of the same config.

    Raises VaeError if another process trains it, or if the loss diverges.
    """
    folder = default_runs_dir() if runs_dir is None else absolute_path(runs_dir)
    run = new_run(config, folder, name, again=again)
    for _ in fit(run):
        pass
    return run


def fit(
    run: Run, stop: threading.Event | None = None, *, fall_back: bool = False
) -> Generator[Status, None, None]:
    """Trains `run` from its current step to the end, and yields its status several times a second.

    Applies the run's requests after the current batch, and ends when a stop is requested; closing the
    generator ends it, too. Raises VaeError if another process trains the run, or if the loss diverges; the
    last good weights stay.

    Args:
        stop: ends the training as a request to stop does, once it is set.
        fall_back: trains on the best device there is if that of the config is missing.
    """
    with run.lock():
        state = run.status().state
        if state == "finished":
            return
        for folder in (run.path, run.path / "snapshots"):
            remove_leftovers(folder, except_of=run.request_path.name)  # which a viewer may be writing now
        if state != "starting" and run.request() is not None:  # else it may be meant for this start
            run.update_request(stop=False, pause_at=None)
        threads, requests = torch.get_num_threads(), Requests(run, stop)
        try:
            yield from _prepare_data(run, requests)
            yield from Trainer(run, requests, fall_back=fall_back).train_to_end()
        except StopRequestedError:  # before the first batch
            ended = {"state": "stopped", "activity": None, "notice": None, "heard": requests.current.number}
            run.write_status(run.status().model_copy(update=ended))
            yield run.status()
        except Exception as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else reason(error)
            known = isinstance(error, VaeError)
            sentence = str(error) if known else f"The training failed: {why}. Mend that, then resume."
            with suppress(OSError, VaeError):  # a full disk, or a run that was deleted meanwhile
                ended = {"state": "failed", "error": sentence, "activity": None, "notice": None}
                run.write_status(run.status().model_copy(update=ended))
            if isinstance(error, OSError | MemoryError | torch.OutOfMemoryError):
                raise VaeError(sentence) from error
            raise
        finally:
            torch.set_num_threads(threads)
            with suppress(OSError, VaeError):
                _clear_requests(run)


def _prepare_data(run: Run, requests: Requests) -> Iterator[Status]:
    """Makes the data set of a run ready to be loaded; yields a status whenever that has made progress."""
    begun = {"state": "starting", "activity": "Loading the data.", "error": None, "eta_seconds": None}
    status = run.status().model_copy(update=begun)
    run.write_status(status)
    requests.raise_if_stopped()
    written = -math.inf
    with closing(prepare(run.config.dataset)) as activities:
        for activity in activities:
            requests.raise_if_stopped()
            if time.monotonic() - written > STATUS_SECONDS:
                written = time.monotonic()
                status = status.model_copy(update={"activity": activity})
                run.write_status(status)
                yield status


def follow(group: WorkerGroup) -> None:
    """Takes the steps that worker 0 broadcasts, which runs `fit`. Raises VaeError if worker 0 is gone."""
    text = group.receive_text()
    if text is None:
        return
    config = TrainConfig.model_validate_json(text)
    device = choose_device(config)
    for _ in prepare(config.dataset):
        pass
    images = torch.tensor(as_rows(load_for(config, train=True).images), device=device)
    model = VAE(config).to(device)
    torch.set_num_threads(initial_threads(config, device))
    stepper = Stepper(config, model, images, group)
    stepper.synchronize()
    while (plan := group.receive_plan()) is not None:
        stepper.step(plan)


class Trainer:
    """Trains one run in this process: takes the steps, writes the run's files and applies its requests.

    Sets the thread count. Raises VaeError if the device, the data or what was saved cannot be used.
    """

    def __init__(self, run: Run, requests: Requests, *, fall_back: bool) -> None:
        self.run, self.config, self.requests = run, run.config, requests
        self.device = choose_device(self.config, fall_back=fall_back)
        self.notice = machine_notice(self.config, self.device)
        # Copies, as what `load_for` returns is read from a file at each access.
        train, test = (load_for(self.config, train=split) for split in (True, False))
        images, self.test_images, self.test_labels = (
            torch.tensor(part, device=self.device)
            for part in (as_rows(train.images), as_rows(test.images), test.labels)
        )
        self.group = WorkerGroup()
        self.state = restore_state(run, images, self.group)
        self.model, self.timer = self.state.model, self.state.timer
        chosen = self.config.model_copy(update={"device": self.device.type})
        self.group.send_text(chosen.model_dump_json())
        self.state.stepper.synchronize()
        size = snapshot_bytes(self.config, len(self.test_images))
        self.snapshots = snapshot_steps(self.state.total_steps, self.state.epoch_steps, size)
        prune_snapshots(run, self.snapshots, self.state.step)
        self.examples = torch.tensor(example_indices(test.labels), device=self.device)
        self.view_images = torch.cat((self.test_images[self.examples], self.test_images[:MAX_POINTS]))
        automatic = is_automatic(self.config, self.device)
        self.threads = ThreadTuner(torch.get_num_threads(), most=cores() if automatic else None)
        self.pace, self.first_step = Pace(), self.state.step
        self.last_metrics: Metrics | None = None
        self.scored: tuple[int, TensorScores] | None = None  # a step, and finite scores of the test set
        self.saved_model_step: int | None = None  # of those that this trainer has written
        self.view_axes: tuple[int, int] | None = None  # of the live view's map
        self.viewed_at = self.saved_at = self.status_at = self.timer()

    def train_to_end(self) -> Iterator[Status]:
        """Trains to the end, or until a stop is requested; yields each status that is written."""
        try:
            yield from self.take_all_steps()
        except StopRequestedError:  # in an evaluation, which the next trainer makes up for
            self.log_batches()
            self.state.set_rates(self.requests.apply_to(self.state.config))
            self.save()
            if self.state.stepper.optimizer.state:
                self.state.save_model(None)  # to score them would take as long as the evaluation
            self.group.send_end()
            yield self.write_status("stopped")

    def take_all_steps(self) -> Iterator[Status]:
        """As `train_to_end`, but raises StopRequestedError if the stop comes during an evaluation."""
        yield self.write_status("running")
        if self.state.needs_evaluation:
            self.evaluate()
            if self.state.step in {0, *self.snapshots}:
                self.keep_snapshot()
            self.write_view()
        self.pace.start(*self.usual_progress)
        while self.state.step < self.state.total_steps:
            if self.requests.poll() or self.requests.pauses_at(self.state.step):
                yield from self.apply_requests()
                if self.requests.current.stop:
                    self.group.send_end()  # before the status: this raises if a worker is lost
                    yield self.write_status("stopped")
                    return
            self.take_step()
            status_due = self.write_files()
            self.pace.measure(*self.usual_progress)
            if status_due:
                yield self.write_status("running")
            if not self.requests.pauses_at(self.state.step):
                self.requests.wait(self.requests.current.delay)
        self.save_model()  # which a trainer may have been killed before
        yield self.write_status("finished")

    def take_step(self) -> None:
        """Takes the next step, together with all other workers."""
        plan = self.state.next_plan
        self.group.send_plan(plan)
        stepper = self.state.stepper
        stepper.begin_epoch(plan.epoch)  # takes time that says nothing about the number of threads
        with self.threads.timed_step() if stepper.is_full(plan) else nullcontext():
            self.state.batches.append(stepper.step(plan))
        self.state.step += 1

    def write_files(self) -> bool:
        """Writes what is due after a step; returns whether a new status is due, too."""
        step, epoch_steps = self.state.step, self.state.epoch_steps
        in_first_epoch, batch = step <= epoch_steps, (step - 1) % epoch_steps
        lines = FIRST_EPOCH_LINES if in_first_epoch else EPOCH_LINES
        slow_motion = self.requests.current.delay > 0
        epoch_ends = batch + 1 == epoch_steps
        # True at the end of an epoch, too, where the second quotient is below `lines`.
        line_ends = slow_motion or (batch + 1) * lines // epoch_steps > batch * lines // epoch_steps
        if line_ends or step in self.snapshots:
            self.log_batches()
        if epoch_ends:
            self.evaluate()
        if step in self.snapshots:
            self.keep_snapshot()
        often = slow_motion or in_first_epoch
        if epoch_ends or (often and self.timer() - self.viewed_at > VIEW_SECONDS):
            self.write_view()
        if epoch_ends or self.timer() - self.saved_at > SAVE_SECONDS:
            if len(self.state.batches) >= LONG_LINE:
                self.log_batches()
            self.save()
        if epoch_ends:
            self.save_model()
        return line_ends or self.timer() - self.status_at > STATUS_SECONDS

    def apply_requests(self) -> Iterator[Status]:
        """Applies the newest request, and waits while it is a pause; yields a status after each change."""
        self.log_batches()
        while True:
            self.state.set_rates(self.requests.apply_to(self.state.config))
            pausing = self.requests.pauses_at(self.state.step) and not self.requests.current.stop
            self.write_view()
            status = self.write_status("paused" if pausing else "running")
            self.save()  # after the status: it may take long
            if pausing or self.requests.current.stop:
                self.save_model()
            yield status
            if not pausing:
                return
            with self.timer.paused():
                self.requests.wait(math.inf)
            self.requests.poll()

    @property
    def scores(self) -> TensorScores | None:
        """The scores of the test set by the current weights, once they are known."""
        return self.scored[1] if self.scored is not None and self.scored[0] == self.state.step else None

    def evaluate(self) -> None:
        """Scores the whole test set and logs its losses. Raises StopRequestedError."""
        scores = score_set(self.model, self.test_images, self.requests.raise_if_stopped)
        terms = torch.stack((scores.reconstruction, scores.kl), dim=1)
        batches = [batch.mean(dim=0) for batch in terms.split(self.config.batch_size)]
        self.log("test", terms, torch.stack(batches))
        self.scored = self.state.step, scores

    def log_batches(self) -> None:
        """Logs the batches since the last train line, if there are any."""
        if self.state.batches:
            terms = torch.stack(self.state.batches)
            self.log("train", terms, terms)
            self.state.batches.clear()

    def log(self, split: Literal["train", "test"], terms: Tensor, batches: Tensor) -> None:
        """Appends a line to the metrics: the means of `terms` and the standard deviations of `batches`.

        Both are (., 2), reconstruction and KL in nats per image. Raises OSError, and VaeError if the sum of
        the means is not finite.
        """
        # On the CPU: Apple's devices have no float64.
        reconstruction, kl = terms.cpu().double().mean(dim=0).tolist()
        columns = batches.cpu().double()
        deviations = torch.column_stack((columns, columns.sum(dim=1))).std(dim=0, correction=0).tolist()
        self.check_finite(reconstruction + kl)
        self.last_metrics = Metrics(
            split=split,
            step=self.state.step,
            epoch=self.state.epoch,
            seconds=self.timer(),
            reconstruction=reconstruction,
            reconstruction_std=deviations[0],
            kl=kl,
            kl_std=deviations[1],
            elbo=-(reconstruction + kl),
            elbo_std=deviations[2],
            learning_rate=self.state.stepper.learning_rate,
            peak_learning_rate=self.state.config.learning_rate,
            beta=self.state.config.beta,
            kl_weight=self.state.kl_weight,
        )
        self.run.append_metrics(self.last_metrics)

    def check_finite(self, loss: float) -> None:
        """Raises VaeError if a loss is infinite or NaN."""
        if not math.isfinite(loss):
            raise VaeError(
                f"The loss was no longer a number by step {self.state.step}, at learning rate "
                f"{self.state.stepper.learning_rate:g}. What was saved before, if anything, is kept: lower "
                "the learning rate to a third and resume, or train again with it."
            )

    def save(self) -> None:
        """Saves the training state if it changed and its test loss is finite. Raises VaeError, OSError."""
        if self.state.needs_save:
            if self.scores is None:
                scores = score_set(self.model, self.test_images[:CHECKED_IMAGES])
                self.check_finite((scores.reconstruction + scores.kl).sum().item())
            # The metrics first: after a power cut they may be newer than the weights, but not older.
            sync(self.run.metrics_path)
            self.state.save()
        self.saved_at = self.timer()

    def save_model(self) -> None:
        """Saves the weights with their scores of the test set, unless those of this step are saved.

        Raises VaeError, OSError.
        """
        if self.saved_model_step == self.state.step or not self.state.stepper.optimizer.state:
            return
        scores = self.scores
        if scores is None:
            scores = score_set(self.model, self.test_images)
            self.check_finite((scores.reconstruction + scores.kl).sum().item())
            self.scored = self.state.step, scores
        self.state.save_model(Scores(**arrays(scores._asdict())))
        self.saved_model_step = self.state.step

    def keep_snapshot(self) -> None:
        """Writes a snapshot with the posteriors of the test set. Raises OSError."""
        mean, logvar = self.scores[:2] if self.scores else encode_set(self.model, self.test_images)
        with torch.no_grad():
            reconstructions = self.model.decoder.mean_images(mean[self.examples]).flatten(start_dim=1)
        path = self.run.snapshot_path(self.state.step)
        path.parent.mkdir(exist_ok=True)
        own = {"mean": mean, "logvar": logvar, "reconstructions": reconstructions}
        decoder = arrays(self.model.decoder.state_dict(prefix="decoder."))
        save_snapshot(path, Snapshot(decoder, **arrays(own), metrics=self.last_metrics))

    def write_view(self) -> None:
        """Writes the live view of some test images; not if the model has diverged. Raises OSError."""
        examples = len(self.examples)
        means, logvars = encode_set(self.model, self.view_images)
        if means.isfinite().all():  # else the next line of metrics raises the error
            with torch.no_grad():
                decoded = self.model.decoder.mean_images(means[:examples]).flatten(start_dim=1).cpu().numpy()
            points = [part[examples:].cpu().numpy() for part in (means, logvars)]
            kl = kl_by_dimension(*points).mean(axis=0)
            self.view_axes = largest_axes(kl, self.view_axes)
            view = LiveView(
                step=self.state.step,
                pictures=rows_as_images(self.view_images[:examples].cpu().numpy(), self.config.channels),
                reconstructions=rows_as_images(to_levels(decoded), self.config.channels),
                points=axis_directions(len(kl), *self.view_axes).map_coordinates(*points),
                labels=self.test_labels[:MAX_POINTS].byte().cpu().numpy(),
                kl=kl,
                axes=np.array(self.view_axes, np.uint8),
            )
            save_view(self.run.view_path, view)
        self.viewed_at = self.timer()

    def write_status(self, state: State) -> Status:
        """Writes the run's status, and returns it. Raises OSError."""
        images_left = (self.state.total_steps - self.state.step) * self.config.batch_size
        status = Status(
            state=state,
            step=self.state.step,
            total_steps=self.state.total_steps,
            epoch=self.state.epoch,
            seconds=self.timer(),
            images_per_second=self.pace.speed,
            eta_seconds=images_left / self.pace.steady_speed if self.has_estimate else None,
            threads=self.threads.count,
            workers=self.group.count,
            device=self.device.type,
            **self.state.config.rates,
            steered=self.state.steered,
            delay=self.requests.current.delay,
            heard=self.requests.current.number,
            notice=self.notice if state in LIVE else None,
        )
        self.run.write_status(status)
        self.status_at = self.timer()
        return status

    @property
    def has_estimate(self) -> bool:
        """Whether the speed is known well enough for an estimate of the time left."""
        least = min(self.first_step + ETA_STEPS, self.state.total_steps)
        return self.pace.is_known and self.state.step >= least

    @property
    def usual_progress(self) -> tuple[int, float]:
        """Images and seconds of all steps but those that compared thread counts.

        Each batch counts as a full one.
        """
        steps = self.state.step - self.threads.compared_steps
        return steps * self.config.batch_size, self.timer() - self.threads.compared_seconds


def _clear_requests(run: Run) -> None:
    """Removes the requests of a run whose training ended, or all but new rates if it can be resumed.

    A run that was stopped before its first batch has not saved these rates.
    """
    request = run.request()
    if request and (request.learning_rate or request.beta is not None) and run.status().state != "finished":
        run.update_request(stop=False, pause_at=None, delay=0)
    else:
        run.clear_request()
