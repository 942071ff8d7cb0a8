"""Generated worlds only: agreement over many seeds, by the paper's statistic and ours, with a control."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from factroots_dagster.report.figures.roots import plot_agreement, plot_confusion
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.model import Figure, Section, Table, join_words, percent
from factroots_dagster.report.sections.planted import SCORE_ENDS, score_with_interval
from factroots_dagster.roots.planted import PLANTED_KINDS, SCORED_KINDS

METHODS = {"paper": "the paper’s statistic", "ours": "ours"}

Scores = Mapping[str, Any]


def build_section(inputs: ReportInputs) -> Section | None:
    scores = inputs.planted_scores
    if not scores:
        return None
    unseen = _pooled(scores, "sandbox")
    return Section(
        id="planted_seeds",
        title="The same in other worlds",
        text=[
            "One world proves little, so the same was measured in worlds of several seeds on which nothing "
            "was tuned, once with the paper’s statistic and rules and once with ours; intervals are 95% "
            "over the seeds. "
            + " ".join(_describe_method(METHODS[name], scores["methods"][name]) for name in unseen),
            "The control is a world in which no two languages share a word. Nothing can be shared or "
            "transferred there, so every such claim is false: of the facts that are stated and predicted, "
            "a share of about alpha is called shared by chance; and of all facts planted as transferred, "
            "no more should be called transferred than lucky guesses explain.",
            f"These scores were measured beforehand with {scores['command']} and ship with the program; this "
            "page did not measure them again.",
        ],
        figures=_figures(unseen),
        tables=_tables(scores, unseen),
        asset="fact_types",
        data={"planted_scores": _scores_of_worlds(scores), "planted_confusion": _pooled_confusions(scores)},
    )


def _pooled(scores: Scores, world: str) -> dict[str, Scores]:
    """Method to the scores pooled over the unseen seeds of a world, where there are any."""
    by_method = scores["pooled"].get(world, {})
    return {name: by_method[name] for name in METHODS if by_method.get(name)}


def _describe_method(label: str, method: Scores) -> str:
    k = f" of the top {method['k']} neurons" if method["k"] else ""
    return (
        f"{label[0].upper()}{label[1:]}: {method['statistic']}{k} at alpha {method['alpha']:g}, naming cues "
        f"by the rule “{method['easy_rule']}”, sources by the matcher {method['matcher']}."
    )


def _figures(unseen: Mapping[str, Scores]) -> list[Figure]:
    bars: list[dict[str, Any]] = [
        {"label": METHODS[name], "ours": name == "ours"}
        | {key: scores[f"balanced_accuracy{end}"] for key, end in SCORE_ENDS.items()}
        for name, scores in unseen.items()
    ]
    return [
        Figure(
            "planted_agreement",
            plot_agreement(bars),
            "Mean recall of the three kinds (balanced accuracy) on unseen seeds; lines are 95% intervals "
            "over the seeds.",
            "planted_scores",
            join_words([f"{bar['label']} {percent(bar['value'])}" for bar in bars]) + ".",
        ),
        *(_confusion_figure(name, scores) for name, scores in unseen.items()),
    ]


def _confusion_figure(method: str, scores: Scores) -> Figure:
    recall = join_words([f"{kind} {percent(scores['recall'].get(kind))}" for kind in SCORED_KINDS])
    confusion = {kind: scores["confusion"][kind] for kind in PLANTED_KINDS if kind in scores["confusion"]}
    return Figure(
        f"confusion_{method}",
        plot_confusion(confusion, f"{METHODS[method]}, all unseen seeds"),
        f"Predicted facts of all unseen seeds by planted kind (rows) and by the type they got (columns), "
        f"method: {METHODS[method]}.",
        "planted_confusion",
        f"A table of counts. Recall: {recall}.",
    )


def _tables(scores: Scores, unseen: Mapping[str, Scores]) -> list[Table]:
    by_method = [
        [
            METHODS[name],
            f"{len(pooled['seeds'])}",
            f"{pooled['cells']:,}",
            *(score_with_interval(pooled, score) for score in ("accuracy", "balanced_accuracy")),
            *(percent(pooled["recall"].get(kind)) for kind in SCORED_KINDS),
        ]
        for name, pooled in unseen.items()
    ]
    false_claims = [
        [
            METHODS[name],
            f"{len(pooled['seeds'])}",
            *(score_with_interval(pooled, score) for score in ("shared_rate", "transferred_rate")),
            percent(pooled["luck_rate"]),
        ]
        for name, pooled in _pooled(scores, "disjoint").items()
    ]
    by_world = [
        [
            *(str(run[key]) for key in ("world", "seed", "role")),
            METHODS.get(name, name),
            f"{own['cells']:,}",
            *(score_with_interval(own, score) for score in ("accuracy", "balanced_accuracy")),
            percent(own["luck_rate"]),
        ]
        for run in scores["runs"]
        for name, own in run["methods"].items()
    ]
    own_scores = ["facts", "accuracy", "balanced accuracy"]
    recalls = [f"recall: {kind}" for kind in SCORED_KINDS]
    claims = ["method", "seeds", "called shared", "called transferred", "lucky guesses"]
    explanation = "The control: false claims, and how often a fact that could only be guessed is predicted."
    worlds = ["world", "seed", "role", "method", *own_scores, "lucky guesses"]
    return [
        Table(["method", "seeds", *own_scores, *recalls], by_method, "Sandbox worlds of unseen seeds."),
        Table(claims, false_claims, explanation),
        Table(worlds, by_world, "Each world by itself.", collapsed=True),
    ]


def _scores_of_worlds(scores: Scores) -> pa.Table:
    names = [score + end for score in ("accuracy", "balanced_accuracy") for end in SCORE_ENDS.values()]
    rows = [
        {key: run[key] for key in ("world", "seed", "checkpoint", "role", "predicted")}
        | {"method": method}
        | {name: own[name] for name in ("cells", *names, "luck_rate")}
        for run in scores["runs"]
        for method, own in run["methods"].items()
    ]
    return pa.Table.from_pylist(rows)


def _pooled_confusions(scores: Scores) -> pa.Table:
    rows = [
        {"world": world, "method": method, "planted": kind} | dict(row)
        for world, methods in scores["pooled"].items()
        for method, pooled in methods.items()
        for kind, row in pooled["confusion"].items()
    ]
    return pa.Table.from_pylist(rows)
