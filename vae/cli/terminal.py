"""Training and evaluation in a terminal: progress on stderr, results as tables or JSON on stdout."""

import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.prompt import Confirm
from rich.table import Column, Table

from vae import VaeError
from vae.cli.output import OutputConsole, can_draw_progress, is_unread, shell_command, table_console
from vae.config import TrainConfig
from vae.datasets.images import ImageArray
from vae.datasets.registry import ImageSet, load_for
from vae.evaluation.published import PUBLISHED, PublishedResult, nothing_comparable, verdict
from vae.inference.formatting import bits_per_dimension, bits_text
from vae.inference.scoring import Scores, diverged, score_images, scores_match
from vae.runs.checkpoints import SavedModel, load_scores, save_scores
from vae.runs.evaluation_record import Evaluation, save_evaluation
from vae.runs.records import Metrics, Status
from vae.runs.run import Run
from vae.training.processes import stop_signals


class PercentLines:
    """Prints progress as lines on stderr, such as "trained 12 %", one for each whole per cent."""

    def __init__(self, verb: str) -> None:
        self._verb, self._printed = verb, -1

    def update(self, share: float) -> None:
        """Prints the share done, 0 to 1, unless that per cent was printed before."""
        if (percent := int(100 * share)) > self._printed:
            self._printed = percent
            print(f"{self._verb} {percent} %", file=sys.stderr, flush=True)


def train_in_terminal(
    run: Run, stop: threading.Event, *, fall_back: bool, as_json: bool = False, logs: Path | None = None
) -> None:
    """Trains with progress; prints the run's folder, how it ended, how to resume it.

    Args:
        stop, fall_back: those of `fit`.
        as_json: prints JSON objects, one a line, in place of all this (docs/LIVE_TRAINING.md).
        logs: the folder of TensorBoard's logs, into which the metrics are written, too.

    Raises VaeError if the training fails, or TensorBoard is missing.
    """
    _ = run.config  # raises VaeError if it is damaged, before anything is printed
    if as_json:
        _print_json({"event": "start", "run": run.name, "path": str(run.path)})
    if run.status().state == "finished":
        if as_json:
            _print_json(_end(run))
        else:
            print(f"{run.name} is finished already, in {run.path}. `train --again` trains another.")
        return
    with nullcontext() if logs is None else _LiveLogs(logs / run.name) as live:
        updates = _training(run, stop, fall_back, live)
        if not as_json:
            _show_training(run, stop, updates)
            return
        try:
            _print_training(stop, updates)
        except VaeError:
            _print_json(_end(run))
            raise
        _print_json(_end(run))


