"""Runs as zips: what goes in comes out, and what others put in is looked at first."""

import io
import shutil
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from vae import VaeError
from vae.runs import archive
from vae.runs.archive import MAX_ENTRIES, pack, unpack
from vae.runs.catalogue import list_runs
from vae.runs.records import Status
from vae.runs.run import Run


@pytest.fixture
def run(trained: Run, tmp_path: Path) -> Run:
    """A finished run called gift."""
    run = Run(tmp_path / "theirs" / "gift")
    shutil.copytree(trained.path, run.path)
    return run


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The runs directory of somebody else."""
    return tmp_path / "here"


def packed(run: Run) -> io.BytesIO:
    file = io.BytesIO()
    pack(run, file)
    return file


def files(run: Run) -> dict[str, bytes]:
    paths = [path for path in run.path.rglob("*") if path.is_file()]
    return {path.relative_to(run.path).as_posix(): path.read_bytes() for path in paths}


Members = dict[str, bytes]


def by_hand(members: Members) -> io.BytesIO:
    """A zip of these files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return file


def refused(file: io.BytesIO, here: Path, why: str) -> None:
    """The zip gets this sentence, and leaves nothing behind."""
    with pytest.raises(VaeError, match=why):
        unpack(file, here)
    assert list(here.iterdir()) == []


def test_a_run_comes_out_as_it_went_in(run: Run, here: Path) -> None:
    copy = unpack(packed(run), here)
    assert copy.path == here / "gift"
    expected = files(run)
    assert files(copy) == {name: expected[name] for name in expected if name not in LEFT_OUT}
    assert list_runs(here) == [copy]
    assert [path.name for path in here.iterdir()] == ["gift"]


LEFT_OUT = {"lock", "request.lock", "request.json", "log.txt", "resume.safetensors"}


def test_the_same_run_makes_the_same_zip(run: Run, tmp_path: Path) -> None:
    copy = Run(tmp_path / "elsewhere" / "gift")
    shutil.copytree(run.path, copy.path)
    assert packed(run).getvalue() == packed(copy).getvalue()


def test_a_zip_opens_beside_a_run_of_its_name(run: Run, here: Path) -> None:
    names = [unpack(packed(run), here).name for _ in range(3)]
    assert names == ["gift", "gift-2", "gift-3"]


@pytest.mark.parametrize("state", ["starting", "running", "paused", "stopped", "failed"])
def test_a_training_that_goes_on_there_is_stopped_here(state: str, run: Run, here: Path) -> None:
    run.write_status(Status.model_validate(run.status().model_dump() | {"state": state}))
    with run.lock():
        copy = unpack(packed(run), here)
    assert copy.status().state == ("failed" if state == "failed" else "stopped")
    assert copy.status().step == 36
    assert copy.resume_path.read_bytes() == run.resume_path.read_bytes()


def test_a_folder_packed_by_hand_is_a_run(run: Run, here: Path) -> None:
    run.update_request(delay=1)
    (run.path / "log.txt").write_text("/home/somebody")
    run.training_scores_path.write_bytes(b"of another machine")
    whole = files(run)
    assert unpack(by_hand(whole), here).name == run.config.run_name  # no folder, no name
    named = {f"My run (1)/{name}": content for name, content in whole.items()}
    made = by_hand({"My run (1)/": b"", "My run (1)/snapshots/": b""} | named | {"__MACOSX/._gift": b"x"})
    copy = unpack(made, here)
    assert copy.name == f"{run.config.run_name}-2"
    assert {"log.txt", "request.json", "training_scores.safetensors"}.isdisjoint(files(copy))
    assert not unpack(packed(run), here).training_scores_path.exists()


@pytest.mark.parametrize(
    "name",
    [
        *("../config.json", "/config.json", "a/../config.json", "gift/../../status.json", "C:\\config.json"),
        *("gift\\status.json", "gift/snapshots/../status.json", "gift//status.json", "./status.json"),
        *("gift/Status.json", "gift/model.pkl", "gift/snapshots/x.safetensors", "a/gift/status.json"),
        *("gift/snapshots/00000000.safetensors/status.json", "gift/status.json ", "gift/status.json.0123"),
    ],
)
def test_a_name_that_no_file_of_a_run_has_is_refused(name: str, run: Run, here: Path) -> None:
    whole = {f"gift/{file}": content for file, content in files(run).items()}
    refused(by_hand(whole | {name: b"{}"}), here, "which is no file of a run")
    assert sorted(path.name for path in here.parent.iterdir()) == ["here", "theirs"]


