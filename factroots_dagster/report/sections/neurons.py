"""What represents it: overlap against nulls, layers, interventions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np
import pyarrow as pa

from factroots_dagster.analysis.pairs import pair_matrix
from factroots_dagster.report import figures
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.parts import (
    Figure,
    Grid,
    Section,
    percent,
)


def neurons(inputs: ReportInputs) -> Section | None:
    """Overlap of active neurons against its nulls."""
    pairs = inputs.pairs.to_pylist()
    if not pairs:
        return None
    names = {
        "jaccard": "same fact, two languages",
        "same_object_jaccard": "other fact, same object",
        "mismatched_jaccard": "other fact, other object",
        "random_jaccard": "random neurons",
    }
    means = {label: m for key, label in names.items() if (m := _weighted(pairs, key)) is not None}
    if not means:
        return None
    text = [
        "For a fact that two languages predict, how many of its most active neurons are the same? "
        "The number means "
        "little alone: two different facts with the same object overlap, too, and comparing with "
        "random neurons "
        "flatters everything. Only what goes beyond “other fact, same object” says that the fact "
        "itself is shared."
    ]
    if len(means) > 1 and names["same_object_jaccard"] in means:
        same, null = means[names["jaccard"]], means[names["same_object_jaccard"]]
        text.append(
            f"Here the same-object comparison reaches {percent(null / same if same else None)} of "
            "the overlap of equal facts."
        )
    if inputs.published and inputs.published.neuron_similarity:
        text.append(
            f"Published mean for this model: {inputs.published.neuron_similarity:.3f} (as printed, "
            "with the zeros of the diagonal)."
        )
    order = [x for x in inputs.languages if any(x in (p["language_a"], p["language_b"]) for p in pairs)]
    return Section(
        "neurons",
        "Do languages use the same neurons?",
        text,
        [
            Figure(
                "similarity_nulls",
                figures.similarity_against_nulls(means),
                "Mean overlap of active neurons, and what it must be compared with.",
            ),
            Figure(
                "similarity",
                figures.heat_map(pair_matrix(inputs.pairs, "jaccard", order), order, "mean Jaccard"),
                "Mean overlap of active neurons over the facts that two languages predict.",
            ),
        ],
        [],
        "neuron_similarity",
        {"similarity_pairs": inputs.pairs},
    )


def layers(inputs: ReportInputs) -> Section | None:
    """Active neurons by layer."""
    if inputs.layer_profile is None or not inputs.layer_profile.num_rows:
        return None
    rows = inputs.layer_profile.to_pylist()
    return Section(
        "layers",
        "Where the neurons lie",
        ["Share of the most active neurons in each layer of the model, one thin line per language."],
        [
            Figure(
                "layer_profile", figures.layer_profile(rows), "Active neurons by layer; the first layer is 1."
            )
        ],
        [],
        "active_neurons",
        {"layer_profile": inputs.layer_profile},
    )


def interventions(inputs: ReportInputs) -> Section | None:
    """What switching neurons off or up does."""
    if inputs.interventions is None or not inputs.interventions.num_rows:
        return None
    rows = _intervention_means(inputs.interventions)
    grid = [
        [
            f"{r['intervention']}: {r['neuron_set']}",
            f"{r['n']:,}",
            f"{r['mean']:+.3f} [{r['low']:+.3f}, {r['high']:+.3f}]",
            percent(r["flipped"]),
        ]
        for r in rows
    ]
    return Section(
        "interventions",
        "Are these neurons causes?",
        [
            "A fact’s top neurons, found in one language, are switched off (or doubled) while the "
            "fact is asked in another. "
            "If they carry it, that must hurt more than switching off as many random neurons, as "
            "many of the same layers, "
            "or those of another fact."
        ],
        [
            Figure(
                "interventions",
                figures.intervention_effects(rows),
                "Change of the object’s log-probability; lines: 95% of the mean.",
            )
        ],
        [Grid(["neurons", "facts", "mean change", "right answer lost"], grid)],
        "neuron_interventions",
        {"interventions": pa.Table.from_pylist(rows)},
    )


def _weighted(pairs: Sequence[Mapping[str, Any]], column: str) -> float | None:
    """Mean over pairs of languages, weighted by their facts."""
    known = [(p[column], p["facts"]) for p in pairs if p["facts"] and p[column] is not None]
    known = [(value, facts) for value, facts in known if isfinite(value)]
    return sum(v * n for v, n in known) / sum(n for _, n in known) if known else None


def _intervention_means(table: pa.Table) -> list[dict[str, Any]]:
    grouped: dict[tuple[str, str], list[tuple[float, bool]]] = {}
    names = ("intervention", "neuron_set", "logprob_change", "flipped")
    for kind, chosen, change, flipped in zip(*(table[n].to_pylist() for n in names), strict=True):
        grouped.setdefault((kind, chosen), []).append((change, flipped))
    rows = []
    for (kind, chosen), values in sorted(grouped.items()):
        changes = np.array([v for v, _ in values], dtype=float)
        half = 1.96 * float(changes.std(ddof=1)) / np.sqrt(len(changes)) if len(changes) > 1 else 0.0
        mean = float(changes.mean())
        rows.append(
            {
                "intervention": kind,
                "neuron_set": chosen,
                "n": len(values),
                "mean": mean,
                "low": mean - half,
                "high": mean + half,
                "flipped": sum(flipped for _, flipped in values) / len(values),
            }
        )
    return rows
