"""Suites of what is concluded: clusters, types, report, comparison, and the generated worlds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from factroots_dagster.orchestration.checks import expect, side_tables
from factroots_dagster.orchestration.checks.suite import suite_of
from factroots_dagster.probing.schema import CONSISTENCY_CONTROLS as CONTROLS
from factroots_dagster.roots.easy import CUE_ALPHA
from factroots_dagster.roots.evidence import ALPHA
from factroots_dagster.roots.schema import KNOWN_FROM, RULES, TYPES
from factroots_dagster.roots.verdicts import LEVEL, UNDETERMINED
from factroots_dagster.sandbox.blocks import COMPLETE
from factroots_dagster.sandbox.schema import PLANTED_KINDS
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store
from factroots_dagster.yardstick.schema import (
    CAUSAL_TYPES,
    INDEPENDENT,
    LUCK,
    SHARED,
    TRANSFERRED,
    UNDECIDED,
)

if TYPE_CHECKING:
    import pandas as pd

LARGEST_PAGE = 25_000_000
_NOISE = 1e-9


def clusters_frame(store: Store, checkpoint: str) -> pd.DataFrame:
    frame: pd.DataFrame = store.read("language_clusters", checkpoint).to_pandas()
    frame["two_languages"] = frame["language_a"] < frame["language_b"]
    return frame


@suite_of(clusters_frame)
def clusters_suite(settings: Settings, checkpoint: str) -> Sequence[Any]:
    return [
        *expect.rows(1, severity="warning"),
        *expect.unique("language_a", "language_b"),
        *expect.true(two_languages="language_a comes before language_b"),
        *expect.within("shared_facts", 0),
        *expect.within("jaccard", 0, 1),
        *expect.within("expected_jaccard", 0, 1),
        *expect.within("corrected", None, 1 + 1e-9),
        *expect.within("distance_km", 0, 20_040),  # half of the Earth's circumference
    ]


def consistency_frame(store: Store, checkpoint: str) -> pd.DataFrame:
    frame: pd.DataFrame = store.read("language_consistency", checkpoint).to_pandas()
    frame["two_languages"] = frame["language_a"] < frame["language_b"]
    inside = [
        frame[f"{name}_low"].isna()
        | ((frame[f"{name}_low"] <= frame[name] + _NOISE) & (frame[name] <= frame[f"{name}_high"] + _NOISE))
        for name in ("rankc", *(f"beyond_{control}" for control in CONTROLS))
    ]
    frame["intervals_agree"] = np.logical_and.reduce(inside)
    frame["facts_agree"] = (frame["facts"] > 0) == frame["rankc"].notna()
    return frame


@suite_of(consistency_frame)
def consistency_suite(settings: Settings, checkpoint: str) -> Sequence[Any]:
    return [
        *expect.rows(1, severity="warning"),
        *expect.unique("language_a", "language_b"),
        *expect.true(
            two_languages="language_a comes before language_b",
            facts_agree="there is a RankC exactly when there are facts",
            intervals_agree="every mean is inside its interval",
        ),
        *expect.within("rankc", 0, 1 + _NOISE),
        *[e for control in CONTROLS for e in expect.within(control, 0, 1 + _NOISE)],
        *[e for control in CONTROLS for e in expect.at_most(f"{control}_facts", "facts")],
        *expect.within("facts", 1, severity="warning", meaning="every two languages rank a common fact"),
    ]


def types_frame(store: Store, checkpoint: str) -> pd.DataFrame:
    frame: pd.DataFrame = store.read("fact_types", checkpoint).to_pandas()
    matched = {
        (language, row["uuid"])
        for language in store.keys("predictions", checkpoint)
        for row in store.read("predictions", checkpoint, language, columns=["uuid", "full_match"]).to_pylist()
        if row["full_match"]
    }
    predicted = np.array([key in matched for key in zip(frame["language"], frame["uuid"], strict=True)], bool)
    frame["predicted_agrees"] = predicted == (frame["type"] != "not_predicted").to_numpy()
    absent = frame["type"].isin(["shared_tokens", "naming_cue", "transferred"])
    present = frame["type"].isin(["shared", "independent"])
    source = frame["source_present"].fillna(False).astype(bool)
    frame["source_agrees"] = ~(absent & source | present & ~source)
    frame["cue_agrees"] = (frame["rule"] != "name_cue") | (
        (frame["cue_hits"] > 0) & (frame["cue_hits"] <= frame["cue_facts"]) & (frame["cue_p"] <= CUE_ALPHA)
    )
    frame["level_agrees"] = ~present | ((frame["type"] == "shared") == (frame["p_value"] <= ALPHA))
    counted = side_tables.variants(store, checkpoint, frame)
    counted |= side_tables.sensitivity(store, checkpoint, frame)
    counted |= side_tables.easy_effects(store, checkpoint)
    return frame.drop(columns=["similarity", "threshold"]).assign(**counted)


@suite_of(types_frame)
def types_suite(settings: Settings, checkpoint: str) -> Sequence[Any]:
    return [
        *expect.rows(1),
        *expect.unique("uuid", "language"),
        *expect.among("type", TYPES),
        *expect.among("rule", RULES),
        *expect.not_null("reason"),
        *expect.true(
            predicted_agrees="a fact has a type exactly when it is predicted",
            source_agrees="shared and independent facts have a source, the other types have none",
            cue_agrees="a naming cue is significant",
            level_agrees="a fact with a source is shared exactly when its p-value is at the level",
        ),
        *expect.zero(
            variants_gaps="in every language each setting holds every predicted fact once",
            variants_types="the types of the variants agree with their sources",
        ),
        *expect.zero(
            sensitivity_totals="the types under every setting add up to the predicted facts",
            sensitivity_default="the default setting has the counts of the main table",
            sensitivity_names="axes and types are known ones",
            sensitivity_repeated="no row of the sensitivity is there twice",
        ),
        *expect.zero(
            effects_rows="every language has every rule for easy facts once",
            effects_range="shares are from 0 to 1, and no more facts are compared than there are",
            effects_agree="an effect is the difference of its shares, inside its interval",
        ),
        *expect.distinct("language", len(settings.active_languages), severity="warning"),
    ]


def verdicts_frame(store: Store, checkpoint: str) -> pd.DataFrame:
    frame: pd.DataFrame = store.read("fact_verdicts", checkpoint).to_pandas()
    types = store.read("fact_types", checkpoint, columns=["uuid", "language", "type"]).to_pandas()
    predicted = types[types["type"] != "not_predicted"].groupby("language").size()
    probabilities = frame[list(KNOWN_FROM)]
    total = probabilities.sum(axis=1, skipna=False)
    frame["whole"] = total.isna() | (np.abs(total - 1) < 1e-6)
    highest = probabilities.max(axis=1)
    of_verdict = np.array(
        [row[row["verdict"]] if row["verdict"] in KNOWN_FROM else np.nan for row in frame.to_dict("records")],
        float,
    )
    undetermined = frame["verdict"] == UNDETERMINED
    frame["most_probable"] = undetermined | ((of_verdict >= LEVEL) & (of_verdict >= highest - 1e-9))
    shares = store.read_side("shares", "fact_verdicts", checkpoint).to_pandas()
    counted = shares[shares["language"] != "*"].groupby("language")["facts"].sum()
    gaps = frame.groupby("language").size().sub(predicted, fill_value=0).ne(0).sum()
    return frame.assign(
        facts_gaps=int(gaps),
        shares_totals=int(counted.sub(frame.groupby("language").size(), fill_value=0).ne(0).sum()),
        shares_range=int((~shares["expected"].dropna().between(0, 1)).sum()),
    )


@suite_of(verdicts_frame)
def verdicts_suite(settings: Settings, checkpoint: str) -> Sequence[Any]:
    return [
        *expect.rows(1, severity="warning"),
        *expect.unique("uuid", "language"),
        *expect.among("verdict", (*KNOWN_FROM, UNDETERMINED)),
        *expect.not_null("reason"),
        *expect.within("stated", 0, 1),
        *expect.within("without_source", 0, 1),
        *expect.within("without_source_untrained", 0, 1),
        *expect.true(
            whole="the probabilities add up to 1",
            most_probable="the verdict is the most probable, and has at least one half",
        ),
        *expect.zero(
            facts_gaps="every predicted fact has a verdict",
            shares_totals="the shares count every verdict",
            shares_range="expected shares are between 0 and 1",
        ),
    ]


def report_frame(store: Store, checkpoint: str) -> pd.DataFrame:
    """One row about the report's files and whether its totals are those of the tables."""
    import pandas as pd

    folder = store.require("categorization_report", checkpoint)
    page = folder / "index.html"
    html = page.read_text(encoding="utf-8") if page.is_file() else ""
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    types = store.read("fact_types", checkpoint, columns=["type"])["type"].to_pylist()
    counts = {name: types.count(name) for name in TYPES}
    columns = ["language", "relation", "full_match"]
    table = store.read("probing_scores", checkpoint, columns=columns).to_pylist()
    scores = {row["language"]: row["full_match"] for row in table if row["relation"] == "*"}
    p_at_1 = {key: entry["full_match"] for key, entry in summary["p_at_1"].items() if key != "overall"}
    row = {
        "page_bytes": len(html.encode()),
        "figures": len(list((folder / "figures").glob("*"))),
        "tables": len(list((folder / "data").glob("*.csv"))),
        "counts_agree": {name: summary["types"]["*"].get(name, 0) for name in TYPES} == counts,
        "scores_agree": p_at_1.keys() == scores.keys()
        # a language that could not be asked has neither
        and all(_same(value, scores[language]) for language, value in p_at_1.items()),
        # the page opens without a network: nothing is fetched from elsewhere
        "fetches": sum(html.count(text) for text in ('src="http', "@import", '<link rel="stylesheet"')),
    }
    return pd.DataFrame([row])


