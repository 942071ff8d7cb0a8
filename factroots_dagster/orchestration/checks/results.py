"""Suites of what is concluded: clusters, types, report, comparison, and the generated worlds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from factroots_dagster.orchestration.checks import expect, side_tables
from factroots_dagster.orchestration.checks.suite import Suite
from factroots_dagster.roots.easy import CUE_ALPHA
from factroots_dagster.roots.evidence import ALPHA
from factroots_dagster.roots.schema import RULES, TYPES
from factroots_dagster.sandbox.schema import PLANTED_KINDS
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

if TYPE_CHECKING:
    import pandas as pd

LARGEST_PAGE = 25_000_000


def clusters_frame(store: Store, checkpoint: str) -> pd.DataFrame:
    frame: pd.DataFrame = store.read("language_clusters", checkpoint).to_pandas()
    frame["two_languages"] = frame["language_a"] < frame["language_b"]
    return frame


def clusters_suite(settings: Settings) -> Suite:
    def expectations(checkpoint: str) -> Sequence[Any]:
        return [
            *expect.rows(1, severity="warning"),
            *expect.unique("language_a", "language_b"),
            *expect.true({"two_languages": "language_a comes before language_b"}),
            *expect.within("shared_facts", 0),
            *expect.within("jaccard", 0, 1),
            *expect.within("expected_jaccard", 0, 1),
            *expect.within("corrected", None, 1 + 1e-9),
            *expect.within("distance_km", 0, 20_040),  # half of the Earth's circumference
        ]

    return Suite(clusters_frame, expectations)


def types_frame(store: Store, checkpoint: str) -> pd.DataFrame:
    frame: pd.DataFrame = store.read("fact_types", checkpoint).to_pandas()
    matched = {
        (language, uuid): full
        for language in store.keys("predictions", checkpoint)
        for uuid, full in zip(
            *store.read("predictions", checkpoint, language, columns=["uuid", "full_match"])
            .to_pydict()
            .values(),
            strict=True,
        )
    }
    predicted = np.array(
        [matched.get(key, False) for key in zip(frame["language"], frame["uuid"], strict=True)], dtype=bool
    )
    frame["predicted_agrees"] = predicted == (frame["type"] != "not_predicted").to_numpy()
    absent = frame["type"].isin(["shared_tokens", "naming_cue", "transferred"])
    present = frame["type"].isin(["shared", "independent"])
    source = frame["source_present"].fillna(False).astype(bool)
    frame["source_agrees"] = ~(absent & source) & ~(present & ~source)
    frame["cue_agrees"] = (frame["rule"] != "name_cue") | (
        (frame["cue_hits"] > 0) & (frame["cue_hits"] <= frame["cue_facts"]) & (frame["cue_p"] <= CUE_ALPHA)
    )
    frame["level_agrees"] = ~present | ((frame["type"] == "shared") == (frame["p_value"] <= ALPHA))
    counted = side_tables.variants(store, checkpoint, frame[["language", "type"]])
    counted |= side_tables.sensitivity(store, checkpoint, frame[["language", "type"]])
    return frame.drop(columns=["similarity", "threshold"]).assign(**counted)


def types_suite(settings: Settings) -> Suite:
    def expectations(checkpoint: str) -> Sequence[Any]:
        return [
            *expect.rows(1),
            *expect.unique("uuid", "language"),
            *expect.among("type", TYPES),
            *expect.among("rule", RULES),
            *expect.not_null("reason"),
            *expect.true(
                {
                    "predicted_agrees": "a fact has a type exactly when it is predicted",
                    "source_agrees": "shared and independent facts have a source, the other types have none",
                    "cue_agrees": "a naming cue is significant",
                    "level_agrees": "a fact with a source is shared exactly when its p-value is at the level",
                }
            ),
            *expect.zero(
                {
                    "variants_gaps": "in every language each setting holds every predicted fact once",
                    "variants_types": "the types of the variants agree with their sources",
                }
            ),
            *expect.zero(
                {
                    "sensitivity_totals": "the types under every setting add up to the predicted facts",
                    "sensitivity_default": "the default setting has the counts of the main table",
                    "sensitivity_names": "axes and types are known ones",
                    "sensitivity_repeated": "no row of the sensitivity is there twice",
                }
            ),
            *expect.distinct("language", len(settings.active_languages), severity="warning"),
        ]

    return Suite(types_frame, expectations)


def report_frame(store: Store, checkpoint: str) -> pd.DataFrame:
    """One row about the report's files and whether its totals are those of the tables."""
    import pandas as pd

    folder = store.require("categorization_report", checkpoint)
    page = folder / "index.html"
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    types = store.read("fact_types", checkpoint, columns=["type"])["type"].to_pylist()
    counts = {name: types.count(name) for name in TYPES}
    scores = store.read(
        "probing_scores", checkpoint, columns=["language", "relation", "full_match"]
    ).to_pandas()
    scores = scores[scores["relation"] == "*"].set_index("language")["full_match"]
    p_at_1 = {key: entry for key, entry in summary["p_at_1"].items() if key != "overall"}
    shown = {language: entry["full_match"] for language, entry in p_at_1.items()}
    html = page.read_text(encoding="utf-8") if page.is_file() else ""
    return pd.DataFrame(
        [
            {
                "page_bytes": len(html.encode()),
                "figures": len(list((folder / "figures").glob("*"))),
                "tables": len(list((folder / "data").glob("*.csv"))),
                "counts_agree": {name: summary["types"]["*"].get(name, 0) for name in TYPES} == counts,
                "scores_agree": shown.keys() == set(scores.index)
                # a language that could not be asked has neither
                and all(
                    pd.isna(scores[language]) if value is None else abs(scores[language] - value) < 1e-6
                    for language, value in shown.items()
                ),
                # the page opens without a network: nothing is fetched from elsewhere
                "fetches": html.count('src="http')
                + html.count("@import")
                + html.count('<link rel="stylesheet"'),
            }
        ]
    )


