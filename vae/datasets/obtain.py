"""Built-in data sets that are not there yet: drawn, or downloaded. Whole or not at all, one at a time."""

import threading
from collections.abc import Generator
from pathlib import Path

from vae.config import BUILT_IN
from vae.datasets.registry import BUILT_IN_SETS, is_present, record_of, unusable
from vae.datasets.sprites import draw_sprites
from vae.storage.atomic import remove_leftovers
from vae.storage.folders import data_dir

POLL_SECONDS = 0.1  # between two looks whether another data set is finished
DAY = 24 * 3600  # seconds
_one_at_a_time = threading.Lock()  # two visitors of a page may want the same set


def prepare(dataset: str) -> Generator[str, None, None]:
    """Draws or downloads a data set if it is not there; yields what is being done, sentence by sentence.

    If the iterator is closed before its end, the work is given up, and nothing of it stays.

    Raises VaeError if that fails; MissingDataError if the data set is not there and not built in.
    """
    if dataset not in BUILT_IN_SETS:
        record_of(dataset)
        return
    root = data_dir()
    if is_present(dataset, root):
        return
    verb = "drawing" if BUILT_IN_SETS[dataset].origin == "drawn" else "downloading"
    while not _one_at_a_time.acquire(timeout=POLL_SECONDS):
        yield f"Waiting for another data set before {verb} {dataset}."
    try:
        if not is_present(dataset, root):
            yield from _obtain(dataset, root)
    finally:
        _one_at_a_time.release()


def _obtain(dataset: str, root: Path) -> Generator[str, None, None]:
    try:
        root.mkdir(parents=True, exist_ok=True)
        remove_leftovers(root, older=DAY)
        if BUILT_IN_SETS[dataset].origin == "drawn":
            yield from draw_sprites(root / dataset, colour=BUILT_IN[dataset][0] == 3)
        else:
            from vae.datasets.download import download  # which imports torch, and drawing needs none

            yield from download(dataset, root)
    except OSError as error:
        if not is_present(dataset, root):  # else another process was faster
            raise unusable(dataset, root, error) from error
