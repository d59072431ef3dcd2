"""The decoder in the browser: what is sent of a model, and whether JavaScript draws what torch draws."""

import pickle
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from playwright.sync_api import Page, expect
from torch import nn

from tests.support.browser import Workshop
from tests.support.decoders import (
    IN_WORKER,
    LEVELS,
    SCRIPT,
    SMALL,
    Visit,
    decode,
    far_apart,
    make_decoder,
    numpy_model,
    small_model,
    spec_of,
    with_torch,
)
from tests.support.paths import BUNDLED
from tests.support.small_runs import small_config
from vae.datasets.images import to_levels
from vae.models.layers import Activation, DecoderSpec, Dense, decoder_layers
from vae.models.network import VAE
from vae.runs.run import Run


def test_a_decoder_is_described_layer_by_layer() -> None:
    model = small_model("tanh-2")  # the decoder's widths are the encoder's, backwards
    spec = spec_of("tanh-2", model)
    sizes = {"hidden.0": (2, 20), "hidden.2": (20, 30), "hidden.4": (30, 10), "logits": (10, 784)}
    dense = [
        Dense(kind="dense", name=name, inputs=wide, outputs=narrow) for name, (wide, narrow) in sizes.items()
    ]
    tanh, sigmoid = Activation(kind="tanh"), Activation(kind="sigmoid")
    assert spec.layers == (dense[0], tanh, dense[1], tanh, dense[2], tanh, dense[3], sigmoid)
    first, last = model.decoder.linear("hidden.0"), model.decoder.linear("logits")
    values = np.frombuffer(spec.weights, "<f4")
    assert np.array_equal(values[:40].reshape(20, 2), first.weight.detach().numpy())
    assert np.array_equal(values[40:60], first.bias.detach().numpy())
    assert np.array_equal(values[-784 - 7840 : -784].reshape(784, 10), last.weight.detach().numpy())
    assert np.array_equal(values[-784:], last.bias.detach().numpy())
    assert len(values) == sum((wide + 1) * narrow for wide, narrow in sizes.values())


@pytest.mark.parametrize("activation", ["relu", "silu", "gelu", "tanh"])
def test_each_activation_of_the_config_is_described(activation: str) -> None:
    layers = decoder_layers(small_config(activation=activation))
    assert [layer["kind"] for layer in layers] == ["dense", activation] * 2 + ["dense"]


def test_the_same_model_gives_the_same_bytes_and_another_another_name() -> None:
    spec, again = (numpy_model("gelu-5").decoder for _ in range(2))
    assert spec.payload == again.payload
    assert spec.name == again.name
    changed = numpy_model("gelu-5")
    changed.weights["decoder.logits.bias"][0] += 1e-6
    other_layers = DecoderSpec((*spec.layers, Activation(kind="relu")), spec.weights)
    assert len({spec.name, changed.decoder.name, other_layers.name}) == 3


def test_a_residual_decoder_begins_with_sines_and_adds_where_widths_are_equal() -> None:
    config = small_config(network="residual", hidden_dims=(8, 20, 20), activation="gelu")
    kinds = [layer["kind"] for layer in decoder_layers(config)]
    assert kinds == ["dense", "sine", "dense", "gelu", "add", "dense", "gelu", "dense"]


@pytest.fixture(scope="module")
def models() -> Mapping[str, VAE]:
    return {"bundled": Run(BUNDLED).load_model(), **{name: small_model(name) for name in SMALL}}


@pytest.fixture(scope="module")
def specs(models: Mapping[str, VAE]) -> Mapping[str, DecoderSpec]:
    # Each value of gelu by itself, on its way through layers that change nothing.
    one = Dense(kind="dense", name="one", inputs=1, outputs=1)
    gelu = DecoderSpec((one, Activation(kind="gelu")), np.array([1, 0], "<f4").tobytes())
    torn = DecoderSpec((one, Activation(kind="gelu")), bytes(4))
    described = {name: spec_of(name, model) for name, model in models.items()}
    return {**described, "gelu": gelu, "torn": torn}


@pytest.fixture
def tab(workshop: Workshop, page: Page, specs: Mapping[str, DecoderSpec]) -> Visit:
    path = workshop.folder / "specs.pickle"
    path.write_bytes(pickle.dumps(dict(specs)))
    tab = Visit(page, specs)
    address = workshop.serve_script(SCRIPT.replace("SPECS", str(path))).address()
    tab.costs(lambda: page.goto(address), "run 1")
    return tab


@pytest.mark.browser
def test_javascript_decodes_as_torch_does(
    bare_page: Page, models: Mapping[str, VAE], specs: Mapping[str, DecoderSpec]
) -> None:
    for name, model in models.items():
        make_decoder(bare_page, name, specs[name])
        places = far_apart(model.encoder.linear("mean").out_features)
        expected = with_torch(model, places)
        assert expected.std(axis=0).max() > 0.1  # the places tell
        difference = np.abs(decode(bare_page, name, places) - expected).max()
        assert difference < 1e-5, name


