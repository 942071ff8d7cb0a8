"""What the model knows: P@1, Wikipedia size, long objects, languages that know the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from factroots_dagster.analysis.intervals import wilson
from factroots_dagster.analysis.pairs import pair_matrix
from factroots_dagster.report import figures
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.parts import (
    Figure,
    Grid,
    Section,
    decimal,
    interval,
    p_value,
    percent,
)


def probing(inputs: ReportInputs) -> Section:
    """P@1 with intervals and baselines."""
    published = {k: v["full_match"] for k, v in inputs.published.p_at_1.items()} if inputs.published else {}
    text = [
        "The model completes a sentence such as “Paris is the capital of ▁▁▁”. P@1 is the share of "
        "facts for which "
        "every token of the object comes out right for some number of masks. Bars show 95% "
        "intervals (Wilson).",
        "Read it against the baselines: always answering the relation's commonest object needs no "
        "model at all, and "
        "with the subject hidden the model can only go by the relation. “Typed” lets the model "
        "choose among the "
        "objects that occur in the relation.",
    ]
    if "*" in inputs.p_at_1:
        text.append(f"Over all rows P@1 is {percent(inputs.p_at_1['*'])}.")
    if published:
        text.append("Diamonds: the P@1 published for this model by Zhao, Yoshinaga and Oba (EACL 2024).")
    names = [
        "n",
        "full_match",
        "partial_match",
        "multi_answer",
        "typed_p1",
        "mrr",
        "majority",
        "uniform",
        "prior_typed_p1",
    ]
    heads = [
        "facts",
        "P@1",
        "partial",
        "any right answer",
        "typed P@1",
        "MRR",
        "majority",
        "uniform",
        "subject hidden",
    ]
    rows = [
        [
            inputs.name(row["language"]),
            f"{row['n']:,}",
            interval(row["full_match"], row["full_match_low"], row["full_match_high"]),
            *(decimal(row[n]) if n == "mrr" else percent(row[n]) for n in names[2:]),
            *([percent(published.get(row["language"]))] if published else []),
        ]
        for row in inputs.by_language
    ]
    return Section(
        "probing",
        "How much the model knows",
        text,
        [
            Figure(
                "p_at_1",
                figures.p_at_1_by_language(inputs.by_language, published),
                "P@1 by language with 95% intervals and what it must be read against.",
            )
        ],
        [Grid(["language", *heads, *(["published P@1"] if published else [])], rows)],
        "probing_scores",
        {"probing_scores": inputs.scores},
    )


def volume(inputs: ReportInputs) -> Section | None:
    """P@1 against the size of the Wikipedia."""
    relations = inputs.volume_relations.to_pylist()
    if not relations:
        return None
    rows = [
        [
            row["measure"],
            f"{row['languages']}",
            f"{decimal(row['pearson'])} (p {p_value(row['pearson_p'])})",
            f"{decimal(row['spearman'])} (p {p_value(row['spearman_p'])})",
            f"{decimal(row['pearson_without_low'])} to {decimal(row['pearson_without_high'])}",
            row["most_influential"] or "–",
        ]
        for row in relations
    ]
    heads = [
        "measure",
        "languages",
        "Pearson",
        "Spearman",
        "Pearson, one language left out",
        "most influential",
    ]
    drawn = []
    if inputs.volume is not None:
        sizes = {row["language"]: row["wikitext_bytes"] for row in inputs.volume.to_pylist()}
        points = [
            (x, float(sizes[x]), inputs.p_at_1[x])
            for x in inputs.languages
            if x in sizes and x in inputs.p_at_1
        ]
        drawn = [
            Figure(
                "volume",
                figures.volume_scatter(points, "bytes of wikitext"),
                "P@1 against the size of the Wikipedia.",
            )
        ]
    text = [
        "Does a larger Wikipedia make a better informed model? A correlation over few languages hangs on "
        "single ones, so it is repeated with each language left out."
    ]
    if inputs.published and inputs.published.correlations:
        text.append(
            "Published for this model: "
            f"{inputs.published.correlations['mbert_p1_vs_wikipedia_page_count']:.2f} with the page "
            f"count, {inputs.published.correlations['mbert_p1_vs_abstract_size']:.2f} with the size "
            "of the abstracts."
        )
    data = {"volume_relations": inputs.volume_relations}
    return Section(
        "volume", "Size of the Wikipedia", text, drawn, [Grid(heads, rows)], "probing_scores", data
    )


def masks(inputs: ReportInputs) -> Section | None:
    """P@1 by object length."""
    rows = inputs.mask_counts.to_pylist()
    if not rows:
        return None
    total = _pooled(rows)
    grid = [
        [f"{r['object_tokens']}", f"{r['n']:,}", interval(r["full_match"], r["low"], r["high"])]
        for r in total
    ]
    return Section(
        "masks",
        "Long answers",
        [
            "The tokenizer cuts some objects into several pieces, and all of them must be right at once. "
            "Languages whose words are cut up more start with a handicap that has nothing to do "
            "with knowledge."
        ],
        [
            Figure(
                "mask_counts",
                figures.mask_counts([*rows, *total]),
                "P@1 by number of tokens of the object; grey: single languages.",
            )
        ],
        [Grid(["tokens", "facts", "P@1"], grid)],
        "probing_scores",
        {"mask_counts": inputs.mask_counts},
    )


def _pooled(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """MASK_COUNTS rows of all languages together, as language "*"."""
    pooled = []
    for tokens in sorted({row["object_tokens"] for row in rows}):
        cells = [row for row in rows if row["object_tokens"] == tokens]
        n = sum(cell["n"] for cell in cells)
        hits = round(sum(cell["n"] * (cell["full_match"] or 0.0) for cell in cells))
        low, high = wilson(hits, n)
        share = hits / n if n else None
        row = {
            "language": "*",
            "object_tokens": tokens,
            "n": n,
            "full_match": share,
            "low": low,
            "high": high,
        }
        pooled.append(row)
    return pooled


def clusters(inputs: ReportInputs) -> Section | None:
    """Which languages know the same facts."""
    members = inputs.members.to_pylist()
    if len(members) < 2:
        return None
    order = [row["language"] for row in sorted(members, key=lambda r: (r["cluster"], r["language"]))]
    matrix = pair_matrix(inputs.clusters, "corrected", order)
    groups: dict[int, list[str]] = {}
    for row in sorted(members, key=lambda r: (r["cluster"], not r["medoid"], r["language"])):
        groups.setdefault(row["cluster"], []).append(row["language"])
    labels = {
        "distance_km": "geographic distance",
        "same_script": "same script",
        "subword_overlap": "shared vocabulary",
    }
    mantel = [
        [
            labels.get(r["variable"], r["variable"]),
            f"{r['pairs']}",
            decimal(r["correlation"]),
            p_value(r["p_value"]),
        ]
        for r in inputs.mantel.to_pylist()
    ]
    return Section(
        "clusters",
        "Languages that know the same facts",
        [
            "For every two languages: how far do the correctly predicted facts coincide, beyond "
            "what two languages with "
            "these scores would share by chance? 0 is chance, 1 the same facts. Groups come from "
            "k-medoids, their number "
            "from the silhouette.",
            "Neighbours often share a script and words as well; the table shows all three side by "
            "side. Its p-values "
            "permute whole languages (Mantel), since pairs that share a language are not independent.",
        ],
        [
            Figure(
                "clusters",
                figures.heat_map(matrix, order, "overlap beyond chance"),
                "Overlap of correct facts beyond chance, languages ordered by cluster.",
            )
        ],
        [
            Grid(["cluster (medoid first)", "languages"], [[g[0], ", ".join(g)] for g in groups.values()]),
            Grid(["similarity goes with", "pairs", "correlation", "p"], mantel),
        ],
        "language_clusters",
        {"language_clusters": inputs.clusters, "cluster_members": inputs.members, "mantel": inputs.mantel},
    )
