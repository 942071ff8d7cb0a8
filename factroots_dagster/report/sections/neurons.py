"""What represents it: overlap against nulls, stability, layers, interventions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from factroots_dagster.report.figures import knowledge
from factroots_dagster.report.figures import neurons as figures
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.model import (
    Figure,
    Section,
    Table,
    decimal,
    interval,
    join_words,
    percent,
)
from factroots_dagster.stats.pair_matrix import pair_matrix

STATISTICS = {
    "jaccard": "Jaccard of top neurons",
    "signed_jaccard": "Jaccard, signed",
    "standardised_jaccard": "Jaccard, standardised",
    "cosine": "cosine, centred",
    "cosine_z": "cosine, z-score",
}
NULLS = {
    "": "same fact, two languages",
    "same_object_": "other fact, same object",
    "mismatched_": "other fact, other object",
    "random_": "random neurons",
}


def neurons(inputs: ReportInputs) -> Section | None:
    """Similarity of active neurons against its nulls, by every statistic."""
    pairs = inputs.rows("similarity_pairs")
    means = _means(pairs)
    if not means.get("jaccard"):
        return None
    labels = list(NULLS.values())
    shown = {STATISTICS[key]: values for key, values in means.items()}
    text = [
        "For a fact that two languages predict, how many of its most active neurons are the same? The number "
        "means little alone: two different facts with the same object overlap, too, and comparing with "
        "random "
        "neurons flatters everything. Only what goes beyond “other fact, same object” says that the fact "
        "itself is shared.",
        "The paper takes the Jaccard of the top neurons by Probeless. Beside it: neurons by activation above "
        "the relation’s mean (signed), by Probeless over the neuron’s own spread (standardised), and the "
        "cosine "
        "of centred activations, which needs no top.",
    ]
    same, null = (means["jaccard"].get(label) for label in labels[:2])
    if same and null is not None:
        text.append(
            f"Here the same-object comparison reaches {percent(null / same)} of the overlap of equal facts."
        )
    if inputs.published and inputs.published.neuron_similarity:
        text.append(
            f"Published mean for this model: {inputs.published.neuron_similarity:.3f} (as printed, with the "
            f"zeros of the diagonal); ours, without a diagonal: {same:.3f}."
        )
    order = [x for x in inputs.languages if any(x in (p["language_a"], p["language_b"]) for p in pairs)]
    rows = [[name, *(decimal(values.get(label)) for label in labels)] for name, values in shown.items()]
    return Section(
        "neurons",
        "Do languages use the same neurons?",
        text,
        [
            Figure(
                "similarity_nulls",
                figures.similarity_against_nulls(shown),
                "Mean similarity of the neurons of equal facts, and what it must be compared with.",
                "similarity_pairs",
                "Jaccard of top neurons: "
                + join_words([f"{label} {value:.2f}" for label, value in means["jaccard"].items()])
                + ".",
            ),
            Figure(
                "similarity",
                knowledge.plot_heat_map(
                    pair_matrix(inputs.tables["similarity_pairs"], "jaccard", order), order, "mean Jaccard"
                ),
                "Mean overlap of active neurons over the facts that two languages predict.",
                "similarity_pairs",
                f"A square per pair of {len(order)} languages, brighter for more overlap.",
            ),
        ],
        [Table(["statistic", *labels], rows, "Means over all pairs of languages, by facts.")],
        "neuron_similarity",
        {"similarity_pairs": inputs.tables["similarity_pairs"]},
    )


def _means(pairs: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Statistic to comparison to the mean over pairs of languages, weighted by their facts."""
    found: dict[str, dict[str, float]] = {}
    for statistic in STATISTICS:
        for null, label in NULLS.items():
            # Random neurons overlap equally by any of the three Jaccards.
            plain = null == "random_" and statistic.endswith("_jaccard")
            value = _weighted(pairs, null + ("jaccard" if plain else statistic))
            if value is not None:
                found.setdefault(statistic, {})[label] = value
    return found


