"""What is known of data sets that are here, that are not, and that are damaged."""

from pathlib import Path

import pytest

from tests.support.picture_files import encoded, imported, picture, write_files
from vae import VaeError
from vae.config import BUILT_IN
from vae.datasets.facts import facts_of
from vae.datasets.fitting import Form
from vae.datasets.importing import open_source
from vae.datasets.registry import BUILT_IN_SETS, MissingDataError
from vae.storage.folders import PROJECT


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.mark.parametrize("name", [name for name in BUILT_IN if name != "mnist"])
def test_a_built_in_set_is_known_before_it_is_here(name: str, root: Path) -> None:
    facts = facts_of(name)
    assert not facts.present
    assert (facts.channels, facts.side) == BUILT_IN[name]
    assert tuple(facts.counts.values()) == BUILT_IN_SETS[name].counts
    assert (facts.size, facts.contents, facts.folder) == (0, "", root / name)


def test_mnist_is_in_the_project_where_the_data_directory_has_none() -> None:
    facts = facts_of("mnist")
    assert facts.present
    assert facts.folder == PROJECT / "data" / "mnist"
    assert facts.size > 10_000_000
    assert facts.form == "28 × 28, grey"


def test_an_imported_set_is_known_by_its_record(tmp_path: Path, root: Path) -> None:
    files = {f"{kind}/{i}.png": encoded(picture(i)) for i in range(4) for kind in "ab"}
    with open_source(write_files(tmp_path / "mine", files)) as source:
        imported(source, Form(16, 3), "mine")
    facts = facts_of("mine")
    assert facts.present
    assert facts.form == "16 × 16, colour"
    assert facts.classes == ("a", "b")
    assert facts.counts == {"train": 7, "test": 1}
    assert facts.size >= 8 * 16 * 16 * 3
    (root / "mine" / "dataset.json").write_text("{}")
    with pytest.raises(VaeError, match=r"mine in .* is damaged"):
        facts_of("mine")
    with pytest.raises(MissingDataError, match="page Data"):
        facts_of("yours")
