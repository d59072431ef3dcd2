"""Decoders to try in a browser: models, a script that brings them to a page, a visitor who asks them."""

import base64
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from playwright.sync_api import Page, WebSocket, expect

from tests.support.paths import BUNDLED
from tests.support.small_runs import small_config, with_numpy
from vae.inference.forward import Model
from vae.models.layers import DecoderSpec
from vae.models.network import VAE
from vae.runs.run import Run

Floats = npt.NDArray[np.float32]

# Each with widths that four does not divide, and with weights far from zero, so that pictures differ.
SMALL: Mapping[str, Mapping[str, Any]] = {
    "relu-1": {"activation": "relu", "latent_dim": 1, "hidden_dims": (33, 17)},
    "gelu-5": {"activation": "gelu", "latent_dim": 5, "hidden_dims": (61,)},
    "tanh-2": {"activation": "tanh", "latent_dim": 2, "hidden_dims": (10, 30, 20)},
    "residual": {
        "network": "residual",
        "activation": "gelu",
        "latent_dim": 2,
        "hidden_dims": (19, 22, 22, 22),
    },
    "silu-3": {"activation": "silu", "latent_dim": 3, "hidden_dims": (7,)},
}
SCRIPT = '''
import pickle
from pathlib import Path
import streamlit as st
from streamlit.components.v2 import component
from pages.components.stores.decoder import decoder_store
from pages.components.stores.registry import REGISTRY

ASKING = """
export default async function ({ data, parentElement }) {
    const { decode } = await decoders().get(data.decoder);
    const pixels = decode(Array(data.size).fill(0)).length;
    parentElement.querySelector("p").textContent = `${data.decoder} draws ${pixels}`;
}
"""
asking = component("asking", html="<p></p>", js=REGISTRY + ASKING)
specs = pickle.loads(Path("SPECS").read_bytes())
st.session_state.runs = st.session_state.get("runs", 0) + 1

def decoding():
    chosen = st.radio("Decoder", list(specs))
    size = specs[chosen].layers[0]["inputs"]
    asking(key="asking", data={"decoder": specs[chosen].name, "size": size})
    first = decoder_store(specs[chosen])
    second = decoder_store(specs["bundled"], key="second")
    st.text(f"{first} {second}, run {st.session_state.runs}")

    @st.fragment
    def part():
        st.session_state.parts = st.session_state.get("parts", 0) + 1
        st.button("Part")
        st.caption(f"part {st.session_state.parts}")

    st.button("Again")
    part()

def elsewhere():
    st.text(f"Elsewhere, run {st.session_state.runs}")
    st.button("Again here")

st.navigation([st.Page(decoding, default=True), st.Page(elsewhere)]).run()
'''
# Whether a decoder is at hand.
HAS = """
    (name) => Promise.race([
        window.decodersOfThisApp.get(name).then(() => true),
        new Promise((resolve) => setTimeout(resolve, 100, false)),
    ])
"""
# Makes a decoder on a page without the app's stores, of layers and of float32 weights in base64.
MAKE = """
    async ([name, layers, weights]) => {
        const text = await (await fetch("/stores/decoder/decoder.js")).text();
        const source = `(${text})`;
        const { makeDecoder, greyLevels } = eval(source)();
        const bytes = Uint8Array.from(atob(weights), (letter) => letter.charCodeAt(0));
        const floats = new Float32Array(bytes.buffer);
        const decode = makeDecoder(layers, floats);
        (window.decoders ??= {})[name] = { decode, greyLevels, layers, weights: floats, source };
    }
"""
# Its answers to places (N, Z): float32 in base64, as a million numbers in JSON take half a minute.
DECODE = """
    async ([name, places]) => {
        const { decode } = window.decoders?.[name] ?? (await window.decodersOfThisApp.get(name));
        const blob = new Blob(places.map((z) => decode(z).slice()));
        const reader = new FileReader();
        const read = new Promise((resolve) => (reader.onload = resolve));
        reader.readAsDataURL(blob);
        await read;
        return reader.result.split(",")[1];
    }
"""
# The answer of the same in a Worker.
IN_WORKER = """
    async ([name, z]) => {
        const { source, layers, weights } = window.decoders[name];
        const text = `const { makeDecoder } = (${source})();
            onmessage = ({ data }) => postMessage(makeDecoder(data.layers, data.weights)(data.z));`;
        const worker = new Worker(URL.createObjectURL(new Blob([text])));
        const answer = new Promise((resolve) => (worker.onmessage = resolve));
        worker.postMessage({ layers, weights, z });
        return [...(await answer).data];
    }
"""
# Levels of values from 0 to 1, of any decoder.
LEVELS = "([name, values]) => [...window.decoders[name].greyLevels(Float32Array.from(values))]"


def make_decoder(page: Page, name: str, spec: DecoderSpec) -> None:
    """Makes a decoder on a bare page."""
    weights = base64.b64encode(spec.weights).decode()
    page.evaluate(MAKE, [name, [dict(layer) for layer in spec.layers], weights])


def decode(page: Page, name: str, places: Floats) -> Floats:
    """What a decoder of a page makes of places: (N, Z) -> (N, pixels)."""
    answers = page.evaluate(DECODE, [name, places.tolist()])
    return np.frombuffer(base64.b64decode(answers), np.float32).reshape(len(places), -1)


def small_model(name: str, seed: int = 3) -> VAE:
    torch.manual_seed(seed)
    model = VAE(small_config(**SMALL[name]))
    with torch.no_grad():
        for parameter in model.decoder.parameters():
            parameter.mul_(2)
    return model


def numpy_model(name: str, seed: int = 3) -> Model:
    """As `small_model`, run by NumPy."""
    return with_numpy(small_model(name, seed), small_config(**SMALL[name]))


def spec_of(name: str, model: VAE) -> DecoderSpec:
    """What is sent of a model: that of the project, `bundled`, or a small one."""
    config = Run(BUNDLED).config if name == "bundled" else small_config(**SMALL[name])
    return with_numpy(model, config).decoder


def far_apart(latent_dim: int, count: int = 1000) -> Floats:
    """Random places, twice as far out as the prior's."""
    return 2 * np.random.default_rng(5).standard_normal((count, latent_dim), np.float32)


def with_torch(model: VAE, places: Floats) -> Floats:
    with torch.no_grad():
        return model.decode(torch.from_numpy(places)).flatten(start_dim=1).numpy()


class Visit:
    """A tab with the decoders, and what came to it over the websocket."""

    def __init__(self, page: Page, specs: Mapping[str, DecoderSpec]) -> None:
        self.page = page
        self.specs = specs
        self.received = 0
        page.on("websocket", self._count)

    def _count(self, socket: WebSocket) -> None:
        def add(frame: str | bytes) -> None:
            self.received += len(frame)

        socket.on("framereceived", add)

    def costs(self, action: Callable[[], object], then: str) -> int:
        """The bytes that an action brings until a text is there, and the tail of the run with it."""
        before = self.received
        action()
        expect(self.page.get_by_text(then).first).to_be_visible()
        self.page.wait_for_timeout(700)
        return self.received - before

    def press(self, name: str, then: str) -> int:
        return self.costs(self.page.get_by_role("button", name=name, exact=True).click, then)

    def visit(self, name: str, then: str) -> int:
        return self.costs(self.page.get_by_role("link", name=name).click, then)

    def choose(self, name: str) -> int:
        radio = self.page.get_by_text(name, exact=True)
        return self.costs(radio.click, f"{self.specs[name].name} ")

    def has(self, name: str) -> bool:
        return bool(self.page.evaluate(HAS, self.specs[name].name))
