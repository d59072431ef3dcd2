"""Traversals: one coordinate changes, all others stay."""

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

import vae
from tests.support.app_test import component
from tests.support.small_runs import small_config
from tests.support.tensors import load
from vae.inference.planes import INACTIVE_NATS
from vae.runs.run import Run

SCRIPT = """
from pathlib import Path
import numpy as np
import streamlit as st
from pages.components.runs import loaded_model
from pages.components.explore.traversals import traversals
from vae.runs.run import Run

run = Run(Path(st.session_state["run"]))
explored = loaded_model.load(run)
traversals(run, explored, np.array(st.session_state["place"], np.float32))
"""
PLACE = [0.5, -1, 2, 0.25, -3]


def walked(run: Run, place: list[float], **state: Any) -> AppTest:
    test = AppTest.from_string(SCRIPT, default_timeout=60)
    for name, value in {"run": str(run.path), "place": place, **state}.items():
        test.session_state[name] = value
    test.run()
    assert not test.exception
    return test


def kl_of(run: Run) -> np.ndarray:
    """The mean KL of each dimension over the test set, from the densities themselves."""
    mean, logvar = run.load_model().encode(load("mnist", train=False)[0].float() / 255)
    posterior = torch.distributions.Normal(mean, torch.exp(logvar / 2))
    prior = torch.distributions.Normal(0.0, 1.0)
    kl: np.ndarray = torch.distributions.kl_divergence(posterior, prior).mean(dim=0).detach().numpy()
    return kl


@pytest.mark.usefixtures("runs_dir")
def test_in_each_row_one_coordinate_changes(wide: Run) -> None:
    test = walked(wide, PLACE)
    assert not test.toggle  # all are shown
    data = component(test, "traversals")
    pictures = np.frombuffer(base64.b64decode(data["pictures"]), np.uint8).reshape(5, 9, 28, 28)
    kl = kl_of(wide)
    order = np.argsort(-kl)
    for row, (title, detail), i in zip(pictures, data["captions"], order, strict=True):
        assert title == f"z{'₁₂₃₄₅'[i]} · {kl[i]:.2f} nats"
        assert detail.startswith(f"z{'₁₂₃₄₅'[i]} is {PLACE[i]:.2f} here".replace("-", "−"))
        assert ("inactive" in detail) == (kl[i] < INACTIVE_NATS)
        places = torch.tensor([PLACE] * 9)
        places[:, i] = torch.arange(-3, 3.1, 0.75)
        expected = wide.load_model().decode(places)[:, 0].detach().numpy() * 255
        assert np.abs(row - expected).max() <= 0.6
    assert data["panels"] == ["−3", "−2.25", "−1.5", "−0.75", "0", "0.75", "1.5", "2.25", "3"]


def test_many_dimensions_are_shown_when_asked_for(runs_dir: Path) -> None:
    run = vae.train(small_config(latent_dim=12, epochs=1), runs_dir)
    test = walked(run, [0.0] * 12)
    assert "inactive" in str(component(test, "traversals"))
    few = component(test, "traversals")["captions"]
    assert len(few) == 10
    test.toggle[0].set_value(True).run()
    every = component(test, "traversals")["captions"]
    assert every[:10] == few
    assert len(every) == 12
