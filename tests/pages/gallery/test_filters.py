"""Which pictures are shown, in which order: against small sets worked by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from vae import VaeError
from vae.inference.image_search import SORTS, filter_classes, search_indices, select_images
from vae.inference.scored_set import ScoredSet, mean_losses, nearest_images, surprise
from vae.models.losses import kl


def a_set(side: int = 28) -> ScoredSet:
    """Five pictures of two classes."""
    return ScoredSet(
        images=np.arange(5, dtype=np.uint8)[:, None, None].repeat(side, 1).repeat(side, 2),
        labels=np.array([0, 0, 0, 1, 1]),
        means=np.array([[0, 0], [3, 4], [0, 1], [0, 2], [6, 8]], np.float32),
        logvars=np.zeros((5, 2), np.float32),
        reconstruction=np.array([10, 20, 60, 100, 50], np.float32),
        kl=np.array([1, 5, 2, 4, 3], np.float32),
    )


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("index", [0, 1, 2, 3, 4]),
        ("worst", [3, 2, 4, 1, 0]),
        ("best", [0, 1, 4, 2, 3]),
        ("surprise", [2, 3, 1, 0, 4]),  # 30, 25, -10, -20, -25 above the means 30 and 75
        ("KL", [1, 3, 4, 2, 0]),
    ],
)
def test_every_picture_is_sorted(sort: str, order: list[int]) -> None:
    assert select_images(a_set(), sort=sort).tolist() == order


def test_surprise_is_what_is_above_the_mean_of_the_class() -> None:
    np.testing.assert_allclose(surprise(a_set()), [-20, -10, 30, 25, -25])


def test_a_class_without_pictures_disturbs_nobody() -> None:
    test = a_set()[[3, 4]]  # none of class 0
    np.testing.assert_allclose(surprise(test), [25, -25])


def test_a_shuffle_is_that_of_its_seed() -> None:
    first, again, other = (select_images(a_set(), sort="shuffled", seed=seed) for seed in (3, 3, 4))
    assert first.tolist() == again.tolist() != other.tolist()
    assert sorted(first) == [0, 1, 2, 3, 4]


def test_every_sort_has_a_key_for_every_picture() -> None:
    for key in SORTS.values():
        assert len(key(a_set(), 0)) == 5


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("1", [1, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]),
        ("#12", [12]),
        ("5-7", [5, 6, 7]),
        ("7–5", [5, 6, 7]),
        (" 0, 12 ", [0, 10, 12]),
        (",5,, ", [5, 15]),
        ("5 - 7", [5, 6, 7]),
        ("18-500", [18, 19]),
        ("99", []),
        ("999999999", []),
    ],
)
def test_digits_and_ranges_find_indices(text: str, matches: list[int]) -> None:
    assert np.flatnonzero(search_indices(text, 20)[0]).tolist() == matches


@pytest.mark.parametrize("text", ["abc", "-1", "1.5", "1--2", "٣", "4;", "1e3", "#", "1234567890"])
def test_what_is_no_index_gets_a_sentence(text: str) -> None:
    with pytest.raises(VaeError, match="is no index"):
        search_indices(text, 20)


def test_a_search_of_too_many_words_gets_a_sentence() -> None:
    with pytest.raises(VaeError, match="These are 2,000 indices and ranges"):
        search_indices("7 " * 2000, 20)
    with pytest.raises(VaeError, match=r"^'x{60}…' is no index"):
        search_indices("x" * 3000, 20)


def test_the_terms_of_the_kl_are_those_of_its_sum() -> None:
    means, logvars = np.random.default_rng(0).normal(size=(2, 5, 2)).astype(np.float32)
    logvars[0] = -200  # the exponential of that is zero
    test = replace(a_set(), means=means, logvars=logvars)
    expected = kl(torch.from_numpy(means), torch.from_numpy(logvars))
    np.testing.assert_allclose(test.kl_by_dimension.sum(axis=1), expected, rtol=1e-5)
    np.testing.assert_allclose(test.deviations**2, np.exp(logvars), rtol=1e-5)


def test_means_are_of_the_pictures_asked_for() -> None:
    assert mean_losses(a_set(), np.array([1, 3])) == {"reconstruction": 60, "KL": 4.5, "−ELBO": 64.5}


def test_an_exact_match_comes_first_whatever_the_order() -> None:
    test = a_set()
    many = test[[0, 1, 2, 3, 4] * 4]
    assert select_images(many, find="1", sort="worst")[0] == 1
    assert set(select_images(many, find="1")) == {1, *range(10, 20)}


def test_filters_are_all_kept_at_once() -> None:
    test = a_set()
    assert select_images(test, loss=(20, 60)).tolist() == [1, 2, 4]
    assert select_images(test, loss=(20, 60), sort="worst", find="1-3").tolist() == [2, 1]
    indices = select_images(test, sort="worst")
    assert filter_classes(test, indices, [1]).tolist() == [3, 4]
    assert filter_classes(test, indices, []).tolist() == indices.tolist()
    assert filter_classes(test, indices, [7]).tolist() == []


def test_the_nearest_are_found_in_the_whole_latent_space() -> None:
    indices, distances = nearest_images(a_set(), np.array([0, 0], np.float32), 3, exclude=0)
    assert indices.tolist() == [2, 3, 1]
    np.testing.assert_allclose(distances, [1, 2, 5])
    assert nearest_images(a_set(), np.zeros(2, np.float32), 1)[0].tolist() == [0]
    assert len(nearest_images(a_set(), np.zeros(2, np.float32), 10, exclude=3)[0]) == 4
