"""Generated worlds only: how the types agree with what was planted, in this world and over many seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from factroots_dagster.report.figures import roots as figures
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.model import Figure, Grid, Section, interval, percent, sentence
from factroots_dagster.roots.planted import KINDS, WHAT_PLANTED_TRUTH_SHOWS

METHODS = {"paper": "the paper’s statistic", "ours": "ours"}


def planted(inputs: ReportInputs) -> Section | None:
    """Agreement with planted truth in this world."""
    found = inputs.planted
    if not found or not found["cells"]:
        return None
    accuracy = _with_interval(found, "accuracy")
    recall = _with_interval(found, "balanced_accuracy")
    text = [
        "This world is generated, so it is known where each fact was stated and which languages could read "
        f"it from each other. Of {found['cells']:,} predicted facts planted as shared, independent or "
        f"transferred, {accuracy} got the planted type; the mean recall of the three is {recall}. Facts that "
        f"could only be guessed are predicted in {percent(found['luck_rate'])} of cases.",
        WHAT_PLANTED_TRUTH_SHOWS,
    ]
    p1 = [
        [kind, f"{row['n']:,}", interval(row["full_match"], row["low"], row["high"])]
        for kind, row in found["p_at_1"].items()
    ]
    kinds = [
        [kind, percent(found["precision"][kind]), percent(found["recall"][kind])] for kind in found["recall"]
    ]
    grids = [
        Grid(["planted kind", "cells", "P@1"], p1, "How much of each planted kind the model learnt."),
        Grid(["type", "precision", "recall"], kinds, "Among predicted facts of the three kinds."),
    ]
    if found["tracing"]:
        rows = [
            [m, f"{r['stated']:,}", f"{r['found']:,}", percent(r["precision"]), percent(r["recall"])]
            for m, r in found["tracing"].items()
        ]
        heads = ["matcher", "stated", "found", "precision", "recall"]
        grids.append(Grid(heads, rows, "Sources found against facts really stated."))
    return Section(
        "planted",
        "Checked against planted truth",
        text,
        [
            Figure(
                "confusion",
                figures.confusion(found["confusion"]),
                "Predicted facts: planted kind against the type given.",
                "confusion",
                "A table of counts, planted kinds down, types across; of the planted kind its own type get: "
                + sentence([f"{kind} {percent(share)}" for kind, share in found["recall"].items()])
                + ".",
            )
        ],
        grids,
        "planted_truth",
        {"confusion": _confusion_table(found["confusion"])},
    )


def planted_seeds(inputs: ReportInputs) -> Section | None:
    """Agreement over several seeds, by the paper's statistic and ours, with the negative control."""
    scores = inputs.planted_scores
    if not scores:
        return None
    pooled = {m: scores["pooled"].get("sandbox", {}).get(m) for m in METHODS}
    control = {m: scores["pooled"].get("disjoint", {}).get(m) for m in METHODS}
    known = {method: found for method, found in pooled.items() if found}
    bars: list[dict[str, Any]] = [
        {"label": METHODS[method], "ours": method == "ours"}
        | {key: found[f"balanced_accuracy{end}"] for key, end in ENDS.items()}
        for method, found in known.items()
    ]
    three = ("shared", "independent", "transferred")
    grid = [
        [
            METHODS[method],
            f"{len(found['seeds'])}",
            f"{found['cells']:,}",
            _with_interval(found, "accuracy"),
            _with_interval(found, "balanced_accuracy"),
            *(percent(found["recall"].get(kind)) for kind in three),
        ]
        for method, found in known.items()
    ]
    false = [
        [
            METHODS[m],
            str(len(found["seeds"])),
            *(_with_interval(found, name) for name in ("shared_rate", "transferred_rate")),
            percent(found["luck_rate"]),
        ]
        for m, found in control.items()
        if found
    ]
    heads = ["method", "seeds", "cells", "accuracy", "balanced accuracy", *(f"recall: {k}" for k in three)]
    drawn = [
        Figure(
            f"confusion_{method}",
            figures.confusion(_in_order(found["confusion"]), f"{METHODS[method]}, unseen seeds together"),
            f"Planted kind against the type given by {METHODS[method]}: all unseen seeds together.",
            "planted_confusion",
            "A table of counts, planted kinds down, types across; recall: "
            + sentence([f"{kind} {percent(found['recall'].get(kind))}" for kind in three])
            + ".",
        )
        for method, found in known.items()
    ]
    said = [f"{bar['label']} {percent(bar['value'])}" for bar in bars]
    return Section(
        "planted_seeds",
        "The same on other worlds",
        [
            "One world proves little, so the same was measured on worlds of several seeds that nothing was "
            "tuned on, once with the paper’s statistic and rules and once with ours; intervals are 95% over "
            "the seeds. " + " ".join(_settings(METHODS[m], scores["methods"][m]) for m in known),
            "The control is a world in which no two languages share a word. Nothing can be shared or "
            "transferred there, so every such claim is false: of the facts that are stated and predicted a "
            "share of about alpha is called shared by chance, and of all facts planted as transferred no "
            "more "
            "may be called so than lucky guesses explain.",
            f"Measured beforehand with {scores['command']} and shipped with the program; this page did not "
            "run it again.",
        ],
        [
            Figure(
                "planted_agreement",
                figures.agreement(bars),
                "Mean recall of the three kinds (balanced accuracy) on unseen seeds; lines: 95% over the "
                "seeds.",
                "planted_scores",
                sentence(said) + ".",
            ),
            *drawn,
        ],
        [
            Grid(heads, grid, "Sandbox worlds of unseen seeds."),
            Grid(
                ["method", "seeds", "called shared", "called transferred", "lucky guesses"],
                false,
                "The control: false claims, and how often a fact that nobody states is predicted.",
            ),
            Grid(RUN_HEADS, _runs(scores), "Each world by itself.", folded=True),
        ],
        "fact_types",
        {"planted_scores": _runs_table(scores), "planted_confusion": _pooled_confusions(scores)},
    )


