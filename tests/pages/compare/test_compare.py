"""The Compare page without a browser: what it says of two runs, and what its buttons ask for."""

import shutil
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
import streamlit
from streamlit.testing.v1 import AppTest

from pages.components.compare.metrics_table import quick_metrics
from pages.components.compare.presets import POLL, PRESETS
from pages.components.runs import loaded_model
from tests.support.app_test import component, html, messages, read, visit
from tests.support.evaluations import evaluation_of
from tests.support.small_runs import small_config, write_mirrored_mnist, write_small_mnist
from vae.config import TrainConfig
from vae.evaluation import queue
from vae.evaluation.queue import Job
from vae.runs.catalogue import new_run
from vae.runs.evaluation_record import save_evaluation
from vae.runs.records import State, Status
from vae.runs.run import Run
from vae.runs.titles import title_of
from vae.training.forecast import in_words, training_seconds

PAGE = "pages/compare.py"


@pytest.fixture
def pair(runs_dir: Path, trained: Run, wide: Run) -> tuple[Run, Run]:
    """Two runs on the small MNIST: of two latent dimensions, and of five."""
    shutil.copytree(wide.path, runs_dir / wide.name)
    return Run(runs_dir / trained.name), Run(runs_dir / wide.name)


def compare(pair: tuple[Run, Run], **query: str) -> AppTest:
    left, right = pair
    return visit(PAGE, None, run=left.name, **{"with": right.name}, **query)


def captions(test: AppTest) -> str:
    return read(" ".join(element.value for element in test.caption))


def click(test: AppTest, key: str, number: int, z: list[float], point: int | None = None) -> AppTest:
    """The page after a click on a map."""
    here = {name: component(test, key)[name] for name in ("points", "revision", "decoder")}
    test.session_state[key] = {
        "events": [{"kind": "click", "number": number, "z": z, "point": point, **here}]
    }
    test.run()
    assert not test.exception
    return test


def test_a_picture_is_marked_on_both_maps_with_both_losses(pair: tuple[Run, Run]) -> None:
    test = compare(pair, index="3")
    left, right = (component(test, key) for key in ("left", "right"))
    assert (left["chosen"], right["chosen"]) == (0, 0)
    assert left["query"] == {"z": None, "index": "3"}
    assert (left["prefix"], right["prefix"]) == ("", "with_")
    assert not left["selects"]
    for run, shown, look in zip(pair, (left, right), ("left_look", "right_look"), strict=True):
        loaded = loaded_model.load(run)
        assert shown["decoder"] == loaded.decoder.name
        chosen = component(test, look)["chosen"]
        assert chosen["reconstruction"] == pytest.approx(loaded.test.reconstruction[3])
        assert chosen["kl"] == pytest.approx(loaded.test.kl[3])
    assert left["pins"] == [pytest.approx(loaded_model.load(pair[0]).test.means[3].tolist())]
    # A click on either map marks another picture on both.
    test = click(test, "right", 1, [0.0] * 5, point=7)
    assert component(test, "left")["query"]["index"] == "7"
    assert component(test, "left")["pins"] == [
        pytest.approx(loaded_model.load(pair[0]).test.means[7].tolist())
    ]


