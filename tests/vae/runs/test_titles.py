"""Titles of runs: how they differ from a preset, those that people give, and equal ones."""

import io
import json
import os
from pathlib import Path

import pytest

from tests.support.small_runs import small_config
from vae import VaeError
from vae.config import TrainConfig
from vae.runs.archive import check_run, pack, unpack
from vae.runs.catalogue import new_run
from vae.runs.run import Run
from vae.runs.titles import _WORDS, give_title, given_title, settings_title, title_of, titles_of

TITLES = {
    "quick": TrainConfig.preset("quick"),
    "best": TrainConfig.preset("best"),
    "quick, beta 4": TrainConfig.preset("quick", beta=4),
    "small, beta 0, seed 2": TrainConfig.preset("small", beta=0, seed=2),
    "small, 10 dimensions": TrainConfig.preset("small", latent_dim=10),
    "quick, fashion-mnist, 1 epoch": TrainConfig.preset("quick", dataset="fashion-mnist", epochs=1),
    "blog, 60 epochs, trained longer": TrainConfig.preset("blog").extended(30),
    "blog, 90 epochs, trained longer 2 times": TrainConfig.preset("blog").extended(30).extended(30),
    "quick, hidden layers of 9 8, learning rate 0.0001": TrainConfig.preset(
        "quick", hidden_dims=(9, 8), learning_rate=1e-4
    ),
}


@pytest.mark.parametrize("title", TITLES)
def test_a_title_says_how_a_run_differs_from_its_preset(title: str) -> None:
    assert settings_title(TITLES[title], steered=False) == title
    assert settings_title(TITLES[title], steered=True) == f"{title}, steered"


def test_every_field_has_words_and_many_differences_are_counted() -> None:
    config = small_config(
        dataset="kmnist",
        latent_dim=1,
        network="residual",
        activation="tanh",
        schedule="constant",
        adam_beta2=0.9,
        pixel_dropout=0.5,
        precision="bfloat16",
        restarts=(1, 2),
        beta=0.5,
        width=8,
        likelihood="gaussian",
        kl_warmup=0.5,
        free_bits=0.1,
        seed=2,
    )
    preset, differs = config.nearest_preset
    assert config.identity.keys() == _WORDS.keys()
    title = settings_title(config, steered=True)
    assert title.startswith(f"{preset}, kmnist, 1 dimension, hidden layers of 24 16, ")
    assert title.endswith(f", {len(differs) - 5} more, steered")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return new_run(TrainConfig.preset("quick", beta=4), tmp_path / "runs")


def test_a_given_title_takes_the_place_of_the_settings_and_is_taken_away(run: Run) -> None:
    assert (given_title(run), title_of(run)) == (None, "quick, beta 4")
    give_title(run, "  Blurred  숫자 ")
    assert given_title(run) == title_of(run) == "Blurred 숫자"
    give_title(run, " ")
    assert (given_title(run), title_of(run)) == (None, "quick, beta 4")
    give_title(run, "")


@pytest.mark.parametrize("title", ["x" * 61, "a\x1b[2Jb", "a\u202eb", "\ud800"])
def test_what_cannot_be_a_title_is_refused(run: Run, title: str) -> None:
    with pytest.raises(VaeError, match="at most 60 characters"):
        give_title(run, title)
    assert title_of(run) == "quick, beta 4"


@pytest.mark.parametrize(
    "content", ["{", '{"title": ""}', '{"title": " a"}', '{"title": "a", "b": 1}', '{"title": "a\\u000a"}']
)
def test_a_stranger_s_damaged_title_is_named_and_not_shown(run: Run, content: str) -> None:
    (run.path / "title.json").write_text(content, encoding="utf-8")
    with pytest.raises(VaeError, match=f"{run.name}/title.json is damaged"):
        check_run(run)
    assert title_of(run) == run.name


def test_a_steered_run_says_so_and_a_damaged_one_has_its_name(run: Run) -> None:
    run.write_status(run.status().model_copy(update={"beta": 40.0, "steered": True}))
    assert title_of(run) == "quick, beta 4, steered"
    (run.path / "config.json").write_text("{")
    assert title_of(Run(run.path)) == run.name


def test_equal_titles_are_told_apart(run: Run) -> None:
    folder = run.path.parent
    again, third = (new_run(run.config, folder, again=True) for _ in range(2))
    mine = new_run(TrainConfig(), folder, "mine")
    give_title(mine, "quick, beta 4, run 2")
    assert titles_of([third, mine, again, run]) == {
        run.name: "quick, beta 4",
        again.name: "quick, beta 4, run 2",
        third.name: "quick, beta 4, run 3",
        "mine": "quick, beta 4, run 2, run 2",
    }
    assert titles_of([again]) == {again.name: "quick, beta 4"}


def test_a_stranger_s_title_takes_none_away(run: Run) -> None:
    folder = run.path.parent
    short = new_run(TrainConfig(), folder, "a")
    give_title(short, "quick, beta 4")
    assert titles_of([short, run]) == {run.name: "quick, beta 4", "a": "quick, beta 4, run 2"}


def test_of_equal_titles_the_older_is_the_first(run: Run) -> None:
    folder = run.path.parent
    older, newer = (new_run(TrainConfig(), folder, name) for name in ("older", "new"))
    for age, each in enumerate((newer, older), 1):
        give_title(each, "Mine")
        os.utime(each.path / "title.json", ns=(0, 10**18 - age))
    assert titles_of([newer, older]) == {"older": "Mine", "new": "Mine, run 2"}
    for age, each in enumerate((run, newer, older), 1):
        give_title(each, "")
        os.utime(each.path / "config.json", ns=(0, 10**18 - age))
    again = new_run(run.config, folder, again=True)
    os.utime(again.path / "config.json", ns=(0, 1))  # a copy's, in any order
    assert titles_of([newer, older]) == {"older": "quick", "new": "quick, run 2"}
    assert titles_of([again, run]) == {run.name: "quick, beta 4", again.name: "quick, beta 4, run 2"}


def test_a_title_travels_in_a_zip(trained: Run, tmp_path: Path, runs_dir: Path) -> None:
    run = Run(runs_dir / trained.name)
    give_title(run, "Mine")
    file = io.BytesIO()
    pack(run, file)
    assert title_of(unpack(file, tmp_path / "elsewhere")) == "Mine"
    (run.path / "title.json").write_text(json.dumps({"title": "\n"}), encoding="utf-8")
    file = io.BytesIO()
    pack(run, file)
    with pytest.raises(VaeError, match=r"title\.json is damaged"):
        unpack(file, tmp_path / "elsewhere")
