"""Zips from strangers: nothing that they declare is trusted before it was looked at."""

import re
import stat
import struct
import zipfile
import zlib
from typing import BinaryIO

# Whatever begins with a dot, and what Windows, macOS, Office and Synology's disks leave.
SYSTEM_FILES = re.compile(
    r"(?:.+/)?(?:(?i:thumbs\.db(?::encryptable)?|ehthumbs(?:_vista)?\.db|desktop\.ini|~\$[^/]+)|Icon\r)"
    r"|(?:.+/)?[^/]+:(?i:zone\.identifier)"
    r"|(?:.+/)?(?:\.(?!\.?(?:/|$))[^/]+|__MACOSX|\$RECYCLE\.BIN|System Volume Information|@eaDir)(?:/.*)?"
)
# What reading a damaged zip raises.
UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, struct.error),
    *(EOFError, RuntimeError, ValueError, OverflowError),
)
MODE_SHIFT = 16  # the position of a file's mode in an entry's attributes
_CHUNK = 1_000_000  # bytes read at once
_ENTRY_SIGNATURE = b"PK\x01\x02"  # of each entry in a zip's directory, which is at its end
START = b"PK\x03\x04"  # of the first entry
_ENCRYPTED = 1  # a bit of an entry's flags


def is_cut_off(file: BinaryIO) -> bool:
    """Whether a file begins as a zip does, or is empty, and does not end as one."""
    file.seek(0)
    return file.read(len(START)) in (b"", START) and not zipfile.is_zipfile(file)


def count_entries(file: BinaryIO) -> int:
    """How many entries a zip can have at most, before `zipfile` makes an object of each.

    A small zip can declare millions.
    """
    found, end = 0, b""  # of the chunk before
    file.seek(0)
    while content := file.read(_CHUNK):
        found += (end + content).count(_ENTRY_SIGNATURE)
        end = content[1 - len(_ENTRY_SIGNATURE) :]
    return found


def is_link(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry is anything but a plain file."""
    return stat.S_IFMT(entry.external_attr >> MODE_SHIFT) not in (0, stat.S_IFREG)


def is_encrypted(entry: zipfile.ZipInfo) -> bool:
    return bool(entry.flag_bits & _ENCRYPTED)


def is_packed_usually(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry is stored or deflated; other methods may take much memory."""
    return entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
