"""Other settings: each divides the predicted facts among the types, and the default one gives FACT_TYPES."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pytest

from assets_tests.roots.tables import nearest_row, prediction_row, rows, source_row, split_row
from factroots_dagster.facts.schema import MLAMA_SPLIT
from factroots_dagster.neurons.schema import NEAREST_LANGUAGE
from factroots_dagster.probing.schema import PREDICTIONS
from factroots_dagster.roots.easy import EASY_RULES
from factroots_dagster.roots.evidence import list_statistics
from factroots_dagster.roots.schema import PREDICTED_TYPES, SENSITIVITY
from factroots_dagster.roots.sensitivity import Sensitivity, Setting, apply_setting
from factroots_dagster.roots.types import DEFAULT_MATCHER, TypingResult, categorize_facts
from factroots_dagster.tracing.schema import FACT_SOURCES

MATCHERS = ("sentence", DEFAULT_MATCHER, "article")
STATISTICS = [("jaccard", 10), ("jaccard", 20), ("signed_jaccard", 20), ("cosine", None), ("evidence", None)]
LANGUAGES = ("qaa", "qab", "qac")


class Inputs(NamedTuple):
    """What `categorize_facts` reads."""

    split: pa.Table
    predictions: pa.Table
    sources: pa.Table
    nearest: pa.Table


class Outcome(NamedTuple):
    """Results by language, and SENSITIVITY."""

    results: dict[str, TypingResult]
    sensitivity: pa.Table


def random_inputs(language: str, facts: int = 80) -> Inputs:
    """Tables of one language with sources and p-values at random; qac predicts nothing."""
    random = np.random.default_rng([7, *map(ord, language)])
    split, predictions, sources, nearest = [], [], [], []
    for i in range(facts):
        uuid, relation = f"u{i:02}", {"relation": ("P36", "P17")[i % 2]}
        subject = f"{('Sven', 'Olga', 'Name')[i % 3]} S{i}"
        target = "Q1" if i % 3 == 0 else f"Q{2 + i % 20}"
        uris = {"subject_uri": f"S{i}", "object_uri": target}
        split.append(
            split_row(uuid, language, subject=subject, object_in_subject=i % 11 == 0, **uris, **relation)
        )
        right = bool(random.random() < 0.7) if language != "qac" else False
        predictions.append(prediction_row(uuid, language, right, **relation))
        present = int(random.integers(0, 4))
        sources += [
            source_row(uuid, language, int(present > n), matcher) | relation
            for n, matcher in enumerate(MATCHERS)
        ]
        for statistic, k in STATISTICS:
            p = float(random.random() ** 3)
            if right and i % 9:
                values = {"statistic": statistic, "k": k, "p_value": p, "q_value": min(1.0, 2 * p)}
                nearest.append(nearest_row(uuid, language, 1 - p, **values, **relation))
    return Inputs(
        rows(MLAMA_SPLIT, split),
        rows(PREDICTIONS, predictions),
        rows(FACT_SOURCES, sources),
        rows(NEAREST_LANGUAGE, nearest),
    )


def all_settings() -> Iterator[Setting]:
    for matcher in MATCHERS:
        for statistic, k in STATISTICS:
            for rule in EASY_RULES:
                yield Setting(matcher, statistic, k, rule)


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    inputs = {language: random_inputs(language) for language in LANGUAGES}
    nearest = pa.concat_tables(tables.nearest for tables in inputs.values())
    sensitivity = Sensitivity(list_statistics(nearest))
    results = {}
    for language, tables in inputs.items():
        results[language] = categorize_facts(*tables._replace(nearest=nearest))
        sensitivity.add(language, results[language].variants)
    return Outcome(results, sensitivity.table())


def predicted_types(types: pa.Table) -> list[str]:
    return [type_ for type_ in types["type"].to_pylist() if type_ != "not_predicted"]


def test_every_setting_divides_the_predicted_facts(outcome: Outcome) -> None:
    for result in outcome.results.values():
        predicted = [row["uuid"] for row in result.types.to_pylist() if row["type"] != "not_predicted"]
        for setting in all_settings():
            types = apply_setting(result.variants, setting)
            assert types["uuid"].to_pylist() == predicted
            assert set(types["type"].to_pylist()) <= set(PREDICTED_TYPES)


def test_variants_equal_a_run_with_other_settings(outcome: Outcome) -> None:
    inputs = random_inputs("qaa")
    for setting in all_settings():
        types = categorize_facts(
            *inputs,
            matcher=setting.matcher,
            statistic=setting.statistic,
            k=setting.k,
            easy_rule=setting.easy_rule,
        ).types
        expected = {row["uuid"]: row["type"] for row in types.to_pylist() if row["type"] != "not_predicted"}
        variants = apply_setting(outcome.results["qaa"].variants, setting)
        assert dict(zip(variants["uuid"].to_pylist(), variants["type"].to_pylist(), strict=True)) == expected


def test_default_rows_equal_fact_types(outcome: Outcome) -> None:
    assert outcome.sensitivity.schema.equals(SENSITIVITY)
    expected = {
        language: Counter(predicted_types(result.types)) for language, result in outcome.results.items()
    }
    expected["*"] = sum(expected.values(), Counter())
    for language, counts in expected.items():
        defaults = [
            row
            for row in outcome.sensitivity.to_pylist()
            if row["language"] == language and row["is_default"]
        ]
        for axis in ("matcher", "statistic", "alpha", "easy_rule"):
            default = [row for row in defaults if row["axis"] == axis]
            assert {row["type"]: row["facts"] for row in default} == {t: counts[t] for t in PREDICTED_TYPES}
            assert len({row["setting"] for row in default}) == 1
        assert not any(row["axis"] == "k" for row in defaults)


def test_the_types_of_every_setting_add_up(outcome: Outcome) -> None:
    predicted = {language: len(predicted_types(result.types)) for language, result in outcome.results.items()}
    predicted["*"] = sum(predicted.values())
    by_setting: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row in outcome.sensitivity.to_pylist():
        by_setting.setdefault((row["language"], row["axis"], row["setting"]), []).append(row)
    for (language, _, _), setting_rows in by_setting.items():
        assert [row["type"] for row in setting_rows] == list(PREDICTED_TYPES)
        assert sum(row["facts"] for row in setting_rows) == predicted[language]
        if predicted[language]:
            assert sum(row["share"] for row in setting_rows) == pytest.approx(1)
        else:
            assert all(row["share"] is None for row in setting_rows)
    settings: dict[str, set[str]] = {}
    for _, axis, setting in by_setting:
        settings.setdefault(axis, set()).add(setting)
    assert settings["k"] == {"10", "20"}
    assert settings["statistic"] == {name for name, _ in STATISTICS}
    assert settings["matcher"] == set(MATCHERS)


def test_more_lenient_levels_give_more_shared_facts(outcome: Outcome) -> None:
    shared = {
        row["setting"]: row["facts"]
        for row in outcome.sensitivity.to_pylist()
        if (row["language"], row["axis"], row["type"]) == ("*", "alpha", "shared")
    }
    assert shared["0.01"] < shared["0.05"] < shared["0.1"] < shared["0.2"]
    assert shared["q 0.05"] < shared["0.05"] and shared["q 0.1"] == shared["0.05"]  # q = 2 p here


def test_a_language_that_lacks_a_matcher_counts_with_the_plain_one_of_the_window() -> None:
    """Only some languages have suffixes; a total over the others would pass for a smaller world."""
    results = {language: categorize_facts(*random_inputs(language)) for language in ("qaa", "qab")}
    with_suffixes = results["qaa"].variants.to_pylist()
    more = [
        row | {"matcher": "sentence_with_suffixes"}
        for row in with_suffixes
        if row["matcher"] == DEFAULT_MATCHER
    ]
    sensitivity = Sensitivity(list_statistics(random_inputs("qaa").nearest))
    sensitivity.add("qaa", pa.Table.from_pylist(with_suffixes + more, schema=results["qaa"].variants.schema))
    sensitivity.add("qab", results["qab"].variants)
    facts = {
        (row["language"], row["setting"], row["type"]): row["facts"]
        for row in sensitivity.table().to_pylist()
        if row["axis"] == "matcher"
    }
    for type_ in PREDICTED_TYPES:
        expected = facts["qaa", DEFAULT_MATCHER, type_] + facts["qab", "sentence", type_]
        assert facts["qab", "sentence_with_suffixes", type_] == facts["qab", "sentence", type_]
        assert facts["*", "sentence_with_suffixes", type_] == expected
