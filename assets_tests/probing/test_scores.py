"""Scores against scipy and plain counting."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from factroots_dagster.errors import InputError
from factroots_dagster.probing.predictions import prediction_to_show
from factroots_dagster.probing.schema import MASK_COUNTS, PREDICTIONS, PROBING_SCORES, VOLUME_RELATIONS
from factroots_dagster.probing.scores import mask_counts, probing_scores
from factroots_dagster.probing.volume_relations import MEASURES, volume_relations


def predictions(language: str, n: int, seed: int) -> tuple[pa.Table, pa.Table]:
    """PREDICTIONS of random outcomes in three relations, and the coverage that goes with them."""
    random = np.random.default_rng(seed)
    rows, coverage = [], []
    for number in range(n):
        candidates = int(random.integers(2, 30))
        too_long = random.random() < 0.1
        right = not too_long and random.random() < 0.4
        rows.append(
            {
                "uuid": f"u{number}",
                "language": language,
                "relation": f"P{random.integers(0, 3)}",
                "object_ids": [1] * int(random.integers(1, 4)),
                "predicted_ids": [[1]],
                "full_match": right,
                "partial_match": right or (not too_long and random.random() < 0.3),
                "matched_mask_count": int(right),
                "any_answer_match": right or (not too_long and random.random() < 0.1),
                "object_logprob": None if too_long else -1.0,
                "typed_rank": None if too_long else int(random.integers(1, candidates + 1)),
                "candidates": candidates,
                "prior_logprob": -2.0,
                "prior_rank": int(random.integers(1, candidates + 1)),
                "too_long": too_long,
                "pll_rank": None if too_long else int(random.integers(1, candidates + 1)),
                "left_to_right_match": right and random.random() < 0.8,
                "confidence_match": right or random.random() < 0.1,
            }
        )
        coverage.append(
            {"uuid": f"u{number}", "language": language, "majority_correct": bool(random.random() < 0.2)}
        )
    return pa.Table.from_pylist(rows, schema=PREDICTIONS), pa.Table.from_pylist(coverage)


def test_scores_equal_counting() -> None:
    pairs = [predictions("qab", 40, 1), predictions("qaa", 90, 2)]
    coverage = pa.concat_tables([table for _, table in pairs])
    table = probing_scores([table for table, _ in pairs], coverage)
    assert table.schema.equals(PROBING_SCORES)
    cells = [(row["language"], row["relation"]) for row in table.to_pylist()]
    assert cells == sorted(cells)
    assert len(cells) == 2 * 4
    majority = {(row["language"], row["uuid"]): row["majority_correct"] for row in coverage.to_pylist()}
    everything = [row for predicted, _ in pairs for row in predicted.to_pylist()]
    for got in table.to_pylist():
        rows = [
            row
            for row in everything
            if row["language"] == got["language"] and got["relation"] in ("*", row["relation"])
        ]
        n = len(rows)
        right = sum(row["full_match"] for row in rows)
        interval = stats.binomtest(right, n).proportion_ci(method="wilson")
        ranks = [row["typed_rank"] for row in rows]
        expected = {
            "n": n,
            "not_asked": 0,
            "full_match": right / n,
            "full_match_low": interval.low,
            "full_match_high": interval.high,
            "partial_match": sum(row["partial_match"] for row in rows) / n,
            "typed_p1": sum(rank == 1 for rank in ranks) / n,
            "mrr": sum(1 / rank for rank in ranks if rank) / n,
            "multi_answer": sum(row["any_answer_match"] for row in rows) / n,
            "majority": sum(majority[row["language"], row["uuid"]] for row in rows) / n,
            "uniform": sum(1 / row["candidates"] for row in rows) / n,
            "prior_typed_p1": sum(row["prior_rank"] == 1 for row in rows) / n,
            "pll_typed_p1": sum(row["pll_rank"] == 1 for row in rows) / n,
            "left_to_right": sum(row["left_to_right_match"] for row in rows) / n,
            "confidence": sum(row["confidence_match"] for row in rows) / n,
            "by_subject_low": None,
            "by_object_high": None,
            "too_long": sum(row["too_long"] for row in rows),
            "small": n < 30,
        }
        for name, value in expected.items():
            assert got[name] == pytest.approx(value), name
        assert got["protocols"] == [
            "full_match",
            "partial_match",
            "typed",
            "pll",
            "left_to_right",
            "confidence",
        ]
        if got["relation"] == "*":
            parts = [
                np.mean([row["full_match"] for row in rows if row["relation"] == relation])
                for relation in ("P0", "P1", "P2")
            ]
            assert got["macro_full_match"] == pytest.approx(np.mean(parts))
        else:
            assert got["macro_full_match"] is None


def split_of(table: pa.Table) -> pa.Table:
    """MLAMA_SPLIT columns: several facts of a subject, and of an object."""
    rows = table.select(["uuid", "language"]).to_pylist()
    for number, row in enumerate(rows):
        row |= {"subject_uri": f"S{number // 5}", "object_uri": f"O{number % 7}"}
    return pa.Table.from_pylist(rows)


def as_decoder(table: pa.Table, relation: str) -> pa.Table:
    """As a decoder's: no optional protocol, and no full match asked in one relation."""
    rows = table.to_pylist()
    for row in rows:
        row |= dict.fromkeys(("pll_rank", "left_to_right_match", "confidence_match"))
        if row["relation"] == relation:
            row |= dict.fromkeys(("full_match", "partial_match", "any_answer_match"))
            row["matched_mask_count"] = 0
    return pa.Table.from_pylist(rows, schema=PREDICTIONS)


