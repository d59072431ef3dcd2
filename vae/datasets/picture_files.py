"""Folders and zips of picture files, in which the names of folders are classes.

Folders around everything are passed over. If the outermost ones that are left are called train and test, or
the like, they are the two parts of the data set, and classes are the folders in them.
"""

import os
import threading
import zipfile
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path, PurePosixPath

import numpy as np

from vae import VaeError
from vae.datasets.images import FORMAT_NAMES, ImageArray, decode
from vae.datasets.sources import Source, check_count, printable
from vae.storage.untrusted import read_limited, reason, shortened
from vae.storage.zips import (
    SYSTEM_FILES,
    UNREADABLE,
    UTF_8,
    ZipContent,
    count_entries,
    is_cut_off,
    is_encrypted,
    is_link,
    is_packed_usually,
)

SUFFIXES = {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp", ".tif", ".tiff"}
ARRAY_SUFFIXES = {".npz", ".npy", ".csv", ".tsv", ".gz"}
TRAIN_FOLDERS = {"train", "training"}
TEST_FOLDERS = {"test", "testing", "val", "valid", "validation"}
MAX_FILES = 1_000_000  # files in a folder or zip, pictures or not
MAX_FILE = 100_000_000  # bytes of a picture's file
LARGE_FILE = 10_000_000  # bytes; larger files are read one at a time
MAX_ZIP = 4_000_000_000  # bytes
MAX_UNPACKED_ZIP = 20_000_000_000  # bytes of all members
MAX_RATIO = 100  # of a zip's unpacked size to its own, beyond
RATIO_FREE = 100_000_000  # bytes, which any zip may have
LINK, OTHER, DOUBLE = "links, which are not followed", f"no {FORMAT_NAMES} pictures", "there twice"
OUTSIDE, UNREADABLE_FILE = "names that lead out of the zip", "not readable"
ENCRYPTED, UNUSUAL, LARGE = (
    "encrypted",
    "packed in an unusual way",
    f"files of more than {MAX_FILE // 10**6} MB",
)
NO_CLASS = "in no folder of a class"
_large_file = threading.Lock()


class PictureFiles(Source):
    """Picture files with the path of each in its folder or zip; a subclass reads them."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._names: list[str] = []

    def __len__(self) -> int:
        return len(self._names)

    def name(self, number: int) -> str:
        return self._names[number]

    def read(self, number: int, channels: int, enough: int) -> ImageArray:
        return decode(self.content(number), channels, enough, min)

    def content(self, number: int) -> bytes:
        """The bytes of a picture's file. Raises ValueError with a phrase."""
        raise NotImplementedError

    def _arrange(self, names: list[str]) -> None:
        """Sets names, classes and parts from the paths of all pictures. Raises VaeError if there are none."""
        if not names:
            raise VaeError(self._why_empty())
        folders = _without_common([PurePosixPath(name).parts[:-1] for name in names])
        tops = {parts[0].lower() if parts else "" for parts in folders}
        if tops & TRAIN_FOLDERS and tops & TEST_FOLDERS and tops <= TRAIN_FOLDERS | TEST_FOLDERS:
            in_test = [parts[0].lower() in TEST_FOLDERS for parts in folders]
            folders = [parts[1:] for parts in folders]
        else:
            in_test = []
        kept = list(range(len(names)))
        if any(folders):
            kept = [number for number in kept if folders[number]]
            for number in set(range(len(names))).difference(kept):
                self.left_out.add(NO_CLASS, names[number])
            self.set_labels([folders[number][0] for number in kept])
        self._names = [names[number] for number in kept]
        if in_test:
            self.set_tests(np.array([in_test[number] for number in kept]))

    def _why_empty(self) -> str:
        why = " ".join(self.left_out.sentences())
        return (
            f"{self.path.name} holds no pictures. {why}{' ' if why else ''}Pictures are {FORMAT_NAMES} "
            "files, in one folder for each class or all in one."
        )


def _without_common(folders: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The folders of all pictures, without those that are around everything."""
    first, last = min(folders), max(folders)
    common = 0
    while common < min(len(first), len(last)) and first[common] == last[common]:
        common += 1
    return [parts[common:] for parts in folders]


class FolderPictures(PictureFiles):
    """The picture files in a folder and in those in it. Links are not followed."""

    kind = "a folder of pictures"

    def open(self) -> None:
        path, names = self.path, []
        for found, entry in enumerate(self._walk(path)):
            if found >= MAX_FILES:
                raise VaeError(
                    f"{path} has more than {MAX_FILES:,} files. Choose a folder of pictures alone."
                )
            name = Path(entry.path).relative_to(path).as_posix()
            if SYSTEM_FILES.fullmatch(name):
                continue
            if entry.is_symlink():
                self.left_out.add(LINK, name)
            elif not entry.is_file(follow_symlinks=False) or Path(name).suffix.lower() not in SUFFIXES:
                self.left_out.add(OTHER, name)
            else:
                names.append(name)
                check_count(path, len(names))
        self._arrange(sorted(names))

    def _walk(self, folder: Path) -> Iterator["os.DirEntry[str]"]:
        """All that is in a folder but folders."""
        waiting = [str(folder)]
        while waiting:
            inner = waiting.pop()
            try:
                with os.scandir(inner) as entries:
                    for entry in entries:
                        if not entry.is_dir(follow_symlinks=False):
                            yield entry
                        elif not SYSTEM_FILES.fullmatch(entry.name):
                            waiting.append(entry.path)
            except OSError:
                self.left_out.add(UNREADABLE_FILE, Path(inner).relative_to(folder).as_posix())

    def content(self, number: int) -> bytes:
        path = self.path / self._names[number]
        try:
            size = path.lstat().st_size
            with _large_file if size > LARGE_FILE else nullcontext():
                return read_limited(path, MAX_FILE)
        except (OSError, ValueError) as error:
            raise ValueError(UNREADABLE_FILE) from error

    def _why_empty(self) -> str:
        arrays = [path.name for path in self.path.iterdir() if path.suffix.lower() in ARRAY_SUFFIXES]
        if not arrays:
            return super()._why_empty()
        found = shortened(printable(min(arrays)))
        return f"{self.path.name} holds no pictures, but {found}. Add that file itself."


class ZipPictures(PictureFiles):
    """The picture files in a zip. Nothing is unpacked to a disk."""

    kind = "a zip of pictures"

    def open(self) -> None:
        path = self.path
        file = self.files.enter_context(ZipContent(path))
        if path.stat().st_size > MAX_ZIP:
            raise VaeError(f"{path.name} has more than {MAX_ZIP / 1e9:g} GB. Unpack it, and add the folder.")
        try:
            if is_cut_off(file):
                raise VaeError(f"{path.name} is cut off: its end is missing. Download or copy it again.")
            if count_entries(file) > MAX_FILES:
                raise VaeError(f"{path.name} holds more than {MAX_FILES:,} files. Pack the pictures alone.")
            self._zip = self.files.enter_context(zipfile.ZipFile(file))
            entries = [entry for entry in self._zip.infolist() if not entry.is_dir()]
        except UNREADABLE as error:
            raise VaeError(
                f"{path.name} cannot be read as a zip ({shortened(reason(error))}). Download or copy "
                "it again, or pack its pictures anew."
            ) from error
        _check_sizes(path, entries)
        self._entries = self._usable(entries)
        self._arrange(sorted(self._entries))

    def _usable(self, entries: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
        """The entries of pictures by their names."""
        found: dict[str, zipfile.ZipInfo] = {}
        for entry in entries:
            name = _decoded_name(entry)
            if SYSTEM_FILES.fullmatch(name):
                continue
            why = (
                (OUTSIDE if _leads_out(name) else "")
                or (LINK if is_link(entry) else "")
                or (OTHER if PurePosixPath(name).suffix.lower() not in SUFFIXES else "")
                or (ENCRYPTED if is_encrypted(entry) else "")
                or (UNUSUAL if not is_packed_usually(entry) else "")
                or (LARGE if entry.file_size > MAX_FILE else "")
                or (DOUBLE if name in found else "")
            )
            if why:
                self.left_out.add(why, name)
                continue
            found[name] = entry
            check_count(self.path, len(found))
        return found

    def content(self, number: int) -> bytes:
        entry = self._entries[self._names[number]]
        try:
            with (
                _large_file if entry.file_size > LARGE_FILE else nullcontext(),
                self._zip.open(entry) as member,
            ):
                # No more than it declares: `zipfile` reads on only to check the sum.
                return member.read(MAX_FILE)
        except (*UNREADABLE, OSError, NotImplementedError) as error:
            raise ValueError(UNREADABLE_FILE) from error

    def _why_empty(self) -> str:
        if (encrypted := self.left_out.count(ENCRYPTED)) and encrypted == len(self.left_out):
            return f"{self.path.name} is encrypted. Pack its pictures without a password."
        return super()._why_empty()


def _check_sizes(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    """Raises VaeError for a bomb: a zip that is huge, highly compressed, or with members that overlap."""
    unpacked = sum(entry.file_size for entry in entries)
    size = path.stat().st_size
    overlap = sum(entry.compress_size for entry in entries) > size
    if overlap or unpacked > MAX_UNPACKED_ZIP or unpacked > RATIO_FREE + MAX_RATIO * size:
        raise VaeError(
            f"{path.name} would unpack to {unpacked / 1e9:,.1f} GB from {size / 1e6:,.1f} MB, which no zip "
            "of pictures does. Unpack it if you trust it, and add the folder of its pictures."
        )


def _decoded_name(entry: zipfile.ZipInfo) -> str:
    """The name of an entry with `/` between folders; UTF-8 is taken for that also where no flag says so."""
    name = entry.filename
    if not entry.flag_bits & UTF_8:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode()
    return name.replace("\\", "/")


def _leads_out(name: str) -> bool:
    return name.startswith("/") or name[1:2] == ":" or ".." in PurePosixPath(name).parts
