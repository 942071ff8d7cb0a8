"""Generated worlds only: how well the types agree with what was planted in this world."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from factroots_dagster.report.figures.roots import plot_confusion
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.model import Figure, Section, Table, interval, join_words, percent

WHAT_PLANTED_TRUTH_SHOWS = (
    "In a generated world it is known which language states which fact, and which languages write a fact’s "
    "subject alike. Whether a fact is stated is exact. A fact counts as planted shared where another "
    "language writes its subject alike, and as planted independent where every language has a name of its "
    "own for it. That is a link between words, which the network’s storage follows as a rule, but not fact "
    "by fact; the score is therefore agreement with the planted link. It shows that the method separates "
    "such facts in a small network with two layers, and the control world, in which nothing can be carried "
    "over, shows that the method does not invent transfers. It does not show that a fact called shared is "
    "stored only once in a large model: there, languages are also linked by meaning, texts are copied and "
    "translated, names are partly alike, and no Wikipedia holds everything that a model has read. The "
    "settings were chosen on the generated worlds of seeds 0, 1 and 2, so only the scores of other seeds "
    "are evidence, and only generated worlds were examined. In the control world nothing can be shared; the "
    "share of its stated facts that is called shared all the same is reported with the scores, and an equal "
    "share of the unshared facts must be expected to be called shared elsewhere. No method of this kind can "
    "place some of the planted facts: those that no linked language predicts (there is nothing to compare), "
    "and transferred facts whose subject and object occur together in a sentence that does not state them "
    "(the search takes it for a source)."
)
SCORE_ENDS = {"value": "", "low": "_low", "high": "_high"}
"""A score and the ends of its interval to the endings of their keys."""


def build_section(inputs: ReportInputs) -> Section | None:
    agreement = inputs.agreement
    if not agreement or not agreement["cells"]:
        return None
    recall = join_words([f"{kind} {percent(share)}" for kind, share in agreement["recall"].items()])
    confusion = [{"planted": kind} | row for kind, row in agreement["confusion"].items()]
    figure = Figure(
        "confusion",
        plot_confusion(agreement["confusion"]),
        "Predicted facts by planted kind (rows) and by the type they got (columns).",
        "confusion",
        f"A table of counts. Share of each planted kind that got the type of the same name: {recall}.",
    )
    return Section(
        id="planted",
        title="Checked against planted truth",
        finding=f"By fixed rules, {percent(agreement['accuracy'])} of the facts planted as shared, "
        "independent or transferred got that type",
        text=[],
        method=[
            "This world is generated, so it is known where each fact was stated and between which "
            f"languages it could be carried over. Of {agreement['cells']:,} predicted facts planted as "
            f"shared, independent or transferred, {score_with_interval(agreement, 'accuracy')} got the "
            "planted type; the mean recall of the three kinds is "
            f"{score_with_interval(agreement, 'balanced_accuracy')}. Facts that could only be guessed are "
            f"predicted in {percent(agreement['luck_rate'])} of cases.",
            WHAT_PLANTED_TRUTH_SHOWS,
        ],
        figures=[figure],
        tables=_tables(agreement),
        asset="planted_truth",
        data={"confusion": pa.Table.from_pylist(confusion)},
    )


def score_with_interval(scores: Mapping[str, Any], name: str) -> str:
    """A score with its interval in percent, from the keys `name`, `name`_low and `name`_high."""
    return interval(*(scores[name + end] for end in SCORE_ENDS.values()))


def _tables(agreement: Mapping[str, Any]) -> list[Table]:
    learnt = [
        [kind, f"{row['n']:,}", interval(row["full_match"], row["low"], row["high"])]
        for kind, row in agreement["p_at_1"].items()
    ]
    by_type = [
        [kind, percent(agreement["precision"][kind]), percent(recall)]
        for kind, recall in agreement["recall"].items()
    ]
    tables = [
        Table(["planted kind", "facts", "P@1"], learnt, "How much of each planted kind the model learnt."),
        Table(["type", "precision", "recall"], by_type, "Among predicted facts of the three kinds."),
    ]
    if agreement["tracing"]:
        tracing = [
            [matcher]
            + [f"{row[name]:,}" for name in ("stated", "found")]
            + [percent(row[name]) for name in ("precision", "recall")]
            for matcher, row in agreement["tracing"].items()
        ]
        columns = ["matcher", "stated", "found", "precision", "recall"]
        tables.append(Table(columns, tracing, "Facts with a source, compared with facts that are stated."))
    return tables
