"""Pictures in npz, npy, idx and CSV files: told apart by their shapes and values, or refused."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.support.picture_files import write_idx
from vae import VaeError
from vae.datasets import array_files, pixel_table, sources
from vae.datasets.array_pictures import Layout, UnclearShapeError
from vae.datasets.importing import open_source
from vae.datasets.pixel_table import PixelTable
from vae.datasets.sources import Source

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (20, 12, 12)).astype(np.uint8)
COLOUR = RANDOM.integers(0, 256, (20, 12, 12, 3)).astype(np.uint8)
LABELS = np.arange(20) % 4


def npy(folder: Path, array: npt.NDArray[Any], layout: Layout | None = None) -> Source:
    np.save(folder / "mine.npy", array)
    return open_source(folder / "mine.npy", layout)


def npz(folder: Path, **arrays: Any) -> Source:
    np.savez_compressed(folder / "mine.npz", **arrays)
    return open_source(folder / "mine.npz")


def all_pictures(source: Source, channels: int = 1) -> npt.NDArray[np.uint8]:
    return np.stack([source.read(number, channels, 64) for number in range(len(source))])


@pytest.mark.parametrize(
    ("array", "layout", "expected"),
    [
        (GREY, None, GREY),
        (np.asfortranarray(GREY), None, GREY),
        (GREY[..., None], None, GREY),
        (GREY[:, None], None, GREY),
        (GREY.reshape(20, 144), None, GREY),
        (COLOUR, None, COLOUR),
        (COLOUR.transpose(0, 3, 1, 2), None, COLOUR),
        (COLOUR.reshape(20, -1), "NHWC", COLOUR),
        (COLOUR.transpose(0, 3, 1, 2).reshape(20, -1), "NCHW", COLOUR),
        (COLOUR[:3], "NHWC", COLOUR[:3]),
        (GREY[:3], "NHW", GREY[:3]),
        (RANDOM.integers(0, 256, (9, 3, 64, 3)).astype(np.uint8), "NHWC", None),
    ],
)
def test_shapes_are_told_apart(
    array: npt.NDArray[Any],
    layout: Layout | None,
    expected: npt.NDArray[np.uint8] | None,
    tmp_path: Path,
) -> None:
    expected = array if expected is None else expected
    with npy(tmp_path, array, layout) as source:
        assert (source.kind, source.labels, source.notes) == ("an npy file", None, [])
        assert np.array_equal(all_pictures(source, 3 if expected.ndim == 4 else 1), expected)


@pytest.mark.parametrize(
    ("shape", "meanings"),
    [
        ((3, 64, 64, 3), "NHWC for 3 pictures of 64 rows × 64 columns, colours pixel by pixel"),
        (
            (9, 3, 64, 3),
            "NHWC for 9 pictures of 3 rows × 64 columns, colours pixel by pixel; "
            "NCHW for 9 pictures of 64 rows × 3 columns, colours channel by channel",
        ),
        ((1, 9, 9, 1), "NHWC for 1 picture of 9 rows × 9 columns, grey"),
        ((64, 64, 3), "NHW for 64 pictures of 64 rows × 3 columns, grey"),
        ((3, 64, 64), "NHW for 3 pictures of 64 rows × 64 columns, grey"),
        ((1, 64, 64), "NHW for 1 picture of 64 rows × 64 columns, grey"),
        ((64, 64), "NHW for 64 pictures of 8 rows × 8 columns, grey"),
        (
            (5, 3072),
            "NHWC for 5 pictures of 32 rows × 32 columns, colours pixel by pixel; "
            "NCHW for 5 pictures of 32 rows × 32 columns, colours channel by channel",
        ),
    ],
)
def test_shapes_that_may_mean_two_things_are_asked_about(
    shape: tuple[int, ...], meanings: str, tmp_path: Path
) -> None:
    with pytest.raises(UnclearShapeError) as asked:
        npy(tmp_path, np.zeros(shape, np.uint8))
    assert str(asked.value) == (
        f"mine.npy has an array of the shape {shape}, which can mean more than one thing. Say which by the "
        f"layout: {meanings}."
    )


@pytest.mark.parametrize(
    "shape", [(), (9,), (9, 50), (9, 12, 12, 5), (9, 2, 12, 12), (9, 3, 12, 12, 1), (9, 0, 0), (0, 12, 12)]
)
def test_shapes_that_are_no_pictures_are_refused(shape: tuple[int, ...], tmp_path: Path) -> None:
    with pytest.raises(VaeError, match=r"which are no pictures\. Save the pictures as an array of the shape"):
        npy(tmp_path, np.ones(shape, np.uint8))


def test_pictures_that_are_strips_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VaeError, match=r"are more than 50 times as long as wide\. Cut out the parts"):
        npy(tmp_path, np.zeros((9, 8, 401), np.uint8))


def test_a_layout_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VaeError, match="which are no pictures"):
        npy(tmp_path, GREY, "NCHW")


def test_transparency_is_drawn_on_a_ground(tmp_path: Path) -> None:
    with npy(tmp_path, np.concatenate([COLOUR, np.zeros_like(COLOUR[..., :1])], 3)) as source:
        assert np.unique(all_pictures(source, 3)).tolist() == [255]


@pytest.mark.parametrize(
    ("values", "levels", "note"),
    [
        (np.array([0.0, 0.5, 1.0]), [0, 128, 255], "from 0 to 1: 0 was taken as black, 1 as white."),
        (np.array([0.0, 99.6, 255.0]), [0, 100, 255], "from 0 to 255: 0 was taken as black, 255 as white."),
        (np.array([-1.0, 0.0, 1.0]), [0, 128, 255], "from -1 to 1: -1 was taken as black, 1 as white."),
        (np.array([0, 1, 1], np.uint8), [0, 255, 255], "from 0 to 1: 0 was taken as black, 1 as white."),
        (np.array([False, True, True]), [0, 255, 255], "from 0 to 1: 0 was taken as black, 1 as white."),
        (np.array([0, 7, 255], np.int64), [0, 7, 255], "0 to 255: 0 was taken as black, 255 as white."),
        (
            np.array([0, 257, 65535], np.uint16),
            [0, 1, 255],
            "from 0 to 65535: 0 was taken as black, 65535 as white.",
        ),
        (
            np.array([0.0, 1.0, 1.05]),
            [0, 255, 255],
            "from 0 to 1.05: 0 was taken as black, 1 as white. Values beyond are cut off there.",
        ),
        (
            np.array([-0.05, 0.5, 1.0]),
            [0, 128, 255],
            "from -0.05 to 1: 0 was taken as black, 1 as white. Values beyond are cut off there.",
        ),
        (
            np.array([-1.05, 0.0, 0.5]),
            [0, 128, 191],
            "from -1.05 to 0.5: -1 was taken as black, 1 as white. Values beyond are cut off there.",
        ),
    ],
)
def test_what_values_mean_is_told_by_their_range(
    values: npt.NDArray[Any], levels: list[int], note: str, tmp_path: Path
) -> None:
    with npy(tmp_path, np.tile(values, (8, 3, 1)), "NHW") as source:
        assert all_pictures(source)[0, 0].tolist() == levels
        (said,) = source.notes
        assert said.endswith(note)


@pytest.mark.parametrize("values", [(-0.42, 2.8), (0.0, 300.0), (-5.0, 5.0), (0.0, 1.2), (0.0, 16.0)])
def test_values_that_nobody_knows_are_refused(values: tuple[float, float], tmp_path: Path) -> None:
    with pytest.raises(VaeError, match=r"nothing says which are black and white\. Save them as 0 to 255"):
        npy(tmp_path, np.resize(values, (9, 8, 8)))


def test_training_and_test_pictures_of_two_scales_are_refused(tmp_path: Path) -> None:
    why = (
        r"mine\.npz has values of two scales, its training pictures from 0 to 255 and its test pictures from "
        r"0 to 1\. Save both parts as 0 to 255"
    )
    train = np.resize([0, 255], (9, 12, 12)).astype(np.uint8)
    for test in (train / 255, (train // 255).astype(np.uint8)):
        with pytest.raises(VaeError, match=why):
            npz(tmp_path, x_train=train, x_test=test)


def test_training_and_test_pictures_of_one_scale_may_differ_in_type(tmp_path: Path) -> None:
    with npz(tmp_path, x_train=GREY, x_test=GREY.astype(np.int32)) as source:
        assert np.array_equal(all_pictures(source), np.concatenate([GREY, GREY]))
        assert source.notes[1].endswith("0 was taken as black, 255 as white.")


def test_pictures_with_nan_are_left_out_and_it_is_said(tmp_path: Path) -> None:
    pixels = RANDOM.random((9, 8, 8))
    pixels[4, 0, 0], pixels[5, 0, 0] = np.nan, np.inf
    with npy(tmp_path, pixels) as source:
        assert "Pictures with NaN or infinite values are left out." in source.notes[0]
        for number in (4, 5):
            with pytest.raises(ValueError, match="values that are no numbers"):
                source.read(number, 1, 64)
        assert source.read(6, 1, 64).shape == (8, 8)
    with pytest.raises(VaeError, match="holds no numbers"):
        npy(tmp_path, np.full((9, 8, 8), np.nan))


class Planted:
    """Unpickling it would leave a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_pickled_objects_are_refused_without_loading(tmp_path: Path) -> None:
    planted = np.array([Planted(tmp_path / "planted")] * 9, object)
    why = "holds pickled Python objects, which could run any program"
    with pytest.raises(VaeError, match=why):
        npy(tmp_path, planted)
    for arrays in ({"images": planted}, {"images": GREY, "labels": planted}):
        with pytest.raises(VaeError, match=why):
            npz(tmp_path, **arrays)
    assert not (tmp_path / "planted").exists()


