"""What the model knows: P@1, Wikipedia size, long objects, languages that know the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from factroots_dagster.report.figures import knowledge as figures
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.model import (
    Figure,
    Grid,
    Section,
    decimal,
    interval,
    p_value,
    percent,
    sentence,
)
from factroots_dagster.stats.intervals import wilson
from factroots_dagster.stats.pair_matrix import pair_matrix


def probing(inputs: ReportInputs) -> Section:
    """P@1 with intervals and baselines."""
    published = {k: v["full_match"] for k, v in inputs.published.p_at_1.items()} if inputs.published else {}
    partial = {k: v["partial_match"] for k, v in inputs.published.p_at_1.items()} if inputs.published else {}
    text = [
        "The model completes a sentence such as “Paris is the capital of ▁▁▁”. P@1 is the share of "
        "facts for which "
        "every token of the object comes out right for some number of masks. Thin lines are 95% "
        "intervals as if facts were independent (Wilson). They are not: facts share subjects and objects, so "
        "the grey bands draw whole subjects, or whole objects, with all their facts (bootstrap), and show "
        "the wider of the two.",
        "Read it against the baselines: always answering the relation's commonest object needs no "
        "model at all, and "
        "with the subject hidden the model can only go by the relation. “Typed” lets the model "
        "choose among the "
        "objects that occur in the relation.",
    ]
    if "*" in inputs.p_at_1:
        text.append(f"Over all rows P@1 is {percent(inputs.p_at_1['*'])}.")
    if published:
        text.append(
            "Diamonds: the P@1 published for this model by Zhao, Yoshinaga and Oba (EACL 2024); over all "
            f"rows it is {percent(published['*'])}, and {percent(partial['*'])} with partial matches."
        )
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
        "by subject",
        "by object",
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
            *(_between(row[f"by_{by}_low"], row[f"by_{by}_high"]) for by in ("subject", "object")),
            *(decimal(row[n]) if n == "mrr" else percent(row[n]) for n in names[2:]),
            *(
                [percent(published.get(row["language"])), percent(partial.get(row["language"]))]
                if published
                else []
            ),
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
                figures.p_at_1_by_language(inputs.by_language, published, inputs.name),
                "P@1 by language with 95% intervals and what it must be read against.",
                "probing_scores",
                f"A bar per language, longest first: {_extremes(inputs)}.",
            )
        ],
        [Grid(["language", *heads, *(["published P@1", "published partial"] if published else [])], rows)],
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
                "volume_points",
                f"A point per language, {len(points)} in all: P@1 upwards, bytes of wikitext to the right.",
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
    if drawn:
        columns = ("language", "wikitext_bytes", "full_match")
        data["volume_points"] = pa.Table.from_pylist(
            [dict(zip(columns, point, strict=True)) for point in points]
        )
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
                "mask_counts",
                "Lines over the number of tokens of the object, all languages together: "
                + sentence([f"{r['object_tokens']} tokens {percent(r['full_match'])}" for r in total])
                + ".",
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
    # Inside a cluster the languages stand as everywhere in the page.
    place = {language: i for i, language in enumerate(inputs.languages)}
    members.sort(key=lambda r: (r["cluster"], place.get(r["language"], len(place)), r["language"]))
    order = [row["language"] for row in members]
    matrix = pair_matrix(inputs.clusters, "corrected", order)
    groups: dict[int, list[str]] = {}
    for row in sorted(members, key=lambda r: not r["medoid"]):
        groups.setdefault(row["cluster"], []).append(inputs.name(row["language"]))
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
                "language_clusters",
                f"A square per pair of {len(order)} languages, which form {len(groups)} clusters: "
                + "; ".join(", ".join(group) for group in groups.values())
                + ".",
            )
        ],
        [
            Grid(
                ["cluster (medoid first)", "languages"],
                [[g[0], ", ".join(g)] for _, g in sorted(groups.items())],
            ),
            Grid(["similarity goes with", "pairs", "correlation", "p"], mantel),
        ],
        "language_clusters",
        {"language_clusters": inputs.clusters, "cluster_members": inputs.members, "mantel": inputs.mantel},
    )


def _between(low: float | None, high: float | None) -> str:
    return "–" if low is None or high is None else f"[{100 * low:.1f}, {100 * high:.1f}]"


def _extremes(inputs: ReportInputs) -> str:
    """The best and the worst language with their P@1."""
    known = [row for row in inputs.by_language if row["full_match"] is not None]
    if not known:
        return "none was asked for a full match"
    ends = [known[0], known[-1]] if len(known) > 1 else known
    return " to ".join(f"{inputs.name(row['language'])} {percent(row['full_match'])}" for row in ends)
