"""How well means separate classes: against small sets worked by hand."""

import numpy as np

from vae.inference.neighbours import active_units, neighbourhood, neighbours_agreement
from vae.inference.scored_set import Floats


def line(*places: float) -> Floats:
    """Means of a latent space of one dimension: (N, 1)."""
    return np.array(places, np.float32)[:, None]


def test_a_unit_is_active_if_its_mean_moves() -> None:
    means = np.random.default_rng(0).standard_normal((1000, 3), np.float32) * np.array(
        [1, 0.05, 0.2], np.float32
    )
    assert active_units(means) == 2


def test_neighbours_agree_in_clusters_and_not_in_noise() -> None:
    generator = np.random.default_rng(0)
    labels = np.arange(10).repeat(60)
    apart = labels[:, None] * np.float32(10) + generator.standard_normal((600, 2), np.float32)
    assert neighbours_agreement(apart, labels) == (1, 1, 1)
    assert max(neighbours_agreement(generator.standard_normal((600, 2), np.float32), labels)) < 0.2


def test_each_count_of_neighbours_votes_for_itself() -> None:
    # Classes of the neighbours of the point at 0, nearest first: 1, 0, 0.
    labels = np.array([0, 1, 0, 0])
    # One neighbour: 0 sees 1, 1 sees 0, -2 sees 0 (right), 2.1 sees 1. Three: only 1 is wrong.
    assert neighbours_agreement(line(0, 1, -2, 2.1), labels, (1, 3)) == (0.25, 0.75)


def test_close_neighbours_far_from_the_origin_are_told_apart() -> None:
    """By a matrix product of float32 their squares would round to the same."""
    pairs = np.arange(30).repeat(2)
    places = 100 + pairs * 2e-3 + np.tile([0, 4e-4], 30)
    assert neighbours_agreement(line(*places), pairs % 10, (1,)) == (1,)


def test_a_tie_goes_to_the_nearer_neighbours() -> None:
    # Nearest of the point at 0: 1, 1, then 0, 0, then 2: two against two.
    means = line(0, 1, -1.1, 1.2, -1.3, 1.4, 50)
    labels = np.array([1, 1, 1, 0, 0, 2, 3])
    alone = neighbours_agreement(means, labels, (5,))
    labels[0] = 0
    assert alone > neighbours_agreement(means, labels, (5,))


def test_without_classes_or_enough_images_no_accuracy_is_given() -> None:
    means = np.random.default_rng(0).standard_normal((60, 2), np.float32)
    labels = np.arange(60) % 3
    assert neighbourhood(means, labels).keys() == {"active_units", "knn_1", "knn_5", "knn_20"}
    assert neighbourhood(means, 0 * labels) == {"active_units": 2}
    assert neighbourhood(means[:20], labels[:20]) == {"active_units": 2}