@pytest.mark.parametrize("kind", ["complex64", "datetime64[s]", "U4", [("a", "u1")]])
def test_values_that_are_no_pixels_are_refused(kind: Any, tmp_path: Path) -> None:
    with pytest.raises(VaeError, match="which are no pixels"):
        npy(tmp_path, np.zeros((9, 8, 8), kind))


@pytest.mark.parametrize("part", [0.01, 0.5, 0.999])
def test_files_that_are_cut_off_are_refused(part: float, tmp_path: Path) -> None:
    makers = {"npy": np.save, "npz": np.savez}
    for suffix, save in makers.items():
        path = tmp_path / f"mine.{suffix}"
        save(path, GREY)
        content = path.read_bytes()
        path.write_bytes(content[: int(part * len(content))])
        with pytest.raises(VaeError, match=r"mine\.np[yz]"):
            open_source(path)


def test_changed_files_are_refused_or_read(tmp_path: Path) -> None:
    for suffix in ("npy", "npz"):
        path = tmp_path / f"mine.{suffix}"
        (np.save if suffix == "npy" else np.savez_compressed)(path, GREY)
        whole = path.read_bytes()
        for _ in range(100):
            changed = bytearray(whole)
            for place in RANDOM.integers(6, 150, 3):
                changed[place] = RANDOM.integers(256)
            path.write_bytes(changed)
            try:
                open_source(path).close()
            except VaeError as error:
                assert "mine" in str(error)  # noqa: PT017 (both ends are right)


