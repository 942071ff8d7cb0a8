"""A small hand-made world with every table that the report reads, and hostile labels."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets_tests.roots.tables import prediction_row, rows, source_row, split_row
from factroots_dagster.facts.schema import MLAMA_SPLIT
from factroots_dagster.languages.clusters import language_clusters
from factroots_dagster.languages.geography import Place
from factroots_dagster.models.schema import CHECKPOINT
from factroots_dagster.neurons.effects import intervention_summary
from factroots_dagster.neurons.schema import (
    LAYER_PROFILE,
    NEAREST_LANGUAGE,
    NEURON_INTERVENTIONS,
    NEURON_SIMILARITY,
    NEURON_STABILITY,
    SIMILARITY_PAIRS,
    UNTRAINED_SAMPLE,
    UNTRAINED_TWINS,
)
from factroots_dagster.neurons.statistics import (
    MISMATCHED,
    OBSERVED,
    RANDOM,
    SAME_OBJECT,
    SAME_OBJECT_Q90,
)
from factroots_dagster.probing.schema import (
    LANGUAGE_CONSISTENCY,
    MASK_COUNTS,
    PREDICTIONS,
    PROBING_SCORES,
    VOLUME_RELATIONS,
)
from factroots_dagster.report.explorer import FactTables
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.roots.schema import EASY_EFFECTS, EFFECT_RULES, KNOWN_FROM, VERDICT_SHARES
from factroots_dagster.roots.types import DEFAULT_MATCHER
from factroots_dagster.sandbox.schema import PLANTED_TRUTH
from factroots_dagster.tracing.schema import FACT_SOURCES, NAME_COVERAGE

HOSTILE = (
    "<script>alert('pwned')</script>",
    '" onmouseover="alert(1)" x=\'',
    "شارع \u202eevil\u202c الملك",
    "{{ 7 * 7 }} {% raw %} &amp; <b>",
    "very long " * 60,
)
LANGUAGES = ("qaa", "qab", "qac")
VERDICT_REASON = "P(stated here) = 0.90; P(known without it) < 0.10 </script>."
KINDS = ("shared", "independent", "transferred", "unlinked", "unknown", "easy_token") * 10
"""The planted kind of each fact."""
PAIRS = [(a, b) for a in LANGUAGES for b in LANGUAGES if a < b]


@dataclass(frozen=True)
class SmallWorld:
    """Three languages and 60 facts, of which half have hostile labels.

    Attributes:
        splits, predictions, sources: language to MLAMA_SPLIT, PREDICTIONS and FACT_SOURCES.
        similarity: NEURON_SIMILARITY; shared facts are similar.
        nearest: NEAREST_LANGUAGE by two statistics; shared facts are near, the others are not.
        tables: the tables of `ReportInputs`, but for `sensitivity`.
    """

    splits: dict[str, pa.Table]
    predictions: dict[str, pa.Table]
    sources: dict[str, pa.Table]
    similarity: pa.Table
    nearest: pa.Table
    tables: dict[str, pa.Table]


def make_world() -> SmallWorld:
    random = np.random.default_rng(5)
    splits, predictions, sources, truth = {}, {}, {}, []
    for language in LANGUAGES:
        split, predicted, found = [], [], []
        for i, kind in enumerate(KINDS):
            uuid, label = f"u{i:02}", HOSTILE[i % 5] if i < 30 else f"Subject {i}"
            stated = kind in ("shared", "independent")
            right = bool(random.random() < (0.1 if kind in ("unlinked", "unknown") else 0.8))
            split.append(
                split_row(
                    uuid,
                    language,
                    subject=label,
                    object=HOSTILE[(i + 1) % 5] if i < 30 else "Oslo",
                    subject_uri=f"Q{i}",
                    object_uri=f"Q10{(i + 1) % 5 if i < 30 else 9}",
                    object_in_subject=kind == "easy_token",
                )
            )
            predicted.append(prediction_row(uuid, language, right, object_ids=[i % 9]))
            for matcher in ("sentence", DEFAULT_MATCHER, "article"):
                windows = int(stated) + (matcher == "article" and i % 7 == 0)
                url = f"https://example.org/{i}?a=b&c=%3Cd" if language == "qac" else None
                sentence = f"{label} is in Oslo"
                found.append(source_row(uuid, language, windows, matcher, sentence=sentence, url=url))
            truth.append(_truth_row(uuid, language, kind, stated))
        splits[language] = rows(MLAMA_SPLIT, split)
        predictions[language] = rows(PREDICTIONS, predicted)
        sources[language] = rows(FACT_SOURCES, found)
    places = {language: Place(10.0 * i, 5.0, "Latn") for i, language in enumerate(LANGUAGES)}
    clusters, members, mantel = language_clusters(predictions, places=places, permutations=19)
    return SmallWorld(
        splits,
        predictions,
        sources,
        _similarity(),
        _nearest(),
        {
            "checkpoint": rows(CHECKPOINT, [_CHECKPOINT_ROW]),
            "probing_scores": rows(PROBING_SCORES, _score_rows(predictions)),
            "mask_counts": rows(MASK_COUNTS, _mask_count_rows()),
            "volume_relations": rows(VOLUME_RELATIONS, [_VOLUME_RELATION_ROW]),
            "wikipedia_volume": pa.table(
                {
                    "language": list(LANGUAGES),
                    "corpora": [["wikipedia"]] * 3,
                    "wikitext_bytes": [1000, 4000, 9000],
                }
            ),
            "name_coverage": rows(NAME_COVERAGE, [_coverage_row(language) for language in LANGUAGES]),
            "language_clusters": clusters,
            "cluster_members": members,
            "mantel": mantel,
            "easy_effects": rows(EASY_EFFECTS, _effect_rows()),
            "language_consistency": rows(LANGUAGE_CONSISTENCY, _consistency_rows()),
            "similarity_pairs": _similarity_pairs(),
            "neuron_stability": rows(NEURON_STABILITY, [_stability_row(k) for k in (10, 50)]),
            "layer_profile": rows(
                LAYER_PROFILE,
                [{"language": x, "layer": layer, "share": 0.5} for x in LANGUAGES for layer in (0, 1)],
            ),
            "intervention_summary": intervention_summary(rows(NEURON_INTERVENTIONS, _intervention_rows())),
            "untrained_twins": rows(UNTRAINED_TWINS, _twin_rows()),
            "untrained_sample": rows(
                UNTRAINED_SAMPLE,
                [{"language": x, "predicted": 40, "sampled": 30, "asked": 50} for x in LANGUAGES],
            ),
            "planted_truth": rows(PLANTED_TRUTH, truth),
            "verdict_shares": rows(VERDICT_SHARES, _verdict_rows()),
        },
    )


def verdicts_of(types: pa.Table) -> pa.Table:
    """Every predicted fact is known from its own text alone."""
    predicted = types.filter(pc.not_equal(types["type"], "not_predicted")).select(["uuid", "language"])
    for name, text in (("verdict", "independent"), ("reason", VERDICT_REASON)):
        predicted = predicted.append_column(name, pa.array([text] * predicted.num_rows, pa.string()))
    for name in KNOWN_FROM:
        probability = 0.9 if name == "independent" else 0.025
        predicted = predicted.append_column(name, pa.array([probability] * predicted.num_rows))
    return predicted


def _verdict_rows() -> list[dict[str, Any]]:
    """The same shares in every language; an untrained model shares a tenth as much."""
    expected = dict(zip(KNOWN_FROM, (0.4, 0.3, 0.15, 0.1, 0.05), strict=True))
    return [
        {"language": language, "verdict": name, "facts": 3, "share": 0.2, "expected": value}
        | ({"low": value - 0.05, "high": value + 0.05} if value is not None else {})
        | ({"expected_untrained": 0.04} if name == "shared" else {})
        for language in ("*", *LANGUAGES)
        for name, value in {**expected, "undetermined": None}.items()
    ]


def _twin_rows() -> list[dict[str, Any]]:
    """Of every figure a measure or two: some learnt, some not, one of too few facts."""
    measures = (
        ("similarity", "jaccard", "all", 0.40, 0.38, 0.05),
        ("similarity", "jaccard", "alike", 0.70, 0.70, 0.05),
        ("similarity", "jaccard_beyond_same_object", "all", 0.10, 0.02, 0.03),
        ("stability", "jaccard", "all", 0.50, 0.60, 0.04),
        ("layers", "0", "all", 0.20, 0.50, 0.10),
        ("layers", "1", "all", 0.80, 0.50, 0.10),
        ("interventions", "ablate_own", "all", -0.30, 0.00, 0.10),
        ("interventions", "ablate_beyond_same_layer", "all", -0.01, 0.00, 0.02),
        ("consistency", "rankc", "all", 0.50, 0.30, 0.10),
        ("consistency", "rankc_beyond_other_object", "all", 0.20, 0.00, 0.10),
        ("consistency", "rankc_beyond_other_object", "different", 0.20, 0.00, None),
    )
    return [
        {"figure": figure, "measure": measure, "names": names, "language_a": a, "language_b": b}
        | {"n": 90, "facts": 40, "trained": trained, "untrained": untrained}
        | {"twins": 5, "untrained_least": untrained - 0.01, "untrained_most": untrained + 0.01}
        | {"difference": trained - untrained}
        | ({} if half is None else _ends(trained - untrained, half))
        for figure, measure, names, trained, untrained, half in measures
        for a, b in (("*", "*"), ("qaa", "qab"))
    ]


def _ends(difference: float, half: float) -> dict[str, float]:
    return {"difference_low": difference - half, "difference_high": difference + half}


def _effect_rows() -> list[dict[str, Any]]:
    """One rule with an effect in all languages, the others without facts."""
    counts = {"facts": 40, "full_match": 0.5, "compared": 30, "compared_full_match": 0.6}
    effect = {"alike_full_match": 0.25, "effect": 0.35, "effect_low": 0.2, "effect_high": 0.5}
    return [
        {"language": language, "rule": rule, "facts": 0, "compared": 0}
        | (counts | effect if rule == "object_in_subject" else {})
        for language in (*LANGUAGES, "*")
        for rule in EFFECT_RULES
    ]


def _consistency_rows() -> list[dict[str, Any]]:
    """Three pairs of languages, of which the last has no fact of the same object."""
    values = ((0.5, 0.4, 0.1), (0.3, 0.2, 0.05), (0.1, None, None))
    return [
        {"language_a": a, "language_b": b, "facts": 9, "relations": 2, "rankc": rankc, "same_object": same}
        | {"other_object": 0.1, "beyond_same_object": beyond, "beyond_other_object": rankc - 0.1}
        | {"popularity": 0.2}
        for (a, b), (rankc, same, beyond) in zip(combinations(LANGUAGES, 2), values, strict=True)
    ]


def report_inputs(
    world: SmallWorld,
    types: pa.Table,
    *,
    without: tuple[str, ...] = (),
    yardstick: pa.Table | None = None,
    language_names: dict[str, str] | None = None,
    **tables: pa.Table,
) -> ReportInputs:
    """What the world's report is made from. `tables` replace or add some; `without` leaves some out."""
    facts = FactTables(
        types=types,
        splits=world.splits,
        predictions=world.predictions,
        sources=world.sources,
        similarity=world.similarity,
        decode=lambda ids: [f"<script>{tokens}" for tokens in ids],
        articles={"qaa": 1234},
        links=True,
        verdicts=verdicts_of(types),
    )
    kept = {name: table for name, table in (world.tables | tables).items() if name not in without}
    return ReportInputs(kept, facts, language_names or {}, yardstick)


