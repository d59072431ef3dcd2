"""Tables of pixels in text (CSV): a picture in each row, and perhaps its label.

Shapes: P pixels of a picture.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import TextIO

import numpy as np
import numpy.typing as npt

from vae import VaeError
from vae.datasets.sources import NAMED, printable
from vae.storage.untrusted import reason, shortened

LABEL_COLUMNS = {"label", "labels", "class", "target", "category", "digit", "y"}
OTHER_COLUMNS = {"", "id", "idx", "index", "unnamed: 0", "name", "file", "filename", "image", "path"}
MAX_LINE = 4_000_000  # characters
MAX_TEXT = 16_000_000  # characters of all rows that are read at once, up to the end of a line
MAX_LABEL = 200  # characters
ROWS = 1000  # that are read at once
MAX_VALUES = 4_000_000  # of the rows by which the columns are known
VALUES = 100_000  # that are read at once later: NumPy keeps other threads waiting while it reads them
_DECIMAL_COMMA = re.compile(r"\d,\d+[;\t]\s*-?\d|\d[;\t]\s*-?\d+,\d|'-?\d+,\d+'")


class PixelTable:
    """A table of numbers in a text file, whose columns are known from its first rows.

    Attributes:
        pixels: the columns of pixels.
        label: the column of labels; None if there is none.
        note: a sentence on how the columns were taken.
    """

    def __init__(self, file: TextIO, name: str) -> None:
        self._file, self._name = file, name
        self._delimiter, self._rows = " ", 1
        first = self._lines()
        if first and (most := max(",;\t", key=first[0].count)) in first[0]:
            self._delimiter = most
        header = self._fields(first[0]) if first else []
        self._columns = len(header)
        self._rows = max(1, min(ROWS, MAX_VALUES // max(1, self._columns)))
        if not _is_header(header):
            self._waiting, header = first + self._lines(), []
        else:
            self._waiting = self._lines()
        if not self._waiting or self._columns < 2:
            raise VaeError(f"{name} is no table of pixels: it has no rows of numbers. Choose another file.")
        if _DECIMAL_COMMA.search(self._waiting[0]):
            raise self._decimal_comma()
        self.label, self.note = self._label_column(header)
        self.pixels = [column for column in range(self._columns) if column != self.label]
        self._check_names(header)
        self._rows = max(1, min(self._rows, VALUES // self._columns))

    def batches(self) -> Iterator[tuple[npt.NDArray[np.float32], list[str]]]:
        """Pixels, (rows, P), and labels of all rows, some at a time. Raises VaeError."""
        while lines := self._waiting:
            self._check(lines)
            labels = [] if self.label is None else [_label(self._fields(line)[self.label]) for line in lines]
            if any(len(label) > MAX_LABEL for label in labels):
                raise VaeError(
                    f"A label of {self._name} is longer than {MAX_LABEL} characters. Shorten it, or leave "
                    "the column of labels out."
                )
            try:
                values = np.loadtxt(
                    lines,
                    np.float32,
                    delimiter=None if self._delimiter == " " else self._delimiter,
                    usecols=self.pixels,
                    ndmin=2,
                    quotechar='"',
                    comments=None,
                )
            except ValueError as error:
                if self._delimiter != "," and _DECIMAL_COMMA.search(str(error)):
                    raise self._decimal_comma() from error
                raise VaeError(
                    f"A value of {self._name} is no number ({printable(reason(error))}). Correct it, or "
                    "leave that row out."
                ) from error
            yield values, labels
            self._waiting = self._lines()

    def _lines(self) -> list[str]:
        """The next lines that are not empty. Raises VaeError if there is one that no table has."""
        lines: list[str] = []
        characters = 0
        while len(lines) < self._rows and characters < MAX_TEXT and (line := self._file.readline(MAX_LINE)):
            if len(line) == MAX_LINE or "\0" in line:
                raise VaeError(f"{self._name} is no table of pixels in text. Choose another file.")
            characters += len(line)
            if line.strip():
                lines.append(line.strip(" \r\n"))
        return lines

    def _fields(self, line: str) -> list[str]:
        fields = line.split() if self._delimiter == " " else line.split(self._delimiter)
        return [field.strip().strip('"') for field in fields]

    def _check(self, lines: list[str]) -> None:
        """Raises VaeError for a row with another number of columns."""
        for line in lines:
            columns = len(line.split()) if self._delimiter == " " else line.count(self._delimiter) + 1
            if columns != self._columns:
                raise VaeError(
                    f"A row of {self._name} has {columns:,} columns and the first has {self._columns:,}: "
                    f"{shortened(printable(line))!r}. Correct it, or leave that row out."
                )

    def _decimal_comma(self) -> VaeError:
        return VaeError(f"{self._name} has numbers with a decimal comma. Save them with decimal points.")

    def _check_names(self, header: list[str]) -> None:
        """Raises VaeError for columns that are no pixels by their names or their number."""
        square = _fits_square(len(self.pixels))
        names = [name.lower() for name in header]
        stems = [re.sub(r"\d+", "", name) for name in names]
        usual = max(counts, key=counts.__getitem__) if (counts := Counter(stems)) else ""
        others = [
            header[column] or "one without a name"
            for column in range(len(header))
            if names[column] in OTHER_COLUMNS
            or (not square and column != self.label and stems[column] != usual)
        ]
        if square and not others:
            return
        found = f"{len(self.pixels):,} columns of pixels, and no square picture has so many"
        if others:
            some = ", ".join(shortened(printable(name)) for name in others[:NAMED])
            more = f" and {len(others) - NAMED:,} more" if len(others) > NAMED else ""
            found = f"columns that may be no pixels: {some}{more}"
        raise VaeError(
            f"{self._name} has {found}. Leave out all columns but the pixels and one that is called label."
        )

    def _label_column(self, header: list[str]) -> tuple[int | None, str]:
        """The column of labels, if there is one, and a sentence on that."""
        for column, name in enumerate(header):
            if name.lower() in LABEL_COLUMNS:
                return column, f"The column {shortened(printable(name))} was taken as labels."
        if _fits_square(self._columns) or not _fits_square(self._columns - 1):
            return None, "No column was taken as labels."
        self._check(self._waiting)
        ends = {0: "first", self._columns - 1: "last"}
        values = {column: {self._fields(line)[column] for line in self._waiting} for column in ends}
        texts = [column for column in ends if any(_number(value) is None for value in values[column])]
        varied = [column for column in ends if len(values[column]) > 1]
        # A pixel in a corner is often the same in all pictures, a label is not.
        column = (texts or varied or [0])[0]
        return column, f"The {ends[column]} column was taken as labels."


def _is_header(fields: list[str]) -> bool:
    """Whether the first row of a table holds names of columns, or their numbers."""
    words = sum(_number(field) is None for field in fields)
    numbers = fields[1:] if fields[:1] == [""] else fields  # after pandas' column of row numbers
    numbered = numbers == [str(column) for column in range(len(numbers))]
    return words > 1 or numbered or any(field.lower() in LABEL_COLUMNS for field in fields)


def _fits_square(values: int) -> bool:
    """Whether so many values are a square picture, in grey or colour."""
    return any(channels * math.isqrt(values // channels) ** 2 == values for channels in (1, 3))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _label(text: str) -> str:
    """A label as text; whole numbers without a decimal point."""
    number = _number(text)
    return str(int(number)) if number is not None and number.is_integer() else text
