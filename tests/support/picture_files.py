"""Files of pictures as people have them: folders, zips, idx files."""

import gzip
import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from vae.datasets.importing import Progress, import_pictures
from vae.datasets.sources import Source


def picture(seed: int, width: int = 20, height: int = 20, *, colour: bool = True) -> npt.NDArray[np.uint8]:
    """A random picture: (height, width, 3), or (height, width) in grey."""
    shape = (height, width, 3) if colour else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def encoded(pixels: npt.NDArray[np.uint8], kind: str = "PNG") -> bytes:
    """A picture as the content of a file."""
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, kind)
    return content.getvalue()


def write_files(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Writes files with these paths in a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def write_zip(path: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return path


def write_idx(path: Path, values: npt.NDArray[np.uint8]) -> Path:
    """Writes an idx file, gzipped if its name ends so."""
    header = bytes((0, 0, 8, values.ndim)) + struct.pack(f">{values.ndim}I", *values.shape)
    content = header + values.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def imported(source: Source, *arguments: Any, **options: Any) -> Progress:
    """The last report of an import."""
    *_, last = import_pictures(source, *arguments, **options)
    assert last.record is not None
    return last


def left_in(root: Path) -> Sequence[str]:
    """What a data directory holds, hidden leftovers, too."""
    return sorted(path.name for path in root.iterdir()) if root.exists() else []
