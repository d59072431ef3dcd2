"""Files of the idx format, in which MNIST and the sets made after it come.

LeCun, Cortes & Burges, "The MNIST database of handwritten digits", http://yann.lecun.com/exdb/mnist: two zero
bytes, the type (8 is uint8), the number of dimensions, each dimension's size as a big-endian 32-bit number,
then the values.
"""

import math
import os
import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt

UINT8 = 8


def read_idx(path: Path, dimensions: int) -> npt.NDArray[np.uint8]:
    """The array in an unpacked idx file of uint8 with this number of dimensions, at least 1.

    It is a view of the file, which is read where the array is first accessed. The array can be written to,
    as torch wants it, which never changes the file.

    Raises OSError, and ValueError if it is no such file, or not a whole one.
    """
    with path.open("rb") as file:
        header = file.read(4 + 4 * dimensions)
        if len(header) < 4 + 4 * dimensions or header[:4] != bytes((0, 0, UINT8, dimensions)):
            raise ValueError(f"{path.name} is no {dimensions}-dimensional idx file")
        shape = struct.unpack(f">{dimensions}I", header[4:])
        size = math.prod(shape)
        if os.fstat(file.fileno()).st_size != len(header) + size:
            raise ValueError(f"{path.name} is no whole idx file")
        if size == 0:  # what cannot be mapped
            return np.empty(shape, np.uint8)
        return np.asarray(np.memmap(file, np.uint8, "c", len(header), shape))
