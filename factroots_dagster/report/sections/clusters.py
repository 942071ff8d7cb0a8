"""Which languages know the same facts."""

from __future__ import annotations

from typing import Any

from factroots_dagster.report.figures.knowledge import plot_heat_map
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.model import Figure, Section, Table, count_words, decimal, p_value
from factroots_dagster.stats.pair_matrix import pair_matrix

VARIABLE_NAMES = {
    "distance_km": "geographic distance",
    "same_script": "same script",
    "subword_overlap": "shared vocabulary",
}


def build_section(inputs: ReportInputs) -> Section | None:
    members = _in_display_order(inputs)
    if len(members) < 2:
        return None
    order = [row["language"] for row in members]
    clusters: dict[int, list[str]] = {}  # languages, the medoid first
    for row in sorted(members, key=lambda row: not row["medoid"]):
        clusters.setdefault(row["cluster"], []).append(inputs.language_label(row["language"]))
    listed = "; ".join(", ".join(cluster) for cluster in clusters.values())
    overlap = pair_matrix(inputs.tables["language_clusters"], "corrected", order)
    figure = Figure(
        "clusters",
        plot_heat_map(overlap, order, "overlap beyond chance"),
        "Overlap of correctly predicted facts beyond chance; languages are ordered by cluster.",
        "language_clusters",
        f"A square per pair of {len(order)} languages, which form {len(clusters)} clusters: {listed}.",
    )
    in_clusters = [[cluster[0], ", ".join(cluster)] for _, cluster in sorted(clusters.items())]
    correlations = [
        [
            VARIABLE_NAMES.get(row["variable"], row["variable"]),
            f"{row['pairs']}",
            decimal(row["correlation"]),
            p_value(row["p_value"]),
        ]
        for row in inputs.rows("mantel")
    ]
    return Section(
        id="clusters",
        title="Languages that know the same facts",
        text=[],
        finding=f"By the facts that they know, {len(order)} languages form "
        f"{count_words(len(clusters), 'group')}",
        method=[
            "How far do the correctly predicted facts of two languages coincide, beyond what two languages "
            "with these scores would share by chance? 0 is chance, 1 means the same facts. The clusters come "
            "from k-medoids, their number from the silhouette.",
            "Neighbouring languages often share a script and words as well; the table shows all three side "
            "by side. Its p-values come from permuting whole languages (Mantel test), since pairs that "
            "share a language are not independent.",
        ],
        figures=[figure],
        tables=[
            Table(["medoid", "languages of the cluster"], in_clusters, prose=True),
            Table(["overlap correlates with", "pairs", "correlation", "p"], correlations),
        ],
        asset="language_clusters",
        data={name: inputs.tables[name] for name in ("language_clusters", "cluster_members", "mantel")},
    )


def _in_display_order(inputs: ReportInputs) -> list[dict[str, Any]]:
    """CLUSTER_MEMBERS cluster by cluster; within a cluster, languages stand as everywhere in the page."""
    position_of = {language: position for position, language in enumerate(inputs.languages)}
    return sorted(
        inputs.rows("cluster_members"),
        key=lambda row: (row["cluster"], position_of.get(row["language"], len(position_of)), row["language"]),
    )