def test_what_systems_leave_behind_is_ignored(run: Run, here: Path) -> None:
    hidden = [
        *("Thumbs.db", "thumbs.db", "snapshots/Thumbs.db", "ehthumbs.db", "desktop.ini", "Desktop.ini"),
        *(".DS_Store", "snapshots/.DS_Store", "._config.json", "snapshots/._00000036.safetensors", "Icon\r"),
        *(".localized", ".directory", ".status.json.0a1b2c3d", "snapshots/.00000036.safetensors.89abcdef"),
        *(".nfs000000000001", ".fuse_hidden0000001200000001", ".config.json.swp", ".git/HEAD", "..old"),
        *("@eaDir/config.json@SynoEAStream", "model.safetensors:Zone.Identifier", "~$config.json"),
        *("__MACOSX/._x", ".Trashes/501/x", "$RECYCLE.BIN/S-1-5/desktop.ini", "System Volume Information/x"),
    ]
    whole = {f"gift/{name}": content for name, content in files(run).items()}
    left = {f"gift/{name}": b"junk" for name in hidden} | {"desktop.ini": b"junk", "__MACOSX/gift/._x": b""}
    copy = unpack(by_hand(whole | left), here)
    assert copy.name == "gift"
    assert files(copy).keys() == files(run).keys() - (LEFT_OUT - {"resume.safetensors"})


def test_strangers_are_named_and_counted(run: Run, here: Path) -> None:
    whole = {f"gift/{name}": content for name, content in files(run).items()}
    for name in ("notes.txt", "config.json~", "thumbs.db.exe", "snapshots/desktop.ini/x.txt"):
        refused(by_hand(whole | {f"gift/{name}": b""}), here, f"'gift/{name}', which is no file of a run")
    three = {f"gift/{name}.txt": b"" for name in "abc"}
    refused(by_hand(whole | three), here, "'gift/a.txt' and 2 more, which is no file of a run. Take that out")


def test_one_run_at_a_time(run: Run, here: Path) -> None:
    config, status = (files(run)[name] for name in ("config.json", "status.json"))
    refused(by_hand({"a/config.json": config, "b/status.json": status}), here, "more than one folder")
    refused(by_hand({"a/config.json": config, "b/config.json": config}), here, "twice")
    refused(by_hand({"a/status.json": status}), here, "there is no config.json in it")
    refused(by_hand({}), here, "there is no config.json in it")


def test_the_same_name_twice_is_refused(run: Run, here: Path) -> None:
    file = packed(run)
    with zipfile.ZipFile(file, "a") as made, pytest.warns(UserWarning, match="Duplicate name"):
        made.writestr("gift/status.json", b"{}")
    refused(file, here, "twice")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(kind: int, run: Run, here: Path) -> None:
    file = packed(run)
    entry = zipfile.ZipInfo("gift/snapshots/00000099.safetensors")
    entry.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(file, "a") as made:
        made.writestr(entry, "/etc/passwd")
    refused(file, here, "is a link or encrypted")


def marked(file: io.BytesIO, mark: bytes, offset: int, value: bytes) -> io.BytesIO:
    """`file` with these bytes at `offset` behind the last `mark`."""
    content = bytearray(file.getvalue())
    start = content.rindex(mark) + offset
    content[start : start + len(value)] = value
    return io.BytesIO(bytes(content))


LOCAL, CENTRAL = b"PK\x03\x04", b"PK\x01\x02"


def test_encrypted_entries_are_refused(run: Run, here: Path) -> None:
    refused(marked(packed(run), CENTRAL, 8, b"\x01\x00"), here, "is a link or encrypted")


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_methods_that_take_memory_are_refused(method: int, run: Run, here: Path) -> None:
    file = packed(run)
    with zipfile.ZipFile(file, "a", method) as made:
        made.writestr("gift/snapshots/00000099.safetensors", b"0" * 1000)
    refused(file, here, "in an unusual way")


