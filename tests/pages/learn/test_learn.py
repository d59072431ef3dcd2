"""The Learn page and the lesson card without a browser; missing runs; every link of every lesson."""

import os
import shutil
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from pages.components.learn import missing_runs
from pages.components.learn.lessons import Link, all_lessons, glossary, links_of
from pages.components.learn.texts import TEXTS
from pages.components.runs import run_data
from pages.components.train import form
from tests.pages.test_one_screen import SCREENS
from tests.support.app_test import component, html, messages, read, visit
from tests.support.browser import wait_until
from tests.support.paths import ROOT
from tests.support.small_runs import small_config
from vae import __version__
from vae.runs.catalogue import find_run, new_run, open_run
from vae.runs.records import Status
from vae.runs.titles import settings_title, title_of
from vae.training.forecast import in_words, training_seconds

LEARN, RECONSTRUCTIONS = "pages/learn.py", "pages/reconstructions.py"
FILES = {"map": "latent", **{name: name for name in ("reconstructions", "compare", "train", "learn")}}
FIRST = all_lessons("en")[0]


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs that come with the project."""
    folder = tmp_path_factory.mktemp("bundled") / "runs"
    shutil.copytree(ROOT / "checkpoints", folder, copy_function=os.link)
    return folder


@pytest.fixture
def runs(bundled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAE_RUNS_DIR", str(bundled))
    monkeypatch.chdir(ROOT)


def texts(test: AppTest) -> list[str]:
    return [element.value for element in test.markdown]


@pytest.mark.usefixtures("runs")
def test_links_of_introductions_keep_the_lesson_too() -> None:
    lesson = next(each for each in all_lessons("ko") if links_of(each.introduction))
    test = visit(LEARN, language="ko", lesson=lesson.number)
    assert f"learn?term={dict(links_of(lesson.introduction)[0].query)['term']}&language=ko" in texts(test)[0]


def addresses(test: AppTest) -> list[str]:
    """The addresses of the links in all texts."""
    return [part.split(")")[0].split(" ")[0] for text in texts(test) for part in text.split("](")[1:]]


@pytest.mark.usefixtures("runs")
def test_the_page_shows_the_first_lesson_and_the_list_of_all() -> None:
    test = visit(LEARN)
    assert test.subheader[0].value == FIRST.title
    assert texts(test)[:2] == [FIRST.introduction, f"**{FIRST.steps[0].heading}**"]
    assert test.expander[-1].label == FIRST.steps[-1].answer_heading
    listed = component(test, "lesson_list")
    assert [each["title"] for each in listed["lessons"]] == [lesson.title for lesson in all_lessons("en")]
    assert (listed["shown"], messages(test)) == (FIRST.number, "")
    bar = component(test, "lesson_bar_page")
    assert bar["steps"] == [step.heading for step in FIRST.steps]
    assert not bar["goingOn"]  # the lesson begins with the first move or link
    assert test.caption[-1].value == f"VAE playground {__version__}"


@pytest.mark.usefixtures("runs")
def test_the_language_is_that_of_the_address_and_stays() -> None:
    test = visit(LEARN, language="ko", lesson="1")
    korean = all_lessons("ko")[0]
    assert test.subheader[0].value == korean.title
    assert component(test, "lesson_bar_page")["texts"]["close"] == "수업 끝내기"
    assert all("language=ko" in address for address in addresses(test))
    # On another page the URL does not say it, as after a click in the navigation.
    kept = {name: test.session_state[name] for name in ("lesson_going_on", "lesson_language")}
    assert korean.introduction in texts(visit(RECONSTRUCTIONS, kept))


@pytest.mark.usefixtures("runs")
def test_the_card_goes_along_to_other_pages_with_links_that_keep_it() -> None:
    assert FIRST.introduction not in texts(visit(RECONSTRUCTIONS))
    test = visit(RECONSTRUCTIONS, lesson="1", at="2")
    assert FIRST.introduction in texts(test)
    # Sent before the steps: a component's own style comes after them, and they would be seen on the page.
    assert ".st-key-lesson_frame_card" in html(test)
    kept = [parse_qs(urlsplit(address).query) for address in addresses(test)]
    assert [query["lesson"] for query in kept if "term" not in query] == [
        [FIRST.number] for step in FIRST.steps for link in step.links if link.page != "learn"
    ]
    kept_in_tab = {"lesson_going_on": test.session_state["lesson_going_on"]}
    assert FIRST.introduction in texts(visit("pages/compare.py", kept_in_tab))


ENDING = """
import streamlit as st
from pages.components.learn.lesson_state import end_lesson, lesson_going_on
from pages.components.shell.page_state import set_page
set_page(st.session_state.page)
st.button("End", on_click=end_lesson)
lesson = lesson_going_on()
st.session_state.shown = lesson and lesson.number
"""


def test_an_ended_lesson_stays_so_on_its_page_and_can_be_begun_on_another() -> None:
    test = AppTest.from_string(ENDING)
    test.session_state["page"] = "map"
    test.query_params["lesson"] = "7"
    assert test.run().session_state["shown"] == "07"
    test.button[0].click().run()
    assert test.session_state["shown"] is None
    test.query_params["lesson"] = "07"  # the bar wrote it; the server sees it late
    assert test.run().session_state["shown"] is None
    test.session_state["page"] = "learn"
    assert test.run().session_state["shown"] == "07"


@pytest.mark.usefixtures("runs")
def test_a_link_shows_its_view_whatever_the_tab_has_kept() -> None:
    plain = next(each for each in addresses(visit(LEARN, lesson="8")) if "run=beta-40&colour" in each)
    area = "-2,-2_2,-2_2,2_-2,2"
    test = visit("pages/latent.py", run="beta-1", colour="KL", layers="points", panel="encoder", lasso=area)
    before = component(test, "map")
    assert (before["colouring"], before["layers"], bool(before["region"])) == ("kl", ["points"], True)
    test.query_params.clear()
    for name, values in parse_qs(urlsplit(plain).query, keep_blank_values=True).items():
        test.query_params[name] = values
    test.run()
    assert messages(test) == ""
    after = component(test, "map")
    assert (after["colouring"], after["layers"]) == ("class", ["points", "manifold", "prior"])
    assert (after["region"], test.session_state["panel"]) == (None, "nearest")
    # What is chosen then stays.
    test.segmented_control(key="colour").set_value("KL").run()
    assert component(test, "map")["colouring"] == "kl"
    test.run()
    assert component(test, "map")["colouring"] == "kl"


@pytest.mark.usefixtures("runs")
def test_terms_have_their_definition_as_tooltip_and_lead_to_the_glossary() -> None:
    encoder = next(term for term in glossary("en") if term.anchor == "encoder")
    assert any(f'](learn?term=encoder&language=en "{encoder.plain}")' in text for text in texts(visit(LEARN)))
    test = visit(LEARN, term="encoder")
    assert len(texts(test)) == len(glossary("en"))
    assert texts(test)[0].startswith(f"**{encoder.name}**")
    assert "no term called nonsense" in messages(visit(LEARN, term="nonsense"))


@pytest.mark.usefixtures("runs")
def test_an_address_of_no_lesson_gets_a_sentence() -> None:
    test = visit(LEARN, lesson="99")
    assert "no lesson 99" in messages(test)
    assert test.subheader[0].value == FIRST.title
    assert messages(visit(RECONSTRUCTIONS, lesson="<b>")) == ""


@pytest.mark.usefixtures("runs")
def test_an_address_of_no_lesson_leaves_the_one_that_goes_on() -> None:
    test = visit(RECONSTRUCTIONS, lesson=FIRST.number)
    test.query_params["lesson"] = "99"
    assert FIRST.introduction in texts(test.run())


@pytest.mark.usefixtures("forked")
def test_missing_runs_are_trained_by_one_button(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    said = messages(visit(LEARN, lesson="07"))
    assert "not here: small, beta 0.1; small; small, beta 4." in said  # titles have commas
    name = FIRST.runs[0]
    configs = {name: small_config()}
    monkeypatch.setattr(missing_runs, "CONFIGS", configs)
    monkeypatch.setattr(form, "core_speed", lambda: 1e10)
    test = visit(LEARN)
    assert f"opens runs that are not here: {settings_title(configs[name], steered=False)}." in messages(test)
    button = test.button(key="train_lesson_runs")
    assert button.label == f"Train them (about {in_words(training_seconds(configs[name], 1e10))})"
    button.click().run()
    assert not test.exception
    run = find_run(small, name)
    wait_until(lambda: run.status().state == "finished")
    run_data.status.clear()
    test.run()
    assert messages(test) == ""


def test_the_progress_of_a_missing_run_is_shown(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    run = new_run(small_config(), small, FIRST.runs[0])
    monkeypatch.setattr(missing_runs, "CONFIGS", {run.name: run.config})
    with run.lock():
        run.write_status(Status(state="running", step=30, total_steps=120, epoch=0.75))
        assert f"{title_of(run)} is being trained: 25 %" in read(messages(visit(LEARN)))


def test_runs_that_are_begun_damaged_or_others_are_told_apart(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    lesson = next(each for each in all_lessons("en") if len(each.runs) >= 3)
    first, second, third = lesson.runs[:3]
    configs = {name: small_config() for name in lesson.runs}
    monkeypatch.setattr(missing_runs, "CONFIGS", configs)
    monkeypatch.setattr(form, "core_speed", lambda: 1e8)
    begun = new_run(small_config(), small, first)
    begun.write_status(Status(state="stopped", step=90, total_steps=120, epoch=2.25))
    other = new_run(small_config(seed=7), small, second)
    other.write_status(Status(state="finished", step=120, total_steps=120, epoch=3))
    (small / third).mkdir()
    (small / third / "config.json").write_text("{")
    test = visit(LEARN, lesson=lesson.number)
    said = messages(test)
    assert f"not finished: {title_of(begun)} (75 %)." in said
    assert f"other settings here, so its figures may differ: {second}." in said
    assert f"are damaged: {third}." in said
    assert "not here" not in said
    seconds = training_seconds(configs[first], 1e8, done=0.75)
    assert test.button(key="train_lesson_runs").label == f"Train them (about {in_words(seconds)})"
    korean = visit(LEARN, lesson=lesson.number, language="ko")
    label = korean.button(key="train_lesson_runs").label
    assert label == f"학습시키기 (약 {TEXTS['ko'].duration(seconds)})"
    assert f"{title_of(begun)} (75%)" in messages(korean)


@pytest.mark.parametrize(
    ("seconds", "english", "korean"),
    [(17, "17 s", "17초"), (130, "2 min 10 s", "2분 10초"), (90_000, "1 day 1 h", "1일 1시간")],
)
def test_durations_are_in_the_language_of_the_lesson(seconds: float, english: str, korean: str) -> None:
    assert [TEXTS[language].duration(seconds) for language in ("en", "ko")] == [english, korean]


def test_a_read_only_visitor_is_told_whom_to_ask(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("VAE_READ_ONLY", "1")
    test = visit(LEARN)
    assert "Ask the host" in " ".join(caption.value for caption in test.caption)
    assert not test.button
    assert not small.exists()


LINKS = {
    f"{lesson.number} {number} {link.label}": link
    for lesson in all_lessons("en")
    for number, step in enumerate(lesson.steps, start=1)
    for link in step.links
    if link.page != "learn"
}


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
@pytest.mark.usefixtures("runs")
def test_every_link_opens_what_it_names(link: Link) -> None:
    query = parse_qs("&".join(f"{name}={value}" for name, value in link.query))
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, values in query.items():
        test.query_params[name] = values
    run_data.status.clear()
    test.switch_page(f"pages/{FILES[link.page]}.py").run()
    assert not test.exception
    assert not test.error
    assert not test.warning
    shown = {box.value for box in test.sidebar.selectbox}
    assert {value for name in ("run", "with") for value in query.get(name, ())} <= shown
    for name, values in query.items():
        # A bound widget drops from the URL what is no value of its own, and what it shows without one.
        left = test.query_params[name] if name in test.query_params else test.session_state[name]
        assert ([str(left)] if not isinstance(left, list) else left) == values


def parts_there(link: Link) -> set[str]:
    """The parts that a link's page has at that address, as `test_one_screen.py` sees them there."""
    query = dict(link.query)
    if link.page != "map":
        there = set(SCREENS[link.page].parts)
        return there | {"samples"} if link.page == "compare" else there
    there = set(SCREENS["latent"].parts) - {"neighbours", "path"}
    panel = query.get("panel", "nearest")
    names = {"nearest": "neighbours", "traversals": "row-1", "samples": "samples", "encoder": "encoder"}
    there |= {names[panel]} if panel in names else set()
    return there | {"path"} & query.keys()


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
def test_every_link_names_parts_that_its_page_has(link: Link) -> None:
    assert set(link.parts) <= parts_there(link)


def test_a_part_that_is_not_there_is_found() -> None:
    assert "maps" not in parts_there(Link("", "compare", (), ()))
    assert "samples" not in parts_there(Link("", "map", (("panel", "encoder"),), ()))
    assert "path" not in parts_there(Link("", "map", (), ()))


@pytest.mark.parametrize("name", missing_runs.CONFIGS)
def test_runs_that_are_trained_anew_are_those_that_come_with_the_project(name: str) -> None:
    assert open_run(ROOT / "checkpoints" / name).config.identity == missing_runs.CONFIGS[name].identity
