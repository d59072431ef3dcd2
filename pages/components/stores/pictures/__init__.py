"""Real pictures in the browser: all pictures of a set in one served file.

JavaScript gets them by `pictures(url)` of `pictures.js`, which fetches the file when the first is needed.

Shapes: N pictures, S pixels of a side, P values of a picture.
"""

import gzip
import hashlib
import threading
from pathlib import Path

import streamlit as st

from pages.components.shell.assets import serve, served_url
from vae.datasets.images import ImageArray, as_rows
from vae.datasets.registry import load
from vae.storage.folders import data_dir

# Of gzip, for 60,000 pictures of MNIST (47 MB): level 1 makes 11.0 MB; 6 makes 9.8 MB in twice the time; 9
# takes ten times as long as 6 and saves 2 %.
LEVEL = 6
_one_at_a_time = threading.Lock()


def pictures_name(images: ImageArray) -> str:
    """The name of the file of pictures (N, S, S) or (N, S, S, 3), with a hash of them."""
    return f"pictures-{hashlib.sha256(_content(images)).hexdigest()[:16]}.gz"


def serve_pictures(name: str, images: ImageArray) -> str:
    """Serves pictures (N, S, S) or (N, S, S, 3) under their `pictures_name`, and returns the URL.

    The file is gzipped: N and P as little-endian 32-bit integers, then the rows of values. Raises VaeError as
    `serve`.
    """
    # Without a time stamp: several servers may share static/, and must write the same bytes.
    return serve(name, lambda: gzip.compress(_content(images), LEVEL, mtime=0))


def _content(images: ImageArray) -> bytes:
    rows = as_rows(images)
    return b"".join(number.to_bytes(4, "little") for number in rows.shape) + rows.tobytes()


def pictures_url(dataset: str, *, train: bool = False) -> str | None:
    """The URL of all pictures of a data set, for `pictures.js`; None if they are not packed yet."""
    return served_url(_pictures_name(dataset, train, data_dir()))


def pack_pictures(dataset: str, *, train: bool = False) -> None:
    """As `prepare`, while the page says that it waits."""
    with st.spinner("Packing the pictures for the browser ..."):
        prepare(dataset, train=train)


def prepare(dataset: str, *, train: bool = False) -> None:
    """Packs all pictures of a data set: two seconds for 60,000. Raises VaeError as `serve`."""
    with _one_at_a_time:  # another visitor, or the start of the server, may be packing them
        serve_pictures(_pictures_name(dataset, train, data_dir()), _images(dataset, train=train))


def _images(dataset: str, *, train: bool) -> ImageArray:
    return load(dataset, train=train).images


# Not the URL: somebody may empty static/.
@st.cache_resource(max_entries=16, show_spinner=False)
def _pictures_name(dataset: str, train: bool, root: Path) -> str:  # noqa: ARG001 (the key)
    return pictures_name(_images(dataset, train=train))