def _same(shown: float | None, score: float | None) -> bool:
    return shown is score if shown is None or score is None else abs(shown - score) < 1e-6


@suite_of(report_frame)
def report_suite(settings: Settings, checkpoint: str) -> Sequence[Any]:
    return [
        *expect.within("page_bytes", 1_000, LARGEST_PAGE, meaning="the page has between 1 kB and 25 MB"),
        *expect.within("figures", 1, meaning="there is a figure"),
        *expect.within("tables", 1, meaning="there is a table of data"),
        *expect.true(
            counts_agree="the summary has the counts of fact_types",
            scores_agree="the summary has the scores of probing_scores",
        ),
        *expect.zero(fetches="the page fetches nothing from elsewhere"),
    ]


def comparison_frame(store: Store) -> pd.DataFrame:
    frame: pd.DataFrame = store.read("checkpoint_comparison").to_pandas()
    frame["shares"] = frame.groupby(["checkpoint", "language"])["share"].transform("sum")
    frame["checkpoints_missing"] = len(set(store.keys("fact_types")) - set(frame["checkpoint"]))
    return frame


@suite_of(comparison_frame)
def comparison_suite(settings: Settings) -> Sequence[Any]:
    return [
        *expect.rows(1),
        *expect.unique("checkpoint", "language", "type"),
        *expect.among("type", TYPES),
        *expect.within("facts", 0),
        *expect.within("share", 0, 1),
        *expect.within("shares", 1 - 1e-6, 1 + 1e-6, meaning="shares by type add up to 1"),
        *expect.within("full_match", 0, 1),
        *expect.zero(checkpoints_missing="every checkpoint with types is compared", severity="warning"),
    ]


