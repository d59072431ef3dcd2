"""What the machine is asked for, and how its pace is judged."""

import pytest
import torch

from tests.support.small_runs import small_config
from vae import VaeError
from vae.config import TrainConfig
from vae.models.network import VAE
from vae.training.device import CALIBRATION_SECONDS, Pace, choose_device, choose_threads


def calibrations(speed_at: dict[float, float]) -> list[float]:
    """When the threads are chosen anew if the speed is, from each second on, so many images per second."""
    pace, images, speed, found = Pace(), 0.0, 0.0, []
    for tick in range(1, 600):
        now = tick / 10
        speed = speed_at.get(now, speed) or speed_at[0.0]
        images += speed / 10
        if pace.measure(round(images), now):
            found.append(now)
    return found


def test_the_threads_are_chosen_soon_and_then_seldom() -> None:
    found = calibrations({0.0: 20_000.0})
    gaps = [later - earlier for earlier, later in zip([0.0, *found], found, strict=False)]
    assert gaps[0] < 4
    assert gaps == sorted(gaps)
    assert CALIBRATION_SECONDS < gaps[-1] < CALIBRATION_SECONDS + 3


def test_a_speed_that_halves_is_looked_into_at_once() -> None:
    steady = calibrations({0.0: 20_000.0})
    slower = calibrations({0.0: 20_000.0, 20.0: 8_000.0})
    assert not [now for now in steady if 20 < now < 24]
    assert [now for now in slower if 20 < now < 24]


def test_the_speed_is_known_once_the_first_second_is_over() -> None:
    pace = Pace()
    pace.start(1000, 5.0)
    assert not pace.is_known
    pace.measure(1128, 5.1)
    assert pace.speed == pytest.approx(1280)
    assert not pace.is_known
    pace.measure(1128, 5.1)  # nothing and no time since
    pace.measure(3128, 6.2)
    assert pace.is_known
    assert pace.speed == pytest.approx(2000 / 1.1)


def test_a_choice_leaves_the_model_as_it_was() -> None:
    before = torch.get_num_threads()
    try:
        model = VAE(small_config())
        weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        assert choose_threads(small_config(threads=3), model) == 3
        assert choose_threads(small_config(threads="auto"), model) >= 1
        assert all(torch.equal(weights[name], tensor) for name, tensor in model.state_dict().items())
        assert all(parameter.grad is None for parameter in model.parameters())
    finally:
        torch.set_num_threads(before)


def test_a_device_that_is_not_here_gets_a_sentence() -> None:
    assert choose_device(TrainConfig(device="cpu")).type == "cpu"
    missing = "mps" if torch.cuda.is_available() else "cuda"
    with pytest.raises(VaeError, match=f"no device {missing}"):
        choose_device(TrainConfig.model_validate({"device": missing}))