_CHECKPOINT_ROW = {
    "checkpoint": "tiny-<i>1</i>",
    "source": "sandbox/tiny",
    "revision": "abc",
    "architecture": "BertForMaskedLM",
    "family": "masked",
    "layers": 2,
    "hidden_size": 8,
    "neurons": 32,
    "parameters": 1000,
    "vocabulary": 50,
    "max_length": 64,
    "objects": "label",
    "batches": "padded",
    "precision": "float32",
    "start": None,
    "fast_head": True,
    "tokenizer_sha256": "0",
    "weights_sha256": "0",
    "corpus": "sandbox",
}
_VOLUME_RELATION_ROW = {
    "measure": "words",
    "languages": 3,
    "pearson": 0.5,
    "pearson_p": 0.1,
    "spearman": 0.4,
    "spearman_p": 0.2,
    "pearson_without_low": -0.1,
    "pearson_without_high": 0.9,
    "most_influential": "qaa",
}


COVERAGE = {"qaa": 0.95, "qab": 0.5, "qac": None}
"""The share of a name's forms that labels see, by language."""


def _coverage_row(language: str) -> dict[str, Any]:
    share = COVERAGE[language]
    counts = {"links": 100, "seen": round(100 * (share or 0)), "added": 0, "added_right": 0}
    return {"language": language, "names": "with_forms", "coverage": share, "precision": None} | counts


