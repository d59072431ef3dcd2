import math
import subprocess
import sys

import pytest

from tests.support.paths import ROOT
from vae.config import TrainConfig
from vae.training.forecast import (
    REFERENCE_SPEED,
    START,
    core_speed,
    in_words,
    training_seconds,
)


def seconds(**changes: object) -> float:
    """The estimate for the preset quick with changes, on a machine as fast as the reference."""
    fields = {"threads": 1, **changes}
    return training_seconds(TrainConfig.model_validate(fields), REFERENCE_SPEED)


def test_each_epoch_takes_as_long_as_the_first() -> None:
    one, two, twelve = (seconds(epochs=epochs) for epochs in (1, 2, 12))
    assert 0 < one < two < twelve
    assert twelve - two == pytest.approx(10 * (two - one))


def test_what_is_trained_already_takes_no_time_again() -> None:
    config = TrainConfig(threads=1)
    whole, half, none = (training_seconds(config, REFERENCE_SPEED, done=done) for done in (0, 0.5, 1))
    assert whole == seconds()
    assert half == pytest.approx((whole + none) / 2)
    assert none == START


@pytest.mark.parametrize(
    ("less", "more"),
    [
        ({"hidden_dims": (256,)}, {"hidden_dims": (256, 256)}),
        ({"hidden_dims": (256,)}, {"hidden_dims": (257,)}),
        ({"latent_dim": 2}, {"latent_dim": 64}),
        ({"batch_size": 512}, {"batch_size": 32}),
        ({"dataset": "mnist"}, {"dataset": "emnist-digits"}),
        ({"network": "plain"}, {"network": "conv"}),
        ({"network": "conv", "width": 16}, {"network": "conv", "width": 32}),
        ({"network": "conv", "dataset": "mnist"}, {"network": "conv", "dataset": "cifar-10"}),
    ],
)
def test_more_work_takes_longer(less: dict[str, object], more: dict[str, object]) -> None:
    assert seconds(**less) < seconds(**more)


def test_a_faster_core_and_more_of_them_take_less(monkeypatch: pytest.MonkeyPatch) -> None:
    config = TrainConfig(threads=1)
    slow, fast = (training_seconds(config, factor * REFERENCE_SPEED) for factor in (1, 2))
    assert slow == pytest.approx(2 * fast)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    four = seconds(threads=4)
    assert four < seconds(threads=2) < seconds(threads=1)
    assert seconds(threads="auto") == seconds(threads=1024) == four


def test_what_does_not_change_the_work_does_not_change_the_estimate() -> None:
    assert seconds() == seconds(seed=7, beta=4.0, learning_rate=1e-4, schedule="constant", device="cpu")


@pytest.mark.parametrize("batch_size", [1, 8192])
def test_the_largest_config_has_an_estimate(batch_size: int) -> None:
    largest = seconds(
        hidden_dims=(4096,) * 8,
        latent_dim=64,
        epochs=10_000,
        batch_size=batch_size,
        dataset="emnist-digits",
    )
    assert math.isfinite(largest)
    assert in_words(largest).endswith(" days")


def test_the_speed_of_a_core_is_a_speed() -> None:
    assert 1e6 < core_speed() < 1e14
    assert math.isfinite(training_seconds(TrainConfig()))


def test_an_estimate_does_not_import_torch() -> None:
    code = (
        "import sys; from vae.config import TrainConfig; from vae.training.forecast import training_seconds;"
        "training_seconds(TrainConfig()); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (40, "40 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (130, "2 min 10 s"),
        (600, "10 min"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h"),
        (3900, "1 h 5 min"),
        (86_399, "1 day"),
        (30 * 3600, "1 day 6 h"),
        (48 * 3600, "2 days"),
        (3 * 86_400, "3 days"),
        (3.4 * 86_400, "3 days"),
        (1e9, "11,574 days"),
    ],
)
def test_durations_are_said_as_people_say_them(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
