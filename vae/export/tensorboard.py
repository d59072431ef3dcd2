"""A run as TensorBoard shows it: losses and rates, reconstructions at each moment, the map of the test set.

Each run becomes a folder of its name with `train` and `test` in it, two runs in TensorBoard's words, whose
curves share a chart. Written by TensorBoard's own record writer, without torch.

Shapes: N images, E examples among them, S pixels of a side, Z latent size.
"""

import os
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from vae.datasets.images import ImageArray
from vae.datasets.registry import classes_of, load_for
from vae.export.images import png
from vae.export.packages import needed
from vae.inference.scored_set import ScoredSet
from vae.inference.scoring import scored_set, valid_scores
from vae.runs.checkpoints import SavedModel
from vae.runs.records import Metrics
from vae.runs.run import Run
from vae.runs.snapshots import ModelAtStep, SnapshotSequence

# TensorBoard's names of what a line of metrics holds.
SCALARS: Mapping[str, Callable[[Metrics], float | None]] = {
    "loss/negative_elbo": lambda line: -line.elbo,
    "loss/reconstruction": lambda line: line.reconstruction,
    "loss/kl": lambda line: line.kl,
    "rates/learning_rate": lambda line: line.learning_rate,
    "rates/beta": lambda line: line.beta,
    "rates/kl_weight": lambda line: line.kl_weight,
    "progress/epoch": lambda line: line.epoch,
    "progress/seconds": lambda line: line.seconds,
}
SPLITS = ("train", "test")
SPRITE_SIDE = 8192  # pixels; what the projector draws from at most
WRITTEN = ("events.out.tfevents.*", "projector_config.pbtxt", "means.tsv", "classes.tsv", "sprite.png")


class EventFiles:
    """Writes event files of one run into `train` and `test` in a folder; a context manager.

    What earlier event files there hold is purged by TensorBoard, as one that resumes writes all lines again.

    Raises VaeError if TensorBoard is missing; its methods, also at the end, raise OSError.
    """

    def __init__(self, folder: Path) -> None:
        # Not its EventFileWriter, whose thread prints a traceback when the disk is full.
        records = needed("tensorboard.summary.writer.record_writer", "TensorBoard's files")
        self._events = needed("tensorboard.compat.proto.event_pb2", "TensorBoard's files")
        self._summaries = needed("tensorboard.compat.proto.summary_pb2", "TensorBoard's files")
        self._open = ExitStack()
        self._writers: dict[str, Any] = {}
        now = time.time()
        name = f"events.out.tfevents.{now:.6f}.{socket.gethostname()}.{os.getpid()}"
        begun = self._events.SessionLog(status=self._events.SessionLog.START)
        with ExitStack() as opened:
            for split in SPLITS:
                (folder / split).mkdir(parents=True, exist_ok=True)
                file = opened.enter_context((folder / split / name).open("xb"))
                self._writers[split] = records.RecordWriter(file)
                self._add(split, wall_time=now, file_version="brain.Event:2")
                self._add(split, wall_time=now, step=0, session_log=begun)
            self._open = opened.pop_all()

    def __enter__(self) -> "EventFiles":
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def scalars(self, lines: Iterable[Metrics], wall_time: Callable[[Metrics], float]) -> None:
        """Writes lines of metrics, each with its Unix time, and flushes the files."""
        for line in lines:
            found = ((tag, value(line)) for tag, value in SCALARS.items())
            values = [
                self._summaries.Summary.Value(tag=tag, simple_value=value)
                for tag, value in found
                if value is not None
            ]
            self._write(line.split, line.step, wall_time(line), values)
        for writer in self._writers.values():
            writer.flush()

    def pictures(self, tag: str, step: int, wall_time: float, pictures: Iterable[ImageArray]) -> None:
        """Writes pictures of the test set, each with a slider of its own: `tag/0`, `tag/1` and so on."""
        values = []
        for number, picture in enumerate(pictures):
            height, width, *channels = picture.shape
            image = self._summaries.Summary.Image(
                height=height, width=width, colorspace=3 if channels else 1, encoded_image_string=png(picture)
            )
            values.append(self._summaries.Summary.Value(tag=f"{tag}/{number}", image=image))
        self._write("test", step, wall_time, values)

    def _write(self, split: str, step: int, wall_time: float, values: list[Any]) -> None:
        summary = self._summaries.Summary(value=values)
        self._add(split, wall_time=wall_time, step=step, summary=summary)

    def _add(self, split: str, **event: Any) -> None:
        self._writers[split].write(self._events.Event(**event).SerializeToString())