def truth_frame(store: Store) -> pd.DataFrame:
    frame: pd.DataFrame = store.read("planted_truth").to_pandas()
    linked, kind = frame["linked_source"].notna(), frame["kind"]
    frame["transferred_agrees"] = (kind != "transferred") | (~frame["stated"] & linked)
    frame["stated_agrees"] = frame["stated"] | ~kind.isin(["shared", "independent"])
    frame["unread_agrees"] = ~(kind.isin(["unlinked", "unknown"]) & (frame["stated"] | linked))
    frame["itself"] = frame["linked_source"] == frame["language"]
    return frame


@suite_of(truth_frame)
def truth_suite(settings: Settings) -> Sequence[Any]:
    return [
        *expect.rows(1),
        *expect.unique("uuid", "language"),
        *expect.among("kind", PLANTED_KINDS),
        *expect.among("linked_source", settings.active_languages),
        *expect.true(
            transferred_agrees="what is planted as transferred is read in a linked language",
            stated_agrees="what is planted as shared or independent is stated",
            unread_agrees="what is planted as unlinked or unknown can be read nowhere",
        ),
        *expect.among("itself", [False], meaning="no language is its own linked source"),
    ]


def training_frame(store: Store) -> pd.DataFrame:
    frame: pd.DataFrame = store.read("sandbox_training").to_pandas()
    tenth = max(1, len(frame) // 10)
    frame["learnt"] = frame["loss"].tail(tenth).mean() < 0.7 * frame["loss"].head(tenth).mean()
    frame["finite"] = np.isfinite(frame["loss"])
    return frame


@suite_of(training_frame)
def training_suite(settings: Settings) -> Sequence[Any]:
    return [
        *expect.rows(1),
        *expect.unique("step"),
        *expect.true(finite="the loss is finite", learnt="the loss falls by at least 30%"),
    ]


def retrained_frame(store: Store, block: str) -> pd.DataFrame:
    frame: pd.DataFrame = store.read("retrained_answers", block).to_pandas()
    left_out = [set(codes) for codes in frame["left_out_in"]]
    stated = [set(codes) for codes in frame["stated_in"]]
    frame["left_out_agrees"] = [codes <= of_fact for codes, of_fact in zip(left_out, stated, strict=True)]
    frame["block_agrees"] = any(left_out) != (block == COMPLETE)
    return frame


@suite_of(retrained_frame)
def retrained_suite(settings: Settings, block: str) -> Sequence[Any]:
    return [
        *expect.rows(1),
        *expect.unique("uuid", "language"),
        *expect.among("language", settings.active_languages),
        *expect.true(
            left_out_agrees="only what is stated is left out",
            block_agrees=f"every block but {COMPLETE} leaves something out",
        ),
    ]


def counterfactual_frame(store: Store) -> pd.DataFrame:
    frame: pd.DataFrame = store.read("counterfactual_truth").to_pandas()
    stated, kind = frame["stated"], frame["causal_type"]
    frame["stated_agrees"] = stated | ~kind.isin([SHARED, INDEPENDENT])
    frame["unstated_agrees"] = ~stated | ~kind.isin([TRANSFERRED, LUCK])
    frame["tested"] = (frame["own_tests"] + frame["bare_tests"] > 0) | ~kind.isin([SHARED, INDEPENDENT])
    frame["counts_agree"] = (
        (frame["replicates_known"] <= frame["replicates"])
        & (frame["own_known"] <= frame["own_tests"])
        & (frame["bare_known"] <= frame["bare_tests"])
    )
    return frame


@suite_of(counterfactual_frame)
def counterfactual_suite(settings: Settings) -> Sequence[Any]:
    return [
        *expect.rows(1),
        *expect.unique("uuid", "language"),
        *expect.among("causal_type", (*CAUSAL_TYPES, *UNDECIDED)),
        *expect.true(
            stated_agrees="what is shared or independent is stated",
            unstated_agrees="what is transferred or luck is not stated",
            tested="what is shared or independent was asked without its statements",
            counts_agree="no more trainings know a fact than were asked",
        ),
        *expect.within(
            "replicates", 1, meaning="every fact was left alone by some training", severity="warning"
        ),
    ]
