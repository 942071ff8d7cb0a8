"""What is wrong in side tables, counted rule by rule: the suites of their main tables expect zeros.

A count stands in every row of the main table's frame, under the rule's name.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from factroots_dagster.roots.schema import PREDICTED_TYPES
from factroots_dagster.store.store import Store

if TYPE_CHECKING:
    import pandas as pd

AXES = ("matcher", "statistic", "k", "alpha", "easy_rule")
_NOISE = 1e-9


def variants(store: Store, checkpoint: str, predicted: int) -> dict[str, int]:
    """Of fact_types: `variants_gaps`, settings that do not hold every predicted fact once; `variants_types`.

    Streamed: the table has tens of rows for a fact. predicted: facts that the main table calls predicted.
    """
    counts: Counter[tuple[str, str | None, int | None, str | None]] = Counter()
    wrong = 0
    path = store.require("fact_types", checkpoint) / "_variants.parquet"
    keys = ["matcher", "statistic", "k", "easy_rule", "source_present", "type"]
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=keys):
            grouped = pa.Table.from_batches([batch]).group_by(keys).aggregate([([], "count_all")])
            for row in grouped.to_pylist():
                counts[row["matcher"], row["statistic"], row["k"], row["easy_rule"]] += row["count_all"]
                allowed = PREDICTED_TYPES[:2] if row["source_present"] else PREDICTED_TYPES[2:]
                told = (row["statistic"] is None) != row["source_present"]
                told &= (row["easy_rule"] is None) == row["source_present"]
                wrong += row["count_all"] * (row["type"] not in allowed or not told)
    gaps = 0
    for matcher in {key[0] for key in counts}:
        held = {key[1:3]: n for key, n in counts.items() if key[0] == matcher and key[1] is not None}
        explained = {key[3]: n for key, n in counts.items() if key[0] == matcher and key[3] is not None}
        for with_source in held.values() or [0]:
            gaps += sum(with_source + without != predicted for without in explained.values() or [0])
    return {"variants_gaps": gaps + (predicted > 0 and not counts), "variants_types": wrong}


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
    told = {(a, b): n for a, b, n in zip(every["intervention"], every["neuron_set"], every["n"], strict=True)}
    key = ["language_found", "language_asked", "intervention", "neuron_set"]
    unordered = sum(
        int(((frame[f"{name}_low"] > frame[name]) | (frame[name] > frame[f"{name}_high"])).sum())
        for name in ("logprob_change", "flip_rate", "own_less_this")
    )
    return {
        "summary_repeated": int(frame.duplicated(key).sum()),
        "summary_counts": int(told != rows) + int((frame["facts"] > frame["n"]).sum()),
        "summary_range": _outside(table, "flip_rate", 0.0, 1.0),
        "summary_intervals": unordered,
    }


def _outside(table: pa.Table, column: str, low: float, high: float) -> int:
    values = pc.drop_null(table[column]).to_numpy()
    return int(((values < low - _NOISE) | (values > high + _NOISE) | np.isnan(values)).sum())
