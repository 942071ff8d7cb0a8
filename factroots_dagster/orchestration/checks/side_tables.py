"""Violations in side tables, counted rule by rule; the suites of the main tables expect zeros.

A count is a column of the main table's frame, the same in every row, named after the rule.
"""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from factroots_dagster.roots.schema import EFFECT_RULES, PREDICTED_TYPES
from factroots_dagster.store.store import Store

if TYPE_CHECKING:
    import pandas as pd

AXES = ("matcher", "statistic", "k", "alpha", "easy_rule")
_NOISE = 1e-9


def variants(store: Store, checkpoint: str, types: pd.DataFrame) -> dict[str, int]:
    """Of fact_types: `variants_gaps`, settings that do not hold every predicted fact of a language once;
    `variants_types`, rows whose type does not agree with their source.

    Languages may differ in their matchers. Streamed: the table has tens of rows for a fact.
    types: the main table's columns language and type.
    """
    predicted = types[types["type"] != "not_predicted"]["language"].value_counts().to_dict()
    counts: Counter[tuple[str, str, str | None, int | None, str | None]] = Counter()
    wrong = 0
    path = store.version("fact_types", checkpoint).file("_variants.parquet")
    keys = ["language", "matcher", "statistic", "k", "easy_rule", "source_present", "type"]
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=keys):
            grouped = pa.Table.from_batches([batch]).group_by(keys).aggregate([([], "count_all")])
            for row in grouped.to_pylist():
                setting = (row["language"], row["matcher"], row["statistic"], row["k"], row["easy_rule"])
                counts[setting] += row["count_all"]
                wrong += row["count_all"] * (not _type_agrees(row))
    with_source: dict[tuple[str, str], dict[tuple[str, int | None], int]] = {}
    without: dict[tuple[str, str], dict[str, int]] = {}
    for (language, matcher, statistic, k, easy_rule), count in counts.items():
        if statistic is not None:
            with_source.setdefault((language, matcher), {})[statistic, k] = count
        if easy_rule is not None:
            without.setdefault((language, matcher), {})[easy_rule] = count
    gaps = sum(
        one + other != predicted.get(key[0], 0)
        for key in {*with_source, *without}
        for one in with_source.get(key, {}).values() or [0]
        for other in without.get(key, {}).values() or [0]
    )
    languages_without_variants = predicted.keys() - {language for language, *_ in counts}
    return {"variants_gaps": gaps + len(languages_without_variants), "variants_types": wrong}


def _type_agrees(row: dict[str, Any]) -> bool:
    """Whether a row of VARIANTS has a type, a statistic and an easy rule that fit its source."""
    allowed = PREDICTED_TYPES[:2] if row["source_present"] else PREDICTED_TYPES[2:]
    statistic_agrees = (row["statistic"] is not None) == row["source_present"]
    easy_rule_agrees = (row["easy_rule"] is None) == row["source_present"]
    return row["type"] in allowed and statistic_agrees and easy_rule_agrees


def sensitivity(store: Store, checkpoint: str, types: pd.DataFrame) -> dict[str, int]:
    """Of fact_types: settings whose types do not add up, or whose default is not the main table.

    types: the main table's columns language and type.
    """
    frame = store.read_side("sensitivity", "fact_types", checkpoint).to_pandas()
    predicted = types[types["type"] != "not_predicted"]
    asked = predicted["language"].value_counts().to_dict() | {"*": len(predicted)}
    setting = ["language", "axis", "setting"]
    sums = frame.groupby(setting)["facts"].sum()
    shares = frame.groupby(setting)["share"].sum()
    totals = [(asked.get(language, 0), value) for (language, _, _), value in sums.items()]
    expected = predicted.groupby(["language", "type"]).size().to_dict()
    expected |= {("*", kind): n for kind, n in predicted["type"].value_counts().to_dict().items()}
    default = frame[frame["is_default"]]
    seen = zip(default["language"], default["type"], default["facts"], strict=True)
    return {
        # A language without predictions has the settings of the others, with zeros.
        "sensitivity_totals": sum(value != n for n, value in totals)
        + sum(abs(s - 1) > _NOISE for s, n in zip(shares, sums, strict=True) if n),
        "sensitivity_default": sum(expected.get((language, kind), 0) != n for language, kind, n in seen)
        + (len(default) == 0),
        "sensitivity_names": int((~frame["axis"].isin(AXES) | ~frame["type"].isin(PREDICTED_TYPES)).sum()),
        "sensitivity_repeated": int(frame.duplicated([*setting, "type"]).sum()),
    }


