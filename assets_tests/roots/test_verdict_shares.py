"""Shares of verdicts and their intervals: means by hand, and how often intervals hold what is true."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from factroots_dagster.roots.schema import FACT_TYPES, VERDICT_SHARES
from factroots_dagster.roots.transfer import Cells, Correction, FittedTransfer, fit_transfer
from factroots_dagster.roots.verdict_shares import expected_shares, share_verdicts
from factroots_dagster.roots.verdicts import find_predicted, judge_facts
from factroots_dagster.stats.logistic import sigmoid

LANGUAGES = ("aa", "bb")
UNCORRECTED = Correction(0, 1, 0.1, 0.05)


def simulate(facts: int, seed: int) -> tuple[Cells, np.ndarray, np.ndarray]:
    """Cells, their features, and P(known) without a source, from others; half of the cells have a source."""
    random = np.random.default_rng(seed)
    keys = [(f"{number:05}", language) for number in range(facts) for language in LANGUAGES]
    features = random.normal(size=(len(keys), 2)) + random.normal(size=(facts, 2)).repeat(2, axis=0)
    probability = sigmoid(features[:, 0] - 0.5)
    sourced = random.random(len(keys)) < 0.5
    known = sourced | (random.random(len(keys)) < probability)
    return Cells(keys, sourced, known, np.full(len(keys), -1.0)), features, probability


def share(cells: Cells, fitted: FittedTransfer, stated: float = 0.9) -> pd.DataFrame:
    schema = pa.schema([field.with_nullable(True) for field in FACT_TYPES])
    rows = [
        {"uuid": uuid, "language": language, "relation": "P1", "type": "shared" if known else "not_predicted",
         "source_present": bool(sourced), "stated_probability": stated if sourced else None,
         "windows": 40 if sourced else 0}
        for (uuid, language), sourced, known in zip(cells.keys, cells.sourced, cells.known, strict=True)
    ]  # fmt: skip
    facts = find_predicted(pa.Table.from_pylist(rows, schema=schema), cells, {})
    verdicts = judge_facts(facts, fitted.estimate(), fitted.estimate())
    table = share_verdicts(verdicts, facts, fitted)
    assert table.schema.equals(VERDICT_SHARES)
    frame = verdicts.to_pandas()
    shares: pd.DataFrame = table.to_pandas().set_index(["language", "verdict"])
    for language, of_language in (("*", frame), *frame.groupby("language")):
        for name in ("shared", "luck"):
            assert shares.loc[(language, name), "expected"] == pytest.approx(
                of_language[name].mean(), nan_ok=True
            )
            assert shares.loc[(language, name), "facts"] == (of_language["verdict"] == name).sum()
        untrained = (of_language["stated"] * of_language["without_source_untrained"]).mean()
        assert shares.loc[(language, "shared"), "expected_untrained"] == pytest.approx(untrained, nan_ok=True)
    return shares


def test_expected_shares_lie_in_their_intervals_and_are_read_from_the_table() -> None:
    cells, features, _ = simulate(300, seed=1)
    shares = share(cells, fit_transfer(cells, features, UNCORRECTED))
    for _, row in shares.iterrows():
        if pd.notna(row["low"]):
            assert 0 <= row["low"] <= row["expected"] <= row["high"] <= 1
    expected, untrained = expected_shares(pa.Table.from_pandas(shares.reset_index(), schema=VERDICT_SHARES))
    assert sum(expected.values()) == pytest.approx(1)
    assert untrained == pytest.approx(shares.loc[("*", "shared"), "expected_untrained"])


def test_intervals_hold_the_true_share_of_another_training() -> None:
    """Of worlds made alike, about 19 of 20 intervals hold the share that would survive; here 36 of 40."""
    held = []
    for seed in range(20):
        cells, features, probability = simulate(150, seed)
        row = share(cells, fit_transfer(cells, features, UNCORRECTED)).loc[("*", "shared")]
        random = np.random.default_rng([seed, 1])
        survives = random.random(len(probability)) < probability
        stated = cells.sourced & (random.random(len(probability)) < 0.9)
        true = (survives & stated)[cells.known].mean()
        held.append(row["low"] <= true <= row["high"])
    assert sum(held) >= 17


def test_what_is_less_certain_has_wider_intervals() -> None:
    def width(facts: int, correction: Correction) -> float:
        cells, features, _ = simulate(facts, seed=2)
        row = share(cells, fit_transfer(cells, features, correction)).loc[("*", "shared")]
        return float(row["high"] - row["low"])

    certain = Correction(0, 1)
    assert width(60, certain) > 1.5 * width(600, certain)
    assert width(600, Correction(0, 1, 0.6, 0.2)) > 1.5 * width(600, certain)


def test_intervals_hold_what_was_transferred_where_sources_are_missed() -> None:
    """A fifth of the sources is not found, which no name's form tells: only what the model knows."""
    held = {True: 0, False: 0}
    for seed in range(10):
        cells, features, probability = simulate(400, seed)
        random = np.random.default_rng([seed, 2])
        known = np.where(cells.sourced, True, random.random(len(probability)) < probability)
        found = cells.sourced & (random.random(len(probability)) < 0.8)
        fitted = fit_transfer(cells._replace(sourced=found, known=known), features, UNCORRECTED)
        true = (~cells.sourced)[known].mean()
        for bounded in held:
            across = probability if bounded else np.full(len(probability), np.nan)
            shares = share(
                cells._replace(sourced=found, known=known), replace(fitted, comes_across=across), 1
            )
            low, high = (
                shares.loc[("*", "transferred"), end] + shares.loc[("*", "luck"), end]
                for end in ("low", "high")
            )
            held[bounded] += low <= true <= high
    assert held[True] >= 9 and held[False] <= 1


def test_without_enough_facts_there_is_no_share() -> None:
    cells, features, _ = simulate(8, seed=3)
    shares = share(cells, fit_transfer(cells, features, UNCORRECTED))
    assert shares["expected"].isna().all() and shares["low"].isna().all()
    assert shares.loc[("*", "undetermined"), "facts"] == cells.known.sum()
