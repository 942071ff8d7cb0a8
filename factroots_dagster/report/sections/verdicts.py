"""What facts are known from, with probabilities, beside what an untrained model gives."""

from __future__ import annotations

from typing import Any

from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.model import Section, Table, interval
from factroots_dagster.roots.schema import KNOWN_FROM

WHAT_IT_IS = (
    "A fact is shared if it is stated in the language’s own text and the model would know it in this "
    "language without that text, too. No model shows this directly. But every corpus leaves out facts that "
    "others state: which of them the model knows, and how well the names of one language bring them up in "
    "the questions of another, tells how probable it is for the facts that are stated. Facts that are not "
    "stated and would not be known in another training either were guessed."
)
HOW_TO_READ_IT = (
    "Expected shares add up the probabilities of all predicted facts, so that doubtful facts, and sources "
    "that may state nothing, count in part; intervals are 95% over facts and leave out the uncertainty of "
    "the estimate itself. A model of the same configuration that was never trained gives the last column: a "
    "share of shared facts that it also reaches is not read from the model. Undetermined facts are those "
    "for which no type reaches one half, or which could not be tested."
)
HEADINGS = ("language", "facts", *KNOWN_FROM, "undetermined", "shared, untrained")


def build_section(inputs: ReportInputs) -> Section | None:
    rows = inputs.rows("verdict_shares")
    if not rows:
        return None
    by_language: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        by_language.setdefault(row["language"], {})[row["verdict"]] = row
    order = ["*", *(language for language in inputs.languages if language in by_language)]
    cells = [
        [
            "all languages" if language == "*" else inputs.language_label(language),
            f"{sum(row['facts'] for row in by_language[language].values()):,}",
            *(
                interval(*(by_language[language][name][end] for end in ("expected", "low", "high")))
                for name in KNOWN_FROM
            ),
            f"{by_language[language]['undetermined']['facts']:,}",
            interval(by_language[language]["shared"]["expected_untrained"], None, None),
        ]
        for language in order
    ]
    return Section(
        id="verdicts",
        title="Known from where, with probabilities",
        text=[WHAT_IT_IS, HOW_TO_READ_IT],
        figures=[],
        tables=[Table(list(HEADINGS), cells, "Expected shares of the predicted facts.")],
        asset="fact_verdicts",
        data={"verdict_shares": inputs.tables["verdict_shares"]},
    )
