"""A small hand-made world with every table that the report reads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

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
)
from factroots_dagster.probing.schema import MASK_COUNTS, PREDICTIONS, PROBING_SCORES, VOLUME_RELATIONS
from factroots_dagster.roots.evidence import statistics_of
from factroots_dagster.roots.sensitivity import Sensitivity, Setting
from factroots_dagster.roots.types import TypingResult, fact_types
from factroots_dagster.sandbox.schema import PLANTED_TRUTH
from factroots_dagster.tracing.schema import FACT_SOURCES

HOSTILE = (
    "<script>alert('pwned')</script>",
    '" onmouseover="alert(1)" x=\'',
    "شارع \u202eevil\u202c الملك",
    "{{ 7 * 7 }} {% raw %} &amp; <b>",
    "very long " * 60,
)
LANGUAGES = ("qaa", "qab", "qac")


def rows(schema: pa.Schema, values: list[dict[str, Any]]) -> pa.Table:
    """A table of `schema`; columns that a row leaves out are null."""
    return pa.table(
        {f.name: pa.array([v.get(f.name) for v in values], f.type) for f in schema}, schema=schema
    )


def split_row(uuid: str, language: str, **more: Any) -> dict[str, Any]:
    row = {
        "uuid": uuid,
        "language": language,
        "relation": "P36",
        "template": "[X] capital [Y] .",
        "subject": "Ada",
        "object": "Oslo",
        "subject_uri": "Q1",
        "object_uri": "Q2",
        "candidate_set": f"{language}/P36",
        "object_in_subject": False,
        "line": 1,
    }
    return row | more


def prediction_row(uuid: str, language: str, right: bool = True, **more: Any) -> dict[str, Any]:
    row = {
        "uuid": uuid,
        "language": language,
        "relation": "P36",
        "object_ids": [7],
        "predicted_ids": [[7]],
        "full_match": right,
        "partial_match": right,
        "matched_mask_count": int(right),
        "object_logprob": -1.0,
        "typed_rank": 1,
        "candidates": 5,
        "prior_logprob": -2.0,
        "too_long": False,
    }
    return row | more


def source_row(
    uuid: str, language: str, windows: int, matcher: str = "chunk", sentence: str = "s"
) -> dict[str, Any]:
    place = {
        "page_id": 1,
        "title": "T",
        "revision_id": 2,
        "subject_start": 0,
        "object_start": 3,
        "sentence": sentence,
    }
    return {
        "uuid": uuid,
        "language": language,
        "relation": "P36",
        "matcher": matcher,
        "windows": windows,
        "evidence": [place] if windows else [],
    }


def similarity_row(uuid: str, a: str, b: str, value: float, **more: Any) -> dict[str, Any]:
    row = {
        "uuid": uuid,
        "relation": "P36",
        "language_a": a,
        "language_b": b,
        "jaccard": value,
        "cosine": value,
        "p_value": 0.01,
        "q_value": 0.02,
        "identical_input": False,
    }
    return row | more


def nearest_row(uuid: str, language: str, similarity: float | None, **more: Any) -> dict[str, Any]:
    """A row of NEAREST_LANGUAGE; by default evidence that is above the null's 95th percentile from 5 on."""
    above = similarity is not None and similarity > 5
    row = {
        "uuid": uuid,
        "language": language,
        "relation": "P36",
        "statistic": "evidence",
        "partners": 2,
        "nearest_language": None if similarity is None else "qac",
        "similarity": similarity,
        "null_q90": 3.0,
        "null_q95": 5.0,
        "pairings": 300,
        "p_value": None if similarity is None else 0.01 if above else 0.2,
        "q_value": None if similarity is None else 0.03 if above else 0.4,
    }
    return row | more


def pair_row(a: str, b: str, threshold: float | None, **more: Any) -> dict[str, Any]:
    row = {
        "language_a": a,
        "language_b": b,
        "facts": 10,
        "jaccard": 0.4,
        "signed_jaccard": 0.4,
        "cosine": 0.4,
        "same_object_jaccard": 0.3,
        "mismatched_jaccard": 0.1,
        "random_jaccard": 0.01,
        "same_object_q90_jaccard": threshold,
        "same_object_q90_cosine": threshold,
    }
    return row | more