def test_a_place_of_another_number_of_dimensions_stays_on_its_map(pair: tuple[Run, Run]) -> None:
    test = compare(pair, z="0.5,-1")
    assert any("2 numbers at the left and 5 at the right" in each.value for each in test.caption)
    assert component(test, "left")["pins"] == [[0.5, -1]]
    assert component(test, "right")["pins"] == []
    looks = [component(test, f"{side}_look")["chosen"] for side in ("left", "right")]
    assert looks[0]["z"] == [0.5, -1]
    assert looks[1] is None
    test = click(test, "right", 1, [0.5, 1, 2, 3, 4])
    assert component(test, "left")["pins"] == []
    assert len(component(test, "right")["pins"]) == 1
    assert component(test, "left")["query"] == {"z": "0.5,1,2,3,4", "index": None}
    # A double click means the whole map: what was chosen before is back.
    test.session_state["right"] = {"events": [{"kind": "undo", "number": 2, "of": 1}]}
    assert component(test.run(), "left")["pins"] == [[0.5, -1]]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"index": "200"}, "There is no test image '200'"),
        ({"index": "x"}, "There is no test image 'x'"),
        ({"z": "1,2,3"}, "is no z here"),
        ({"z": "nan,1"}, "is no z here"),
        ({"with": "nope"}, "There is no run called nope."),
        ({"with": "../../etc"}, "is no run's name"),
        ({"colour": "x", "over": "x", "log": "x", "window": "x", "with_window": "x", "with_hide": "x"}, ""),
    ],
)
def test_nonsense_in_the_address_gets_a_sentence(
    query: dict[str, str], sentence: str, pair: tuple[Run, Run]
) -> None:
    test = visit(PAGE, None, run=pair[0].name, **{"with": pair[1].name, **query})
    assert sentence in messages(test)
    assert not test.error
    assert [component(test, key)["pins"] for key in ("left", "right")] == [[], []]


def test_runs_of_two_data_sets_say_what_cannot_be_compared(
    runs_dir: Path, trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = new_run(small_config(dataset="kmnist"), runs_dir)
    shutil.copy(runs_dir / trained.name / "model.safetensors", other.model_path)
    monkeypatch.setenv("VAE_DATA_DIR", str(write_small_mnist(tmp_path / "data")))
    write_mirrored_mnist(tmp_path / "data" / "kmnist")
    test = visit(PAGE, None, run=trained.name, **{"with": other.name})
    sentence = "They learned different data sets, mnist at the left and kmnist at the right"
    assert any(sentence in each.value for each in test.caption)
    assert "<td><b>" not in html(test)
    # A click on a point takes its place, which is one on both maps.
    test = click(test, "right", 1, [9.0, 9.0], point=3)
    (place,) = component(test, "right")["pins"]
    assert place != [9.0, 9.0]
    assert component(test, "left")["pins"] == [pytest.approx(place)]
    assert "is another at each side" in messages(
        visit(PAGE, None, run=trained.name, **{"with": other.name, "index": "3"})
    )


@pytest.mark.usefixtures("runs_dir")
def test_one_run_is_compared_with_none(trained: Run) -> None:
    test = visit(PAGE, None, run=trained.name, **{"with": trained.name})
    assert "There is only one run" in messages(test)
    assert "with" not in test.query_params


@pytest.mark.parametrize("damaged", [0, 1])
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("config.json", "config.json cannot be read"),
        ("model.safetensors", "model.safetensors cannot be used"),
        ("evaluation.json", "evaluation.json is damaged"),
        ("metrics.jsonl", "metrics.jsonl is damaged"),
    ],
)
def test_a_damaged_file_of_either_is_named(damaged: int, name: str, why: str, pair: tuple[Run, Run]) -> None:
    (pair[damaged].path / name).write_text("nonsense\n")
    assert f"{pair[damaged].name}/{why}" in messages(compare(pair))


def test_a_run_that_waits_for_its_training_is_named(pair: tuple[Run, Run]) -> None:
    pair[1].model_path.unlink()
    test = compare(pair)
    assert f"The weights of {title_of(pair[1])} are missing" in messages(test)
    assert component(test, "pair_curves")["cursor"] == {"timeline": "left_moment", "x": "epoch"}


@pytest.mark.parametrize("page", ["pages/latent.py", "pages/reconstructions.py", PAGE])
def test_a_run_that_failed_before_its_first_weights_says_so(page: str, runs_dir: Path, trained: Run) -> None:
    failed = new_run(small_config(seed=5), runs_dir)
    failed.write_status(Status(state="failed", step=2, error="The *loss* was no longer a number."))
    run = trained.name if page == PAGE else failed.name
    test = visit(page, None, run=run, **{"with": failed.name})
    said = messages(test)
    called = title_of(failed) if page == PAGE else failed.name
    assert f"{called} has no weights: it failed before the first were saved. The *loss* was" in said
    assert "Resume it, or choose another run." in said
    assert "the first come after" not in said