def test_rows_that_are_not_asked_count_neither_in_p1_nor_in_its_baselines() -> None:
    predicted, coverage = predictions("qaa", 90, 5)
    table = as_decoder(predicted, "P1")
    cells = {
        row["relation"]: row
        for row in probing_scores([table], coverage, {"qaa": split_of(table)}).to_pylist()
    }
    majority = {row["uuid"]: row["majority_correct"] for row in coverage.to_pylist()}
    rows = table.to_pylist()
    asked = [row for row in rows if row["full_match"] is not None]
    assert 0 < len(asked) < len(rows)
    whole, never = cells["*"], cells["P1"]
    assert whole["n"] == len(asked) == sum(cells[name]["n"] for name in ("P0", "P1", "P2"))
    assert whole["not_asked"] == 90 - len(asked) == never["not_asked"]
    assert never["n"] == 0
    right = [row["full_match"] for row in asked]
    assert whole["full_match"] == np.mean(right)
    interval = stats.binomtest(sum(right), len(right)).proportion_ci(method="wilson")
    assert (whole["full_match_low"], whole["full_match_high"]) == pytest.approx((interval.low, interval.high))
    for name, column in (("partial_match", "partial_match"), ("multi_answer", "any_answer_match")):
        assert whole[name] == np.mean([row[column] for row in asked])
    assert whole["majority"] == np.mean([majority[row["uuid"]] for row in asked])
    assert whole["macro_full_match"] == np.mean([cells["P0"]["full_match"], cells["P2"]["full_match"]])
    assert whole["typed_p1"] == np.mean([row["typed_rank"] == 1 for row in rows])
    assert whole["uniform"] == pytest.approx(np.mean([1 / row["candidates"] for row in rows]))
    for name in ("full_match", "full_match_low", "partial_match", "multi_answer", "macro_full_match"):
        assert never[name] is None
    assert never["majority"] == np.mean([majority[row["uuid"]] for row in rows if row["relation"] == "P1"])
    assert never["typed_p1"] is not None
    assert never["protocols"] == ["typed"]
    assert whole["protocols"] == ["full_match", "partial_match", "typed"]
    assert whole["pll_typed_p1"] is whole["left_to_right"] is whole["confidence"] is None
    counted = mask_counts([table])
    assert sum(counted["n"].to_pylist()) == len(asked)
    # The clustered intervals are over the rows of P@1: without the other rows they are the same.
    alone = pa.Table.from_pylist(asked, schema=PREDICTIONS)
    again = probing_scores([alone], coverage, {"qaa": split_of(table)}).to_pylist()[0]
    for name in ("by_subject_low", "by_subject_high", "by_object_low", "by_object_high"):
        assert again[name] == whole[name] is not None