@pytest.fixture(scope="session")
def world() -> dict[str, Any]:
    """Three languages, 60 facts, hostile labels; keyword arguments of write_report plus `truth`, "
    "`predictions`."""
    rng = np.random.default_rng(5)
    kinds = ["shared", "independent", "transferred", "unlinked", "unknown", "easy_token"] * 10
    splits, predictions, sources, truth, similarity = {}, {}, {}, [], []
    for language in LANGUAGES:
        s, p, f = [], [], []
        for i, kind in enumerate(kinds):
            uuid = f"u{i:02}"
            stated = kind in ("shared", "independent")
            right = bool(
                rng.random()
                < (0.8 if kind in ("shared", "independent", "transferred", "easy_token") else 0.1)
            )
            label = HOSTILE[i % 5] if i < 30 else f"Subject {i}"
            s.append(
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
            p.append(prediction_row(uuid, language, right, object_ids=[i % 9]))
            for matcher in ("sentence", "chunk", "article"):
                extra = matcher == "article" and i % 7 == 0
                f.append(
                    source_row(uuid, language, int(stated) + extra, matcher, sentence=f"{label} is in Oslo")
                )
            truth.append(
                {
                    "uuid": uuid,
                    "language": language,
                    "relation": "P36",
                    "kind": kind,
                    "stated": stated,
                    "fact_kind": kind,
                    "mentioned": True,
                    "distractor": False,
                }
            )
        splits[language] = rows(MLAMA_SPLIT, s)
        predictions[language] = rows(PREDICTIONS, p)
        sources[language] = rows(FACT_SOURCES, f)
    pairs = [(a, b) for a in LANGUAGES for b in LANGUAGES if a < b]
    for a, b in pairs:
        for i, kind in enumerate(kinds):
            value = 0.7 if kind == "shared" else 0.2
            similarity.append(similarity_row(f"u{i:02}", a, b, value + 0.01 * (i % 5)))
    places = {language: Place(10.0 * i, 5.0, "Latn") for i, language in enumerate(LANGUAGES)}
    clusters, members, mantel = language_clusters(predictions, places=places, permutations=19)
    score = {
        "relation": "*",
        "n": 60,
        "partial_match": 0.6,
        "macro_full_match": 0.5,
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
    for language in LANGUAGES:
        share = sum(predictions[language]["full_match"].to_pylist()) / 60
        scores.append(
            score
            | {
                "language": language,
                "full_match": share,
                "full_match_low": share - 0.1,
                "full_match_high": share + 0.1,
                "by_subject_low": share - 0.12,
                "by_subject_high": share + 0.11,
                "by_object_low": share - 0.15,
                "by_object_high": share + 0.14,
            }
        )
        scores.append(scores[-1] | {"relation": "P36", "macro_full_match": None})
    masks = [
        {"language": x, "object_tokens": t, "n": 20, "full_match": 0.6 / t, "low": 0.5 / t, "high": 0.7 / t}
        for x in LANGUAGES
        for t in (1, 2, 3)
    ]
    volume = {
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
    acts = [
        {
            "uuid": f"u{i}",
            "relation": "P36",
            "language_found": "qaa",
            "language_asked": "qab",
            "intervention": kind,
            "neuron_set": which,
            "logprob_before": -1.0,
            "logprob_change": -change - 0.01 * i,
            "flipped": i % 2 == 0,
        }
        for kind in ("ablate", "boost")
        for which, change in (("own", 0.4), ("random", 0.0))
        for i in range(5)
    ]
    halves = [
        {
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
        for k in (10, 50)
    ]
    about = {
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
        "tokenizer_sha256": "0",
        "weights_sha256": "0",
        "corpus": "sandbox",
    }
    return {
        "checkpoint": rows(CHECKPOINT, [about]),
        "scores": rows(PROBING_SCORES, scores),
        "mask_counts": rows(MASK_COUNTS, masks),
        "volume_relations": rows(VOLUME_RELATIONS, [volume]),
        "volume": pa.table(
            {
                "language": list(LANGUAGES),
                "wikitext_bytes": [1000 * (i + 1) ** 2 for i in range(len(LANGUAGES))],
            }
        ),
        "clusters": clusters,
        "members": members,
        "mantel": mantel,
        "similarity": rows(NEURON_SIMILARITY, similarity),
        "similarity_pairs": rows(SIMILARITY_PAIRS, [pair_row(a, b, 0.5) for a, b in pairs]),
        "splits": splits,
        "predictions": predictions,
        "sources": sources,
        "intervention_summary": intervention_summary(rows(NEURON_INTERVENTIONS, acts)),
        "stability": rows(NEURON_STABILITY, halves),
        "layer_profile": rows(
            LAYER_PROFILE, [{"language": x, "layer": n, "share": 0.5} for x in LANGUAGES for n in (0, 1)]
        ),
        "truth": rows(PLANTED_TRUTH, truth),
    }


def nearest(similarity: pa.Table) -> pa.Table:
    """NEAREST_LANGUAGE by two statistics: the shared facts are near in all languages, the others in none."""
    found = []
    for uuid in sorted(set(similarity["uuid"].to_pylist())):
        near = next(r["cosine"] for r in similarity.to_pylist() if r["uuid"] == uuid) > 0.5
        for language in LANGUAGES:
            other = LANGUAGES[language == LANGUAGES[0]]
            row = {"uuid": uuid, "language": language, "relation": "P36", "nearest_language": other}
            row |= {"partners": 2, "similarity": 3.0 if near else 0.2, "null_q90": 0.9, "null_q95": 1.0}
            row |= {"pairings": 50, "p_value": 0.01 if near else 0.6, "q_value": 0.02 if near else 0.6}
            found += [
                row | {"statistic": "evidence"},
                row | {"statistic": "jaccard", "k": 50, "p_value": 0.3},
            ]
    return rows(NEAREST_LANGUAGE, found)


@pytest.fixture(scope="session")
def typed(world: dict[str, Any]) -> list[TypingResult]:
    near = nearest(world["similarity"])
    return [
        fact_types(
            world["splits"][x], world["predictions"][x], world["sources"][x], near, easy_rule="relation"
        )
        for x in LANGUAGES
    ]


@pytest.fixture(scope="session")
def types(typed: list[TypingResult]) -> pa.Table:
    return pa.concat_tables(one.types for one in typed)


@pytest.fixture(scope="session")
def sensitivity(world: dict[str, Any], typed: list[TypingResult]) -> pa.Table:
    moved = Sensitivity(
        Setting("chunk", "evidence", None, "relation"), statistics_of(nearest(world["similarity"]))
    )
    for language, one in zip(LANGUAGES, typed, strict=True):
        moved.take(language, one.variants)
    return moved.table()