def test_a_huge_array_is_refused_by_its_header(tmp_path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (100_000, 1000, 1000)}
    )
    (tmp_path / "mine.npy").write_bytes(header.getvalue())
    with zipfile.ZipFile(tmp_path / "mine.npz", "w") as made:
        made.writestr("images.npy", header.getvalue())
    for name in ("mine.npy", "mine.npz"):
        with pytest.raises(VaeError, match=r"more than 4 GB\. Save fewer or smaller pictures"):
            open_source(tmp_path / name)


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ((1,) * 70, "|u1"),
        ((0, 10**30), "|u1"),
        ((5, 0, 10**30), "<f4"),
        ((16**5000, 2), "|u1"),
        ((0, 2**62, 2**62), "<f8"),
        ((9, 8, 8), ("<f4", (1,) * 60)),
        ((9, 8, 8), ()),
    ],
)
def test_shapes_that_no_array_has_are_refused(shape: tuple[int, ...], kind: Any, tmp_path: Path) -> None:
    sizes = ", ".join(map(hex, shape))
    header = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': ({sizes},)}}".encode()
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    (tmp_path / "mine.npy").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "mine.npz", "w") as made:
        made.writestr("images.npy", content)
    for name in ("mine.npy", "mine.npz"):
        with pytest.raises(VaeError, match=r"is no array that can be read\. Save it again|more than 4 GB"):
            open_source(tmp_path / name)


