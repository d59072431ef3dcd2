"""What follows from the config and the step alone."""

import itertools
import math

import pytest
import torch

from vae.config import TrainConfig
from vae.training.schedule import MASKS, WARM_UP, learning_rate, masks, randomness, snapshot_steps


def test_the_schedule_warms_up_and_ends_near_zero() -> None:
    config, total = TrainConfig(schedule="cosine", learning_rate=0.1), 1000
    rates = [learning_rate(config, step, total) for step in range(total)]
    warm = round(WARM_UP * total)
    assert rates[0] == pytest.approx(0.1 / warm)
    assert max(rates) == pytest.approx(0.1)
    assert rates.index(max(rates)) in (warm - 1, warm)
    assert rates[warm:] == sorted(rates[warm:], reverse=True)
    assert rates[-1] < 1e-6
    middle = warm + (total - warm) // 2
    assert rates[middle] == pytest.approx(0.05)
    constant = TrainConfig(schedule="constant", learning_rate=0.1)
    assert {learning_rate(constant, step, total) for step in range(total)} == {0.1}
    assert math.isfinite(learning_rate(config, 0, 1))


def test_each_restart_begins_a_schedule_of_its_own() -> None:
    plain = TrainConfig(learning_rate=0.1, epochs=4)
    longer = TrainConfig(learning_rate=0.1, epochs=7, restarts=(4,))
    last = TrainConfig(learning_rate=0.1, epochs=3)
    rates = [learning_rate(longer, step, 700) for step in range(700)]
    assert rates[:400] == pytest.approx([learning_rate(plain, step, 400) for step in range(400)])
    assert rates[400:] == pytest.approx([learning_rate(last, step, 300) for step in range(300)])


def test_snapshots_are_dense_at_the_start_and_have_both_ends() -> None:
    steps = sorted(snapshot_steps(4690, 469, 600_000))
    assert steps[0] == 0
    assert steps[-1] == 4690
    assert 30 <= len(steps) <= 40
    ratios = [later / earlier for earlier, later in itertools.pairwise(steps[1:])]
    assert max(ratios) <= 2
    assert all(step % 469 == 0 for step in steps if step > 469)
    assert snapshot_steps(1, 1, 600_000) == {0, 1}


def test_a_run_keeps_as_many_snapshots_as_thirty_megabytes_hold() -> None:
    steps = sorted(snapshot_steps(4690, 469, 2_000_000))
    assert 10 <= len(steps) <= 15
    assert (steps[0], steps[-1]) == (0, 4690)
    for size in (300_000, 1_300_000, 9_000_000, 11_000_000, 16_000_000):
        assert len(snapshot_steps(4690, 469, size)) * size <= 30_000_000
    assert snapshot_steps(4690, 469, 14_000_000) == {0, 4690}
    assert snapshot_steps(4690, 469, 10**9) == {4690}


def test_randomness_follows_from_seed_and_epoch() -> None:
    config = TrainConfig(seed=3)
    order, noise = randomness(config, 1, 1000)
    assert sorted(order.tolist()) == list(range(1000))
    assert noise.shape == (1000, 2)
    assert torch.equal(randomness(config, 1, 1000)[1], noise)
    assert not torch.equal(randomness(config, 2, 1000)[1], noise)
    assert not torch.equal(randomness(TrainConfig(seed=4), 1, 1000)[1], noise)


def test_the_encoder_misses_the_share_of_pixels_that_the_config_says_others_each_epoch() -> None:
    config = TrainConfig(pixel_dropout=0.25)
    first, second = masks(config, 0), masks(config, 1)
    assert first.shape == (MASKS, 784)
    assert first.unique().tolist() == pytest.approx([0, 1 / 0.75])
    assert first.mean().item() == pytest.approx(1, abs=0.005)
    assert torch.equal(first, masks(config, 0))
    assert (first != second).float().mean().item() == pytest.approx(2 * 0.25 * 0.75, abs=0.01)


def test_a_hidden_pixel_of_a_colour_picture_is_hidden_in_all_channels() -> None:
    config = TrainConfig(dataset="own", channels=3, side=8, pixel_dropout=0.5)
    red, green, blue = masks(config, 0).view(MASKS, 3, 64).unbind(1)
    assert torch.equal(red, green)
    assert torch.equal(red, blue)
    assert 0.4 < (red > 0).float().mean() < 0.6