def test_losses_are_those_of_all_pages_and_others_come_with_an_evaluation(
    pair: tuple[Run, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Run] = []
    monkeypatch.setattr(queue, "begin", lambda _, run: asked.append(run))
    left, right = pair
    losses = [quick_metrics(loaded_model.load(run))["negative_elbo"] for run in pair]
    # As an earlier version has evaluated it, with more samples of z.
    save_evaluation(left, evaluation_of(left, negative_elbo=11.25, nll=9.5))
    test = compare(pair)
    assert "11.25" not in html(test)
    assert f"{losses[0]:.2f} ± 0.50<" in html(test)
    assert f"{losses[1]:.2f}<" in html(test)
    assert "9.50</td><td>–</td>" in html(test)
    (button,) = [each for each in test.button if each.label.startswith("Evaluate")]
    assert read(button.label) == f"Evaluate {title_of(right)}"
    button.click().run()
    assert asked == [right]
    monkeypatch.setitem(queue._jobs, queue._key("evaluate", right), Job(progress=0.4))
    test = compare(pair)
    assert not any(each.label.startswith("Evaluate") for each in test.button)
    assert "is evaluated: 40%" in read(test.get("progress")[0].proto.text)
    failed = Job(ended=True, error="It *fell* over.")
    monkeypatch.setitem(queue._jobs, queue._key("evaluate", right), failed)
    assert "It *fell* over." in messages(compare(pair))
    save_evaluation(right, evaluation_of(right, negative_elbo=10.5, nll=9.75))
    test = compare(pair)
    assert all(f"{loss:.2f} ± 0.50<" in html(test) for loss in losses)
    assert "<td><b>9.50</b></td><td>9.75</td>" in html(test)
    assert not any(each.label.startswith("Evaluate") for each in test.button)


def test_figures_stand_below_the_epochs_of_their_weights(pair: tuple[Run, Run]) -> None:
    from tests.support.small_runs import save_model

    left, right = pair
    save_model(left.model_path, left.load_model(), left.config, 10, 10 / 12)
    left.write_status(Status(state="stopped", step=20, epoch=1.67, total_steps=36))
    assert "<th>after epoch</th><td>0.83 of 3</td><td>1 of 1</td>" in html(compare(pair))
    # An evaluation of other weights than those that are loaded has no place in the same column.
    save_evaluation(left, evaluation_of(left, step=11, nll=9.5))
    save_evaluation(right, evaluation_of(right, step=12, nll=9.75))
    assert "<td>–</td><td>9.75</td>" in html(compare(pair))
    save_evaluation(left, evaluation_of(left, step=10, nll=9.5))
    assert "<td><b>9.50</b></td><td>9.75</td>" in html(compare(pair))


def test_evaluations_with_other_samples_are_not_compared(pair: tuple[Run, Run]) -> None:
    left, right = pair
    save_evaluation(left, evaluation_of(left, nll=9.5))
    save_evaluation(right, evaluation_of(right, nll=9.75, importance_samples=5))
    test = compare(pair)
    assert "<td>9.50</td><td>9.75</td></tr>" in html(test)
    assert "<td><b>" not in html(test).split(">figure<")[1]
    assert "evaluated with different numbers of images or samples" in captions(test)
    save_evaluation(right, evaluation_of(right, nll=9.75))
    test = compare(pair)
    assert "<td><b>9.50</b></td><td>9.75</td><td>+0.25</td>" in html(test)
    assert "different numbers" not in captions(test)


def test_comparisons_are_of_the_issue_and_each_is_one_click(
    runs_dir: Path, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[TrainConfig]] = []

    def start_all(configs: list[TrainConfig], where: Path) -> list[Run]:
        asked.append(configs)
        return [new_run(config, where) for config in configs]

    monkeypatch.setattr("vae.training.jobs.start_all", start_all)
    monkeypatch.setattr("pages.components.train.form.core_speed", lambda: 5e10)
    betas = [sorted(config.beta for config in each.configs.values()) for each in PRESETS]
    assert betas == [[0, 1], [0.1, 1, 4], [1, 1], [1, 1]]
    assert [config.seed for config in PRESETS[2].configs.values()] == [1, 2]
    presets = [config.nearest_preset for config in PRESETS[3].configs.values()]
    assert presets == [("blog", {}), ("best", {})]
    for each in PRESETS:
        assert each.about.count(". ") + 1 == 2, "two sentences"
    # Those that are there are not trained again.
    done = next(iter(PRESETS[2].configs.values()))
    run = new_run(done, runs_dir)
    run.write_status(trained.status())
    test = visit(PAGE, None, run=trained.name, cards="true")
    starts = [button for button in test.button if button.label == "Start"]
    assert len(starts) == 4
    left = list(PRESETS[2].configs.values())[1]
    seconds = training_seconds(left, 5e10)
    assert f"Trains seed 2: about {in_words(seconds)}" in captions(test)
    # Of one that was stopped, only the rest is trained.
    new_run(left, runs_dir).write_status(Status(state="stopped", step=75, epoch=5.25, total_steps=100))
    rest = training_seconds(left, 5e10, done=0.75)
    test = visit(PAGE, None, run=trained.name, cards="true")
    starts = [button for button in test.button if button.label == "Start"]
    assert f"Trains seed 2: about {in_words(rest)}" in captions(test)
    starts[2].click().run()
    assert asked == [[done, left]]
    assert test.query_params["run"] in (done.run_name, [done.run_name])
    assert test.query_params["with"] in (left.run_name, [left.run_name])
    # The cards stay until the last of them has finished; then the maps are shown in their place.
    assert len([button for button in test.button if button.label == "Start"]) == 4
    Run(runs_dir / left.run_name).write_status(trained.status())
    for config in (done, left):
        shutil.copy(trained.model_path, runs_dir / config.run_name / "model.safetensors")
    monkeypatch.setattr("pages.components.compare.presets._missing", lambda _: {})
    test.run()
    assert not any(button.label in ("Start", "Open") for button in test.button)
    assert "cards" not in test.query_params


def test_a_finished_comparison_leaves_a_later_link_as_it_is(
    runs_dir: Path, pair: tuple[Run, Run], trained: Run
) -> None:
    runs = [new_run(config, runs_dir) for config in PRESETS[2].configs.values()]
    for run in runs:
        run.write_status(trained.status())
        shutil.copy(trained.model_path, run.model_path)
    left, right = (run.name for run in pair)
    started: dict[str, object] = {"comparison_started": PRESETS[2].title}
    test = visit(PAGE, started, run=left, cards="true", **{"with": right})
    assert [each.value for each in test.sidebar.selectbox][:2] == [left, right]
    assert any(button.label == "Open" for button in test.button)
    assert "comparison_started" not in test.session_state
    # That of the start itself is what was waited for.
    test = visit(PAGE, None, run=runs[0].name, cards="true", **{"with": runs[1].name})
    assert any(button.label == "Open" for button in test.button)
    test.session_state["comparison_started"] = PRESETS[2].title
    test.run()
    assert [each.value for each in test.sidebar.selectbox][:2] == [run.name for run in runs]
    assert not any(button.label == "Open" for button in test.button)


def test_a_damaged_run_of_a_started_comparison_is_no_error_of_another_pair(
    runs_dir: Path, pair: tuple[Run, Run]
) -> None:
    damaged, _ = (new_run(config, runs_dir) for config in PRESETS[2].configs.values())
    (damaged.path / "status.json").write_text("{")
    test = visit(PAGE, {"comparison_started": PRESETS[2].title}, run=pair[0].name, **{"with": pair[1].name})
    assert not test.error
    assert component(test, "pair_curves")


def test_those_that_train_and_wait_are_shown_instead_of_a_start(runs_dir: Path, trained: Run) -> None:
    first, second = (new_run(config, runs_dir) for config in PRESETS[2].configs.values())
    first.write_status(Status(state="running", step=7, epoch=0.5, total_steps=9))
    second.write_status(Status(state="stopped"))
    with first.lock():
        test = visit(PAGE, None, run=trained.name, cards="true")
        assert "seed 1 is trained now: epoch 0.50" in captions(test)
        assert "seed 2: trained after that." in captions(test)
        starts = [button for button in test.button if button.label == "Start"]
        assert len(starts) == 1, "seed 1 is beta 1 of two others, too"


@pytest.mark.parametrize("state", ["stopped", "running", "finished"])
def test_a_steered_run_is_none_of_a_comparison(state: State, runs_dir: Path, trained: Run) -> None:
    first, second = (new_run(config, runs_dir) for config in PRESETS[2].configs.values())
    first.write_status(trained.status())
    steered = {"state": state, "step": 5, "epoch": 0.25, "total_steps": 9, "steered": True, "beta": 40.0}
    second.write_status(trained.status().model_copy(update=steered))
    with second.lock() if state == "running" else nullcontext():
        test = visit(PAGE, None, run=trained.name, cards="true")
    assert "Trains seed 2: about" in captions(test)
    assert not any(button.key == "Two seeds: seed 1 and seed 2" for button in test.button)


def test_a_damaged_run_is_told_of_on_its_cards_alone(runs_dir: Path, trained: Run) -> None:
    configs = PRESETS[1].configs.values()
    damaged, *others = (new_run(config, runs_dir) for config in configs)  # beta 0.1 is of this one only
    for run in others:
        run.write_status(trained.status().model_copy(update=run.config.rates))
    (damaged.path / "status.json").write_text("{")
    test = visit(PAGE, None, run=trained.name, cards="true", **{"with": others[0].name})
    assert messages(test).count(f"{damaged.name}/status.json is damaged") == 1
    assert sum(button.label == "Start" for button in test.button) == 3
    assert any(heading.value == "How they learned" for heading in test.subheader)


def test_one_that_waits_with_some_epochs_behind_it_is_no_untrained_one(
    runs_dir: Path, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    polled: list[float | None] = []
    real = streamlit.fragment

    def fragment(function: Callable[..., None], *, run_every: float | None = None) -> Callable[..., None]:
        if function.__name__ == "_cards":
            polled.append(run_every)
        return real(function, run_every=run_every)

    monkeypatch.setattr(streamlit, "fragment", fragment)
    first, second = (new_run(config, runs_dir) for config in PRESETS[2].configs.values())
    first.write_status(Status(state="running", step=7, epoch=0.5, total_steps=9))
    second.write_status(Status(state="stopped", step=5, epoch=0.25, total_steps=9))
    with first.lock():
        test = visit(PAGE, None, run=trained.name, cards="true")
        assert "seed 2: stopped at epoch 0.25." in captions(test)
    # Between the two: the first has ended, the second has not begun yet.
    first.write_status(trained.status())
    test = visit(PAGE, None, run=trained.name, cards="true")
    assert polled == [POLL, POLL]
    second.write_status(trained.status())
    visit(PAGE, None, run=trained.name, cards="true")
    assert polled[2:] == [None]


def test_what_is_trained_is_opened_also_by_those_who_may_not_start_it(
    runs_dir: Path, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAE_READ_ONLY", "1")
    for config in list(PRESETS[1].configs.values())[1:]:
        new_run(config, runs_dir).write_status(trained.status().model_copy(update=config.rates))
    test = visit(PAGE, None, run=trained.name, cards="true")
    assert not any(button.label == "Start" for button in test.button)
    assert not any(button.label.startswith("Evaluate") for button in test.button)
    assert "beta 0.1: not trained yet." in captions(test)
    (button,) = [button for button in test.button if button.label == "Open beta 1 and beta 4"]
    button.click().run()
    names = [config.run_name for config in PRESETS[1].configs.values()][1:]
    assert [test.query_params[name] for name in ("run", "with")] in (names, [[name] for name in names])