@pytest.mark.parametrize(
    "name", ["config.json", "status.json", "metrics.jsonl", "view.safetensors", "model.safetensors", "lock"]
)
def test_a_bomb_is_not_unpacked(name: str, run: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    copy = archive._extract

    def counting(*arguments: object) -> int:
        try:
            return copy(*arguments)  # type: ignore[arg-type]
        finally:
            written.append(sum(path.stat().st_size for path in here.rglob("*") if path.is_file()))

    monkeypatch.setattr(archive, "_extract", counting)
    whole = {f"gift/{file}": content for file, content in files(run).items()}
    bomb = by_hand(whole | {f"gift/{name}": bytes(70_000_000)})
    assert len(bomb.getvalue()) < 2e6
    if name == "lock":  # is not unpacked at all
        unpack(bomb, here)
    else:
        refused(bomb, here, f"gift/{name}.* has more than the")
    assert max(written) < (70e6 if name == "metrics.jsonl" else 6e6)


def test_the_whole_has_a_limit(run: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = packed(run)
    monkeypatch.setattr(archive, "MAX_BYTES", run.size() // 2)
    refused(file, here, "has more than the")
    with pytest.raises(VaeError, match=r"gift has \d+ MB, more than a zip takes along. Copy its folder"):
        pack(run, io.BytesIO())
    monkeypatch.setattr(archive, "MAX_ZIP", 0.1)
    refused(file, here, "The zip has more than 0.1 MB")


def test_a_size_that_is_a_lie_is_not_believed(run: Run, here: Path) -> None:
    whole = {f"gift/{file}": content for file, content in files(run).items()}
    file = by_hand(whole | {"gift/snapshots/00000099.safetensors": bytes(70_000_000)})
    lie = marked(marked(file, CENTRAL, 24, struct.pack("<L", 10)), LOCAL, 22, struct.pack("<L", 10))
    refused(lie, here, "cannot be unpacked|cannot be used")


def test_a_crowd_is_refused_before_it_is_listed(
    run: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = {f"gift/{file}": content for file, content in files(run).items()}
    members |= {f"gift/snapshots/{i:08d}.safetensors": b"" for i in range(100, 100 + MAX_ENTRIES)}
    file = by_hand(members)
    monkeypatch.setattr(zipfile.ZipFile, "__init__", lambda *_: pytest.fail("listed"))
    refused(file, here, f"more than {MAX_ENTRIES} files")


def flip(whole: bytes) -> bytes:
    content = bytearray(whole)
    content[len(content) // 3] ^= 1
    return bytes(content)


CUT_OFF = "The zip is cut off: its end is missing. Download or copy it again"
UNREADABLE = r"The zip cannot be unpacked \(.+\). Download or copy it again; .* pack the run's folder again"
DAMAGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "torn": (lambda whole: whole[:-100], CUT_OFF),
    "half": (lambda whole: whole[: len(whole) // 2], CUT_OFF),
    "its end not arrived": (lambda whole: whole[:-3000] + bytes(3000), CUT_OFF),
    "empty": (lambda _: b"", CUT_OFF),
    "its start missing": (lambda whole: whole[3000:], UNREADABLE),
    "flipped": (flip, UNREADABLE),
    "text": (lambda _: b"hello", UNREADABLE),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_zip_gets_a_sentence(damage: str, run: Run, here: Path) -> None:
    change, why = DAMAGES[damage]
    refused(io.BytesIO(change(packed(run).getvalue())), here, why)


@pytest.mark.parametrize("name", ["config.json", "status.json", "metrics.jsonl", "view.safetensors"])
def test_the_run_is_checked_before_it_is_let_in(name: str, run: Run, here: Path) -> None:
    (run.path / name).write_bytes(b"nonsense\n")
    whole = {f"gift/{file}": content for file, content in files(run).items()}
    refused(by_hand(whole), here, f"gift/{name}")


def test_weights_and_snapshots_are_checked_too(run: Run, here: Path) -> None:
    for name in ("model.safetensors", "resume.safetensors", "snapshots/00000036.safetensors"):
        whole = {f"gift/{file}": content for file, content in files(run).items()}
        whole[f"gift/{name}"] = whole[f"gift/{name}"][:-4]
        refused(by_hand(whole), here, f"gift/{name} cannot be used")


def test_what_cannot_be_packed_gets_a_sentence(run: Run) -> None:
    run.view_path.unlink()
    run.view_path.mkdir()
    with pytest.raises(VaeError, match=r"gift/view.safetensors cannot be packed: it is no plain file"):
        packed(run)
    run.view_path.rmdir()
    run.view_path.symlink_to(run.metrics_path)
    with pytest.raises(VaeError, match=r"gift/config.json cannot be read .*'view.safetensors' beside it"):
        packed(Run(run.path))


def test_an_unpacked_run_decodes_as_the_one_that_was_packed(run: Run, here: Path) -> None:
    z = torch.tensor([[0.5, -0.5]])
    copy = unpack(packed(run), here)
    assert torch.equal(copy.load_model().decode(z), run.load_model().decode(z))