def easy_effects(store: Store, checkpoint: str) -> dict[str, int]:
    """Of fact_types: rows of `easy_effects` that are repeated or missing, and values that cannot be."""
    table = store.read_side("easy_effects", "fact_types", checkpoint)
    frame = table.to_pandas()
    languages = {*store.read("fact_types", checkpoint, columns=["language"])["language"].to_pylist(), "*"}
    difference = frame["compared_full_match"] - frame["alike_full_match"]
    shares = ("full_match", "compared_full_match", "alike_full_match")
    return {
        "effects_rows": len(
            {*zip(frame["language"], frame["rule"], strict=True)} ^ {*product(languages, EFFECT_RULES)}
        )
        + int(frame.duplicated(["language", "rule"]).sum()),
        "effects_range": sum(_outside(table, name, 0.0, 1.0) for name in shares)
        + int((frame["compared"] > frame["facts"]).sum()),
        "effects_agree": int(((frame["effect"] - difference).abs() > _NOISE).sum())
        + int(((frame["effect_low"] > frame["effect"]) | (frame["effect"] > frame["effect_high"])).sum()),
    }


def stability(store: Store, checkpoint: str) -> dict[str, int]:
    """Of neuron_similarity: repeated rows of `stability`, and values that cannot be."""
    table = store.read_side("stability", "neuron_similarity", checkpoint)
    frame = table.to_pandas()
    wrong = sum(
        _outside(table, column, low, high)
        for column, low, high in (
            ("overlap", 0.0, 1.0),
            ("random_overlap", 0.0, 1.0),
            ("correlation", -1.0, 1.0),
            ("spearman_brown", -1.0, 1.0),
        )
    )
    aspects = ("facts_halved", "pairs_halved", "over_k")
    return {
        "stability_repeated": int(frame.duplicated(["aspect", "statistic", "language", "k"]).sum()),
        "stability_range": wrong + int((frame["n"] < 0).sum()),
        "stability_aspects": int((~frame["aspect"].isin(aspects)).sum()),
    }


def intervention_summary(store: Store, checkpoint: str) -> dict[str, int]:
    """Of neuron_interventions: repeated rows of `summary`, values that cannot be, counts unlike the rows."""
    table = store.read_side("summary", "neuron_interventions", checkpoint)
    frame = table.to_pandas()
    main = store.read("neuron_interventions", checkpoint, columns=["intervention", "neuron_set"]).to_pandas()
    rows = main.groupby(["intervention", "neuron_set"]).size().to_dict()
    every = frame[frame["language_found"] == "*"]
    counted = {
        (a, b): n for a, b, n in zip(every["intervention"], every["neuron_set"], every["n"], strict=True)
    }
    key = ["language_found", "language_asked", "intervention", "neuron_set"]
    unordered = sum(
        int(((frame[f"{name}_low"] > frame[name]) | (frame[name] > frame[f"{name}_high"])).sum())
        for name in ("logprob_change", "flip_rate", "own_less_this")
    )
    return {
        "summary_repeated": int(frame.duplicated(key).sum()),
        "summary_counts": int(counted != rows) + int((frame["facts"] > frame["n"]).sum()),
        "summary_range": _outside(table, "flip_rate", 0.0, 1.0),
        "summary_intervals": unordered,
    }


def _outside(table: pa.Table, column: str, low: float, high: float) -> int:
    values = pc.drop_null(table[column]).to_numpy()
    return int(((values < low - _NOISE) | (values > high + _NOISE) | np.isnan(values)).sum())