def test_an_idx_file_of_an_absurd_size_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(bytes((0, 0, 8, 3)) + bytes(4) + b"\xff" * 8)
    with pytest.raises(VaeError, match="more than 4 GB"):
        open_source(tmp_path / "mine")


def test_what_unpacks_to_more_than_its_header_says_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(array_files, "MAX_UNPACKED", 1_000_000)
    with zipfile.ZipFile(tmp_path / "mine.npz", "w", zipfile.ZIP_DEFLATED) as made:
        content = io.BytesIO()
        np.save(content, GREY)
        made.writestr("images.npy", content.getvalue() + bytes(10_000_000))
    with pytest.raises(VaeError, match="unpacks to more than"):
        open_source(tmp_path / "mine.npz")


# npz


def test_an_npz_keeps_its_own_test_set(tmp_path: Path) -> None:
    arrays = {"x_train": GREY[:15], "y_train": LABELS[:15], "x_test": GREY[15:], "y_test": LABELS[15:]}
    with npz(tmp_path, **arrays) as source:
        assert np.array_equal(all_pictures(source), GREY)
        assert source.in_test is not None
        assert source.in_test.tolist() == [False] * 15 + [True] * 5
        assert source.labels is not None
        assert source.labels.tolist() == LABELS.tolist()
        assert source.classes == ("0", "1", "2", "3")


@pytest.mark.parametrize(
    ("train", "train_labels", "test", "test_labels"),
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("images", "labels", "test_images", "test_labels"),
        ("x", "y", "x_test", "y_test"),
    ],
)
def test_the_names_of_a_test_set(
    train: str, train_labels: str, test: str, test_labels: str, tmp_path: Path
) -> None:
    arrays = {train: GREY[:15], train_labels: LABELS[:15], test: GREY[15:], test_labels: LABELS[15:]}
    with npz(tmp_path, **arrays) as source:
        assert np.array_equal(all_pictures(source), GREY)
        assert source.in_test is not None
        assert source.in_test.tolist() == [False] * 15 + [True] * 5
        assert source.labels is not None
        assert source.labels.tolist() == LABELS.tolist()
        assert not any(note.startswith("Not used") for note in source.notes)


def test_arrays_that_are_not_used_are_named(tmp_path: Path) -> None:
    with npz(tmp_path, images=GREY, labels=LABELS, weights=LABELS, test=GREY) as source:
        assert source.notes == ["Not used: weights, test."]
    more = {f"more{number}": LABELS for number in range(7)}
    with npz(tmp_path, images=GREY, **more) as source:
        assert source.notes == ["Not used: more0, more1, more2, more3, more4 and 2 more."]


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (LABELS.reshape(20, 1), ("0", "1", "2", "3")),
        (LABELS * 10.0 - 10, ("-10", "0", "10", "20")),
        (np.array(["dog", "cat"] * 10), ("cat", "dog")),
        (np.array([b"dog", b"cat"] * 10), ("cat", "dog")),
        (np.zeros(20), ()),
    ],
)
def test_labels_of_any_kind(labels: npt.NDArray[Any], classes: tuple[str, ...], tmp_path: Path) -> None:
    with npz(tmp_path, images=GREY, labels=labels) as source:
        assert source.classes == classes