def report_suite(settings: Settings) -> Suite:
    def expectations(checkpoint: str) -> Sequence[Any]:
        return [
            *expect.within("page_bytes", 1_000, LARGEST_PAGE, meaning="the page has between 1 kB and 25 MB"),
            *expect.within("figures", 1, meaning="there is a figure"),
            *expect.within("tables", 1, meaning="there is a table of data"),
            *expect.true(
                {
                    "counts_agree": "the summary has the counts of fact_types",
                    "scores_agree": "the summary has the scores of probing_scores",
                }
            ),
            *expect.zero({"fetches": "the page fetches nothing from elsewhere"}),
        ]

    return Suite(report_frame, expectations)


def comparison_frame(store: Store) -> pd.DataFrame:
    frame: pd.DataFrame = store.read("checkpoint_comparison").to_pandas()
    frame["shares"] = frame.groupby(["checkpoint", "language"])["share"].transform("sum")
    known = store.keys("fact_types")
    frame["checkpoints_missing"] = len(set(known) - set(frame["checkpoint"]))
    return frame


def comparison_suite(settings: Settings) -> Suite:
    def expectations() -> Sequence[Any]:
        return [
            *expect.rows(1),
            *expect.unique("checkpoint", "language", "type"),
            *expect.among("type", TYPES),
            *expect.within("facts", 0),
            *expect.within("share", 0, 1),
            *expect.within("shares", 1 - 1e-6, 1 + 1e-6, meaning="shares by type add up to 1"),
            *expect.within("full_match", 0, 1),
            *expect.zero(
                {"checkpoints_missing": "every checkpoint with types is compared"}, severity="warning"
            ),
        ]

    return Suite(comparison_frame, expectations)


def truth_frame(store: Store) -> pd.DataFrame:
    frame: pd.DataFrame = store.read("planted_truth").to_pandas()
    linked = frame["linked_source"].notna()
    kind = frame["kind"]
    frame["transferred_agrees"] = (kind != "transferred") | (~frame["stated"] & linked)
    frame["stated_agrees"] = frame["stated"] | ~kind.isin(["shared", "independent"])
    frame["unread_agrees"] = ~(kind.isin(["unlinked", "unknown"]) & (frame["stated"] | linked))
    frame["itself"] = frame["linked_source"] == frame["language"]
    return frame


def truth_suite(settings: Settings) -> Suite:
    def expectations() -> Sequence[Any]:
        return [
            *expect.rows(1),
            *expect.unique("uuid", "language"),
            *expect.among("kind", PLANTED_KINDS),
            *expect.among("linked_source", settings.active_languages),
            *expect.true(
                {
                    "transferred_agrees": "what is planted as transferred is read in a linked language",
                    "stated_agrees": "what is planted as shared or independent is stated",
                    "unread_agrees": "what is planted as unlinked or unknown can be read nowhere",
                }
            ),
            *expect.among("itself", [False], meaning="no language is its own linked source"),
        ]

    return Suite(truth_frame, expectations)


def training_frame(store: Store) -> pd.DataFrame:
    frame: pd.DataFrame = store.read("sandbox_training").to_pandas()
    first = frame["loss"].head(max(1, len(frame) // 10)).mean()
    frame["learnt"] = frame["loss"].tail(max(1, len(frame) // 10)).mean() < 0.7 * first
    frame["finite"] = np.isfinite(frame["loss"])
    return frame


def training_suite(settings: Settings) -> Suite:
    def expectations() -> Sequence[Any]:
        return [
            *expect.rows(1),
            *expect.unique("step"),
            *expect.true({"finite": "the loss is finite", "learnt": "the loss falls by at least 30%"}),
        ]

    return Suite(training_frame, expectations)