@pytest.mark.browser
def test_gelu_is_torchs_exact_form(bare_page: Page, specs: Mapping[str, DecoderSpec]) -> None:
    values = np.concatenate([np.linspace(-10, 10, 2001), [-1e4, -100, 100, 1e4]]).astype(np.float32)[:, None]
    make_decoder(bare_page, "gelu", specs["gelu"])
    expected = nn.functional.gelu(torch.from_numpy(values)).numpy()
    np.testing.assert_allclose(decode(bare_page, "gelu", values), expected, rtol=1e-6, atol=5e-7)


@pytest.mark.browser
def test_two_stores_take_no_room_are_waited_for_and_do_not_mix(tab: Visit, models: Mapping[str, VAE]) -> None:
    around = tab.page.locator('[data-testid="stElementContainer"]:has([data-store])')
    assert [each.bounding_box() for each in around.all()] == [None, None]
    # The component that asks comes before the store.
    for name in ("bundled", "tanh-2"):
        tab.choose(name)
        expect(tab.page.get_by_text(f"{tab.specs[name].name} draws 784")).to_be_visible()
    places = far_apart(2, 20)
    both = tab.page.evaluate(
        """async ([one, other, places]) => {
            const [a, b] = await Promise.all([one, other].map((name) => window.decodersOfThisApp.get(name)));
            return places.map((z) => { const [x, y] = [a.decode(z), b.decode(z)]; return [[...x], [...y]]; });
        }""",
        [tab.specs["tanh-2"].name, tab.specs["bundled"].name, places.tolist()],
    )
    expected = np.stack([with_torch(models[name], places) for name in ("tanh-2", "bundled")], axis=1)
    assert np.abs(np.array(both) - expected).max() < 1e-5


@pytest.mark.browser
def test_a_run_of_the_page_brings_no_weights_again(tab: Visit) -> None:
    weights = len(tab.specs["bundled"].weights)
    assert weights < tab.received
    assert tab.press("Again", "run 2") < 10_000
    for part in range(3, 7):  # more than the cache's age, if runs of fragments counted
        assert tab.press("Part", f"part {part}") < 10_000
    assert tab.press("Again", "run 3") < 10_000
    assert tab.choose("relu-1") < weights / 10 + len(tab.specs["relu-1"].weights)
    assert tab.choose("bundled") < 10_000


@pytest.mark.browser
def test_a_decoder_outlives_its_page(tab: Visit, models: Mapping[str, VAE]) -> None:
    tab.visit("elsewhere", "Elsewhere, run 2")
    places = far_apart(2, 5)
    expected = with_torch(models["bundled"], places)
    assert np.abs(decode(tab.page, tab.specs["bundled"].name, places) - expected).max() < 1e-5
    assert tab.visit("decoding", "run 3") < 10_000


@pytest.mark.browser
def test_the_newest_four_are_kept_and_those_on_the_page(tab: Visit) -> None:
    seen = ["relu-1", "gelu-5", "tanh-2", "silu-3", "gelu", "bundled"]
    for name in seen:
        tab.choose(name)
        assert tab.has("bundled")  # in the second store all the while
    assert [tab.has(name) for name in seen] == [False, True, True, True, True, True]
    tab.choose("relu-1")
    assert tab.has("relu-1")


@pytest.mark.browser
def test_torn_weights_are_refused(tab: Visit) -> None:
    radio = tab.page.get_by_text("torn", exact=True)
    tab.costs(radio.click, "This decoder cannot be built: it has 1 weights, its layers take 2.")


@pytest.mark.browser
def test_a_worker_decodes_too(
    bare_page: Page, models: Mapping[str, VAE], specs: Mapping[str, DecoderSpec]
) -> None:
    places = far_apart(2, 1)
    make_decoder(bare_page, "bundled", specs["bundled"])
    answer = bare_page.evaluate(IN_WORKER, ["bundled", places[0].tolist()])
    assert np.abs(np.array(answer) - with_torch(models["bundled"], places)[0]).max() < 1e-5


@pytest.mark.browser
def test_grey_levels_are_rounded_as_in_python(bare_page: Page, specs: Mapping[str, DecoderSpec]) -> None:
    # Places between two levels, and their neighbours among float32.
    halves = ((np.arange(255) + 0.5) / 255).astype(np.float32)
    near = [halves, np.nextafter(halves, np.float32(0)), np.nextafter(halves, np.float32(1))]
    values = np.concatenate([*near, [0, 1, 1e-9]]).astype(np.float32)[: 27 * 27]
    make_decoder(bare_page, "bundled", specs["bundled"])
    levels = bare_page.evaluate(LEVELS, ["bundled", values.tolist()])
    assert np.array_equal(levels, to_levels(values))
