"""What facts are known from, by checkpoint: expected shares with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from factroots_dagster.report.figures.comparison import plot_shares_by_checkpoint
from factroots_dagster.report.sections.model import Figure, Section, Table, interval
from factroots_dagster.roots.schema import KNOWN_FROM
from factroots_dagster.roots.verdicts import UNDETERMINED

ALL = "*"
WHAT_IT_IS = (
    "Expected shares add up the probabilities of all predicted facts of a checkpoint, as in its report. "
    "Intervals are 95%, over facts, trainings, and what is uncertain of the estimate and of sources. A model "
    "of the same configuration that was never trained gives the last column: a share of shared facts that it "
    "also reaches is not read from the model."
)


def build_shares_section(
    shares: Mapping[str, pa.Table], checkpoints: Sequence[str], steps: Mapping[str, int] | None
) -> Section | None:
    """None where no checkpoint has expected shares.

    shares: checkpoint to VERDICT_SHARES. checkpoints: all, in their order. steps: checkpoint to its training
    step, where all are of one run.
    """
    tables = {key: shares[key] for key in checkpoints if key in shares}
    overall = {
        key: {row["verdict"]: row for row in table.to_pylist() if row["language"] == ALL}
        for key, table in tables.items()
    }
    overall = {key: rows for key, rows in overall.items() if rows["shared"]["expected"] is not None}
    if not overall:
        return None
    said = {
        key: [interval(*(rows[name][end] for end in ("expected", "low", "high"))) for name in KNOWN_FROM]
        for key, rows in overall.items()
    }
    cells = [
        [
            key,
            f"{sum(row['facts'] for row in rows.values()):,}",
            *said[key],
            f"{rows[UNDETERMINED]['facts']:,}",
            interval(rows["shared"]["expected_untrained"], None, None),
        ]
        for key, rows in overall.items()
    ]
    first, last = said[next(iter(said))][0], said[list(said)[-1]][0]
    finding = f"{last} of what the last checkpoint knows is expected to be shared"
    if len(said) > 1:
        finding = f"The expected share of shared facts goes from {first} to {last}"
        if steps is None:
            finding = (
                f"{first} and {last} of what the first and the last checkpoint know are expected to be shared"
            )
    data = pa.concat_tables(
        table.append_column("checkpoint", pa.repeat(key, table.num_rows)) for key, table in tables.items()
    )
    figure = Figure(
        "shares_by_checkpoint",
        plot_shares_by_checkpoint(overall, checkpoints, steps),
        "Expected shares of what the correctly predicted facts are known from, all languages together; areas "
        "are 95% intervals.",
        "shares_by_checkpoint",
        f"A line per type over {len(overall)} checkpoints; {finding[0].lower()}{finding[1:]}.",
    )
    return Section(
        id="shares",
        title="What is known from where",
        text=[],
        finding=finding,
        method=[WHAT_IT_IS],
        figures=[figure],
        tables=[Table(["checkpoint", "facts", *KNOWN_FROM, "undetermined", "shared, untrained"], cells)],
        asset="fact_verdicts",
        data={"shares_by_checkpoint": data},
    )
