"""Published results: complete, and compared only where that is valid."""

import pytest

from tests.support.small_runs import small_config
from tests.support.sources import SOURCES, imported
from vae.evaluation.published import PUBLISHED, PublishedResult, nothing_comparable, verdict

GAUSSIAN, SPHERE, KERAS, BLOG = PUBLISHED


@pytest.mark.parametrize("other", PUBLISHED, ids=lambda other: other.name)
def test_the_terms_make_the_bound_and_the_conditions_are_said(other: PublishedResult) -> None:
    assert other.source
    assert "MNIST" in other.conditions
    assert f"{other.latent_dim} latent dimensions" in other.conditions
    if other.negative_elbo is None:
        assert other.nll is not None
    else:
        assert other.reconstruction is not None
        assert other.kl is not None
        # Each of the three is rounded to a tenth by itself. What the Keras example prints does not add up.
        assert other.negative_elbo == pytest.approx(
            other.reconstruction + other.kl, abs=0.31 if other is KERAS else 0.151
        )


@pytest.mark.parametrize("other", [GAUSSIAN, SPHERE, BLOG], ids=lambda other: other.name)
def test_test_figures_of_two_dimensions_may_be_compared(other: PublishedResult) -> None:
    comparable, why = verdict(other, small_config())
    assert comparable
    assert "bounds of the same likelihood" in why
    assert "beta" not in why


def test_other_data_sets_and_likelihoods_are_compared_with_nothing() -> None:
    assert nothing_comparable(small_config()) == ""
    assert "this run learned fashion-mnist." in nothing_comparable(small_config(dataset="fashion-mnist"))
    assert "this run a Gaussian one." in nothing_comparable(small_config(likelihood="gaussian"))


@pytest.mark.parametrize("other", PUBLISHED, ids=lambda other: other.name)
def test_nothing_is_compared_across_dimensions(other: PublishedResult) -> None:
    for dims in ("1 latent dimension,", "5 latent dimensions,"):
        wide = verdict(other, small_config(latent_dim=int(dims[0])))
        assert not wide.comparable
        assert other is KERAS or dims in wide.why


def test_what_was_trained_on_is_never_compared() -> None:
    comparable, why = verdict(KERAS, small_config())
    assert not comparable
    assert "the images it was trained on" in why


def test_another_weight_of_the_kl_still_gives_a_bound_and_is_said() -> None:
    comparable, why = verdict(GAUSSIAN, small_config(beta=4))
    assert comparable
    assert "beta 4;" in why


def test_the_figures_are_at_hand_without_torch() -> None:
    assert imported(SOURCES["vae.evaluation.published"]) & set(SOURCES) == {"vae.config"}
