"""P@1 by language, with intervals and baselines."""

from __future__ import annotations

from factroots_dagster.report.figures.knowledge import plot_p_at_1_by_language
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.glance import mean_baseline
from factroots_dagster.report.sections.model import Figure, Section, Table, bounds, decimal, interval, percent

SHARES = {
    "partial_match": "partial",
    "multi_answer": "any right answer",
    "typed_p1": "typed P@1",
    "mrr": "MRR",
    "majority": "majority",
    "uniform": "uniform",
    "prior_typed_p1": "subject hidden",
}
"""Columns of PROBING_SCORES to headings."""

_MASKED_ASKED = (
    "The model completes a sentence such as “Paris is the capital of ▁▁▁”. P@1 is the share of facts for "
    "which every token of the object is predicted correctly with some number of masks."
)
_DECODER_ASKED = (
    "The model ranks sentences such as “Paris is the capital of France”, one for each object of the "
    "relation. P@1 is the share of facts whose own sentence ranks first and leads by more than without the "
    "subject; “another subject” is how often the object does so where other subjects are asked. “Generated” "
    "is the share of the facts whose template ends in the object (with an encoder, of all) and whose object "
    "the model writes word for word."
)


def build_section(inputs: ReportInputs) -> Section:
    results = inputs.published.p_at_1 if inputs.published else {}
    published, partial = (
        {language: row[name] for language, row in results.items()} for name in ("full_match", "partial_match")
    )
    figure = Figure(
        "p_at_1",
        plot_p_at_1_by_language(inputs.scores_by_language, published, inputs.language_label),
        "P@1 by language, with 95% intervals and baselines.",
        "probing_scores",
        f"A bar per language, longest first: {_best_and_worst(inputs)}.",
    )
    decoder = inputs.checkpoint["family"] != "masked"
    shares = {"greedy": "generated", "chance": "another subject", **SHARES} if decoder else SHARES
    columns = ["language", "facts asked", "not asked", "P@1", "by subject", "by object", *shares.values()]
    cells = [
        [
            inputs.language_label(row["language"]),
            f"{row['n']:,}",
            f"{row['not_asked']:,}",
            interval(row["full_match"], row["full_match_low"], row["full_match_high"]),
            *(bounds(row[f"by_{by}_low"], row[f"by_{by}_high"]) for by in ("subject", "object")),
            *(decimal(row[name]) if name == "mrr" else percent(row[name]) for name in shares),
        ]
        for row in inputs.scores_by_language
    ]
    if published:
        columns += ["published P@1", "published partial"]
        for row, language in zip(cells, inputs.languages, strict=True):
            row += [percent(published.get(language)), percent(partial.get(language))]
    text = [
        f"{_DECODER_ASKED if decoder else _MASKED_ASKED} Thin lines are 95% intervals that treat facts as "
        "independent (Wilson). They are not, because facts share subjects and objects; so the grey bands "
        "resample whole subjects, or whole objects, with all their "
        "facts (bootstrap), and show the wider of the two.",
        "Compare P@1 with the baselines: always answering with the relation’s most frequent object needs no "
        "model at all, and with the subject hidden the model can only go by the relation. “Typed” lets the "
        "model choose among the objects that occur in the relation.",
    ]
    if published:
        text.append(
            "Diamonds mark the P@1 that Zhao, Yoshinaga and Oba (EACL 2024) published for this model; over "
            f"all rows it is {percent(published['*'])}, and {percent(partial['*'])} with partial matches."
        )
    return Section(
        id="probing",
        title="How much the model knows",
        text=text[2:],
        method=text[:2],
        finding=_find(inputs),
        figures=[figure],
        tables=[Table(columns, cells)],
        asset="probing_scores",
        data={"probing_scores": inputs.tables["probing_scores"]},
    )


def _find(inputs: ReportInputs) -> str:
    value, baseline = inputs.p_at_1.get("*"), mean_baseline(inputs)
    if value is None:
        return "No question could be asked for a full match"
    said = f"The model answers {percent(value)} of the questions"
    return said if baseline is None else f"{said}; the commonest answer would give {percent(baseline)}"


def _best_and_worst(inputs: ReportInputs) -> str:
    scored = [row for row in inputs.scores_by_language if row["full_match"] is not None]
    if not scored:
        return "no language was asked for a full match"
    ends = [scored[0], scored[-1]][: len(scored)]
    return " to ".join(
        f"{inputs.language_label(row['language'])} {percent(row['full_match'])}" for row in ends
    )