class _LiveLogs:
    """TensorBoard's logs of a training that goes on; a context manager.

    If they can no longer be written, a sentence on stderr says so, and the training goes on.
    """

    def __init__(self, folder: Path) -> None:
        from vae.export.tensorboard import EventFiles

        try:
            self._files: EventFiles | None = EventFiles(folder)
        except OSError as error:
            raise VaeError(f"{folder} cannot be written: {error.strerror}. Choose another folder.") from error
        self._folder = folder

    def write(self, lines: Sequence[Metrics]) -> None:
        """Writes lines of metrics, of which the last is new; the others are dated back from it."""
        if self._files is not None and lines:
            now, newest = time.time(), lines[-1].seconds
            with self._warned():
                self._files.scalars(lines, lambda line: now - newest + line.seconds)

    def __enter__(self) -> "_LiveLogs":
        return self

    def __exit__(self, *error: object) -> None:
        if self._files is not None:
            with self._warned():
                self._files.__exit__()

    @contextmanager
    def _warned(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            files, self._files = self._files, None
            if files is not None:
                with suppress(OSError):  # closing writes the rest, which fails, too
                    files.__exit__()
            why = f"{self._folder} can no longer be written ({error.strerror}); the training goes on."
            print(why, file=sys.stderr, flush=True)


def _training(
    run: Run, stop: threading.Event, fall_back: bool, live: _LiveLogs | None
) -> Iterator[tuple[Status, list[Metrics]]]:
    """Trains; yields each status with the lines of metrics that are new, first those before a resumption."""
    from vae.training.loop import fit

    offset = 0
    for status in fit(run, stop, fall_back=fall_back):
        lines: list[Metrics] = []
        if status.state != "starting":
            lines, offset = run.metric_lines(offset)
        if live is not None:
            live.write(lines)
        yield status, lines


def _print_training(stop: threading.Event, updates: Iterator[tuple[Status, list[Metrics]]]) -> None:
    """Prints each line of metrics, and each status of another state, activity or notice, as JSON."""
    before = None
    for status, lines in updates:
        with _stop_unread(stop):
            for line in lines:
                _print_json({"event": "metrics", **line.model_dump()})
            seen = (status.state, status.activity, status.notice)
            if seen != before:
                _print_json({"event": "status", **status.model_dump(exclude_none=True)})
            before = seen


def _end(run: Run) -> dict[str, Any]:
    """The last JSON object of a training: where it is, its state, and its newest test figures."""
    status, test = run.status(), run.newest_test_metrics()
    return {
        "event": "end",
        "run": run.name,
        "path": str(run.path),
        **status.model_dump(include={"state", "step", "epoch", "seconds", "error"}),
        "test": None if test is None else {"negative_elbo": -test.elbo, **test.model_dump()},
    }


def _print_json(content: dict[str, Any]) -> None:
    print(json.dumps(content), flush=True)


def _show_training(run: Run, stop: threading.Event, updates: Iterator[tuple[Status, list[Metrics]]]) -> None:
    """Shows a training as a progress bar, or in lines where none can be drawn."""
    print(f"{run.name}, in {run.path}", flush=True)
    percent = PercentLines("trained")
    columns = (
        TextColumn("epoch {task.fields[epoch]:.1f}"),
        BarColumn(),
        TextColumn("{task.fields[losses]}  {task.fields[speed]:,.0f} images/s  {task.fields[left]}"),
    )
    with _progress(*columns) as bar:
        task = bar.add_task("", epoch=0.0, losses="", speed=0.0, left="")
        losses, doing, notice = "", "", None
        for status, lines in updates:
            if status.notice is not None and status.notice != notice:
                notice = status.notice
                with _stop_unread(stop):
                    print(notice, flush=True)
            if status.state == "starting":
                bar.update(task, losses=status.activity or "")
                kind = (status.activity or "").partition(":")[0]
                if bar.disable and kind != doing:  # not each megabyte of a download
                    doing = kind
                    with _stop_unread(stop):
                        print(status.activity, file=sys.stderr, flush=True)
                continue
            if lines:
                losses = f"reconstruction {lines[-1].reconstruction:.1f}  KL {lines[-1].kl:.2f}"
            bar.update(
                task,
                completed=status.step,
                total=status.total_steps,
                epoch=status.epoch,
                losses=losses,
                speed=status.images_per_second,
                left=_time_left(status),
            )
            if bar.disable:
                with _stop_unread(stop):
                    percent.update(status.step / max(1, status.total_steps))
    end = run.status()
    test = run.newest_test_metrics()
    quality = ""
    if test is not None:
        when = "" if test.step == end.step else f" at epoch {round(test.epoch, 2):g}"
        bits = bits_text(-test.elbo, run.config.density_values)
        quality = f": -ELBO {-test.elbo:.2f}{bits} on the test set{when}"
    print(f"{end.state} at epoch {round(end.epoch, 2):g}{quality}.")
    if end.state == "stopped":
        print(f"Go on with `{shell_command('python', '-m', 'vae', 'resume', str(run.path))}`.")


def score_in_terminal(run: Run) -> None:
    """Scores the training set with the newest weights, with progress, and saves the scores in the run.

    Raises VaeError if weights or data cannot be used, or the scores cannot be saved.
    """
    saved, images = run.saved_model(), load_for(run.config, train=True).images
    try:
        save_scores(run.training_scores_path, _score_training(run, saved, images))
    except OSError as error:
        raise VaeError(f"{run.training_scores_path} cannot be written: {error.strerror}.") from error
    print(f"{run.name}: {len(images):,} training images scored after epoch {round(saved.epoch, 2):g}.")


def training_scores(run: Run, saved: SavedModel) -> tuple[ImageSet, Scores]:
    """The training set with its scores under the weights of `saved`, which the run keeps from then on.

    They are computed, with progress, unless they are there. Raises VaeError if data are missing, or scores
    are not finite.
    """
    train = load_for(run.config, train=True)
    scores = load_scores(run.training_scores_path, run.config, len(train.images))
    if scores is None or not scores_match(scores, saved.model, train.images):
        scores = _score_training(run, saved, train.images)
        with suppress(OSError):  # they are at hand all the same
            save_scores(run.training_scores_path, scores)
    return train, scores


def _score_training(run: Run, saved: SavedModel, images: ImageArray) -> Scores:
    with progress_of("scored") as progress:
        scores = score_images(saved.model, images, progress)
    if not scores.finite:
        raise diverged(run.name, "training")
    return scores


def download_in_terminal(dataset: str) -> None:
    """Downloads or draws a data set unless it is there, with its progress on stderr: in one line, or in many.

    Raises VaeError as `prepare` does.
    """
    from vae.datasets.obtain import prepare

    with closing(prepare(dataset)) as activities, _progress(TextColumn("{task.description}")) as bar:
        task, before = bar.add_task(""), ""
        for activity in activities:
            bar.update(task, description=activity)
            if bar.disable and activity != before:
                before = activity
                print(activity, file=sys.stderr, flush=True)


def evaluate_in_terminal(run: Run, *, as_json: bool) -> None:
    """Evaluates with progress, saves the result beside the weights, and prints it with published ones.

    A built-in data set that is not there is downloaded or drawn first.
    With `as_json`, progress is shown only if stderr is a terminal.
    """
    run.saved_model()  # raises VaeError before anything is downloaded, if there are no weights
    download_in_terminal(run.config.dataset)
    with progress_of("evaluated", lines=not as_json) as progress:
        from vae.evaluation.evaluate import evaluate

        evaluation = evaluate(run, progress=progress)
    save_evaluation(run, evaluation)
    why_none = nothing_comparable(run.config)
    if as_json:
        listed = () if why_none else PUBLISHED
        others = [{**asdict(other), **verdict(other, run.config)._asdict()} for other in listed]
        print(json.dumps({**evaluation.model_dump(), "published": others}, indent=2))
        return
    console = table_console()
    console.print(_evaluation_table(evaluation, run.config))
    print()
    if why_none:
        console.print(why_none)
        return
    console.print(_comparison_table(evaluation, run))
    for other in PUBLISHED:
        print()
        console.print(f"{other.name} ({other.source}). {other.conditions}. {verdict(other, run.config).why}")


def plain_table(*headers: str) -> Table:
    """A table without lines, whose cells are folded where the terminal is too narrow, and never cut."""
    columns = (Column(header, overflow="fold") for header in headers)
    return Table(*columns, box=None, pad_edge=False)


def _evaluation_table(evaluation: Evaluation, config: TrainConfig) -> Table:
    """The scores of a run, one in each row, with how they were measured."""
    table = plain_table("", evaluation.run, "")
    table.columns[1].justify = "right"
    agree = "share whose class is that of most"
    error, refined_error = (
        "–" if each is None else f"{each:.2f}"
        for each in (evaluation.standard_error, evaluation.refined_standard_error)
    )
    refined = f"± {refined_error}, each image with its own Gaussian, {evaluation.elbo_samples} samples of z"
    bits: list[tuple[str, str, str]] = []
    if (values := config.density_values) is not None:
        each = bits_per_dimension(evaluation.negative_elbo, values)
        bits = [("bits per dimension", f"{each:.3f}", f"-ELBO of each of {values:,} values")]
    units = "–" if evaluation.active_units is None else str(evaluation.active_units)
    importance = f"{evaluation.importance_samples} importance samples of that Gaussian"
    for row in (
        ("epoch", f"{round(evaluation.epoch, 2):g}", f"step {evaluation.step:,}"),
        ("test images", f"{evaluation.images:,}", "losses in nats per image"),
        ("-ELBO", f"{evaluation.negative_elbo:.2f}", f"± {error} over the images, z sampled once"),
        ("-ELBO, refined", f"{evaluation.refined_negative_elbo:.2f}", refined),
        *bits,
        ("reconstruction", f"{evaluation.reconstruction:.2f}", "z sampled once"),
        ("KL", f"{evaluation.kl:.2f}", "closed form"),
        ("NLL", f"{evaluation.nll:.2f}", importance),
        ("active units", units, f"of {config.latent_dim} latent dimensions"),
    ):
        table.add_row(*row)
    for name, share, meaning in (
        ("1 neighbour", evaluation.knn_1, "share whose class is that of the nearest"),
        ("5 neighbours", evaluation.knn_5, agree),
        ("20 neighbours", evaluation.knn_20, agree),
    ):
        if share is not None:  # there are classes
            table.add_row(name, f"{share:.4f}", meaning)
    return table


def _comparison_table(evaluation: Evaluation, run: Run) -> Table:
    """The losses of a run above published ones; what was not reported stays empty."""
    table = plain_table("nats per image", "-ELBO", "reconstruction", "KL", "NLL", "comparable")
    for column in table.columns[1:5]:
        column.justify = "right"
    for row in (evaluation, *PUBLISHED):
        losses = (row.negative_elbo, row.reconstruction, row.kl, row.nll)
        texts = ("" if loss is None else f"{loss:.1f}" for loss in losses)
        if isinstance(row, PublishedResult):
            table.add_row(row.name, *texts, "yes" if verdict(row, run.config).comparable else "no")
        else:
            table.add_row("this run", *texts)
    return table


def _time_left(status: Status) -> str:
    if status.state == "paused":
        return "paused"
    return "" if status.eta_seconds is None else f"{status.eta_seconds:.0f} s left"


@contextmanager
def progress_of(verb: str, *, lines: bool = True) -> Iterator[Callable[[float], None]]:
    """Gives a function that shows the share done, 0 to 1, as a bar on stderr.

    Where that is no terminal it prints lines such as "scored 12 %", or nothing without `lines`.
    """
    percent = PercentLines(verb)
    columns = (TextColumn(verb), BarColumn(), TimeRemainingColumn())
    with _progress(*columns, transient=True) as bar:
        task = bar.add_task("", total=1)

        def progress(share: float) -> None:
            bar.update(task, completed=share)
            if bar.disable and lines:
                percent.update(share)

        yield progress


def _progress(*columns: ProgressColumn, transient: bool = False) -> Progress:
    """A progress bar on stderr, disabled where that is no terminal or cannot draw one."""
    disabled = not can_draw_progress(sys.stderr)
    return Progress(*columns, console=OutputConsole(stderr=True), transient=transient, disable=disabled)


def confirmed(question: str, yes: bool) -> bool:
    """Whether a person agrees, or has agreed by `yes`. Raises VaeError if nobody is there to ask."""
    try:
        return yes or Confirm.ask(question, console=OutputConsole())
    except (EOFError, RuntimeError, UnicodeDecodeError):  # stdin has ended, is closed, or is no text
        print()
        raise VaeError("Nothing was deleted: nobody was there to ask. Add --yes.") from None


@contextmanager
def _stop_unread(stop: threading.Event) -> Iterator[None]:
    """Sets the event if nobody can read what is printed in the block: stop and save, as at Ctrl-C."""
    try:
        yield
    except OSError as error:
        if not is_unread(error):
            raise
        stop.set()


@contextmanager
def stop_on_signal() -> Iterator[threading.Event]:
    """Sets the event at the first Ctrl-C, SIGTERM or SIGHUP; a second Ctrl-C or SIGTERM ends the process.

    A second SIGHUP does not: the shell and the system each send one when a terminal is closed. Where SIGHUP
    is ignored, as `nohup` has it, it stays so.
    """
    stop = threading.Event()
    before = {number: signal.getsignal(number) for number in stop_signals()}
    hangup = getattr(signal, "SIGHUP", None)  # Windows has none
    if hangup in before and before[hangup] is signal.SIG_IGN:
        del before[hangup]

    def request_stop(*_: object) -> None:
        stop.set()
        restore(before.keys() - {hangup})

    def restore(numbers: Iterable[signal.Signals]) -> None:
        for number in numbers:
            signal.signal(number, before[number])

    for number in before:
        signal.signal(number, request_stop)
    try:
        yield stop
    finally:
        restore(before)
