"""Paths through the latent space: straight and spherical."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from vae.inference.paths import spherical, straight

DIMENSIONS = [2, 3, 8, 64]


def random_ends(latent_dim: int, count: int = 50) -> list[tuple[Tensor, Tensor]]:
    """Pairs of places, some of them far out and some of very unlike length."""
    generator = torch.Generator().manual_seed(latent_dim)
    scales = 10 ** (4 * torch.rand(count, 2, 1, generator=generator) - 2)
    pairs = scales * torch.randn(count, 2, latent_dim, generator=generator)
    return [(start, end) for start, end in pairs]


def angles(places: Tensor) -> Tensor:
    """Between each place and the next, seen from the origin."""
    directions = torch.nn.functional.normalize(places.double(), dim=1)
    return (directions[1:] * directions[:-1]).sum(dim=1).clamp(-1, 1).acos()


@pytest.mark.parametrize("way", [straight, spherical])
@pytest.mark.parametrize("latent_dim", [1, *DIMENSIONS])
def test_ends_are_exact(way: Callable[[Tensor, Tensor, int], Tensor], latent_dim: int) -> None:
    for start, end in random_ends(latent_dim):
        for count in (2, 7, 61):
            places = way(start, end, count)
            assert places.shape == (count, latent_dim)
            assert places.dtype == start.dtype
            assert torch.equal(places[0], start)
            assert torch.equal(places[-1], end)
            assert places.isfinite().all()


@pytest.mark.parametrize("latent_dim", [1, *DIMENSIONS])
def test_a_straight_path_has_equal_steps(latent_dim: int) -> None:
    for start, end in random_ends(latent_dim):
        start, end = start.double(), end.double()
        steps = straight(start, end, 31).diff(dim=0)
        torch.testing.assert_close(steps, ((end - start) / 30).expand(30, -1), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("latent_dim", DIMENSIONS)
def test_a_spherical_path_turns_evenly_and_changes_its_radius_evenly(latent_dim: int) -> None:
    for start, end in random_ends(latent_dim):
        places = spherical(start, end, 31)
        torch.testing.assert_close(
            angles(places), angles(torch.stack((start, end))).expand(30) / 30, rtol=0, atol=1e-5
        )
        radii = straight(start.norm()[None], end.norm()[None], 31)[:, 0]
        torch.testing.assert_close(places.norm(dim=1), radii, rtol=1e-5, atol=0)


@pytest.mark.parametrize("latent_dim", DIMENSIONS)
def test_between_ends_of_equal_length_it_is_shoemakes_slerp(latent_dim: int) -> None:
    for start, end in random_ends(latent_dim):
        end = end * start.norm() / end.norm()
        angle = angles(torch.stack((start, end)).double())[0]
        if math.pi - angle < 0.01:
            continue  # its formula divides by the sine
        t = torch.linspace(0, 1, 31, dtype=torch.float64)[:, None]
        slerp = (((1 - t) * angle).sin() * start + (t * angle).sin() * end) / angle.sin()
        torch.testing.assert_close(
            spherical(start, end, 31).double(), slerp, rtol=0, atol=float(1e-5 * start.norm())
        )


def test_a_spherical_path_stays_between_the_radii_of_its_ends() -> None:
    start = torch.tensor([1.0, 0.0])
    nearly_opposite = 3 * torch.tensor([math.cos(3.14), math.sin(3.14)])
    radii = spherical(start, nearly_opposite, 61).norm(dim=1)
    assert radii.min() >= 1 - 1e-6
    assert radii.max() <= 3 + 1e-6  # slerp of vectors that are no unit vectors reaches 1,256 here


@pytest.mark.parametrize("latent_dim", DIMENSIONS)
def test_opposite_ends_are_joined_by_a_half_circle(latent_dim: int) -> None:
    for start, _ in random_ends(latent_dim):
        places = spherical(start, -start, 31)
        torch.testing.assert_close(
            angles(places), torch.full((30,), math.pi / 30).double(), rtol=1e-4, atol=0
        )
        torch.testing.assert_close(places.norm(dim=1), start.norm().expand(31), rtol=1e-5, atol=0)
        if latent_dim == 2:  # anticlockwise
            quarter = torch.stack((-start[1], start[0]))
            torch.testing.assert_close(places[15], quarter, rtol=1e-4, atol=1e-4 * float(start.norm()))


@pytest.mark.parametrize("latent_dim", DIMENSIONS)
def test_where_nothing_turns_a_spherical_path_is_straight(latent_dim: int) -> None:
    for start, _ in random_ends(latent_dim):
        origin = torch.zeros_like(start)
        for one, other in (
            (start, 3 * start),
            (start, origin),
            (origin, start),
            (start, start),
            (origin, origin),
        ):
            assert torch.equal(spherical(one, other, 9), straight(one, other, 9))


def test_on_a_line_there_is_no_way_round_the_origin() -> None:
    for start, end in random_ends(1):
        assert torch.equal(spherical(start, -end, 9), straight(start, -end, 9))