@pytest.mark.parametrize(
    ("arrays", "why"),
    [
        ({"images": GREY, "labels": LABELS[:19]}, "has 20 pictures and 19 labels"),
        ({"images": GREY, "labels": np.eye(20)}, "Save one label for each picture"),
        ({"images": GREY, "labels": LABELS + 0.5}, "neither whole numbers nor text"),
        ({"images": GREY, "labels": LABELS * 1e30}, r"floats as large as 3e\+30, which are not exact"),
        (
            {"images": GREY, "labels": (LABELS + 0x110000).astype(np.uint32).view("<U1")},
            "hold characters that do not exist",
        ),
        ({"images": np.resize(GREY, (300, 12, 12)), "labels": np.arange(300)}, "has 300 classes"),
        ({"first": GREY, "second": LABELS}, "holds first, second. Call its arrays x_train"),
        ({"x_train": GREY, "x_test": GREY[:, 2:]}, "differ in form"),
        ({"x_train": GREY, "y_train": LABELS, "x_test": GREY}, "has labels of one part alone: y_train"),
        ({}, "holds nothing"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(arrays: dict[str, Any], why: str, tmp_path: Path) -> None:
    with pytest.raises(VaeError, match=why):
        npz(tmp_path, **arrays)


def test_too_many_pictures_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_PICTURES", 19)
    with pytest.raises(VaeError, match="has more than 19 pictures"):
        npy(tmp_path, GREY)


# idx


@pytest.mark.parametrize("end", ["", ".gz"])
def test_an_idx_file_with_its_labels_beside_it(end: str, tmp_path: Path) -> None:
    images = write_idx(tmp_path / f"train-images-idx3-ubyte{end}", GREY)
    with open_source(images) as source:
        assert source.labels is None
        assert np.array_equal(all_pictures(source), GREY)
    write_idx(tmp_path / f"train-labels-idx1-ubyte{end}", LABELS.astype(np.uint8))
    with open_source(images) as source:
        assert source.counts == {"0": 5, "1": 5, "2": 5, "3": 5}


def test_a_folder_of_four_idx_files_keeps_its_test_set(tmp_path: Path) -> None:
    for part, some in (("train", slice(0, 15)), ("t10k", slice(15, 20))):
        write_idx(tmp_path / f"{part}-images-idx3-ubyte.gz", GREY[some])
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte", LABELS[some].astype(np.uint8))
    with open_source(tmp_path) as source:
        assert np.array_equal(all_pictures(source), GREY)
        assert source.in_test is not None
        assert source.in_test.sum() == 5
        assert source.labels is not None
        assert source.labels.tolist() == LABELS.tolist()


def test_idx_files_that_cannot_be_are_refused(tmp_path: Path) -> None:
    path = write_idx(tmp_path / "train-images-idx3-ubyte.gz", GREY)
    content = path.read_bytes()
    for changed in (content[:100], content[:-1], content[:50] + bytes(50) + content[100:]):
        path.write_bytes(changed)
        with pytest.raises(VaeError, match="is cut off"):
            open_source(path)
    path.write_bytes(content)
    write_idx(tmp_path / "train-labels-idx1-ubyte", LABELS[:7].astype(np.uint8))
    with pytest.raises(VaeError, match="has 20 pictures and 7 labels"):
        open_source(path)
    (tmp_path / "nine").write_bytes(bytes((0, 0, 8, 9)) + bytes(90))
    with pytest.raises(VaeError, match="no idx file"):
        open_source(tmp_path / "nine")
    write_idx(tmp_path / "more-images-idx3-ubyte", GREY)
    with pytest.raises(VaeError, match="it is not clear which are for training and testing"):
        open_source(tmp_path)


# CSV


def table(folder: Path, rows: list[list[Any]], mark: str = ",", name: str = "mine.csv") -> Source:
    (folder / name).write_text("\n".join(mark.join(map(str, row)) for row in rows) + "\n")
    return open_source(folder / name)


PIXELS = GREY.reshape(20, -1).tolist()
NAMES = [f"pixel{number}" for number in range(144)]
LABELLED = [[label, *row] for label, row in zip(LABELS.tolist(), PIXELS, strict=True)]


@pytest.mark.parametrize("mark", [",", ";", "\t", " ", ", "])
def test_a_table_of_pixels_alone(mark: str, tmp_path: Path) -> None:
    tables: list[list[list[Any]]] = [PIXELS, [NAMES, *PIXELS], [list(range(144)), *PIXELS]]
    for rows in tables:
        with table(tmp_path, rows, mark) as source:
            assert source.labels is None
            assert source.notes[0] == "No column was taken as labels."
            assert np.array_equal(all_pictures(source), GREY)


def at_the_end(rows: list[list[Any]]) -> list[list[Any]]:
    return [[*row[1:], row[0]] for row in rows]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([["label", *NAMES], *LABELLED], "The column label"),
        ([[*NAMES, "Class"], *at_the_end(LABELLED)], "The column Class"),
        (LABELLED, "The first column"),
        (at_the_end([[row[0], 0, *row[2:]] for row in LABELLED]), "The last column"),
        (at_the_end([[f"kind {row[0]}", *row[1:]] for row in LABELLED]), "The last column"),
        ([[f"{row[0]}.0", *row[1:]] for row in LABELLED], "The first column"),
        ([[f'"kind {row[0]}"', *row[1:]] for row in LABELLED], "The first column"),
    ],
)
def test_the_column_of_labels_is_found_and_said(rows: list[list[Any]], said: str, tmp_path: Path) -> None:
    with table(tmp_path, rows) as source:
        assert source.notes[0] == f"{said} was taken as labels."
        assert source.labels is not None
        assert source.labels.tolist() == LABELS.tolist()
        assert source.classes[1] in ("1", "kind 1")
        assert np.array_equal(all_pictures(source)[:, 1:], GREY[:, 1:])


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([*PIXELS, PIXELS[0][:-1]], "has 143 columns and the first has 144"),
        ([*PIXELS, [*PIXELS[0][:-1], "dog"]], "is no number"),
        ([*PIXELS, [*PIXELS[0][:-1], ""]], "is no number"),
        ([NAMES], "it has no rows of numbers"),
        ([NAMES[:8], list(range(8))], r"8 columns of pixels, and no square picture has so many\. Leave out"),
        (
            [row[:100] + row[:43] for row in PIXELS],
            "143 columns of pixels, and no square picture has so many",
        ),
        (
            [["id", *NAMES], *LABELLED],
            r"columns that may be no pixels: id\. Leave out all columns but the pixels",
        ),
        ([["ID", "label", *NAMES], *([0, *row] for row in LABELLED)], "may be no pixels: ID"),
        ([["who", "label", "n", *NAMES], *([0, *row, 0] for row in LABELLED)], "no pixels: who, n"),
        ([["", *range(144)], *LABELLED], "no pixels: one without a name"),
        ([[f"kind {'x' * 300}", *row[1:]] for row in LABELLED], "label of mine.csv is longer than 200"),
        ([["a"], ["b"]], "is no table of pixels"),
        ([["\0", "b"], ["b", "c"]], "is no table of pixels"),
    ],
)
def test_tables_that_are_none_are_refused(rows: list[list[Any]], why: str, tmp_path: Path) -> None:
    with pytest.raises(VaeError, match=why):
        table(tmp_path, rows)


