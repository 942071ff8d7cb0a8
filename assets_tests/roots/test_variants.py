"""Other settings: every one divides the predicted facts among the types, and the default is FACT_TYPES."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from assets_tests.report.conftest import nearest_row, prediction_row, rows, source_row, split_row
from factroots_dagster.facts.schema import MLAMA_SPLIT
from factroots_dagster.neurons.schema import NEAREST_LANGUAGE
from factroots_dagster.probing.schema import PREDICTIONS
from factroots_dagster.roots.easy import EASY_RULES
from factroots_dagster.roots.evidence import statistics_of
from factroots_dagster.roots.schema import PREDICTED_TYPES, SENSITIVITY
from factroots_dagster.roots.sensitivity import Sensitivity, Setting, types_under
from factroots_dagster.roots.types import EASY_RULE, MATCHER, STATISTIC, TypingResult, fact_types
from factroots_dagster.tracing.schema import FACT_SOURCES

MATCHERS = ("sentence", "chunk", "article")
STATISTICS = [("jaccard", 10), ("jaccard", 20), ("signed_jaccard", 20), ("cosine", None), ("evidence", None)]
LANGUAGES = ("qaa", "qab", "qac")


def language_tables(language: str, facts: int = 80) -> dict[str, Any]:
    random = np.random.default_rng([7, *map(ord, language)])
    split, predictions, sources, nearest = [], [], [], []
    for i in range(facts):
        uuid, relation = f"u{i:02}", ("P36", "P17")[i % 2]
        of = {"relation": relation}
        subject = f"{('Sven', 'Olga', 'Name')[i % 3]} S{i}"
        target = "Q1" if i % 3 == 0 else f"Q{2 + i % 20}"
        split.append(
            split_row(
                uuid,
                language,
                subject=subject,
                subject_uri=f"S{i}",
                object_uri=target,
                object_in_subject=i % 11 == 0,
                **of,
            )
        )
        right = bool(random.random() < 0.7) if language != "qac" else False
        predictions.append(prediction_row(uuid, language, right, **of))
        present = int(random.integers(0, 4))
        sources += [source_row(uuid, language, int(present > n), m) | of for n, m in enumerate(MATCHERS)]
        for statistic, k in STATISTICS:
            p = float(random.random() ** 3)
            if right and i % 9:
                more = {"statistic": statistic, "k": k, "p_value": p, "q_value": min(1.0, 2 * p), **of}
                nearest.append(nearest_row(uuid, language, 1 - p, **more))
    return {"split": split, "predictions": predictions, "sources": sources, "nearest": nearest}


@pytest.fixture(scope="module")
def made() -> tuple[dict[str, TypingResult], pa.Table, pa.Table]:
    """Tables by language, SENSITIVITY, and NEAREST_LANGUAGE; qac predicts nothing."""
    tables = {language: language_tables(language) for language in LANGUAGES}
    nearest = rows(NEAREST_LANGUAGE, [row for of in tables.values() for row in of["nearest"]])
    moved = Sensitivity(Setting(MATCHER, STATISTIC, None, EASY_RULE), statistics_of(nearest))
    found = {}
    for language, of in tables.items():
        found[language] = fact_types(
            rows(MLAMA_SPLIT, of["split"]),
            rows(PREDICTIONS, of["predictions"]),
            rows(FACT_SOURCES, of["sources"]),
            nearest,
        )
        moved.take(language, found[language].variants)
    return found, moved.table(), nearest


def counted(types: list[str]) -> Counter[str]:
    return Counter(kind for kind in types if kind != "not_predicted")


def test_every_setting_divides_the_predicted_facts(
    made: tuple[dict[str, TypingResult], pa.Table, pa.Table],
) -> None:
    for typed in made[0].values():
        predicted = [row["uuid"] for row in typed.types.to_pylist() if row["type"] != "not_predicted"]
        for matcher in MATCHERS:
            for statistic, k in STATISTICS:
                for rule in EASY_RULES:
                    under = types_under(
                        typed.variants, matcher=matcher, statistic=statistic, k=k, easy_rule=rule
                    )
                    assert under["uuid"].to_pylist() == predicted
                    assert set(under["type"].to_pylist()) <= set(PREDICTED_TYPES)


def test_any_setting_is_what_fact_types_gives_for_it(
    made: tuple[dict[str, TypingResult], pa.Table, pa.Table],
) -> None:
    """Nothing has to be recomputed: rows of the variants equal those of a run with other settings."""
    of = language_tables("qaa")
    tables = (
        rows(MLAMA_SPLIT, of["split"]),
        rows(PREDICTIONS, of["predictions"]),
        rows(FACT_SOURCES, of["sources"]),
        made[2],
    )
    variants = made[0]["qaa"].variants
    for matcher in MATCHERS:
        for statistic, k in STATISTICS:
            for rule in EASY_RULES:
                again = fact_types(
                    *tables, matcher=matcher, statistic=statistic, k=k, easy_rule=rule
                ).types.to_pylist()
                expected = {row["uuid"]: row["type"] for row in again if row["type"] != "not_predicted"}
                under = types_under(variants, matcher=matcher, statistic=statistic, k=k, easy_rule=rule)
                found = dict(zip(under["uuid"].to_pylist(), under["type"].to_pylist(), strict=True))
                assert found == expected


def test_default_rows_equal_fact_types(made: tuple[dict[str, TypingResult], pa.Table, pa.Table]) -> None:
    found, sensitivity, _ = made
    assert sensitivity.schema.equals(SENSITIVITY)
    everything: Counter[str] = Counter()
    for language in (*LANGUAGES, "*"):
        if language == "*":
            expected = everything
        else:
            expected = counted(found[language].types["type"].to_pylist())
            everything += expected
        shown = [row for row in sensitivity.to_pylist() if row["language"] == language]
        defaults = [row for row in shown if row["is_default"]]
        for axis in ("matcher", "statistic", "alpha", "easy_rule"):
            of = [row for row in defaults if row["axis"] == axis]
            assert {row["type"]: row["facts"] for row in of} == {
                kind: expected[kind] for kind in PREDICTED_TYPES
            }
            assert len({row["setting"] for row in of}) == 1
        assert not any(row["axis"] == "k" for row in defaults)


def test_types_of_every_setting_add_up(made: tuple[dict[str, TypingResult], pa.Table, pa.Table]) -> None:
    found, sensitivity, _ = made
    predicted = {
        language: sum(kind != "not_predicted" for kind in typed.types["type"].to_pylist())
        for language, typed in found.items()
    }
    predicted["*"] = sum(predicted.values())
    sums: dict[tuple[str, str, str], list[tuple[int, float | None]]] = {}
    for row in sensitivity.to_pylist():
        sums.setdefault((row["language"], row["axis"], row["setting"]), []).append(
            (row["facts"], row["share"])
        )
    for (language, _, _), of in sums.items():
        assert len(of) == len(PREDICTED_TYPES)
        if predicted[language] == 0:  # a language without predictions has no settings of its own: zeros
            assert all(facts == 0 and share is None for facts, share in of)
            continue
        assert sum(facts for facts, _ in of) == predicted[language]
        assert sum(share or 0.0 for _, share in of) == pytest.approx(1)
    settings = {key[1:] for key in sums}
    assert {setting for axis, setting in settings if axis == "k"} == {"10", "20"}
    assert {setting for axis, setting in settings if axis == "statistic"} == {name for name, _ in STATISTICS}
    assert {setting for axis, setting in settings if axis == "matcher"} == set(MATCHERS)


def test_more_lenient_levels_find_more_shared_facts(
    made: tuple[dict[str, TypingResult], pa.Table, pa.Table],
) -> None:
    shared = {
        row["setting"]: row["facts"]
        for row in made[1].to_pylist()
        if (row["language"], row["axis"], row["type"]) == ("*", "alpha", "shared")
    }
    assert shared["0.01"] < shared["0.05"] < shared["0.1"] < shared["0.2"]
    assert shared["q 0.05"] < shared["0.05"] and shared["q 0.1"] == shared["0.05"]  # q = 2 p here
