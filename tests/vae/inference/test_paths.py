"""Paths through the latent space: straight and spherical."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from vae.inference.paths import Float64s, spherical, straight
from vae.inference.scored_set import Floats

DIMENSIONS = [2, 3, 8, 64]


def random_ends(latent_dim: int, count: int = 50) -> list[tuple[Floats, Floats]]:
    """Pairs of places, some of them far out and some of very unlike length."""
    generator = np.random.default_rng(latent_dim)
    scales = 10 ** (4 * generator.random((count, 2, 1), np.float32) - 2)
    pairs = scales * generator.standard_normal((count, 2, latent_dim), np.float32)
    return [(start, end) for start, end in pairs]


def angles(*places: Floats) -> Float64s:
    """Between each place and the next, seen from the origin."""
    wide = np.stack(places).astype(np.float64)
    directions = wide / np.linalg.norm(wide, axis=1, keepdims=True)
    return np.arccos((directions[1:] * directions[:-1]).sum(axis=1).clip(-1, 1))


@pytest.mark.parametrize("way", [straight, spherical])
@pytest.mark.parametrize("latent_dim", [1, *DIMENSIONS])
def test_ends_are_exact(way: Callable[[Floats, Floats, int], Floats], latent_dim: int) -> None:
    for start, end in random_ends(latent_dim):
        for count in (2, 7, 61):
            places = way(start, end, count)
            assert places.shape == (count, latent_dim)
            assert places.dtype == start.dtype
            assert np.array_equal(places[0], start)
            assert np.array_equal(places[-1], end)
            assert np.isfinite(places).all()


@pytest.mark.parametrize("latent_dim", [1, *DIMENSIONS])
def test_a_straight_path_has_equal_steps(latent_dim: int) -> None:
    for ends in random_ends(latent_dim):
        start, end = (each.astype(np.float64) for each in ends)
        steps = np.diff(straight(start, end, 31), axis=0)  # type: ignore[arg-type]
        expected = np.broadcast_to((end - start) / 30, steps.shape)
        np.testing.assert_allclose(steps, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("latent_dim", DIMENSIONS)
def test_a_spherical_path_turns_evenly_and_changes_its_radius_evenly(latent_dim: int) -> None:
    for start, end in random_ends(latent_dim):
        places = spherical(start, end, 31)
        np.testing.assert_allclose(angles(*places), np.full(30, angles(start, end) / 30), rtol=0, atol=1e-5)
        radii = np.linspace(np.linalg.norm(start), np.linalg.norm(end), 31)
        np.testing.assert_allclose(np.linalg.norm(places, axis=1), radii, rtol=1e-5, atol=0)


@pytest.mark.parametrize("latent_dim", DIMENSIONS)
def test_between_ends_of_equal_length_it_is_shoemakes_slerp(latent_dim: int) -> None:
    for start, other in random_ends(latent_dim):
        end = other * np.linalg.norm(start) / np.linalg.norm(other)
        (angle,) = angles(start, end)
        if math.pi - angle < 0.01:
            continue  # its formula divides by the sine
        t = np.linspace(0, 1, 31)[:, None]
        slerp = (np.sin((1 - t) * angle) * start + np.sin(t * angle) * end) / np.sin(angle)
        np.testing.assert_allclose(
            spherical(start, end, 31), slerp, rtol=0, atol=1e-5 * float(np.linalg.norm(start))
        )


def test_a_spherical_path_stays_between_the_radii_of_its_ends() -> None:
    start = np.array([1, 0], np.float32)
    nearly_opposite = np.array([3 * math.cos(3.14), 3 * math.sin(3.14)], np.float32)
    radii = np.linalg.norm(spherical(start, nearly_opposite, 61), axis=1)
    assert radii.min() >= 1 - 1e-6
    assert radii.max() <= 3 + 1e-6  # slerp of vectors that are no unit vectors reaches 1,256 here


@pytest.mark.parametrize("latent_dim", DIMENSIONS)
def test_opposite_ends_are_joined_by_a_half_circle(latent_dim: int) -> None:
    for start, _ in random_ends(latent_dim):
        places, radius = spherical(start, -start, 31), float(np.linalg.norm(start))
        np.testing.assert_allclose(angles(*places), np.full(30, math.pi / 30), rtol=1e-4, atol=0)
        np.testing.assert_allclose(np.linalg.norm(places, axis=1), np.full(31, radius), rtol=1e-5, atol=0)
        if latent_dim == 2:  # anticlockwise
            quarter = np.stack((-start[1], start[0]))
            np.testing.assert_allclose(places[15], quarter, rtol=1e-4, atol=1e-4 * radius)


@pytest.mark.parametrize("latent_dim", DIMENSIONS)
def test_where_nothing_turns_a_spherical_path_is_straight(latent_dim: int) -> None:
    for start, _ in random_ends(latent_dim):
        origin = np.zeros_like(start)
        for one, other in (
            (start, 3 * start),
            (start, origin),
            (origin, start),
            (start, start),
            (origin, origin),
        ):
            assert np.array_equal(spherical(one, other, 9), straight(one, other, 9))


def test_on_a_line_there_is_no_way_round_the_origin() -> None:
    for start, end in random_ends(1):
        assert np.array_equal(spherical(start, -end, 9), straight(start, -end, 9))
