"""What a person at a terminal sees of a run: its figures in a line, its training as a bar."""

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from vae.evaluation.published import PUBLISHED, Published, verdict
from vae.evaluation.queue import percent_line
from vae.runs.catalogue import latest_negative_elbo
from vae.runs.evaluation_record import Evaluation, save_evaluation
from vae.runs.records import Status
from vae.runs.run import Run


def train_in_terminal(run: Run) -> None:
    """Trains with a progress bar; says where the run is, and what to do next."""
    _ = run.config  # a damaged one is told before anything else
    if run.status().state == "finished":
        print(f"{run.name} is finished already, in {run.path}. `train --again` trains another.")
        return
    print(f"{run.name}, in {run.path}", flush=True)
    with _stops_cleanly(run), _progress() as bar:
        from vae.training.loop import fit

        task = bar.add_task("", epoch=0.0, losses="", speed=0.0, left="")
        offset = 0
        for status in fit(run):
            lines, offset = run.metrics(offset)
            if lines:
                losses = f"reconstruction {lines[-1].reconstruction:.1f}  KL {lines[-1].kl:.2f}"
                bar.update(task, losses=losses)
            bar.update(
                task,
                completed=status.step,
                total=status.total_steps,
                epoch=status.epoch,
                speed=status.images_per_second,
                left=_left(status),
            )
    end = run.status()
    elbo = latest_negative_elbo(run)
    quality = "" if elbo is None else f": -ELBO {elbo:.2f} on the test set"
    print(f"{end.state} at epoch {round(end.epoch, 2):g}{quality}.")
    if end.state == "stopped":
        print(f"Go on with `python -m vae resume {run.path}`.")


def evaluate_in_terminal(run: Run, *, as_json: bool) -> None:
    """Evaluates with a progress bar; prints the run's figures, and those published of others.

    Keeps the former beside the weights. Where no bar can be drawn, progress is lines, as `vae.evaluations`
    reads them.
    """
    errors = Console(stderr=True)
    columns = (TextColumn("evaluating"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        from vae.evaluation.evaluate import evaluate

        task = bar.add_task("", total=1)

        def tell(share: float) -> None:
            bar.update(task, completed=share)
            if not errors.is_terminal:
                print(percent_line(share), file=sys.stderr, flush=True)

        figures = evaluate(run, tell=tell)
    save_evaluation(run, figures)
    if as_json:
        others = [{**asdict(other), **verdict(other, run.config)._asdict()} for other in PUBLISHED]
        print(json.dumps({**figures.model_dump(), "published": others}, indent=2))
        return
    console = Console(markup=False, highlight=False)
    console.print(_own_figures(figures, run.config.latent_dim))
    print()
    console.print(_beside_others(figures, run))
    for other in PUBLISHED:
        print()
        console.print(f"{other.name} ({other.source}). {other.conditions}. {verdict(other, run.config).why}")


def _own_figures(figures: Evaluation, latent_dim: int) -> Table:
    """A run's figures, one a row, each with how it was measured."""
    table = Table("", figures.run, "", show_edge=False, box=None, pad_edge=False)
    table.columns[1].justify = "right"
    samples = f"{figures.elbo_samples} samples of z"
    agree = "share whose class is that of most"
    rows = {
        "epoch": (f"{round(figures.epoch, 2):g}", f"step {figures.step:,}"),
        "test images": (f"{figures.images:,}", "losses in nats per image"),
        "-ELBO": (
            f"{figures.negative_elbo:.2f}",
            f"± {figures.standard_error:.2f} over the images, {samples}",
        ),
        "-ELBO, refined": (
            f"{figures.refined_negative_elbo:.2f}",
            f"± {figures.refined_standard_error:.2f}, each image with its own Gaussian",
        ),
        "reconstruction": (f"{figures.reconstruction:.2f}", samples),
        "KL": (f"{figures.kl:.2f}", "closed form"),
        "NLL": (f"{figures.nll:.2f}", f"{figures.importance_samples} importance samples of that Gaussian"),
        "active units": (f"{figures.active_units}", f"of {latent_dim} latent dimensions"),
        "1 neighbour": (f"{figures.knn_1:.4f}", "share whose class is that of the nearest"),
        "5 neighbours": (f"{figures.knn_5:.4f}", agree),
        "20 neighbours": (f"{figures.knn_20:.4f}", agree),
    }
    for name, (value, how) in rows.items():
        table.add_row(name, value, how)
    return table


def _beside_others(figures: Evaluation, run: Run) -> Table:
    """Losses of a run above those published of others; what was not reported stays empty."""
    table = Table("nats per image", box=None, pad_edge=False)
    for loss in ("-ELBO", "reconstruction", "KL", "NLL"):
        table.add_column(loss, justify="right")
    table.add_column("comparable")
    for row in (figures, *PUBLISHED):
        losses = (row.negative_elbo, row.reconstruction, row.kl, row.nll)
        texts = ("" if loss is None else f"{loss:.1f}" for loss in losses)
        if isinstance(row, Published):
            table.add_row(row.name, *texts, "yes" if verdict(row, run.config).comparable else "no")
        else:
            table.add_row("this run", *texts)
    return table


def _left(status: Status) -> str:
    if status.state == "paused":
        return "paused"
    return "" if status.eta_seconds is None else f"{status.eta_seconds:.0f} s left"


def _progress() -> Progress:
    return Progress(
        TextColumn("epoch {task.fields[epoch]:.1f}"),
        BarColumn(),
        TextColumn("{task.fields[losses]}  {task.fields[speed]:,.0f} images/s  {task.fields[left]}"),
        console=Console(stderr=True),
    )


@contextmanager
def _stops_cleanly(run: Run) -> Iterator[None]:
    """The first Ctrl-C or kill asks the loop to stop, as the page does; a second one ends at once."""
    asked = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in asked]

    def ask(*_: object) -> None:
        run.request_stop()
        for number, handler in zip(asked, before, strict=True):
            signal.signal(number, handler)

    for number in asked:
        signal.signal(number, ask)
    try:
        yield
    finally:
        for number, handler in zip(asked, before, strict=True):
            signal.signal(number, handler)
