"""The moments of a run, as the pages find them: which snapshots are sound, where browsers fetch them."""

import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from pages.components.runs import loaded_model, run_actions, run_data, run_moments
from pages.components.runs.run_moments import at_step
from pages.components.shell import assets
from pages.components.stores.moments import Moments
from tests.support.app_test import PAGES, component, visit
from tests.support.small_runs import score_training_set
from vae.runs.catalogue import new_run
from vae.runs.checkpoints import load_snapshot
from vae.runs.history import History
from vae.runs.run import Run
from vae.storage import untrusted


@pytest.fixture
def run(runs_dir: Path, trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(assets, "STATIC", tmp_path / "static")
    return Run(runs_dir / trained.name)


def found(run: Run) -> Moments:
    return run_moments.load(run, loaded_model.load(run))


def file(address: str | None) -> Path:
    """What the browser fetches."""
    return assets.STATIC / str(address).removeprefix("app/static/")


def test_they_are_all_snapshots_before_the_weights_that_are_shown(run: Run) -> None:
    *earlier, last = found(run).moments
    snapshots = run.snapshots()
    assert [moment.step for moment in (*earlier, last)] == [int(path.stem) for path in snapshots]
    assert last.url is None  # not shown twice
    for moment, path in zip(earlier, snapshots, strict=False):
        assert file(moment.url).samefile(path)  # linked
        metrics = load_snapshot(path, run.config).metrics
        assert metrics is not None
        assert moment.epoch == metrics.epoch
        assert getattr(moment, metrics.split) == (metrics.reconstruction, metrics.kl)
    assert [moment.seconds for moment in earlier] == sorted(moment.seconds or 0 for moment in earlier)
    test = loaded_model.load(run).test
    assert last.test is not None
    assert last.test.kl == pytest.approx(test.kl.mean())
    # The test set's losses stand beside those of the training, not in their place.
    assert [moment.step for moment in (*earlier, last) if moment.train is None] == [0]
    log = run_data.losses(run)
    for moment in (*earlier, last):
        assert (moment.test is not None) == (moment.step in log.test["step"])
    assert last.epoch == run.config.epochs


def test_a_snapshot_makes_the_decoder_by_the_names_of_its_tensors(run: Run) -> None:
    tensors = load_file(run.snapshots()[-1])  # of the weights that are shown
    weights = torch.cat([tensors[name].flatten() for name in found(run).weights])
    shown = np.frombuffer(loaded_model.load(run).decoder.weights, "<f4")
    assert np.array_equal(weights.numpy(), shown.astype(np.float16))


def test_what_travels_says_all_of_it(run: Run) -> None:
    shown = found(run)
    head, _, pictures = shown.payload.partition(b"\n")
    told = json.loads(head)
    assert told["name"] == shown.name
    assert [moment["url"] for moment in told["moments"]] == [moment.url for moment in shown.moments]
    test = loaded_model.load(run).test
    first = [int(np.flatnonzero(test.labels == label)[0]) for label in range(10)]
    assert pictures == test.images[first].tobytes()
    assert np.array_equal(np.array(told["means"], np.float32), test.means[first])
    assert found(run) is shown  # made once


def change(path: Path, **others: torch.Tensor) -> None:
    save_file({**load_file(path), **others}, path)


def test_snapshots_that_cannot_be_used_are_left_out(run: Run) -> None:
    torn, nowhere, strangers, *others, _ = run.snapshots()
    torn.write_bytes(torn.read_bytes()[:-1])
    mean = load_file(nowhere)["mean"]
    change(nowhere, mean=mean * torch.nan)
    change(strangers, mean=mean[1:], logvar=mean[1:].clone())
    shown = found(run)
    assert [moment.step for moment in shown.moments[:-1]] == [int(path.stem) for path in others]
    assert shown.missing == [int(path.stem) for path in (torn, nowhere, strangers)]
    assert {path.name.partition("-")[0] for path in assets.STATIC.rglob("*.safetensors")} == {
        path.stem for path in others
    }
    assert json.loads(shown.payload.partition(b"\n")[0])["missing"] == shown.missing


def test_links_in_their_place_are_left_out(run: Run, tmp_path: Path) -> None:
    around, nowhere, elsewhere, *others, _ = run.snapshots()
    assert found(run).missing == []
    whole = shutil.copy2(elsewhere, tmp_path)  # as old and as large as what was seen to be sound
    for link, target in {around: around, nowhere: tmp_path / "nowhere", elsewhere: whole}.items():
        link.unlink()
        link.symlink_to(target)
    shown = found(run)
    assert shown.missing == [int(path.stem) for path in (around, nowhere, elsewhere)]
    assert [moment.step for moment in shown.moments[:-1]] == [int(path.stem) for path in others]


def test_a_moment_at_a_step_has_what_the_log_says_of_it(run: Run) -> None:
    log = run.metrics_path.read_bytes()
    first, *_ = log.splitlines(keepends=True)  # that of the test set, before the first step
    run.metrics_path.write_bytes(first)
    assert at_step(run, 24).epoch is None
    with run.metrics_path.open("ab") as file:
        file.write(log.removeprefix(first))
    moment = at_step(run, 24)
    lines = {line.split: line for line in run.metric_lines()[0] if line.step == 24}
    assert moment.epoch == 2
    assert moment.train == (lines["train"].reconstruction, lines["train"].kl)
    assert moment.test == (lines["test"].reconstruction, lines["test"].kl)


def test_a_snapshot_of_an_older_version_has_the_losses_of_the_log(run: Run) -> None:
    path = run.snapshots()[0]
    change(path)  # says nothing of metrics now
    assert load_snapshot(path, run.config).metrics is None
    moment = found(run).moments[0]
    tests = History(run).read().test
    assert moment.test == (float(tests["reconstruction"][0]), float(tests["kl"][0]))
    assert moment.train is None
    assert moment.epoch == 0


def test_another_file_in_its_place_has_another_address(run: Run) -> None:
    path = run.snapshots()[1]
    before = found(run).moments[1].url
    change(path, mean=load_file(path)["mean"] / 2)
    after = found(run).moments[1].url
    assert after != before
    assert file(after).samefile(path)


@pytest.mark.parametrize("error", [OSError("another disk"), NotImplementedError("a system without links")])
def test_files_are_copied_where_they_cannot_be_linked(
    error: Exception, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Path) -> None:
        raise error

    monkeypatch.setattr(Path, "hardlink_to", refused)
    moment = found(run).moments[0]
    assert file(moment.url).read_bytes() == run.snapshots()[0].read_bytes()
    assert not file(moment.url).samefile(run.snapshots()[0])


def test_what_was_deleted_or_swapped_meanwhile_is_left_out(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, pipe, huge, link, *_ = run.snapshots()

    def refused(*_: Path) -> None:
        raise OSError("another disk")

    def before(folder: str, files: dict[str, Path]) -> None:
        for path in (gone, pipe, link):
            path.unlink(missing_ok=True)
        if not pipe.exists():
            os.mkfifo(pipe)
        (tmp_path / "secret").write_text("mine")
        link.symlink_to(tmp_path / "secret")
        os.truncate(huge, untrusted.safetensors_limit(untrusted.MAX_WEIGHTS) + 1)
        assets.serve_files(folder, files)

    monkeypatch.setattr(Path, "hardlink_to", refused)
    monkeypatch.setattr("pages.components.runs.run_moments.serve_files", before)
    *moments, _ = found(run).moments
    there = [moment.step for moment in moments if file(moment.url).exists()]
    assert there == [moment.step for moment in moments[4:]]


def test_files_of_snapshots_that_are_no_more_go_but_not_at_once(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    yesterday = time.time() - 25 * 3600
    for path in run.snapshots():
        os.utime(path, (yesterday,) * 2)  # links have the times of what they link to
    deleted, kept = (file(moment.url) for moment in found(run).moments[1:3])
    run.snapshots()[1].unlink()
    found(run)
    assert deleted.exists()  # another tab may be on its way there
    monkeypatch.setattr(assets, "KEPT_SECONDS", 0)
    found(run)
    assert not deleted.exists()
    assert kept.exists()


def test_a_run_that_is_deleted_leaves_no_file_on_the_disk(run: Run) -> None:
    static = file(found(run).moments[0].url)
    assert static.stat().st_nlink == 2
    with static.open("rb") as content:
        run_actions.delete(run)
        assert os.fstat(content.fileno()).st_nlink == 0
    assert not list(assets.STATIC.iterdir())
    run_actions.delete(new_run(run.config, run.path.parent))  # nobody has looked at its moments


def test_files_are_put_there_again_and_go_a_day_after_their_last_use(run: Run) -> None:
    yesterday = time.time() - 25 * 3600
    other = assets.STATIC / "moments-other"
    other.mkdir(parents=True)
    os.utime(other, (yesterday,) * 2)
    moment = found(run).moments[0]
    folder = file(moment.url).parent
    assert [path.name for path in assets.STATIC.glob("moments-*")] == [folder.name]
    os.utime(folder, (yesterday,) * 2)
    assert found(run).moments[0] == moment
    assert folder.stat().st_mtime > yesterday + 3600  # used
    file(moment.url).unlink()
    assert found(run).moments[0] == moment
    assert file(moment.url).exists()


def test_the_slider_knows_the_chosen_picture_and_the_map_its_moments(run: Run) -> None:
    score_training_set(run)
    test = visit(PAGES[0], run=run.name, pins="0.5,1_i3", pictures="training")
    shown, look, latent_map = (component(test, key) for key in ("moment", "look", "map"))
    loaded = loaded_model.load(run)
    assert look["chosen"]["number"] == 3
    assert look["chosen"]["z"] == loaded.test.means[3].tolist()
    assert look["timeline"] == shown["key"]
    assert shown["moments"] == found(run).name
    assert latent_map["pinned"] == [None, 3]
    assert latent_map["moments"]["timeline"] == shown["key"]
    assert latent_map["moments"]["points"] != latent_map["points"]  # which are the training set's
