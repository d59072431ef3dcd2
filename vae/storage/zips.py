"""Zips from strangers: nothing that they declare is trusted before it was looked at."""

import io
import re
import stat
import struct
import zipfile
import zlib
from pathlib import Path
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
UTF_8 = 0x800  # another: the name is UTF-8
_FLAGS = struct.Struct("<H")
# An entry of the directory: flags; lengths of the name, the extra field and the comment, which follow it.
_ENTRY, _ENTRY_FLAGS = struct.Struct("<8xH18xHHH12x"), 8
# The header before a file: flags, and the length of the name, which follows it.
_HEADER, _HEADER_FLAGS = struct.Struct("<6xH18xH2x"), 6


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


class ZipContent(io.BufferedReader):
    """The bytes of a zip, in which no name has the flag for UTF-8 that is none.

    `zipfile` refuses the whole zip for one such name in its directory, and the file for one before a file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))

    def read(self, size: int | None = -1, /) -> bytes:
        content = super().read(size)
        if content.startswith(_ENTRY_SIGNATURE):
            return _with_true_flags(content)
        if size == _HEADER.size and content.startswith(START):
            end = self.tell()
            flags, length = _HEADER.unpack(content)
            if flags & UTF_8 and not _is_utf_8(super().read(length)):
                changed = _FLAGS.pack(flags & ~UTF_8)
                content = content[:_HEADER_FLAGS] + changed + content[_HEADER_FLAGS + _FLAGS.size :]
            self.seek(end)
        return content


def _with_true_flags(directory: bytes) -> bytes:
    """A zip's directory without the flag for UTF-8 at names that are not."""
    mended, start = bytearray(directory), 0
    while directory.startswith(_ENTRY_SIGNATURE, start) and start + _ENTRY.size <= len(directory):
        flags, *sizes = _ENTRY.unpack_from(directory, start)
        end = start + _ENTRY.size
        if flags & UTF_8 and not _is_utf_8(directory[end : end + sizes[0]]):
            _FLAGS.pack_into(mended, start + _ENTRY_FLAGS, flags & ~UTF_8)
        start = end + sum(sizes)
    return bytes(mended)


def _is_utf_8(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def is_link(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry is anything but a plain file."""
    return stat.S_IFMT(entry.external_attr >> MODE_SHIFT) not in (0, stat.S_IFREG)


def is_encrypted(entry: zipfile.ZipInfo) -> bool:
    return bool(entry.flag_bits & _ENCRYPTED)


def is_packed_usually(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry is stored or deflated; other methods may take much memory."""
    return entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