def stability(inputs: ReportInputs) -> Section | None:
    """Would other facts, or another k, have said the same?"""
    rows = inputs.rows("neuron_stability")
    halved = [row for row in rows if row["language"] == "*" and row["aspect"] == "facts_halved"]
    drawn = [row for row in halved if row["k"] is not None and row["overlap"] is not None]
    if not drawn:
        return None
    aspects = {
        "facts_halved": "neurons of a fact, from either half of the relation’s facts",
        "pairs_halved": "similarity of a pair of languages, from either half of its facts",
        "over_k": "order of the pairs, at this k against the k in use",
    }
    every = [row for row in rows if row["language"] == "*" and row["aspect"] in aspects]
    grid = [
        [
            aspects[row["aspect"]],
            row["statistic"].replace("_", " "),
            "–" if row["k"] is None else str(row["k"]),
            f"{row['n']:,}",
            decimal(row["overlap"]),
            decimal(row["random_overlap"]),
            decimal(row["correlation"]),
            decimal(row["spearman_brown"]),
        ]
        for row in every
    ]
    heads = ["what is repeated", "statistic", "k", "n", "overlap", "random", "correlation", "reliability"]
    best = max(drawn, key=lambda row: row["overlap"])
    return Section(
        "stability",
        "Would other facts have said the same?",
        [
            "Probeless finds a fact’s neurons by comparing it with the other facts of its relation. Here "
            "that "
            "is done twice, with a random half of the facts each time: what the halves agree on is the "
            "statistic’s own, the rest is noise. The reliability is that of all facts together "
            "(Spearman-Brown)."
        ],
        [
            Figure(
                "stability",
                figures.stability(drawn),
                "Overlap of a fact’s top neurons found from two halves of the facts, by how many are taken.",
                "neuron_stability",
                f"Lines over k; the highest overlap is {best['overlap']:.2f} at k = {best['k']} "
                f"({best['statistic'].replace('_', ' ')}), where random neurons reach "
                f"{best['random_overlap']:.2f}.",
            )
        ],
        [Table(heads, grid, collapsed=True)],
        "neuron_similarity",
        {"neuron_stability": inputs.tables["neuron_stability"]},
    )


def layers(inputs: ReportInputs) -> Section | None:
    """Active neurons by layer."""
    rows = inputs.rows("layer_profile")
    if not rows:
        return None
    totals: dict[int, float] = {}
    for row in rows:
        totals[row["layer"]] = totals.get(row["layer"], 0.0) + row["share"]
    most = max(totals, key=lambda layer: totals[layer])
    return Section(
        "layers",
        "Where the neurons lie",
        ["Share of the most active neurons in each layer of the model, one thin line per language."],
        [
            Figure(
                "layer_profile",
                figures.layer_profile(rows),
                "Active neurons by layer; the first layer is 1.",
                "layer_profile",
                f"Lines over {len(totals)} layers; on average most active neurons lie in layer {most + 1}.",
            )
        ],
        [],
        "neuron_similarity",
        {"layer_profile": inputs.tables["layer_profile"]},
    )


def interventions(inputs: ReportInputs) -> Section | None:
    """What switching neurons off or up does."""
    rows = [row for row in inputs.rows("intervention_summary") if row["language_found"] == "*"]
    if not rows:
        return None
    order = list(figures.NEURON_SETS)
    rows.sort(key=lambda row: (row["intervention"], order.index(row["neuron_set"])))
    grid = [
        [
            f"{row['intervention']}: {figures.NEURON_SETS[row['neuron_set']]}",
            f"{row['facts']:,}",
            _signed(row, "logprob_change"),
            _signed(row, "own_less_this"),
            interval(*(row[f"flip_rate{end}"] for end in ("", "_low", "_high"))),
        ]
        for row in rows
    ]
    heads = ["neurons", "facts", "mean change", "own neurons less these", "right answer lost"]
    said = {row["neuron_set"]: row["logprob_change"] for row in rows if row["intervention"] == "ablate"}
    return Section(
        "interventions",
        "Are these neurons causes?",
        [
            "A fact’s top neurons, found in one language, are switched off (or doubled) while the fact is "
            "asked "
            "in another. If they carry it, that must hurt more than switching off as many random neurons, as "
            "many of the same layers, or another fact’s neurons. All intervals are 95% and count a fact "
            "once; "
            "“own neurons less these” compares the same facts, and zero means no difference."
        ],
        [
            Figure(
                "interventions",
                figures.intervention_effects(rows),
                "Change of the object’s log-probability, and right answers that turn wrong; lines: 95%.",
                "intervention_summary",
                "Mean change of the log-probability when switched off: "
                + join_words([f"{figures.NEURON_SETS[s]} {said[s]:+.3f}" for s in order if s in said])
                + ".",
            )
        ],
        [Table(heads, grid)],
        "neuron_interventions",
        {"intervention_summary": inputs.tables["intervention_summary"]},
    )


def _signed(row: Mapping[str, Any], name: str) -> str:
    """A change with its interval."""
    value, low, high = (row[name + end] for end in ("", "_low", "_high"))
    if value is None:
        return "–"
    return f"{value:+z.3f}" if low is None else f"{value:+z.3f} [{low:+z.3f}, {high:+z.3f}]"


def _weighted(pairs: Sequence[Mapping[str, Any]], column: str) -> float | None:
    """Mean over pairs of languages, weighted by their facts."""
    known = [(p[column], p["facts"]) for p in pairs if p["facts"] and p.get(column) is not None]
    known = [(value, facts) for value, facts in known if isfinite(value)]
    return sum(v * n for v, n in known) / sum(n for _, n in known) if known else None
