"""Whitening and the two-groups model, compared with libraries."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from assets_tests.neurons.brute_force import whitened_by_components
from factroots_dagster.neurons.two_groups import TwoGroups
from factroots_dagster.neurons.whitening import SHRINKAGE, whitened


@pytest.mark.parametrize("shrinkage", [0.01, SHRINKAGE, 3.0])
def test_whitening_equals_that_by_principal_components(shrinkage: float) -> None:
    random = np.random.default_rng(4)
    values = random.normal(size=(12, 40)) * random.gamma(1.0, size=40)
    values[:, 3] = 0.5
    scale = values.std(axis=0)
    rows = whitened((values - values.mean(axis=0)).astype(np.float32), shrinkage)
    expected = whitened_by_components(values[:, scale > 0], shrinkage)
    np.testing.assert_allclose(rows[:, scale > 0], expected, atol=1e-4)
    assert (rows[:, 3] == 0).all()
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_facts_that_do_not_vary_have_no_direction() -> None:
    assert np.isnan(whitened(np.zeros((3, 5), np.float32))).all()


def test_whitening_separates_facts_with_the_same_object() -> None:
    random = np.random.default_rng(0)
    objects = np.repeat(random.normal(size=(6, 80)), 8, axis=0) * 4
    own = random.normal(size=(48, 80))
    first, second = (objects + own + 0.3 * random.normal(size=own.shape) for _ in range(2))

    def margin(directions: list[np.ndarray]) -> float:
        """How much more similar a fact is to itself than to the nearest fact with its object, on average."""
        cosine = directions[0] @ directions[1].T
        same = np.kron(np.eye(6), np.ones((8, 8))) - np.eye(48)
        return float((np.diag(cosine) - np.where(same > 0, cosine, -1).max(axis=1)).mean())

    plain = [
        (v - v.mean(axis=0)) / np.linalg.norm(v - v.mean(axis=0), axis=1)[:, None] for v in (first, second)
    ]
    white = [whitened((v - v.mean(axis=0)).astype(np.float32)) for v in (first, second)]
    assert margin(white) > 3 * margin(plain)


def test_two_groups_are_recovered_and_give_the_posterior() -> None:
    random = np.random.default_rng(1)
    null = random.normal(2, 1.5, 4000)
    shared = random.random(3000) < 0.3
    own = np.where(shared, random.normal(9, 2.5, 3000), random.normal(2, 1.5, 3000))
    model = TwoGroups.fit(own, null)
    assert model is not None
    assert (model.null_mean, model.null_width) == pytest.approx((null.mean(), null.std()))
    assert model.share == pytest.approx(0.3, abs=0.02)
    assert (model.mean, model.width) == pytest.approx((9, 2.5), abs=0.25)
    z = np.linspace(1, 12, 50)
    wide, narrow = stats.norm(model.mean, model.width), stats.norm(model.null_mean, model.null_width)
    posterior = model.share * wide.pdf(z)
    posterior = posterior / (posterior + (1 - model.share) * narrow.pdf(z))
    np.testing.assert_allclose(1 / (1 + np.exp(-model.log_odds(z))), posterior, rtol=1e-6)
    called = model.log_odds(own) > 0
    assert (called == shared).mean() > 0.95


def test_odds_never_fall_as_similarity_rises() -> None:
    random = np.random.default_rng(2)
    own = np.concatenate([random.normal(0, 1, 200), random.normal(6, 4, 100)])
    model = TwoGroups.fit(own, random.normal(0, 1, 500))
    assert model is not None and model.width > model.null_width
    odds = model.log_odds(np.linspace(-50, 50, 1001))
    assert (np.diff(odds) >= 0).all() and odds[0] < 0 < odds[-1]


def test_without_shared_facts_their_estimated_proportion_is_small() -> None:
    shares = []
    for seed in range(30):
        random = np.random.default_rng(seed)
        model = TwoGroups.fit(random.normal(size=200), random.normal(size=400))
        assert model is not None
        shares.append(model.share)
    assert np.mean(shares) < 0.06
    assert TwoGroups.fit(np.ones(5), np.ones(30)) is None
