"""What the machine is asked for, and how its pace is judged."""

import pytest
import torch

from vae import VaeError
from vae.config import TrainConfig
from vae.training.device import Pace, choose_device


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


def test_a_device_that_is_not_here_gets_a_sentence() -> None:
    assert choose_device(TrainConfig(device="cpu")).type == "cpu"
    missing = "mps" if torch.cuda.is_available() else "cuda"
    with pytest.raises(VaeError, match=f"no device {missing}"):
        choose_device(TrainConfig.model_validate({"device": missing}))