def _truth_row(uuid: str, language: str, kind: str, stated: bool) -> dict[str, Any]:
    return {
        "uuid": uuid,
        "language": language,
        "relation": "P36",
        "kind": kind,
        "stated": stated,
        "fact_kind": kind,
        "mentioned": True,
        "distractor": False,
    }


def _score_rows(predictions: dict[str, pa.Table]) -> list[dict[str, Any]]:
    shared = {
        "n": 60,
        "not_asked": 0,
        "partial_match": 0.6,
        "typed_p1": 0.7,
        "mrr": 0.8,
        "multi_answer": 0.5,
        "majority": 0.2,
        "uniform": 0.1,
        "prior_typed_p1": 0.3,
        "too_long": 0,
        "small": False,
    }
    scores = []
    for language, table in predictions.items():
        share = sum(table["full_match"].to_pylist()) / 60
        own = shared | {
            "language": language,
            "full_match": share,
            "full_match_low": share - 0.1,
            "full_match_high": share + 0.1,
            "by_subject_low": share - 0.12,
            "by_subject_high": share + 0.11,
            "by_object_low": share - 0.15,
            "by_object_high": share + 0.14,
        }
        scores.append(own | {"relation": "*", "macro_full_match": 0.5})
        scores.append(own | {"relation": "P36"})
    return scores


