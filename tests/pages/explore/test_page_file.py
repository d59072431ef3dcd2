"""The HTML file of a run: what it holds, its size, and what cannot be made."""

import base64
import gzip
import hashlib
import html
import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pages.components.explore.page_file import (
    MOST_BYTES,
    PageContent,
    expected_size,
    fitting_moments,
    most_moments,
    page_file,
)
from pages.components.runs import run_moments
from pages.components.stores.moments import Moments
from tests.support.paths import BUNDLED
from tests.support.small_runs import small_config
from vae import VaeError
from vae.inference.forward import Model
from vae.runs.catalogue import new_run
from vae.runs.checkpoints import save_model
from vae.runs.run import Run


def data_of(file: bytes) -> dict[str, object]:
    """What a file holds as JSON."""
    parts = re.findall(r'<script type="application/json">(.*?)</script>', file.decode())
    found: dict[str, object] = json.loads("".join(parts))
    return found


@pytest.mark.usefixtures("small")
def test_only_the_scripts_of_a_file_may_run(trained: Run) -> None:
    title = "</script><script>alert(1)</script>"
    shares: list[float] = []
    file = page_file([trained], PageContent(title, text="a\n\n\n b\udcff "), shares.append).decode()
    assert shares == [0.5, 1]
    packed = re.findall(r'<script type="application/gzip">(.*?)</script>', file)
    scripts = re.findall(r"<script>(.*?)</script>", file, re.DOTALL)
    assert (len(packed), len(scripts)) == (2, 1)
    scripts += [gzip.decompress(base64.b64decode(each)).decode() for each in packed]
    (policy,) = re.findall(r'Content-Security-Policy" content="(.*?)"', file)
    for script in scripts:
        assert f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
    assert f"<title>{html.escape(title)}</title>" in file
    data = data_of(file.encode())
    assert (data["title"], data["paragraphs"]) == (title, ["a", "b?"])


@pytest.mark.usefixtures("small")
def test_a_file_has_the_moments_and_pictures_that_were_asked_for(trained: Run) -> None:
    few, many = (
        page_file([trained], PageContent(pictures=pictures, moments=moments))
        for pictures, moments in ((False, 2), (True, 40))
    )
    assert len(data_of(few)["moments"]) == 1  # type: ignore[arg-type]
    earlier = [path for path in trained.snapshots() if int(path.stem) < trained.saved_model().step]
    assert len(data_of(many)["moments"]) == len(earlier)  # type: ignore[arg-type]
    assert most_moments([trained]) == len(earlier) + 1
    assert ["pictures" in data_of(file)["explorers"][0] for file in (few, many)] == [False, True]  # type: ignore[index]


@pytest.mark.parametrize(
    ("names", "pictures"),
    [((BUNDLED.name,), False), (("z-10",), True), (("beta-4", "beta-0.1"), False)],
)
def test_the_size_of_a_file_is_known_before(
    names: tuple[str, ...], pictures: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VAE_DATA_DIR", raising=False)
    runs = [Run(BUNDLED.parent / name) for name in names]
    moments = fitting_moments(runs, PageContent(pictures=pictures))
    for count in (1, moments):
        content = PageContent(pictures=pictures, moments=count)
        size = len(page_file(runs, content))
        assert size == pytest.approx(expected_size(runs, content), rel=0.05)
        assert size <= MOST_BYTES
    assert moments > 3 or not any(run.snapshots() for run in runs)


@pytest.mark.usefixtures("small")
def test_a_run_without_its_data_set_can_be_taken_away(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.components.runs.loaded_model._why_missing", lambda _: "It is gone.")
    explorer = data_of(page_file([trained], PageContent(pictures=True)))["explorers"][0]  # type: ignore[index]
    assert "pictures" not in explorer
    assert explorer["data"] == "Trained on the data set mnist."


@pytest.mark.usefixtures("small")
def test_a_file_of_a_run_that_trains_has_one_state_of_it(
    trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(trained.path, tmp_path / trained.name)
    run = Run(tmp_path / trained.name)
    saved = run.saved_model()
    assert saved.scores is not None
    moved = saved._replace(
        model=Model(run.config, {name: 1.1 * values for name, values in saved.model.weights.items()}),
        scores=saved.scores._replace(mean=saved.scores.mean + 1),
    )

    def state(file: bytes) -> tuple[str, str, int]:
        """The names of the weights and of the points, and how many earlier moments there are."""
        data: Any = data_of(file)
        shown = data["explorers"][0]["mounts"]["map"]["data"]
        return shown["decoder"], shown["points"], len(data["moments"])

    def moments_of(*arguments: Any) -> Moments:
        found = run_moments.load(*arguments)
        save_model(run.model_path, moved)
        for path in run.snapshots()[:gone]:  # as a training that was resumed at an earlier step
            path.unlink()
        return found

    gone, content = 1, PageContent(moments=40)
    before = state(page_file([run], content))
    with monkeypatch.context() as patch:
        patch.setattr("pages.components.explore.recorded_run.run_moments", SimpleNamespace(load=moments_of))
        during = state(page_file([run], content))
    after = state(page_file([run], content))
    assert during == (*before[:2], before[2] - 1)
    assert after[2] == during[2]
    assert {*after[:2]}.isdisjoint(before[:2])
    gone = len(run.snapshots())
    with monkeypatch.context() as patch:
        patch.setattr("pages.components.explore.recorded_run.run_moments", SimpleNamespace(load=moments_of))
        assert state(page_file([run]))[2] == 0


@pytest.mark.usefixtures("small")
def test_what_cannot_be_made_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(VaeError, match="The title has 121 characters; at most 120"):
        PageContent("x" * 121)
    with pytest.raises(VaeError, match="The text has 2,001 characters"):
        PageContent(text="x" * 2001)
    with pytest.raises(VaeError, match="41 moments are not possible: 1 to 40"):
        PageContent(moments=41)
    with pytest.raises(VaeError, match="no weights"):
        page_file([new_run(small_config(), tmp_path)])
