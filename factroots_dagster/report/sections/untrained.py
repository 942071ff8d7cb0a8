"""A figure beside the untrained twins': the paragraphs, table and data that several sections end with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.model import Table, signed

NAMES_LABELS = {
    "alike": "subject and object written alike",
    "partly": "subject or object written alike",
    "different": "written differently",
}
"""Groups of facts by their names in two languages, in the order in which they are shown."""

Measure = tuple[str, str]
"""A measure of UNTRAINED_TWINS, and a group of facts by their names."""


def overall_rows(inputs: ReportInputs, figure: str) -> dict[Measure, dict[str, Any]]:
    """Rows of UNTRAINED_TWINS over all languages, of one figure; none where the table is absent."""
    return {
        (row["measure"], row["names"]): row
        for row in inputs.rows("untrained_twins")
        if row["figure"] == figure and row["language_a"] == "*"
    }


def compare_with_twins(
    inputs: ReportInputs, figure: str, shown: Mapping[Measure, str], said: Mapping[Measure, str]
) -> tuple[list[str], list[Table], dict[str, pa.Table]]:
    """Paragraphs, tables and data files of one figure; nothing where there are no such rows.

    shown: the rows of the table and their labels. said: what a sentence says of, and what it calls it.
    """
    rows = overall_rows(inputs, figure)
    if not rows:
        return [], [], {}
    cells = [
        [label, f"{row['facts']:,}", mean(row["trained"]), untrained(row), difference(row)]
        for measure, label in shown.items()
        if (row := rows.get(measure))
    ]
    sentences = [say_difference(name, rows[measure]) for measure, name in said.items() if measure in rows]
    columns = ["measure", "facts", "trained", "untrained", "trained minus untrained"]
    caption = (
        "Beside the same model with random weights (asset untrained_twins): the mean of several, the least "
        "and the most. Intervals are 95% over facts and random weights."
    )
    table = Table(columns, cells, caption)
    return [describe_twins(inputs, figure), *sentences], [table], data_of(inputs, figure)


def describe_twins(inputs: ReportInputs, figure: str) -> str:
    """What the twins are, and on how many facts they are compared."""
    counted = "asked" if figure == "consistency" else "sampled"
    counts = [row[counted] for row in inputs.rows("untrained_sample")]
    twins = max((row["twins"] for row in inputs.rows("untrained_twins")), default=0)
    facts = "random facts, with their objects as candidates" if counted == "asked" else "predicted facts"
    return (
        f"The untrained twins are {twins} models of the same configuration with random weights. They "
        "have learnt nothing: training made a difference only where the trained model differs from all of "
        "them. "
        f"All are compared on the same sample of {facts}: at most {max(counts, default=0):,} of a language, "
        f"{sum(counts):,} over {len(counts)} languages."
    )


def data_of(inputs: ReportInputs, figure: str) -> dict[str, pa.Table]:
    """UNTRAINED_TWINS of one figure as a data file, with all languages and pairs."""
    table = inputs.tables["untrained_twins"]
    return {f"untrained_{figure}": table.filter(pc.equal(table["figure"], figure))}


def say_difference(name: str, row: Mapping[str, Any]) -> str:
    """In words whether there is a difference: whether its interval leaves out zero.

    name: what is compared, at the beginning of a sentence. row: of UNTRAINED_TWINS.
    """
    low, high = row["difference_low"], row["difference_high"]
    if low is None or high is None:
        return f"{name}: too few facts to compare with the untrained twins."
    means = (
        f"{name} is {mean(row['trained'])} in the trained model and {untrained(row)} in its untrained twins"
    )
    if low <= 0 <= high:
        found = difference(row)
        return f"{means}. The difference ({found}) may be chance: it says nothing about what was learnt."
    return f"{means}, a difference of {difference(row)} that training made."


def mean(value: float) -> str:
    """A mean with three decimals."""
    return f"{value:z.3f}"


def untrained(row: Mapping[str, Any]) -> str:
    """The mean of the untrained models, with the least and the most."""
    least, most = mean(row["untrained_least"]), mean(row["untrained_most"])
    return f"{mean(row['untrained'])} ({least} to {most})"


def difference(row: Mapping[str, Any]) -> str:
    """Trained minus untrained with its interval."""
    return signed(row["difference"], row["difference_low"], row["difference_high"])
