"""The pages without a browser: what they say with runs, without, and with damaged ones."""

import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import NumberInput

from pages.components.runs import run_data
from pages.components.shell.messages import WORD_JOINER
from tests.support.app_test import PAGES, component, html, messages, read, tell, visit
from tests.support.browser import wait_until
from tests.support.paths import BUNDLED, ROOT
from tests.support.small_runs import small_config, stop_within_first_epoch
from vae.config import TrainConfig
from vae.runs.catalogue import find_run, new_run
from vae.runs.records import LIVE, Request, State, Status
from vae.runs.run import Run
from vae.runs.titles import give_title, title_of
from vae.training.forecast import in_words, training_seconds

EXPLORING = PAGES[:2]


@pytest.mark.parametrize("page", PAGES)
def test_without_runs_every_page_says_what_to_do(
    page: str, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert not small.exists()
    where = "below" if page == "pages/train.py" else "on the Train page"
    test = visit(page)
    assert f"no runs yet in {small}. Choose a preset {where}" in messages(test)
    if page != "pages/train.py":
        assert component(test, "train_link")["page"] == "train"
    labels = [toggle.label for toggle in test.sidebar.toggle]
    assert "Ready-made comparisons" not in labels  # Compare shows them anyway


@pytest.mark.parametrize("page", PAGES[:3])
def test_the_newest_run_with_weights_is_chosen(page: str, runs_dir: Path, trained: Run) -> None:
    new_run(small_config(seed=5), runs_dir).write_status(Status(state="stopped"))
    test = visit(page)
    assert messages(test) == ""
    assert test.sidebar.selectbox[0].value == trained.name


@pytest.mark.parametrize("page", PAGES)
def test_links_in_one_run_leave_the_pages_to_the_others(page: str, runs_dir: Path, trained: Run) -> None:
    shutil.copytree(runs_dir / trained.name, runs_dir / "broken")
    weights = Run(runs_dir / "broken").model_path
    weights.unlink()
    weights.symlink_to("a" * 300)
    test = visit(page)
    said = messages(test)
    assert "broken/" in said if page == "pages/compare.py" else said == ""  # where it is the only other one
    assert test.sidebar.selectbox[0].value == trained.name


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.usefixtures("runs_dir")
def test_a_url_that_names_no_run_gets_a_sentence(page: str) -> None:
    test = visit(page, run="nope")
    assert "There is no run called nope. Another run is shown" in messages(test)
    assert test.query_params.get("run") != ["nope"]


PICKER = "from pages.components.runs.run_picker import run_picker; run_picker()"


@pytest.mark.parametrize("asked", ["../../etc", "a/b", "A", "/", "..", "linked", "../outside", "x\n"])
def test_a_url_that_names_no_run_reaches_no_other_folder(asked: str, runs_dir: Path, trained: Run) -> None:
    outside = new_run(small_config(seed=5), runs_dir.parent, "outside")
    (runs_dir / "linked").symlink_to(outside.path)
    test = AppTest.from_string(PICKER)
    test.query_params["run"] = asked
    test.run()
    assert not test.exception
    assert test.sidebar.selectbox[0].options == [title_of(trained)]
    assert "Another run is shown" in messages(test)
    assert test.query_params["run"] in (trained.name, [trained.name])


def test_who_comes_to_watch_sees_the_training(runs_dir: Path, trained: Run) -> None:
    run = new_run(small_config(seed=5), runs_dir)
    with run.lock():
        run.write_status(Status(state="running"))
        box = visit("pages/train.py").sidebar.selectbox[0]
        assert box.value == run.name
        assert f"{title_of(run)} · live" in map(read, box.options)
        assert visit("pages/latent.py").sidebar.selectbox[0].value == trained.name


def test_a_run_whose_state_changed_can_still_be_chosen(runs_dir: Path, trained: Run) -> None:
    run = Run(runs_dir / trained.name)
    run.write_status(run.status().model_copy(update={"state": "stopped"}))
    test = visit("pages/latent.py", run=run.name)
    with run.lock():
        run.write_status(Status(state="running"))
        run_data.status.clear()
        box = test.sidebar.selectbox[0]
        assert box.format_func(run.name) in box.options, "the name in the box that this visitor sees"
        test.run()
        assert f"{title_of(run)} · live" in map(read, test.sidebar.selectbox[0].options)


def test_a_damaged_run_does_not_take_over_the_first_page(runs_dir: Path, trained: Run) -> None:
    shutil.copytree(runs_dir / trained.name, runs_dir / "broken")
    (runs_dir / "broken" / "config.json").write_text("{")
    test = visit(PAGES[0])
    assert test.sidebar.selectbox[0].value == trained.name
    assert "broken · damaged" in map(read, test.sidebar.selectbox[0].options)


@pytest.mark.usefixtures("runs_dir")
def test_markup_in_the_address_is_shown_letter_by_letter() -> None:
    (warning,) = visit(PAGES[0], run="**bold** [x](http://a.b)").warning
    assert rf"\*\*bold\*\* \[x\]\(http\:{WORD_JOINER}//a.b\)" in warning.value


def test_the_address_and_the_box_choose_the_run(runs_dir: Path, trained: Run) -> None:
    other = new_run(small_config(seed=5), runs_dir)
    test = visit(PAGES[0], run=other.name)
    assert test.sidebar.selectbox[0].value == other.name
    assert "has no weights yet" in messages(test)
    test.sidebar.selectbox[0].select(trained.name).run()
    assert messages(test) == ""
    assert test.query_params["run"] in (trained.name, [trained.name])


@pytest.mark.parametrize("page", EXPLORING)
def test_weights_that_do_not_fit_get_a_sentence(page: str, runs_dir: Path, trained: Run) -> None:
    file = runs_dir / trained.name / "model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    assert "model.safetensors cannot be used: it is damaged" in messages(visit(page))
    other = new_run(small_config(latent_dim=3), runs_dir)
    other.model_path.write_bytes(whole)
    test = visit(PAGES[0], run=other.name)
    assert "of other sizes than its config implies" in messages(test)


@pytest.mark.parametrize("page", PAGES[:3])
def test_a_config_that_does_not_parse_gets_a_sentence(page: str, runs_dir: Path, trained: Run) -> None:
    (runs_dir / trained.name / "config.json").write_text("{")
    assert "config.json cannot be read" in messages(visit(page))


@pytest.mark.usefixtures("runs_dir")
def test_a_click_decodes_that_very_place() -> None:
    test = visit(PAGES[0])
    tell(test, {"kind": "click", "number": 1, "z": [0.25, -1.5], "point": None, "points": ""})
    assert component(test, "look")["chosen"]["z"] == [0.25, -1.5]


@pytest.mark.parametrize("latent_dim", [1, 5])
def test_other_latent_dimensions_have_a_map_too(latent_dim: int, runs_dir: Path) -> None:
    import vae

    run = vae.train(small_config(latent_dim=latent_dim, epochs=1), runs_dir)
    test = visit(PAGES[0], run=run.name)
    assert messages(test) == ""
    assert ("geometric mean" in test.segmented_control(key="colour").help) == (latent_dim == 5)
    assert ("dashed lines" in html(test)) == (latent_dim == 1)


def test_a_damaged_status_gets_a_sentence(runs_dir: Path, trained: Run) -> None:
    (runs_dir / trained.name / "status.json").write_text("{")
    assert "status.json is damaged" in messages(visit(PAGES[2]))


def test_a_damaged_figure_of_the_live_part_gets_a_sentence(runs_dir: Path, trained: Run) -> None:
    (runs_dir / trained.name / "metrics.jsonl").write_text("nonsense\n")
    assert "metrics.jsonl is damaged" in messages(visit(PAGES[2]))


def labels(test: AppTest) -> list[str]:
    """Of the buttons that concern the run, after the one that starts another."""
    return [button.label for button in test.button if button.label != "Start"]


def press(test: AppTest, label: str) -> AppTest:
    next(button for button in test.button if button.label == label).click()
    test.run()
    assert not test.exception
    return test


def number(test: AppTest, label: str) -> NumberInput:
    """The one that steers, not the one of the form of settings."""
    return next(
        field for field in test.number_input if field.label == label and "settings" not in str(field.key)
    )


def test_every_message_of_a_rate_has_the_value_in_force(runs_dir: Path, trained: Run) -> None:
    """A browser that draws two messages at once sees the last only, and would send another value back."""
    run = Run(runs_dir / trained.name)
    paused = run.status().model_copy(update={"state": "paused"})
    run.write_status(paused)
    test = visit(PAGES[2])
    with run.lock():
        for beta in (paused.beta, 4.0):  # at first, and changed elsewhere
            run.write_status(paused.model_copy(update={"beta": beta}))
            test.run()
            for _ in range(2):
                field = number(test, "Beta")
                assert (field.value, field.proto.default, field.proto.set_value) == (beta, beta, False)
                test.run()
        assert run.request() is None
        number(test, "Beta").set_value(2.0).run()
        request = run.request()
        assert request is not None
        run.write_status(paused.model_copy(update={"beta": 2.0, "heard": request.number}))
        key = number(test, "Beta").key
        assert (number(test.run(), "Beta").value, number(test, "Beta").key) == (2, key)
        assert run.request() == request


def test_a_failed_run_says_why_and_resumes_with_another_rate(runs_dir: Path, trained: Run) -> None:
    run = Run(runs_dir / trained.name)
    run.write_status(run.status().model_copy(update={"state": "failed", "error": "The loss was no number."}))
    test = visit(PAGES[2])
    assert "The loss was no number." in messages(test)
    assert "Resume" in labels(test)
    assert "Pause" not in labels(test)
    number(test, "Learning rate").set_value(1e-4).run()
    request = run.request()
    assert request is not None
    assert request.learning_rate == 1e-4


def test_a_finished_run_can_be_trained_again_and_longer(runs_dir: Path, trained: Run) -> None:
    test = visit(PAGES[2])
    assert labels(test) == ["Go on", "Train again"]
    press(test, "Train again")
    again = find_run(runs_dir, f"{trained.name}-2")
    assert again.status().state in LIVE
    again.request_stop()
    wait_until(lambda: again.status().state not in LIVE)


def test_a_training_is_steered_by_its_buttons(runs_dir: Path, trained: Run) -> None:
    run = Run(runs_dir / trained.name)
    running = run.status().model_copy(update={"state": "running", "step": 15, "heard": 1, "delay": 0.0})

    def heard() -> None:
        """Takes part of the trainer, who answers at once."""
        asked: list[Request] = []
        end = time.monotonic() + 60
        while len(asked) < 6 and time.monotonic() < end:
            request = run.request()
            if request is None or request in asked:
                time.sleep(0.001)
                continue
            asked.append(request)
            state: State = "running" if request.pause_at is None else "paused"
            changes = {"state": state, "heard": request.number, "delay": request.delay}
            run.write_status(running.model_copy(update=changes))
        wishes.extend(asked)

    wishes: list[Request] = []
    with run.lock(), ThreadPoolExecutor(1) as pool:
        run.write_status(running)
        trainer = pool.submit(heard)
        test = visit(PAGES[2])
        assert labels(test)[:4] == ["Pause", "One batch", "One epoch", "Stop"]
        press(test, "Pause")
        assert labels(test)[0] == "Resume"
        press(test, "One batch")
        press(test, "One epoch")
        press(test, "Resume")
        assert labels(test)[0] == "Pause"
        test.select_slider[0].set_value(0.5).run()
        press(test, "Stop")
        trainer.result()
    assert [wish.pause_at for wish in wishes] == [0, 16, 24, None, None, None]
    assert [wish.delay for wish in wishes] == [0, 0, 0, 0, 0.5, 0.5]
    assert [wish.stop for wish in wishes] == [False] * 5 + [True]


def test_what_the_trainer_has_not_heard_yet_is_said(
    runs_dir: Path, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.components.runs.run_actions.ANSWER_SECONDS", 0)
    run = Run(runs_dir / trained.name)
    with run.lock():
        run.write_status(run.status().model_copy(update={"state": "running", "heard": 1}))
        test = press(visit(PAGES[2]), "Pause")
        assert labels(test)[0] == "Pausing …"
        assert any("Requested; it takes effect" in caption.value for caption in test.caption)
        press(test, "Stop")
        assert "Stopping …" in labels(test)
        # Another tab changed the rate: this one shows what is in force.
        status = run.status()
        request = run.request()
        assert request is not None
        run.write_status(status.model_copy(update={"heard": request.number, "learning_rate": 7e-4}))
        test.run()
        assert number(test, "Learning rate").value == 7e-4
        test.run()
        assert not number(test, "Learning rate").proto.set_value, "what is entered meanwhile would be lost"


@pytest.mark.parametrize(("label", "value"), [("Learning rate", 5.0), ("Learning rate", 0.0), ("Beta", -1.0)])
def test_a_rate_out_of_bounds_gets_a_sentence_and_is_not_asked_for(
    label: str, value: float, runs_dir: Path, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(runs_dir / trained.name)
    with run.lock():
        run.write_status(run.status().model_copy(update={"state": "running"}))
        test = visit(PAGES[2])
        number(test, label).set_value(value).run()
        assert "input should be" in messages(test)
        assert run.request() is None
        assert number(test, label).value == {"Learning rate": 3e-3, "Beta": 1}[label], "what is in force"
        monkeypatch.setattr("pages.components.runs.run_actions.REFUSED_SECONDS", 0)
        test.run()
        assert "input should be" not in messages(test)


def test_a_forecast_is_of_what_a_start_still_has_to_train(
    runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.components.train.form.core_speed", lambda: 5e10)
    config = TrainConfig.preset("quick")

    def forecast() -> str:
        found = [caption.value for caption in visit(PAGES[2]).caption if "half a minute" in caption.value]
        return found[0]

    assert f"As set, it takes about {in_words(training_seconds(config, 5e10))} on" in forecast()
    run = new_run(config, runs_dir)
    stop_within_first_epoch(run)
    rest = training_seconds(config, 5e10, done=0.85 / config.epochs)
    assert f"stands at epoch 0.85 of {config.epochs}; **Start** goes on" in forecast()
    assert f"the rest takes about {in_words(rest)} on" in forecast()
    run.write_status(Status(state="finished", step=700, epoch=7, total_steps=700))
    assert "is finished already." in forecast()
    with run.lock():
        run.write_status(Status(state="paused", step=700, epoch=7, total_steps=700))
        assert "is being trained; **Start** opens it." in forecast()
    (run.path / "status.json").write_text("{")
    assert "As set, it takes" in forecast()


def test_a_second_start_offers_to_watch_or_to_stop_the_first(runs_dir: Path) -> None:
    run = new_run(small_config(seed=5), runs_dir)
    with run.lock():
        run.write_status(Status(state="running", total_steps=36))
        test = press(visit(PAGES[2]), "Start")
        assert f"{title_of(run)} is being trained, and two" in messages(test)
        press(test, "Watch it")
        assert test.query_params["run"] in (run.name, [run.name])
        press(press(test, "Start"), "Stop it")
        request = run.request()
        assert request is not None
        assert request.stop
        run.write_status(Status(state="stopped", total_steps=36))
    assert "two trainings" not in messages(visit(PAGES[2], state={"busy_run": run.name}))


def test_a_request_that_is_damaged_when_a_button_is_pressed_gets_a_sentence(
    runs_dir: Path, trained: Run
) -> None:
    run = Run(runs_dir / trained.name)
    with run.lock():
        run.write_status(run.status().model_copy(update={"state": "running"}))
        test = visit(PAGES[2])
        run.request_path.write_text("{")
        assert "request.json is damaged" in messages(press(test, "One batch"))


def test_a_training_that_hindered_a_start_and_is_damaged_hinders_no_longer(runs_dir: Path) -> None:
    (new_run(small_config(seed=5), runs_dir, "busy").path / "status.json").write_text("{")
    assert "two trainings" not in messages(visit(PAGES[2], state={"busy_run": "busy"}))


def test_steps_count_from_where_the_trainer_is_when_the_button_is_pressed(
    runs_dir: Path, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.components.runs.run_actions.ANSWER_SECONDS", 0)
    run = Run(runs_dir / trained.name)
    running = run.status().model_copy(update={"state": "running", "step": 13})
    with run.lock():
        run.write_status(running)
        test = visit(PAGES[2])
        run.write_status(running.model_copy(update={"step": 30}))
        press(test, "One epoch")
        request = run.request()
        assert request is not None
        assert request.pause_at == 36
        run.clear_request()
        # Two quick clicks, the second before the trainer heard the first.
        press(press(test, "One batch"), "One batch")
        request = run.request()
        assert request is not None
        assert request.pause_at == 32


def test_a_damaged_status_leaves_the_form_and_the_table(runs_dir: Path, trained: Run) -> None:
    (runs_dir / trained.name / "status.json").write_text("{")
    test = visit(PAGES[2], show="Runs")
    assert any(button.label == "Start" for button in test.button)
    assert list(test.dataframe[0].value["state"]) == ["damaged"]


def test_the_bar_of_a_new_run_begins_at_zero(runs_dir: Path, trained: Run) -> None:
    run = Run(runs_dir / trained.name)
    finished = run.status()
    test = visit(PAGES[2])
    furthest = test.session_state["furthest"]
    run.write_status(finished.model_copy(update={"state": "stopped", "step": 18}))
    assert bar(visit(PAGES[2], {"furthest": dict(furthest)})) == 100, "a resumed run waits where it was"
    run.write_config(run.config)
    assert bar(visit(PAGES[2], {"furthest": dict(furthest)})) == 50


def bar(test: AppTest) -> int:
    return int(test.get("progress")[0].proto.value)


def test_settings_out_of_bounds_cannot_be_started(runs_dir: Path) -> None:
    test = visit(PAGES[2])
    next(field for field in test.text_input if field.label == "Hidden dimensions").set_value("abc").run()
    assert "hidden_dims" in messages(test)
    assert next(button for button in test.button if button.label == "Start").disabled
    assert len(list(runs_dir.glob("*/config.json"))) == 1


def test_all_runs_are_in_the_table(runs_dir: Path, trained: Run) -> None:
    new_run(small_config(seed=5, beta=4), runs_dir, "other").write_status(Status(state="stopped"))
    shutil.copytree(runs_dir / trained.name, runs_dir / "broken")
    (runs_dir / "broken" / "config.json").write_text("{")
    table = visit(PAGES[2], run=trained.name, show="Runs").dataframe[0].value.set_index("name")
    assert set(table.index) == {trained.name, "other", "broken"}
    assert table.loc["other", "state"] == "stopped"
    assert "beta 4" in table.loc["other", "differs"]
    assert table.loc["broken", "state"] == "damaged"
    assert table.loc[trained.name, "epochs"] == "3 of 3"
    assert table.loc[trained.name, "−ELBO"] == pytest.approx(-trained.metric_lines()[0][-1].elbo)


def test_chosen_runs_lie_over_the_curves_and_can_be_deleted(runs_dir: Path, trained: Run) -> None:
    shutil.copytree(runs_dir / trained.name, runs_dir / "mine")
    shutil.copytree(runs_dir / trained.name, runs_dir / "broken")
    (runs_dir / "broken" / "metrics.jsonl").write_text("nonsense\n")
    give_title(Run(runs_dir / "mine"), "My own")
    assert "My own" not in component(visit(PAGES[2], run=trained.name), "curves")["figure"]
    test = visit(PAGES[2], {"chosen_runs": ["mine"]}, run=trained.name)
    assert "My own" in component(test, "curves")["figure"]
    test = visit(PAGES[2], {"chosen_runs": ["mine"]}, run=trained.name, show="Runs")
    press(test, "Open")
    assert test.query_params["run"] in ("mine", ["mine"])

    test = visit(PAGES[2], {"chosen_runs": ["mine"]}, run=trained.name, show="Runs")
    shutil.rmtree(runs_dir / "mine")  # in another window
    press(test, "Delete")
    assert "mine" not in labels(test)
    test = visit(PAGES[2], {"chosen_runs": ["broken"]}, run=trained.name)
    assert "broken/metrics.jsonl is damaged" in messages(test)
    test = visit(PAGES[2], {"chosen_runs": ["broken"]}, run=trained.name, show="Runs")
    test = press(test, "Delete")
    assert not (runs_dir / "broken").exists()
    assert messages(test) == ""


def test_the_environment_names_the_runs_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    from vae.runs.catalogue import default_runs_dir

    monkeypatch.delenv("VAE_RUNS_DIR", raising=False)
    assert default_runs_dir() == ROOT / "checkpoints"
    monkeypatch.setenv("VAE_RUNS_DIR", os.sep + "elsewhere")
    assert default_runs_dir() == Path("/elsewhere")


def test_the_app_started_in_another_folder_shows_the_runs_of_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VAE_RUNS_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    test = visit(PAGES[2], run=BUNDLED.name)
    assert messages(test) == ""
    assert test.sidebar.selectbox[0].value == BUNDLED.name


def test_damaged_weights_leave_the_rest_of_the_page(runs_dir: Path, trained: Run) -> None:
    """There the training is stopped, or goes on."""
    run = Run(runs_dir / trained.name)
    run.model_path.write_bytes(run.model_path.read_bytes()[:1000])
    test = visit(PAGES[2], run=run.name)
    assert "model.safetensors" in messages(test)
    assert component(test, "rewind")["end"]["pictures"]
    assert len(component(test, "curves")["figure"]) > 1000