def _settings(name: str, method: Mapping[str, Any]) -> str:
    k = f" of the top {method['k']} neurons" if method["k"] else ""
    return (
        f"{name[0].upper()}{name[1:]}: {method['statistic']}{k} at alpha {method['alpha']:g}, naming cues by "
        f"the rule “{method['easy_rule']}”, sources by the matcher {method['matcher']}."
    )


def _in_order(matrix: Mapping[str, Mapping[str, int]]) -> dict[str, Mapping[str, int]]:
    """The planted kinds in their order."""
    return {kind: matrix[kind] for kind in KINDS if kind in matrix}


ENDS = {"value": "", "low": "_low", "high": "_high"}
RUN_HEADS = ("world", "seed", "role", "method", "cells", "accuracy", "balanced accuracy", "lucky guesses")


def _with_interval(scores: Mapping[str, Any], name: str) -> str:
    return interval(*(scores[name + end] for end in ENDS.values()))


def _runs(scores: Mapping[str, Any]) -> list[list[str]]:
    return [
        [
            run["world"],
            str(run["seed"]),
            run["role"],
            METHODS.get(method, method),
            f"{own['cells']:,}",
            _with_interval(own, "accuracy"),
            _with_interval(own, "balanced_accuracy"),
            percent(own["luck_rate"]),
        ]
        for run in scores["runs"]
        for method, own in run["methods"].items()
    ]


def _runs_table(scores: Mapping[str, Any]) -> pa.Table:
    names = [m + end for m in ("accuracy", "balanced_accuracy") for end in ENDS.values()]
    return pa.Table.from_pylist(
        [
            {key: run[key] for key in ("world", "seed", "checkpoint", "role", "predicted")}
            | {"method": method}
            | {name: own[name] for name in ("cells", *names, "luck_rate")}
            for run in scores["runs"]
            for method, own in run["methods"].items()
        ]
    )


def _confusion_table(matrix: Mapping[str, Mapping[str, int]]) -> pa.Table:
    return pa.Table.from_pylist([{"planted": kind} | dict(row) for kind, row in matrix.items()])


def _pooled_confusions(scores: Mapping[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {"world": world, "method": method, "planted": kind} | dict(row)
            for world, methods in scores["pooled"].items()
            for method, pooled in methods.items()
            for kind, row in pooled["confusion"].items()
        ]
    )
