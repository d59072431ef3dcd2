import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.support.own_pictures import write_own_pictures
from tests.support.paths import ROOT
from vae.config import PRESETS, TrainConfig, explain
from vae.datasets.registry import preset_for

DOCS = ROOT / "docs"


@pytest.mark.parametrize(
    ("field", "value", "bound"),
    [
        ("latent_dim", 0, "1 to 64"),
        ("latent_dim", 65, "1 to 64"),
        ("hidden_dims", (), "1 to 4096"),
        ("hidden_dims", (256, 0), "1 to 4096"),
        ("hidden_dims", (8,) * 9, "at most 8 items"),
        ("epochs", 0, "1 to 10000"),
        ("batch_size", 8193, "1 to 8192"),
        ("learning_rate", -1, "above 0"),
        ("learning_rate", float("nan"), "above 0"),
        ("beta", -0.1, "0 to 100"),
        ("seed", 2**32, "0 to 4294967295"),
        ("threads", 0, "1 to 1024"),
        ("threads", "many", "auto"),
        ("dataset", "CIFAR 10", "small letters"),
        ("dataset", [], "small letters"),
        ("dataset", {"mnist": 1}, "small letters"),
        ("activation", "sine", "relu"),
        ("schedule", "linear", "cosine"),
        ("device", "tpu", "cuda"),
        ("bogus", 1, "not permitted"),
    ],
)
def test_a_value_out_of_bounds_gets_a_sentence_with_the_bound(field: str, value: object, bound: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TrainConfig.model_validate({field: value})
    sentence = explain(caught.value)
    assert sentence.startswith(f"{field}: ")
    assert bound in sentence
    assert "pydantic" not in sentence


def test_every_wrong_field_is_named_once() -> None:
    with pytest.raises(ValidationError) as caught:
        TrainConfig(epochs=0, threads=0, hidden_dims=(0, 0))
    assert re.findall(r"(\w+): ", explain(caught.value)) == ["hidden_dims", "epochs", "threads"]


def test_the_blog_preset_is_the_blog_to_the_letter() -> None:
    blog = TrainConfig.preset("blog")
    assert blog.identity == {
        "dataset": "mnist",
        "latent_dim": 2,
        "hidden_dims": [256, 256],
        "activation": "relu",
        "epochs": 30,
        "batch_size": 128,
        "learning_rate": 1e-4,
        "schedule": "constant",
        "beta": 1.0,
        "seed": 1,
    }


def test_names_tell_dataset_preset_or_sizes_and_hash() -> None:
    assert re.fullmatch(r"mnist-quick-[0-9a-f]{6}", TrainConfig().run_name)
    assert re.fullmatch(r"kmnist-blog-[0-9a-f]{6}", TrainConfig.preset("blog", dataset="kmnist").run_name)
    assert re.fullmatch(
        r"mnist-64x32-z3-[0-9a-f]{6}", TrainConfig(hidden_dims=(64, 32), latent_dim=3).run_name
    )
    longest = TrainConfig(dataset="emnist-digits", hidden_dims=(4096,) * 8, latent_dim=64).run_name
    assert len(longest) <= 80


def test_execution_is_no_part_of_the_identity() -> None:
    config = TrainConfig()
    elsewhere = TrainConfig(device="cpu", threads=2)
    assert config.run_name == elsewhere.run_name
    others = [TrainConfig(seed=7), TrainConfig(beta=2), TrainConfig(epochs=1), TrainConfig.preset("best")]
    assert len({config.run_name, *(other.run_name for other in others)}) == 5


def test_the_nearest_preset_says_what_differs() -> None:
    assert TrainConfig.preset("blog", epochs=3).nearest_preset == ("blog", {"epochs": 3})
    for name in PRESETS:
        assert TrainConfig.preset(name).nearest_preset == (name, {})


def test_widths_are_read_with_commas_and_spaces() -> None:
    for text in ("512,256", "512 256", ["512", "256"], ["512,256"]):
        assert TrainConfig.model_validate({"hidden_dims": text}).hidden_dims == (512, 256)


def test_every_field_is_described_and_documented() -> None:
    method = (DOCS / "METHOD.md").read_text()
    for name, field in TrainConfig.model_fields.items():
        assert field.description, name
        assert f"`{name}`" in method, f"docs/METHOD.md does not name the field {name}"


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [
        ("mnist", {"network": "plain", "likelihood": "bernoulli", "latent_dim": 2, "epochs": 7}),
        ("fashion-mnist", {"network": "plain", "likelihood": "bernoulli", "latent_dim": 2, "epochs": 7}),
        ("sprites", {"network": "plain", "likelihood": "bernoulli", "latent_dim": 6, "epochs": 21}),
        ("cifar-10", {"network": "conv", "likelihood": "gaussian", "latent_dim": 8, "epochs": 2}),
        ("own", {"network": "conv", "likelihood": "gaussian", "latent_dim": 8, "epochs": 500}),
    ],
)
def test_a_preset_suits_the_data_set(
    dataset: str, expected: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path))
    write_own_pictures(tmp_path)
    config = preset_for("quick", dataset)
    assert {name: getattr(config, name) for name in expected} == expected
    preset, differs = config.nearest_preset
    assert preset == "quick"
    assert differs.keys() <= {"dataset", "epochs"}
    assert config.run_name.startswith(f"{dataset}-quick-")


def test_a_field_that_has_its_default_differs_from_a_preset_that_changes_it() -> None:
    config = TrainConfig.preset("best", network="plain", pixel_dropout=0)
    assert config.nearest_preset == ("best", {"network": "plain", "pixel_dropout": 0.0})
    assert config.run_name.startswith("mnist-384x384x384-z2-")
