"""Effects of the interventions and their controls, with intervals: for each direction and over all.

A direction is an ordered pair of languages. A fact is asked in many directions, and its rows are similar, so
intervals count facts, not rows. A direction has a fact once, so there they are the ordinary t and Wilson
intervals (`stats.intervals`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from factroots_dagster.neurons.schema import INTERVENTION_SUMMARY
from factroots_dagster.stats.intervals import mean_interval, rate_interval

_KEY = ["language_found", "language_asked", "intervention", "neuron_set"]


def intervention_summary(table: pa.Table) -> pa.Table:
    """INTERVENTION_SUMMARY of NEURON_INTERVENTIONS: every direction and control, and "*", "*" over all.

    `own_less_this` compares a control with the fact's own neurons on the same facts and directions, which
    is more precise than comparing the two means.
    """
    frame = table.to_pandas()
    own = frame[frame["neuron_set"] == "own"].set_index(["uuid", *_KEY[:3]])["logprob_change"]
    keys = list(zip(*(frame[name] for name in ["uuid", *_KEY[:3]]), strict=True))
    frame["own_less_this"] = own.reindex(keys).to_numpy() - frame["logprob_change"]
    overall = frame.assign(language_found="*", language_asked="*")
    rows = [
        {**dict(zip(_KEY, key, strict=True)), **_summary(part)}
        for rows_of_directions in (overall, frame)
        for key, part in rows_of_directions.groupby(_KEY)
    ]
    return pa.Table.from_pylist(rows, schema=INTERVENTION_SUMMARY)


def _summary(part: Any) -> dict[str, Any]:
    """Means and intervals of the rows of one group, a pandas frame."""
    facts = part["uuid"].to_numpy()
    change, flipped = part["logprob_change"].to_numpy(), part["flipped"].to_numpy(bool)
    row: dict[str, Any] = {"n": len(part), "facts": len(set(facts)), "flip_rate": float(flipped.mean())}
    row["logprob_change"] = float(change.mean())
    row["logprob_change_low"], row["logprob_change_high"] = mean_interval(change, facts)
    row["flip_rate_low"], row["flip_rate_high"] = rate_interval(flipped, facts)
    difference = part["own_less_this"].to_numpy()
    known = np.isfinite(difference)
    if part["neuron_set"].iloc[0] != "own" and known.any():
        row["own_less_this"] = float(difference[known].mean())
        low, high = mean_interval(difference[known], facts[known])
        row["own_less_this_low"], row["own_less_this_high"] = low, high
    return row
