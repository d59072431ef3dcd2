"""Real pictures in the browser: those of a set in one served file, or in many of which it fetches parts.

JavaScript gets them by `pictures(url)` of `pictures.js`. Of a set up to WHOLE it fetches all when the first
is needed, as it does of MNIST's, which become small. Of a larger one it fetches each that is looked at.

Shapes: N pictures, S pixels of a side, P values of a picture.
"""

import gzip
import hashlib
import json
import threading
from pathlib import Path

import streamlit as st

from pages.components.shell.assets import remove_others, serve, served_url
from vae.datasets.images import ImageArray, as_rows
from vae.datasets.registry import load, record_of
from vae.storage.folders import data_dir

# Of gzip, for 60,000 pictures of MNIST (47 MB): level 1 makes 11.0 MB; 6 makes 9.8 MB in twice the time; 9
# takes ten times as long as 6 and saves 2 %.
LEVEL = 6
WHOLE = 16_000_000  # bytes of the values of a set
PART = 32_000_000  # bytes of a file of a larger set; Streamlit serves no file above 200 MB
INDEX = "index.json"
_one_at_a_time = threading.Lock()


def pictures_name(images: ImageArray) -> str:
    """The name of the file of pictures (N, S, S) or (N, S, S, 3), with a hash of them."""
    return f"pictures-{hashlib.sha256(_content(images)).hexdigest()[:16]}.gz"


def serve_pictures(name: str, images: ImageArray) -> str:
    """Serves pictures (N, S, S) or (N, S, S, 3) under their `pictures_name`, and returns the URL.

    Raises VaeError as `serve`.
    """
    # Without a time stamp: several servers may share static/, and must write the same bytes.
    return serve(name, lambda: packed_pictures(images))


def packed_pictures(images: ImageArray) -> bytes:
    """The file of pictures (N, S, S) or (N, S, S, 3): gzipped, N and P as little-endian 32-bit integers, then
    the rows of values."""
    return gzip.compress(_content(images), LEVEL, mtime=0)


def serve_parts(folder: str, images: ImageArray, part: int = PART) -> str:
    """Serves pictures (N, S, S) or (N, S, S, 3) in a folder of files, and returns the URL of `index.json`.

    That has N, P, and how many pictures a file has. A file is the rows of values of these, one after the
    other; uncompressed, so that a browser can fetch a single picture by its range of bytes. Raises VaeError
    as `serve`.

    Args:
        part: bytes of a file, at most.
    """
    count, size = len(images), images[0].size
    each = max(1, part // size)
    for number, start in enumerate(range(0, count, each)):
        rows = as_rows(images[start : start + each])  # of large sets a view of a file
        serve(f"{folder}/{number}.bin", rows.tobytes)
    index = json.dumps({"count": count, "size": size, "each": each})
    url = serve(f"{folder}/{INDEX}", index.encode)  # last: with it all are there
    remove_others(folder)
    return url


def _content(images: ImageArray) -> bytes:
    rows = as_rows(images)
    return b"".join(number.to_bytes(4, "little") for number in rows.shape) + rows.tobytes()


def pictures_url(dataset: str, *, train: bool = False) -> str | None:
    """The URL of all pictures of a data set, for `pictures.js`; None if they are not packed yet."""
    return served_url(_pictures_name(dataset, train, data_dir(), _contents(dataset)))


def pack_pictures(dataset: str, *, train: bool = False) -> None:
    """As `prepare`, while the page says that it waits."""
    with st.spinner("Packing the pictures for the browser ..."):
        prepare(dataset, train=train)


def prepare(dataset: str, *, train: bool = False) -> None:
    """Packs all pictures of a data set: two seconds for MNIST's 60,000. Raises VaeError as `serve`."""
    with _one_at_a_time:  # another visitor, or the start of the server, may be packing them
        name = _pictures_name(dataset, train, data_dir(), _contents(dataset))
        images = _images(dataset, train=train)
        if name.endswith(INDEX):
            serve_parts(name.removesuffix(f"/{INDEX}"), images)
        else:
            serve_pictures(name, images)


def _images(dataset: str, *, train: bool) -> ImageArray:
    return load(dataset, train=train).images


# Not the URL: somebody may empty static/.
@st.cache_resource(max_entries=16, show_spinner=False)
def _pictures_name(dataset: str, train: bool, root: Path, contents: str) -> str:  # noqa: ARG001 (the key)
    images = _images(dataset, train=train)
    if dataset == "mnist" or images.size <= WHOLE:
        return pictures_name(images)
    return f"parts-{contents}-{'train' if train else 'test'}/{INDEX}"


def _contents(dataset: str) -> str:
    """The hash of a data set's contents: another set may get its name. MNIST stays."""
    return "" if dataset == "mnist" else record_of(dataset).contents
