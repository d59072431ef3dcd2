"""Pictures of one's own made a data set: previewed, split, whole or not at all."""

import json
import os
import resource
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.picture_files import encoded, imported, left_in, picture, write_files
from vae import VaeError
from vae.config import TrainConfig
from vae.datasets import importing, registry
from vae.datasets.fitting import Form, fitted
from vae.datasets.folder import Split, read_array
from vae.datasets.images import ImageArray
from vae.datasets.importing import Sample, check_name, import_pictures, open_source
from vae.datasets.sources import Source
from vae.storage.folders import data_dir

SIDE = 16


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data directory, which does not exist yet."""
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def folder(tmp_path: Path, count: int = 40, classes: str = "ab", *, colour: bool = True) -> Path:
    """A folder of square pictures, `count` in all; those of a class are darker than those of the next."""
    files = {}
    for number in range(count):
        name = classes[number % len(classes)]
        levels = picture(number, SIDE, SIDE, colour=colour) // len(classes)
        levels += np.uint8(255 // len(classes) * classes.index(name))
        files[f"{name}/{number}.png"] = encoded(levels)
    return write_files(tmp_path / "mine", files)


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Source]:
    with open_source(folder(tmp_path)) as opened:
        yield opened


def test_what_was_imported_can_be_loaded_and_trained_on(source: Source, root: Path) -> None:
    last = imported(source, Form(SIDE, 3), "mine")
    assert (last.done, last.total, len(last.left_out)) == (40, 40, 0)
    record = registry.record_of("mine")
    assert record == last.record
    assert (record.channels, record.side, record.classes) == (3, SIDE, ("a", "b"))
    assert record.counts == {"train": 36, "test": 4}
    assert record.source == "Imported from mine, a folder of pictures."
    found = []
    for train in (True, False):
        images, labels = registry.load("mine", train=train)
        assert np.array_equal(labels, (images.mean((1, 2, 3)) > 127).astype(int))
        found += [image.tobytes() for image in images]
    expected = {fitted(source.read(number, 3, 64), Form(SIDE, 3)).tobytes() for number in range(40)}
    assert set(found) == expected
    assert len(found) == 40
    config = registry.with_data(TrainConfig.model_validate({"dataset": "mine"}))
    assert (config.channels, config.side, config.contents) == (3, SIDE, record.contents)
    assert left_in(root) == ["mine"]


def test_the_same_pictures_make_the_same_data_set(tmp_path: Path, root: Path) -> None:
    sums = set()
    for name in ("one", "two"):
        with open_source(folder(tmp_path)) as source:
            record = imported(source, Form(SIDE), name).record
            assert record is not None
            sums.add(record.contents)
    assert len(sums) == 1
    assert left_in(root) == ["one", "two"]


@pytest.mark.usefixtures("root")
def test_classes_are_mixed_in_both_parts(tmp_path: Path) -> None:
    """The pages show the first pictures, and files are sorted by class."""
    with open_source(folder(tmp_path, 400)) as source:
        imported(source, Form(8), "mine", 0.25)
    for train, count in ((True, 300), (False, 100)):
        labels = registry.load("mine", train=train).labels
        assert len(labels) == count
        assert 0.3 < labels[:50].mean() < 0.7


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(
    ("count", "share", "tests"), [(2, 0.1, 1), (2, 0.9, 1), (3, 0.9, 2), (10, 0.1, 1), (40, 0.5, 20)]
)
def test_at_least_one_picture_is_left_for_each_part(
    count: int, share: float, tests: int, tmp_path: Path
) -> None:
    with open_source(folder(tmp_path, count)) as source:
        record = imported(source, Form(SIDE), "mine", share).record
    assert record is not None
    assert record.counts == {"train": count - tests, "test": tests}


@pytest.mark.usefixtures("root")
def test_without_labels_all_are_of_one_class(tmp_path: Path) -> None:
    with open_source(folder(tmp_path, classes="a")) as source:
        imported(source, Form(SIDE), "mine")
    assert registry.class_names("mine") == registry.UNLABELLED
    assert not registry.load("mine", train=True).labels.any()


@pytest.mark.usefixtures("root")
def test_a_test_set_of_its_own_stays_one(tmp_path: Path) -> None:
    images = np.arange(30, dtype=np.uint8)[:, None, None] + np.zeros((8, 8), np.uint8) + np.uint8(100)
    labels = np.arange(30)
    train, test = images[:20], images[20:]
    np.savez(tmp_path / "mine.npz", x_train=train, y_train=labels[:20], x_test=test, y_test=labels[20:])
    with open_source(tmp_path / "mine.npz") as source:
        record = imported(source, Form(8), "mine").record
    assert record is not None
    parts: tuple[tuple[Split, range], ...] = (("train", range(20)), ("test", range(20, 30)))
    for split, expected in parts:
        read = read_array(data_dir() / "mine", record, "train" if split == "train" else "test", "images")
        assert sorted(read[:, 0, 0, 0].tolist()) == [100 + level for level in expected]
        assert read[:, 0, 0, 0].tolist() != [100 + level for level in expected]  # mixed
        values = registry.load("mine", train=split == "train").labels
        assert np.array_equal(values + 100, read[:, 0, 0, 0])


# The sample


def test_the_sample_shows_what_the_model_will_see(source: Source) -> None:
    sample = Sample(source)
    assert len(sample.shown) == 24
    assert source.labels is not None
    assert set(source.labels[sample.shown].tolist()) == {0, 1}
    for form in (sample.proposed, Form(8), Form(24, 3, "pad", invert=True)):
        shown = sample.fitted(form)
        assert shown.shape == (24, form.side, form.side, *([3] if form.channels == 3 else []))
        for image, number in zip(shown, sample.shown, strict=True):
            expected = fitted(source.read(number, form.channels, 64), form)
            assert np.abs(image.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("colour", [True, False])
def test_the_form_that_suits_is_proposed(colour: bool, tmp_path: Path) -> None:
    with open_source(folder(tmp_path, colour=colour)) as source:
        assert Sample(source).proposed == Form(SIDE, 3 if colour else 1)
    sizes = {f"{width}.png": encoded(picture(0, width, 20, colour=colour)) for width in (20, 30)}
    with open_source(write_files(tmp_path / "others", sizes)) as source:
        sample = Sample(source)
        assert sample.proposed == Form(32, 3 if colour else 1)
        (note,) = sample.notes(sample.proposed)
        assert note == "2 of 2 pictures looked at are smaller, and are enlarged."
        assert sample.notes(Form(16)) == []
    large = {f"{number}.png": encoded(picture(number, 65, 65, colour=colour)) for number in range(2)}
    with open_source(write_files(tmp_path / "large", large)) as source:
        assert Sample(source).proposed.side == 32


def test_a_sample_of_long_strips_takes_little_memory(tmp_path: Path) -> None:
    strip = np.zeros((9000, 200), np.uint8)
    strip[:, :100] = 200
    files = {f"{number}.png": encoded(strip) for number in range(30)}
    with open_source(write_files(tmp_path / "mine", files)) as source:
        tracemalloc.start()
        try:
            sample = Sample(source)
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert kept < 30_000_000, "one of them has 5.4 MB"
        form = Form(16, 1, "pad")
        expected = fitted(source.read(0, 1, 64), form)
        assert np.abs(sample.fitted(form).astype(int) - expected).max() <= 1
        assert sample.notes(Form(64)) == []


def test_a_few_pictures_in_colour_make_no_colour_set(tmp_path: Path) -> None:
    files = {f"{number}.png": encoded(picture(number, colour=number == 0)) for number in range(20)}
    with open_source(write_files(tmp_path / "mine", files)) as source:
        assert Sample(source).proposed.channels == 1


def test_grey_jpegs_that_are_stored_in_colour_are_grey(tmp_path: Path) -> None:
    files = {}
    for number in range(3):
        grey = picture(number, colour=False)[..., None].repeat(3, -1)
        files[f"{number}.jpg"] = encoded(grey, "JPEG")
    with open_source(write_files(tmp_path / "mine", files)) as source:
        assert Sample(source).proposed.channels == 1


# What cannot be read


@pytest.mark.usefixtures("root")
def test_broken_pictures_are_left_out_counted_and_named(tmp_path: Path) -> None:
    path = folder(tmp_path)
    for number in range(5):
        (path / "a" / f"broken {number}.png").write_bytes(b"broken")
    with open_source(path) as source:
        last = imported(source, Form(SIDE), "mine")
    assert last.record is not None
    assert sum(last.record.counts.values()) == 40
    (sentence,) = last.left_out.sentences()
    assert sentence.startswith("5 left out: no picture that can be read (a/broken ")
    assert sentence.endswith(" and 2 more).")
    json.dumps(last.record.model_dump(mode="json"))


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(("share", "tests"), [(0.1, 2), (0.01, 1), (0.5, 10), (0.99, 19)])
def test_the_test_share_is_that_of_the_readable_pictures(share: float, tests: int, tmp_path: Path) -> None:
    path = folder(tmp_path, 20)
    for number in range(180):
        (path / "a" / f"broken {number}.png").write_bytes(b"broken")
    with open_source(path) as source:
        record = imported(source, Form(SIDE), "mine", share).record
    assert record is not None
    assert record.counts == {"train": 20 - tests, "test": tests}


@pytest.mark.parametrize(
    ("whole", "broken", "why"),
    [
        (0, 9, "None of the 9 pictures of mine that were tried can be read"),
        (1, 9, "Too few pictures of mine can be read"),
        (1, 0, "mine has one picture. At least two are needed"),
    ],
)
def test_too_few_pictures_are_refused(whole: int, broken: int, why: str, tmp_path: Path, root: Path) -> None:
    files = {f"{number}.png": encoded(picture(number)) for number in range(whole)}
    files |= {f"broken {number}.png": b"broken" for number in range(broken)}
    with open_source(write_files(tmp_path / "mine", files)) as source, pytest.raises(VaeError, match=why):
        imported(source, Form(SIDE), "mine")
    assert left_in(root) == []


@pytest.mark.usefixtures("root")
def test_pictures_of_one_pixel_are_enlarged(tmp_path: Path) -> None:
    files = {f"{number}.png": encoded(picture(number, 1, 1)) for number in range(4)}
    with open_source(write_files(tmp_path / "mine", files)) as source:
        imported(source, Form(8, 3), "mine")
    images = registry.load("mine", train=True).images
    assert images.shape == (3, 8, 8, 3)
    assert (images == images[:, :1, :1]).all()


# Names, sizes, disks


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("mnist", "is a built-in data set"),
        ("sprites", "is a built-in data set"),
        ("Mine", "is no name"),
        ("../mine", "is no name"),
        ("", "is no name"),
        ("x" * 29, "is no name"),
        ("there", "There is a data set there already"),
    ],
)
def test_names_that_cannot_be_are_refused(name: str, why: str, source: Source, root: Path) -> None:
    (root / "there").mkdir(parents=True)
    with pytest.raises(VaeError, match=why):
        check_name(name)
    with pytest.raises(VaeError, match=why):
        imported(source, Form(SIDE), name)
    assert left_in(root) == ["there"]


def test_a_name_that_is_taken_meanwhile_is_refused_and_kept(source: Source, root: Path) -> None:
    with closing(import_pictures(source, Form(SIDE), "mine")) as steps:
        next(steps)
        write_files(root / "mine", {"dataset.json": b"of somebody else"})
        with pytest.raises(VaeError, match="There is a data set mine already"):
            list(steps)
    assert left_in(root) == ["mine"]
    assert (root / "mine" / "dataset.json").read_bytes() == b"of somebody else"


def test_more_pixels_than_a_data_set_may_have(
    source: Source, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "MAX_BYTES", 40 * 3 * 16 * 16)
    imported(source, Form(16, 3), "fits")
    with pytest.raises(VaeError, match=r"40 pictures of this form have .* Choose a smaller side or grey"):
        imported(source, Form(17, 3), "large")
    assert left_in(root) == ["fits"]


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0, float("nan")])
def test_a_share_that_leaves_no_part_is_refused(share: float, source: Source, root: Path) -> None:
    with pytest.raises(VaeError, match="choose one above 0 and below 1"):
        imported(source, Form(SIDE), "mine", share)
    assert left_in(root) == []


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Writing more to a file fails as on a full disk, with an OSError."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [0, 1000, 20_000])
def test_a_full_disk_leaves_nothing(size: int, source: Source, root: Path) -> None:
    with files_of_at_most(size), pytest.raises(VaeError, match=r"mine cannot be saved in .*free some space"):
        imported(source, Form(32, 3), "mine")
    assert left_in(root) == []


def test_a_folder_that_cannot_be_written_is_named(source: Source, root: Path) -> None:
    root.write_bytes(b"a file in its way")
    with pytest.raises(VaeError, match=rf"mine cannot be saved in {root}.*Make that folder writable"):
        imported(source, Form(SIDE), "mine")


# Progress, and its end


class Slow(Source):
    """Pictures that are given out one by one."""

    kind = "slow source"

    def __init__(self, count: int) -> None:
        super().__init__(Path("slow"))
        self.count, self.read_ones, self.go = count, 0, threading.Semaphore(0)

    def open(self) -> None: ...

    def __len__(self) -> int:
        return self.count

    def name(self, number: int) -> str:
        return str(number)

    def read(self, number: int, channels: int, enough: int) -> ImageArray:  # noqa: ARG002 (all are small)
        self.go.acquire()
        self.read_ones += 1
        return picture(number, colour=channels == 3)


def test_a_slow_import_reports_while_it_waits_and_can_be_cancelled(root: Path) -> None:
    source = Slow(10_000)
    with closing(import_pictures(source, Form(SIDE), "mine")) as steps:
        assert next(steps).done == next(steps).done == 0
        assert left_in(root)[0].startswith(".mine.")
        source.go.release(1000)
    assert left_in(root) == []
    assert source.read_ones < 1000, "it went on after its end"
    assert threading.active_count() < 50


def test_decoding_does_not_run_ahead_of_who_wants_the_progress(root: Path) -> None:
    source = Slow(10_000)
    source.go.release(10_000)
    with closing(import_pictures(source, Form(SIDE), "mine")) as steps:
        next(steps)
        assert source.read_ones <= 16 * 2 * 4 * 2
    assert left_in(root) == []


def test_a_leftover_of_a_killed_import_is_removed_after_a_day(source: Source, root: Path) -> None:
    old, new = root / ".mine.0123abcd", root / ".mine.4567abcd"
    for path in (old, new):
        write_files(path, {"train-images.npy": b"half"})
    os.utime(old, (0, 0))
    imported(source, Form(SIDE), "mine")
    assert left_in(root) == [new.name, "mine"]


def test_forms_are_compared_by_their_fields() -> None:
    assert replace(Form(16), fit="pad") == Form(16, fit="pad")
    assert str(Form(32, 3, "stretch", invert=True)) == (
        "the whole picture, stretched to a square, 32 × 32, colour, inverted"
    )
