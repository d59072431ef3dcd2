"""What a person at a terminal sees of a run: its figures in a line, its training as a bar."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from vae.catalogue import negative_elbo
from vae.records import Status
from vae.runs import Run


def train_in_terminal(run: Run) -> None:
    """Trains with a progress bar; says where the run is, and what to do next."""
    _ = run.config  # a damaged one is told before anything else
    if run.status().state == "finished":
        print(f"{run.name} is finished already, in {run.path}. `train --again` trains another.")
        return
    print(f"{run.name}, in {run.path}", flush=True)
    with _stops_cleanly(run), _progress() as bar:
        from vae.training import fit

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
    elbo = negative_elbo(run)
    quality = "" if elbo is None else f": -ELBO {elbo:.2f} on the test set"
    print(f"{end.state} at epoch {round(end.epoch, 2):g}{quality}.")
    if end.state == "stopped":
        print(f"Go on with `python -m vae resume {run.path}`.")


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
        run.ask_to_stop()
        for number, handler in zip(asked, before, strict=True):
            signal.signal(number, handler)

    for number in asked:
        signal.signal(number, ask)
    try:
        yield
    finally:
        for number, handler in zip(asked, before, strict=True):
            signal.signal(number, handler)