@pytest.mark.parametrize("mark", [";", "\t"])
@pytest.mark.parametrize("whole", [0, 1, 30])
@pytest.mark.parametrize("header", [[], NAMES])
def test_numbers_with_decimal_commas_are_named(
    mark: str, whole: int, header: list[str], tmp_path: Path
) -> None:
    rows: list[list[Any]] = [[0] * 144] * whole + [["0,25"] * 144] * 30
    with pytest.raises(VaeError, match=r"numbers with a decimal comma\. Save them with decimal points"):
        table(tmp_path, [header, *rows] if header else rows, mark)


def test_of_long_lines_few_are_read_before_their_columns_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pixel_table, "MAX_TEXT", 30_000)
    long = "1," * 10_000
    (tmp_path / "mine.csv").write_text("\n".join([",".join("1" * 144), *[long] * 50]))
    with (tmp_path / "mine.csv").open() as file:
        table = PixelTable(file, "mine.csv")
        with pytest.raises(VaeError, match="has 10,001 columns and the first has 144"):
            list(table.batches())
        assert file.tell() < 100_000, "of a million characters"


def test_a_line_without_an_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixel_table, "MAX_LINE", 300)
    with pytest.raises(VaeError, match="is no table of pixels in text"):
        table(tmp_path, PIXELS)


# Anything else


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("mine.csv", b"", "is empty"),
        ("mine.pdf", b"%PDF-1.7", "is no file of pictures that can be read. Choose a folder or a zip"),
        ("mine.png", b"\x89PNG\r\n", "is one picture. Choose the folder"),
        ("mine.txt", bytes(range(256)), "is no table of pixels"),
        ("mine.npz", b"PK\x03\x04 and no more", "cannot be read as an npz file"),
        ("mine.gz", b"\x1f\x8b and no more", "cut off or damaged"),
        ("mine.npy", b"\x93NUMPY\x09\x00", "is no array that can be read"),
    ],
)
def test_files_that_are_no_pictures(name: str, content: bytes, why: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(VaeError, match=why):
        open_source(tmp_path / name)


def test_a_source_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(VaeError, match="There is no file or folder"):
        open_source(tmp_path / "nowhere")