def write_run(folder: Path, run: Run, saved: SavedModel, progress: Callable[[float], object]) -> None:
    """Writes all of a run into an existing, empty folder; calls `progress` with the share done, 0 to 1.

    The times are those of the training, counted back from its last status; pauses before that are not known.

    Raises OSError, and VaeError if TensorBoard or the data are missing, or a file of the run is damaged.
    """
    images, labels = load_for(run.config, train=False)
    test = scored_set(images, labels, valid_scores(saved.model, images, saved.scores))
    decoded = saved.model.decode(test.means[test.examples])
    last = ModelAtStep(saved.step, saved.model, test.means, test.logvars, decoded)
    earlier = [path for path in run.snapshots() if int(path.stem) < saved.step]
    moments = SnapshotSequence(run, earlier, last)
    lines, _ = run.metric_lines()
    status = run.status()
    ended = status.heartbeat or run.created_at / 1e9
    begun = ended - max([status.seconds, *(line.seconds for line in lines)])
    steps_and_seconds = np.array(sorted((line.step, line.seconds) for line in lines) or [(0, 0)]).T
    with EventFiles(folder) as files:
        files.scalars(lines, lambda line: begun + line.seconds)
        files.pictures("test images", 0, begun, test.images[test.examples])
        for number, moment in enumerate(moments):
            wall_time = begun + float(np.interp(moment.step, *steps_and_seconds))
            files.pictures("reconstructions", moment.step, wall_time, moment.reconstructions)
            progress((number + 1) / (len(moments) + 1))
    _write_projector(folder / "test", run, test)
    progress(1)


def _write_projector(folder: Path, run: Run, test: ScoredSet) -> None:
    """Writes the means of the test set with classes and pictures, as the projector reads them."""
    projector = needed("tensorboard.plugins.projector.projector_config_pb2", "TensorBoard's files")
    protobuf = needed("google.protobuf.text_format", "TensorBoard's files")
    side = test.images.shape[1]
    count = min(len(test), (SPRITE_SIDE // side) ** 2)
    means = test.means[:count]
    # The projector shows nothing of fewer than three dimensions.
    means = np.pad(means, ((0, 0), (0, max(0, 3 - means.shape[1]))))
    np.savetxt(folder / "means.tsv", means, fmt="%.6g", delimiter="\t")
    # Imported sets name their classes as folders are: tabs and line ends would be new cells.
    names = [" ".join(name.split()) for name in (*classes_of(run.config), "")]
    rows = (f"{names[label]}\t{index}" for index, label in enumerate(test.labels[:count]))
    (folder / "classes.tsv").write_text("\n".join(("class\tindex", *rows, "")), encoding="utf-8")
    (folder / "sprite.png").write_bytes(sprite(test.images[:count]))
    config = projector.ProjectorConfig()
    embedding = config.embeddings.add(
        tensor_name=f"{run.name}: means", tensor_path="means.tsv", metadata_path="classes.tsv"
    )
    embedding.sprite.image_path = "sprite.png"
    embedding.sprite.single_image_dim.extend([side, side])
    (folder / "projector_config.pbtxt").write_text(protobuf.MessageToString(config), encoding="utf-8")


def sprite(images: ImageArray) -> bytes:
    """Images (N, S, S) or (N, S, S, 3), row by row in a square of as few as hold them, as a PNG file."""
    per_row = int(np.ceil(np.sqrt(len(images))))
    side, *channels = images.shape[2:]
    padded = np.zeros((per_row**2, side, side, *channels), np.uint8)
    padded[: len(images)] = images
    rows = padded.reshape(per_row, per_row, side, side, *channels).swapaxes(1, 2)
    return png(rows.reshape(per_row * side, per_row * side, *channels))


def is_written_here(folder: Path) -> bool:
    """Whether a folder holds nothing but what this module writes, so that it can be replaced."""
    for path in folder.rglob("*"):
        known = path.name in SPLITS if path.is_dir() else any(map(path.match, WRITTEN))
        if path.is_symlink() or not known:
            return False
    return True
