"""Folders and zips of pictures as people have them, and as nobody should."""

import io
import os
import stat
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from tests.support.picture_files import encoded, picture, write_files, write_zip
from vae import VaeError
from vae.datasets import picture_files, sources
from vae.datasets.importing import Sample, open_source
from vae.datasets.sources import Source

Files = dict[str, bytes]
PNG = encoded(picture(0))
TWO_CLASSES = {f"{name}/{number}.png": encoded(picture(number)) for name in "ab" for number in range(3)}


@pytest.fixture(params=["folder", "zip"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def opened(kind: str, folder: Path, files: Files) -> Source:
    """A source of these files, a folder or a zip."""
    if kind == "zip":
        return open_source(write_zip(folder / "mine.zip", files))
    return open_source(write_files(folder / "mine", files))


def labels_by_name(source: Source) -> dict[str, str]:
    assert source.labels is not None
    return {source.name(number): source.classes[label] for number, label in enumerate(source.labels)}


def test_folders_are_classes(kind: str, tmp_path: Path) -> None:
    with opened(kind, tmp_path, TWO_CLASSES) as source:
        assert source.counts == {"a": 3, "b": 3}
        assert labels_by_name(source) == {name: name[0] for name in TWO_CLASSES}
        for number in range(len(source)):
            seed = int(source.name(number)[2])
            assert np.array_equal(source.read(number, 3, 64), picture(seed))


def test_folders_around_everything_and_in_classes_are_no_classes(kind: str, tmp_path: Path) -> None:
    files = {"x/y/cat/1.png": PNG, "x/y/cat/deep/2.png": PNG, "x/y/dog/3.png": PNG}
    with opened(kind, tmp_path, files) as source:
        assert source.counts == {"cat": 2, "dog": 1}


@pytest.mark.parametrize("folder", ["", "all/"])
def test_without_several_folders_nothing_is_known_of_classes(kind: str, folder: str, tmp_path: Path) -> None:
    with opened(kind, tmp_path, {f"{folder}1.png": PNG, f"{folder}2.png": PNG}) as source:
        assert (len(source), source.classes, source.labels) == (2, (), None)


def test_classes_that_are_numbers_are_sorted_as_numbers(kind: str, tmp_path: Path) -> None:
    with opened(kind, tmp_path, {f"{number}/1.png": PNG for number in (10, 9, 100, 1)}) as source:
        assert source.classes == ("1", "9", "10", "100")


def test_a_test_set_of_its_own_is_kept(kind: str, tmp_path: Path) -> None:
    files = {"set/Train/a/1.png": PNG, "set/Train/b/2.png": PNG, "set/val/a/3.png": PNG}
    with opened(kind, tmp_path, files) as source:
        assert source.counts == {"a": 2, "b": 1}
        assert source.in_test is not None
        assert source.notes == ["Its own test set is kept: 1 of 3 pictures."]
        assert [source.name(number) for number in np.flatnonzero(source.in_test).tolist()] == [
            "set/val/a/3.png"
        ]


def test_pictures_beside_the_folders_of_classes_are_left_out(kind: str, tmp_path: Path) -> None:
    with opened(kind, tmp_path, TWO_CLASSES | {"cover.png": PNG}) as source:
        assert len(source) == 6
        assert source.left_out.sentences() == ["1 left out: in no folder of a class (cover.png)."]


def test_files_of_systems_do_not_count_and_others_are_named(kind: str, tmp_path: Path) -> None:
    noise = {
        "__MACOSX/a/._0.png": b"",
        "a/.DS_Store": b"",
        "a/.hidden.png": b"",
        "Thumbs.db": b"",
        "b/desktop.ini": b"",
    }
    with opened(kind, tmp_path, TWO_CLASSES | noise | {"a/read me.txt": b"", "b/x.heic": b""}) as source:
        assert source.counts == {"a": 3, "b": 3}
        (sentence,) = source.left_out.sentences()
        assert sentence.startswith("2 left out: no PNG, JPEG, WebP, GIF, BMP or TIFF pictures (")
        assert "a/read me.txt" in sentence


def hollow(width: int, height: int) -> bytes:
    """A PNG that is as large as its header says, and no further."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(99)))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"no picture", "no picture that can be read"),
        (PNG[: len(PNG) // 2], "damaged"),
        (hollow(20_000, 20_000), "more than 40 megapixels"),
        (hollow(100, 390_000), "more than 50 times as long as wide"),
        (hollow(5001, 100), "more than 50 times as long as wide"),
        (b"", "no picture that can be read"),
    ],
)
def test_a_picture_that_cannot_be_read_says_why(kind: str, content: bytes, why: str, tmp_path: Path) -> None:
    with opened(kind, tmp_path, {"1.png": content, "2.png": PNG}) as source:
        with pytest.raises(ValueError, match=f"^{why}$"):
            source.read(0, 1, 64)
        sample = Sample(source)
        assert sample.left_out.sentences() == [f"1 left out: {why} (1.png)."]
        assert sample.shown == [1]


def test_only_broken_pictures_are_refused_with_the_reason(kind: str, tmp_path: Path) -> None:
    with opened(kind, tmp_path, {f"{number}.png": b"broken" for number in range(9)}) as source:
        with pytest.raises(VaeError) as refused:
            Sample(source)
        assert "None of the 9 pictures" in str(refused.value)
        assert "(0.png, 1.png, 2.png and 6 more)" in str(refused.value)


@pytest.mark.parametrize("files", [{}, {"notes.txt": b"text"}])
def test_no_pictures_at_all(kind: str, files: Files, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(VaeError, match=r"mine.* holds no pictures\. .*in one folder for each class"):
        opened(kind, tmp_path, files)


def test_a_folder_with_an_array_says_to_add_that(tmp_path: Path) -> None:
    write_files(tmp_path / "mine", {"digits.npz": b"PK"})
    with pytest.raises(VaeError, match=r"holds no pictures, but digits\.npz\. Add that file itself"):
        open_source(tmp_path / "mine")


def test_too_many_classes_are_refused(kind: str, tmp_path: Path) -> None:
    with pytest.raises(VaeError, match="has 201 classes, and at most 200 are possible"):
        opened(kind, tmp_path, {f"class {number}/1.png": PNG for number in range(201)})


def test_too_many_pictures_are_refused(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_PICTURES", 5)
    with pytest.raises(VaeError, match="has more than 5 pictures"):
        opened(kind, tmp_path, TWO_CLASSES)


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = write_files(tmp_path / "outside", {"secret.png": PNG, "more/1.png": PNG})
    inside = write_files(tmp_path / "mine", {"1.png": PNG, "2.png": PNG})
    (inside / "secret.png").symlink_to(outside / "secret.png")
    (inside / "more").symlink_to(outside / "more")
    (inside / "circle").symlink_to(inside)
    with open_source(inside) as source:
        assert len(source) == 2
        (sentence,) = source.left_out.sentences()
        assert sentence.startswith("3 left out: links, which are not followed (")


def test_a_picture_replaced_by_a_link_or_removed_meanwhile_is_left_out(tmp_path: Path) -> None:
    inside = write_files(tmp_path / "mine", {"1.png": PNG, "2.png": PNG, "3.png": PNG})
    secret = write_files(tmp_path / "outside", {"1.png": PNG}) / "1.png"
    with open_source(inside) as source:
        (inside / "1.png").unlink()
        (inside / "1.png").symlink_to(secret)
        (inside / "2.png").unlink()
        for number in range(2):
            with pytest.raises(ValueError, match="not readable"):
                source.read(number, 1, 64)
        assert source.read(2, 1, 64).shape == (20, 20)


def test_class_names_that_look_alike_are_told_apart(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "mine", {f"{'x' * 90}{end}/1.png": PNG for end in "abc"})
    with open_source(folder) as source:
        assert source.classes == ("x" * 80, f"{'x' * 74} (1)", f"{'x' * 74} (2)")
        assert source.labels is not None
        assert sorted(source.labels.tolist()) == [0, 1, 2]


def test_names_that_are_no_text_are_shown_with_replacements(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "mine", {"b/1.png": PNG})
    os.mkdir(os.fsencode(folder) + b"/caf\xe9")  # noqa: PTH102 (a name that is no UTF-8)
    (folder / os.fsdecode(b"caf\xe9") / "1.png").write_bytes(PNG)
    with open_source(folder) as source:
        assert source.classes == ("b", "caf\N{REPLACEMENT CHARACTER}")
        assert source.read(1, 1, 64).shape == (20, 20)


# Zips only


def test_names_that_lead_out_are_left_out(tmp_path: Path) -> None:
    bad = {"../evil.png": PNG, "a/../../evil.png": PNG, "/etc/evil.png": PNG, "C:/evil.png": PNG}
    with open_source(write_zip(tmp_path / "mine.zip", TWO_CLASSES | bad)) as source:
        assert len(source) == 6
        (sentence,) = source.left_out.sentences()
        assert sentence.startswith("4 left out: names that lead out of the zip (../evil.png, ")


def test_links_in_a_zip_are_left_out(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "mine.zip", TWO_CLASSES)
    link = zipfile.ZipInfo("a/link.png")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as made:
        made.writestr(link, "/etc/passwd")
    with open_source(path) as source:
        assert source.left_out.sentences() == ["1 left out: links, which are not followed (a/link.png)."]


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "mine.zip", TWO_CLASSES)
    content = bytearray(path.read_bytes())
    start = 0
    while (start := content.find(b"PK\x01\x02", start) + 1) > 0:
        content[start + 7] |= 1  # of the flags, in the zip's directory
    path.write_bytes(content)
    with pytest.raises(VaeError, match=r"mine\.zip is encrypted\. Pack its pictures without a password"):
        open_source(path)


@pytest.mark.parametrize("part", [0.3, 0.9, 0.999])
def test_a_zip_that_is_cut_off_is_refused(part: float, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "mine.zip", TWO_CLASSES)
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(VaeError, match="is cut off: its end is missing"):
        open_source(path)


def test_a_damaged_zip_is_refused_or_its_damaged_pictures_are_left_out(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "mine.zip", TWO_CLASSES)
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    for _ in range(100):
        changed = bytearray(whole)
        for place in random.integers(0, len(changed), 20):
            changed[place] = random.integers(256)
        path.write_bytes(changed)
        try:
            with open_source(path) as source:
                Sample(source)
        except VaeError as error:
            assert "mine.zip" in str(error)  # noqa: PT017 (both ends are right)


def test_names_in_other_encodings(tmp_path: Path) -> None:
    """Without the flag for UTF-8, as older programs pack: UTF-8 anyhow, and the code page of a system."""
    made = io.BytesIO()
    names = {"Kätzchen/1.png".encode(): "cat", "犬/1.png".encode("shift-jis"): "dog"}
    with zipfile.ZipFile(made, "w") as archive:
        for number in range(len(names)):
            archive.writestr("x" * len(list(names)[number]), PNG)
    content = made.getvalue()
    for name in names:
        content = content.replace(b"x" * len(name), name)
    path = tmp_path / "mine.zip"
    path.write_bytes(content)
    with open_source(path) as source:
        assert len(source) == len(source.classes) == 2
        assert "Kätzchen" in source.classes
        assert all(source.read(number, 1, 64).shape == (20, 20) for number in range(2))


def test_a_name_that_is_no_utf_8_though_a_flag_says_so(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "mine.zip", {"caffè/1.png": PNG, "chats/2.png": PNG, "ä/3.png": PNG})
    path.write_bytes(path.read_bytes().replace("caffè".encode(), b"caff" + b"\xe9\xe8"))
    with open_source(path) as source:
        assert len(source) == len(source.classes) == 3
        assert {"chats", "ä"} < set(source.classes)
        assert all(np.array_equal(source.read(number, 3, 64), picture(0)) for number in range(3))


def test_names_with_backslashes_are_folders(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "mine.zip", {"a\\1.png": PNG, "b\\2.png": PNG})
    with open_source(path) as source:
        assert source.classes == ("a", "b")


def test_a_bomb_is_refused_by_what_it_declares(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "mine.zip", {"1.png": bytes(150_000_000), "2.png": PNG})
    assert path.stat().st_size < 300_000
    with pytest.raises(
        VaeError, match=r"would unpack to 0\.2 GB from 0\.\d MB, which no zip of pictures does"
    ):
        open_source(path)


def test_a_bomb_that_declares_less_is_left_out(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "mine.zip", {"1.png": bytes(50_000_000), "2.png": PNG})
    content = path.read_bytes().replace(struct.pack("<I", 50_000_000), struct.pack("<I", 1000))
    path.write_bytes(content)
    with open_source(path) as source, pytest.raises(ValueError, match="not readable"):
        source.read(0, 1, 64)


def test_a_member_that_is_too_large_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_files, "MAX_FILE", 2000)
    files = {"1.png": encoded(picture(0, 100, 100)), "2.png": PNG}
    with open_source(write_zip(tmp_path / "mine.zip", files)) as source:
        assert len(source) == 1
        assert "1.png" in source.left_out.sentences()[0]


def test_a_zip_that_declares_more_files_than_it_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_files, "MAX_FILES", 5)
    with pytest.raises(VaeError, match="holds more than 5 files"):
        open_source(write_zip(tmp_path / "mine.zip", TWO_CLASSES))


def test_a_zip_of_100_000_tiny_files_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "mine.zip"
    with zipfile.ZipFile(path, "w") as made:
        for number in range(100_000):
            made.writestr(zipfile.ZipInfo(f"{number % 7}/{number}.gif"), b"")
    with open_source(path) as source:
        assert len(source) == 100_000
        with pytest.raises(VaeError, match="None of the 100 pictures"):
            Sample(source)  # looks at a hundred, not at all