def test_a_checkpoint_that_cannot_be_asked_for_a_full_match_has_no_p1() -> None:
    predicted, coverage = predictions("qaa", 40, 6)
    table = predicted
    for relation in ("P0", "P1", "P2"):
        table = as_decoder(table, relation)
    scores = probing_scores([table], coverage, {"qaa": split_of(table)})
    assert set(scores["full_match"].to_pylist()) == {None}
    assert set(scores["by_subject_low"].to_pylist()) == {None}
    assert len(mask_counts([table])) == 0
    volume = volume_tables(3)[1]
    assert volume_relations(scores, volume)["languages"].to_pylist() == [0] * len(MEASURES)


def test_cells_with_few_asked_rows_are_flagged_as_small() -> None:
    predicted, coverage = predictions("qaa", 80, 7)
    rows = [
        row | {"relation": "P0" if number < 29 else "P1"} for number, row in enumerate(predicted.to_pylist())
    ]
    table = as_decoder(pa.Table.from_pylist(rows, schema=PREDICTIONS), "P1")
    small = {row["relation"]: row["small"] for row in probing_scores([table], coverage).to_pylist()}
    assert small == {"*": True, "P0": True, "P1": False}


def test_clustered_intervals_resample_subjects_and_objects() -> None:
    pairs = [predictions("qaa", 200, 8), predictions("qab", 100, 9)]
    coverage = pa.concat_tables([table for _, table in pairs])
    tables = [table for table, _ in pairs]
    splits = {name: split_of(table) for name, table in zip(("qab", "qaa"), tables[::-1], strict=True)}
    scores = {row["language"]: row for row in probing_scores(tables, coverage, splits).to_pylist()[::4]}
    assert set(scores) == {"qaa", "qab"}
    for table in tables:
        language = table["language"][0].as_py()
        split = splits[language]
        right = np.array(table["full_match"].to_pylist())
        for column, name in (("subject_uri", "by_subject"), ("object_uri", "by_object")):
            entity = np.array(split[column].to_pylist())
            parts = [right[entity == one] for one in sorted(set(entity))]
            random = np.random.default_rng(3)
            drawn = [
                np.concatenate([parts[i] for i in random.integers(0, len(parts), len(parts))]).mean()
                for _ in range(3000)
            ]
            got = (scores[language][f"{name}_low"], scores[language][f"{name}_high"])
            assert got == pytest.approx(tuple(np.quantile(drawn, (0.025, 0.975))), abs=0.02)
    backwards = probing_scores(tables[::-1], coverage, dict(reversed(splits.items())))
    assert backwards.equals(probing_scores(tables, coverage, splits))
    assert not backwards.equals(probing_scores(tables, coverage, splits, seed=1))
    for row in backwards.to_pylist():
        if row["relation"] != "*":
            assert row["by_subject_low"] is row["by_object_high"] is None


def test_a_prediction_without_coverage_is_rejected() -> None:
    table, coverage = predictions("qaa", 9, 0)
    with pytest.raises(InputError, match=r"u8 of language qaa.*fact_coverage"):
        probing_scores([table], coverage.slice(0, 8))
    with pytest.raises(InputError, match=r"u8 of language qaa.*mlama_split"):
        probing_scores([table], coverage, {"qaa": split_of(table).slice(0, 8)})


def test_without_predictions_the_tables_are_empty() -> None:
    assert probing_scores([], predictions("qaa", 1, 0)[1]).schema.equals(PROBING_SCORES)
    assert len(mask_counts([])) == 0


def test_mask_counts_equal_counting() -> None:
    tables = [predictions("qaa", 60, 3)[0], predictions("qab", 30, 4)[0]]
    counted = mask_counts(tables)
    assert counted.schema.equals(MASK_COUNTS)
    assert sum(counted["n"].to_pylist()) == 90
    everything = [row for table in tables for row in table.to_pylist()]
    for got in counted.to_pylist():
        rows = [
            row
            for row in everything
            if (row["language"], len(row["object_ids"])) == (got["language"], got["object_tokens"])
        ]
        right = sum(row["full_match"] for row in rows)
        interval = stats.binomtest(right, len(rows)).proportion_ci(method="wilson")
        assert (got["n"], got["full_match"]) == (len(rows), right / len(rows))
        assert (got["low"], got["high"]) == pytest.approx((interval.low, interval.high), abs=1e-12)


