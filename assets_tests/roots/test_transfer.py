"""The probability of knowing a fact without its source: against scikit-learn, and where it is known."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression

from factroots_dagster.probing.schema import NAME_ACCESS, PREDICTIONS
from factroots_dagster.roots.regression import FEWEST_CASES, PRECISION
from factroots_dagster.roots.transfer import (
    FEATURES,
    STATED,
    Cells,
    collect_cells,
    estimate_transfer,
    fit_transfer,
    summarize_access,
)


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def simulate(cells: int, seed: int, stated: float = 0.4) -> tuple[Cells, np.ndarray, np.ndarray]:
    """Cells whose facts come across with a known probability; a stated one is known in any case."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(cells, 2)) * [2.0, 5.0] + [-3.0, 7.0]
    probability = sigmoid(1.2 * (features[:, 0] + 3))
    sourced = random.random(cells) < stated
    known = (random.random(cells) < probability) | sourced
    keys = [(f"fact-{number}", "aa") for number in range(cells)]
    return Cells(keys, sourced, known, random.normal(size=cells)), features, probability


def test_the_probability_of_unstated_facts_is_recovered() -> None:
    cells, features, probability = simulate(6000, seed=1)
    got = fit_transfer(cells, features, STATED).estimate().from_others
    np.testing.assert_allclose(got[~cells.sourced], probability[~cells.sourced], atol=0.05)
    stated = sigmoid(STATED.intercept + STATED.slope * np.log(probability / (1 - probability)))
    np.testing.assert_allclose(got[cells.sourced], stated[cells.sourced], atol=0.06)


def test_whether_stated_facts_are_known_plays_no_part() -> None:
    cells, features, _ = simulate(800, seed=2)
    forgotten = cells._replace(known=cells.known & ~cells.sourced)
    np.testing.assert_array_equal(
        fit_transfer(cells, features, STATED).estimate().from_others,
        fit_transfer(forgotten, features, STATED).estimate().from_others,
    )


def test_features_that_say_nothing_give_every_fact_the_same() -> None:
    cells, features, probability = simulate(6000, seed=3)
    shuffled = np.random.default_rng(0).permutation(features)
    got = fit_transfer(cells, shuffled, STATED).estimate().from_others[~cells.sourced]
    assert got.std() < 0.02
    assert got.mean() == pytest.approx(probability[~cells.sourced].mean(), abs=0.02)


def test_the_regression_is_scikit_learns() -> None:
    cells, features, _ = simulate(500, seed=4)
    rows = ~cells.sourced
    mean, spread = features[rows].mean(axis=0), features[rows].std(axis=0)
    oracle = LogisticRegression(C=1 / PRECISION, tol=1e-10, max_iter=10_000)
    oracle.fit((features[rows] - mean) / spread, cells.known[rows])
    expected = oracle.predict_proba((features[rows] - mean) / spread)[:, 1]
    np.testing.assert_allclose(
        fit_transfer(cells, features, STATED).estimate().from_others[rows], expected, atol=1e-3
    )


def test_facts_that_were_sampled_stand_for_the_others() -> None:
    """Two languages of which different shares of the unknown facts are asked, and all of the known ones."""
    cells, features, probability = simulate(12_000, seed=9, stated=0)
    random = np.random.default_rng(9)
    languages = ["aa" if number % 3 else "bb" for number in range(12_000)]
    unasked = ~cells.known & (random.random(12_000) < np.where(np.array(languages) == "aa", 0.9, 0.5))
    # A language that knows and states every fact, and is no part of what is compared.
    cells = Cells(
        [(uuid, language) for (uuid, _), language in zip(cells.keys, languages, strict=True)]
        + [(uuid, "cc") for uuid, _ in cells.keys],
        *(np.concatenate([values, np.ones(12_000, values.dtype)]) for values in cells[1:]),
    )
    without = np.full((12_000, 2), np.nan)
    asked = np.where(unasked[:, None], np.nan, features)
    got = fit_transfer(cells, np.concatenate([asked, without]), STATED).estimate().from_others[:12_000]
    np.testing.assert_allclose(got[~unasked], probability[~unasked], atol=0.12)
    assert got[~unasked].mean() == pytest.approx(probability[~unasked].mean(), abs=0.02)


def test_facts_that_were_not_asked_are_not_alone() -> None:
    """Facts that another language knows and states say nothing of guesses; here half of them are asked."""
    cells, features, _ = simulate(4000, seed=10, stated=0)
    alone = np.arange(4000) < 2000
    features[alone] = np.nan
    cells = Cells(
        cells.keys + [(uuid, "bb") for uuid, _ in cells.keys[2000:]],
        *(np.concatenate([values, np.ones(2000, values.dtype)]) for values in cells[1:]),
    )
    nothing = np.full((2000, 2), np.nan)
    whole = fit_transfer(cells, np.concatenate([features, nothing]), STATED).estimate().guess
    features[~alone & ~cells.known[:4000] & (np.arange(4000) % 2 == 0)] = np.nan
    some = fit_transfer(cells, np.concatenate([features, nothing]), STATED).estimate().guess
    np.testing.assert_array_equal(whole, some)


