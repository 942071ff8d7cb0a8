"""Statements that were not found: against simulated texts in which it is known how many there are."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from factroots_dagster.roots.missed import (
    MOST,
    SEEN,
    UNSEEN,
    MissedBound,
    bound_missed,
    expect_missed,
    read_coverage,
)
from factroots_dagster.tracing.schema import NAME_COVERAGE


def simulate(coverage: float, windows: np.ndarray) -> tuple[float, float]:
    """The expected and the true share of stated facts among those that were not found."""
    found = np.random.default_rng(1).binomial(windows, coverage**2)
    expected = expect_missed(
        (found > 0).astype(float), found, np.zeros(len(found), np.int64), np.array([coverage])
    )
    return float(expected[0]), float((windows[found == 0] > 0).mean())


@pytest.mark.parametrize("coverage", [0.75, 0.85, 0.95])
@pytest.mark.parametrize("spread", [0.3, 5.0])
def test_as_many_are_expected_as_were_missed(coverage: float, spread: float) -> None:
    """However unequal the numbers of statements are."""
    random = np.random.default_rng(0)
    expected, true = simulate(coverage, random.poisson(1.5 * random.gamma(spread, 1 / spread, 200_000)))
    assert expected == pytest.approx(true, rel=0.08) and 0 < true < 0.5


def test_where_hardly_any_form_is_seen_it_is_a_lower_bound() -> None:
    expected, true = simulate(0.5, np.random.default_rng(0).poisson(1.5, 50_000))
    assert 0.2 < expected < true


def test_languages_are_apart_and_doubtful_sources_count_in_part() -> None:
    windows, languages = np.array([1, 0, 1, 0]), np.array([0, 0, 1, 1])
    expected = expect_missed(np.array([1.0, 0, 0.5, 0]), windows, languages, np.array([0.8, 0.8]))
    assert expected == pytest.approx([0.36 / 0.64, 0.5 * 0.36 / 0.64])
    alternating = expect_missed(np.ones(3), np.array([1, 2, 0]), np.zeros(3, np.int64), np.array([0.8]))
    assert alternating == pytest.approx([0.36 / 0.64 - (0.36 / 0.64) ** 2])


def test_where_everything_or_nothing_is_seen() -> None:
    stated, windows = np.array([0.9, 0.0]), np.array([2, 0])
    languages = np.zeros(2, np.int64)
    assert expect_missed(stated, windows, languages, np.array([1.0])) == [0]
    assert expect_missed(stated, np.array([1, 0]), languages, np.array([0.0])) == [MOST]
    assert expect_missed(stated, windows, languages, np.array([0.0])) == [0]  # never below
    assert expect_missed(stated[:1], windows[:1], languages[:1], np.array([0.5])) == [0]


def test_a_bound_counts_known_facts_of_which_nothing_comes_across() -> None:
    stated = np.array([0.9, 0.8, 0.0, 0.0, 0.0, 0.7, 0.0])
    windows = np.array([3, 1, 0, 0, 0, 2, 0])
    easy = np.array([False, False, False, False, True, False, False])
    comes_across = np.array([0.0, 0.4, 0.0, 2.0, 0.0, 1.5, np.nan])
    assert bound_missed(stated, windows, easy, comes_across) == MissedBound(1, pytest.approx(1.7))


def test_the_bound_is_not_below_what_was_missed_for_any_reason() -> None:
    """A fifth of the stated facts has no window at all, and some facts are guessed."""
    random = np.random.default_rng(2)
    stated, comes_across = random.random(4000) < 0.6, random.exponential(1.0, 4000)
    found = stated & (random.random(4000) < 0.8)
    across = random.random(4000) < 1 - np.exp(-comes_across)
    known = stated | (random.random(4000) < 0.02) | across
    rows = [values[known] for values in (found, comes_across)]
    bound = bound_missed(rows[0] * 1.0, rows[0].astype(int), np.zeros(known.sum(), bool), rows[1])
    drawn = np.array([bound.draw(random) for _ in range(500)])
    assert (drawn > 0.25).mean() > 0.95 and drawn.max() <= 1
    assert {MissedBound(0, 0.0).draw(random) for _ in range(5)} == {0.0}
    assert {MissedBound(40, 1.0).draw(random) for _ in range(5)} == {1.0}


def test_a_ratio_to_the_found_counts_where_forms_explain_less() -> None:
    windows, languages = np.array([4, 4, 4, 4, 0, 0]), np.zeros(6, np.int64)
    stated = np.array([1.0, 1.0, 1.0, 1.0, 0, 0])
    few = expect_missed(stated, windows, languages, np.array([0.99]))
    assert few[0] < 0.01
    assert expect_missed(stated, windows, languages, np.array([0.99]), 0.25) == pytest.approx([0.5])
    assert expect_missed(stated, windows, languages, np.array([0.99]), 1.0) == [MOST]


def test_the_coverage_is_that_of_the_names_that_the_matchers_use() -> None:
    rows = [
        {"language": "uk", "names": "label", "links": 100, "seen": 40},
        {"language": "uk", "names": "with_forms", "links": 100, "seen": 90},
        {"language": "en", "names": "with_forms", "links": 0, "seen": 0},
    ]
    table = pa.Table.from_pylist([row | {"added": 0, "added_right": 0} for row in rows], schema=NAME_COVERAGE)
    got = read_coverage(table, {"with_forms"})
    assert got == {"uk": (90 + SEEN, 10 + UNSEEN), "en": (SEEN, UNSEEN)}
    assert read_coverage(table, {"with_forms", "label"})["uk"] == (40 + SEEN, 60 + UNSEEN)