def volume_tables(languages: int, seed: int = 0) -> tuple[pa.Table, pa.Table]:
    random = np.random.default_rng(seed)
    names = [f"q{chr(97 + number)}a" for number in range(languages)]
    scores = [
        {"language": name, "relation": relation, "full_match": float(random.random())}
        for name in names
        for relation in ("*", "P1")
    ]
    volume = [
        {"language": name, **{measure: int(random.lognormal(8, 2)) for measure in MEASURES}}
        for name in [*names, "qzz"]
    ]
    return pa.Table.from_pylist(scores), pa.Table.from_pylist(volume)


def test_volume_relations_equal_scipy() -> None:
    scores, volume = volume_tables(9)
    relations = volume_relations(scores, volume)
    assert relations.schema.equals(VOLUME_RELATIONS)
    p1 = {row["language"]: row["full_match"] for row in scores.to_pylist() if row["relation"] == "*"}
    for row in relations.to_pylist():
        sizes = {r["language"]: r[row["measure"]] for r in volume.to_pylist()}
        x, y = [sizes[name] for name in p1], list(p1.values())
        assert row["languages"] == 9
        assert (row["pearson"], row["pearson_p"]) == pytest.approx(tuple(stats.pearsonr(x, y)))
        assert (row["spearman"], row["spearman_p"]) == pytest.approx(tuple(stats.spearmanr(x, y)))
        without = {
            name: stats.pearsonr(np.delete(x, i), np.delete(y, i)).statistic for i, name in enumerate(p1)
        }
        assert row["pearson_without_low"] == pytest.approx(min(without.values()))
        assert row["pearson_without_high"] == pytest.approx(max(without.values()))
        furthest = max(without, key=lambda name: abs(without[name] - row["pearson"]))
        assert row["most_influential"] == furthest


def test_volume_relations_without_enough_languages_or_variation() -> None:
    for row in volume_relations(*volume_tables(2)).to_pylist():
        assert row["languages"] == 2
        assert row["pearson"] is None
        assert row["most_influential"] is None
    scores, volume = volume_tables(5)
    flat = volume.set_column(1, "pages", pa.array([7] * 6))
    row = volume_relations(scores, flat).to_pylist()[0]
    assert (row["pearson"], row["spearman"]) == (None, None)


def test_a_decoders_scores_have_a_stricter_column_and_a_level() -> None:
    predicted, coverage = predictions("qaa", 60, 3)
    rows = [
        row | {"greedy_match": row["full_match"] if number % 3 == 0 else None, "chance": number / 100}
        for number, row in enumerate(predicted.to_pylist())
    ]
    table = pa.Table.from_pylist(rows, schema=PREDICTIONS)
    whole = next(row for row in probing_scores([table], coverage).to_pylist() if row["relation"] == "*")
    generated = [row["greedy_match"] for row in rows if row["greedy_match"] is not None]
    assert whole["greedy"] == pytest.approx(np.mean(generated))
    assert whole["chance"] == pytest.approx(np.mean([row["chance"] for row in rows]))
    assert "greedy" in whole["protocols"]


def test_the_shown_prediction_is_what_counts() -> None:
    assert prediction_to_show([[7], [8, 9]], 2, [8, 9]) == [8, 9]
    assert prediction_to_show([[7], [3, 9]], 2, [9]) == [3, 9]  # a space token before the object
    assert prediction_to_show([[7], [1, 2]], 2, [8, 9]) == [8, 9]  # ranked first, but not written
    assert prediction_to_show([], 2, [8, 9]) == [8, 9]
    assert prediction_to_show([[7], []], 0, [8, 9]) == [7]
    assert prediction_to_show([], 0, [8]) is None