def _mask_count_rows() -> list[dict[str, Any]]:
    return [
        {"language": x, "object_tokens": t, "n": 20, "full_match": 0.6 / t, "low": 0.5 / t, "high": 0.7 / t}
        for x in LANGUAGES
        for t in (1, 2, 3)
    ]


def _similarity() -> pa.Table:
    return rows(
        NEURON_SIMILARITY,
        [
            {
                "uuid": f"u{i:02}",
                "relation": "P36",
                "language_a": a,
                "language_b": b,
                "statistic": statistic,
                "value": (0.7 if kind == "shared" else 0.2) + 0.01 * (i % 5),
                "identical_input": False,
            }
            for a, b in PAIRS
            for i, kind in enumerate(KINDS)
            for statistic in ("jaccard", "cosine")
        ],
    )


def _nearest() -> pa.Table:
    nearest = []
    for i, kind in enumerate(KINDS):
        near = kind == "shared"
        for language in LANGUAGES:
            row = {
                "uuid": f"u{i:02}",
                "language": language,
                "relation": "P36",
                "nearest_language": LANGUAGES[language == LANGUAGES[0]],
                "partners": 2,
                "similarity": 3.0 if near else 0.2,
                "null_q90": 0.9,
                "null_q95": 1.0,
                "pairings": 50,
                "p_value": 0.01 if near else 0.6,
                "q_value": 0.02 if near else 0.6,
            }
            nearest.append(row | {"statistic": "evidence"})
            nearest.append(row | {"statistic": "jaccard", "k": 50, "p_value": 0.3})
    return rows(NEAREST_LANGUAGE, nearest)


def _similarity_pairs() -> pa.Table:
    values = {OBSERVED: 0.4, SAME_OBJECT: 0.3, MISMATCHED: 0.1, RANDOM: 0.01, SAME_OBJECT_Q90: 0.5}
    return rows(
        SIMILARITY_PAIRS,
        [
            {
                "language_a": a,
                "language_b": b,
                "facts": 10,
                "statistic": statistic,
                "baseline": baseline,
                "value": value,
            }
            for a, b in PAIRS
            for statistic in ("jaccard", "signed_jaccard", "cosine")
            for baseline, value in values.items()
        ],
    )


def _stability_row(k: int) -> dict[str, Any]:
    return {
        "aspect": "facts_halved",
        "statistic": "jaccard",
        "language": "*",
        "k": k,
        "n": 60,
        "overlap": 0.7,
        "random_overlap": 0.01,
        "correlation": 0.9,
        "spearman_brown": 0.947,
    }


def _intervention_rows() -> list[dict[str, Any]]:
    return [
        {
            "uuid": f"u{i}",
            "relation": "P36",
            "language_found": "qaa",
            "language_asked": "qab",
            "intervention": intervention,
            "neuron_set": neuron_set,
            "logprob_before": -1.0,
            "logprob_change": -change - 0.01 * i,
            "flipped": i % 2 == 0,
        }
        for intervention in ("ablate", "boost")
        for neuron_set, change in (("own", 0.4), ("random", 0.0))
        for i in range(5)
    ]
