"""Are the neurons causes? What switching them off or doubling them does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from factroots_dagster.report.figures.neurons import NEURON_SET_LABELS, plot_intervention_effects
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.model import Figure, Section, Table, interval, join_words, signed
from factroots_dagster.report.sections.untrained import compare_with_twins


def build_section(inputs: ReportInputs) -> Section | None:
    rows = [row for row in inputs.rows("intervention_summary") if row["language_found"] == "*"]
    if not rows:
        return None
    labels = NEURON_SET_LABELS
    rows.sort(key=lambda row: (row["intervention"], list(labels).index(row["neuron_set"])))
    ablated = {row["neuron_set"]: row["logprob_change"] for row in rows if row["intervention"] == "ablate"}
    changes = join_words([f"{labels[name]} {ablated[name]:+.3f}" for name in labels if name in ablated])
    columns = ["neurons", "facts", "mean change", "own neurons less these", "right answer lost"]
    cells = [
        [
            f"{row['intervention']}: {labels[row['neuron_set']]}",
            f"{row['facts']:,}",
            *(_change(row, name) for name in ("logprob_change", "own_less_this")),
            interval(row["flip_rate"], row["flip_rate_low"], row["flip_rate_high"]),
        ]
        for row in rows
    ]
    said = {
        ("ablate_own", "all"): "The change when a fact’s own neurons are switched off",
        ("ablate_beyond_same_layer", "all"): "That change minus the change by random neurons of its layers",
    }
    text, tables, data = compare_with_twins(inputs, "interventions", _twin_rows(), said)
    return Section(
        id="interventions",
        title="Are these neurons causes?",
        finding=_find(ablated),
        text=text,
        method=[
            "A fact’s top neurons, identified in one language, are switched off (or doubled) while the "
            "model is asked for the fact in another. If they carry the fact, that must hurt more than "
            "switching off as many random neurons, as many of the same layers, or another fact’s neurons. "
            "All intervals are 95% and count a fact once; “own neurons less these” compares the same "
            "facts, and zero means no difference.",
        ],
        figures=[
            Figure(
                "interventions",
                plot_intervention_effects(rows),
                "Change of the object’s log-probability, and right answers that turn wrong; lines: 95%.",
                "intervention_summary",
                f"Mean change of the log-probability when switched off: {changes}.",
            )
        ],
        tables=[Table(columns, cells), *tables],
        asset="neuron_interventions",
        data={"intervention_summary": inputs.tables["intervention_summary"], **data},
    )


def _find(ablated: Mapping[str, float | None]) -> str:
    """What switching neurons off does. ablated: set of neurons to the mean change."""
    own, random = ablated.get("own"), ablated.get("random")
    if own is None:
        return "No fact’s neurons were switched off"
    said = f"Switching a fact’s own neurons off changes its log-probability by {own:+z.2f}"
    return said if random is None else f"{said}, switching off random ones by {random:+z.2f}"


def _change(row: Mapping[str, Any], name: str) -> str:
    """A signed change with its interval."""
    return signed(row[name], row[f"{name}_low"], row[f"{name}_high"])


def _twin_rows() -> dict[tuple[str, str], str]:
    """What is shown of the untrained twins, with labels."""
    return {
        (f"{intervention}_{measure}", "all"): f"{intervention}: {label}"
        for intervention in ("ablate", "boost")
        for measure, label in {
            "own": NEURON_SET_LABELS["own"],
            **{
                f"beyond_{name}": f"own less {label}"
                for name, label in NEURON_SET_LABELS.items()
                if name != "own"
            },
        }.items()
    }