def test_some_cells_get_what_they_get_among_all() -> None:
    cells, features, _ = simulate(500, seed=8)
    features[::7] = np.nan
    fitted, rows = fit_transfer(cells, features, STATED), np.random.default_rng(0).permutation(500)[:80]
    for every, some in zip(fitted.estimate(), fitted.at(rows).estimate(), strict=True):
        np.testing.assert_array_equal(every[rows], some)


def test_without_a_partner_there_is_the_guess() -> None:
    cells, features, _ = simulate(4000, seed=5)
    alone = np.random.default_rng(5).random(4000) < 0.5
    features[alone] = np.nan
    known = np.where(alone, np.random.default_rng(6).random(4000) < sigmoid(cells.prior - 2), cells.known)
    transfer = fit_transfer(cells._replace(known=known), features, STATED).estimate()
    assert np.isnan(transfer.from_others[alone]).all() and np.isfinite(transfer.from_others[~alone]).all()
    np.testing.assert_allclose(transfer.guess, sigmoid(cells.prior - 2), atol=0.06)
    expected = transfer.without_own_source()
    np.testing.assert_array_equal(expected[alone], transfer.guess[alone])
    np.testing.assert_array_equal(expected[~alone], transfer.from_others[~alone])


@pytest.mark.parametrize("cases", [0, FEWEST_CASES - 1])
def test_too_few_unstated_facts_give_nothing(cases: int) -> None:
    cells, features, _ = simulate(200, seed=6)
    sourced = np.arange(200) >= cases
    transfer = fit_transfer(cells._replace(sourced=sourced), features, STATED).estimate()
    assert np.isnan(transfer.from_others).all() and np.isnan(transfer.guess).all()


def test_hardly_any_known_fact_gives_all_the_same_rate() -> None:
    cells, features, _ = simulate(100, seed=7, stated=0)
    known = np.arange(100) < 2
    got = fit_transfer(cells._replace(known=known), features, STATED).estimate().from_others
    np.testing.assert_allclose(got, 2.5 / 101)


def access_table(rows: list[tuple[str, str, str, float, float | None, float, float, float]]) -> pa.Table:
    names = (
        "uuid",
        "language",
        "partner",
        "own_logprob",
        "partner_logprob",
        "name_logprob",
        "object_logprob",
        "partner_name_logprob",
    )
    return pa.Table.from_pylist(
        [dict(zip(names, row, strict=True), relation="P1") for row in rows], schema=NAME_ACCESS
    )


def test_what_partners_bring_up_is_summarized() -> None:
    table = access_table(
        [
            ("f", "aa", "bb", -0.1, -0.5, -2.0, -4.0, -0.5),
            ("f", "aa", "cc", -0.1, -1.0, -1.2, -6.0, -3.0),
            ("f", "bb", "cc", -0.1, None, -1.0, -1.0, -1.0),  # not asked: no partner
        ]
    )
    (summary,) = [summarize_access(table)["f", "aa"]]
    answer = (np.exp(-0.5) + np.exp(-3.0)) / 2
    expected = (-1.2, -0.2, -0.5, np.exp(-2.0) + np.exp(-1.2), 2.0, -4.0, answer)
    assert summary == pytest.approx(expected) and len(FEATURES) == len(expected)
    assert ("f", "bb") not in summarize_access(table)


def test_cells_are_those_of_the_predictions() -> None:
    fact = {name: None for name in PREDICTIONS.names} | {"relation": "P1", "too_long": False}
    rows = [
        fact | {"uuid": "f", "language": "aa", "full_match": True, "prior_logprob": -1.0},
        fact | {"uuid": "g", "language": "aa", "full_match": None, "prior_logprob": None},
    ]
    predictions = pa.Table.from_pylist(rows, schema=pa.schema([f.with_nullable(True) for f in PREDICTIONS]))
    cells = collect_cells({"aa": predictions}, {"aa": {"g"}, "zz": {"f"}})
    assert cells.keys == [("f", "aa"), ("g", "aa")]
    assert cells.known.tolist() == [True, False] and cells.sourced.tolist() == [False, True]
    assert cells.prior[0] == -1 and np.isnan(cells.prior[1])
    empty = estimate_transfer(cells, access_table([])).estimate()
    assert np.isnan(empty.without_own_source()).all()
