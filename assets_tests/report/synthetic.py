"""A made-up world as large as mLAMA: how heavy and how slow does its page become?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from assets_tests.roots.tables import rows
from factroots_dagster.languages.schema import CLUSTER_MEMBERS, LANGUAGE_CLUSTERS, MANTEL
from factroots_dagster.models.schema import CHECKPOINT
from factroots_dagster.neurons.schema import (
    INTERVENTION_SUMMARY,
    LAYER_PROFILE,
    NEURON_STABILITY,
    SIMILARITY_PAIRS,
)
from factroots_dagster.neurons.statistics import BASELINES, BY_PAIR
from factroots_dagster.probing.schema import MASK_COUNTS, PROBING_SCORES, VOLUME_RELATIONS
from factroots_dagster.report.explorer import STATISTIC, FactTables
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.language_names import language_names
from factroots_dagster.roots.counts import count_types
from factroots_dagster.roots.schema import KNOWN_FROM, PREDICTED_TYPES
from factroots_dagster.roots.verdicts import UNDETERMINED
from factroots_dagster.settings import MLAMA_LANGUAGES

ALPHABETS = (
    "abcdefghijklmnoprstuvz",
    "абвгдежзиклмнопрстуя",
    "אבגדהוזחטיכלמנסעפצקרשת",
    "अआइईउऊएकखगघचजटडतदनपम",
)
RELATIONS = 41
OBJECTS_PER_RELATION = 100
VOCABULARY = 4000
"""Words that the sentences of a language are made of."""

Strings = npt.NDArray[np.object_]
Numbers = npt.NDArray[np.int64]


def random_words(
    random: np.random.Generator, count: int, alphabet: str, shortest: int, longest: int
) -> Strings:
    letters = np.array(list(alphabet))
    lengths = random.integers(shortest, longest + 1, count)
    text = "".join(letters[random.integers(0, len(letters), int(lengths.sum()))])
    ends = np.cumsum(lengths)
    return np.array([text[end - size : end] for end, size in zip(ends, lengths, strict=True)], object)


@dataclass(frozen=True)
class _Facts:
    """What the facts have in common in all languages; arrays are [facts] but for the objects' names."""

    uuids: Strings
    ease: npt.NDArray[np.float64]  # probability of being predicted
    relation: Numbers
    object: Numbers
    subject_names: Strings  # in Latin letters
    object_names: Strings  # [objects], in Latin letters


@dataclass(frozen=True)
class _LanguageTables:
    """One language's rows of the tables that the explorer shows."""

    types: pa.Table
    split: pa.Table
    predictions: pa.Table
    sources: pa.Table


def fact_tables(
    languages: Sequence[str] = MLAMA_LANGUAGES, asked: int = 16_000, facts: int = 37_535, *, seed: int = 0
) -> FactTables:
    """`asked` of `facts` in every language, 9% predicted (as by mBERT), easy facts in most languages."""
    random = np.random.default_rng(seed)
    common = _common_facts(random, facts)
    predicted = np.zeros((facts, len(languages)), bool)
    tables = {}
    for number, language in enumerate(languages):
        chosen = np.sort(random.choice(facts, min(asked, facts), replace=False))
        predicted[chosen, number] = random.random(len(chosen)) < common.ease[chosen]
        alphabet = ALPHABETS[number % 4 if number % 3 == 0 else 0]
        tables[language] = _language_tables(
            random, common, chosen, predicted[chosen, number], language, alphabet
        )
    types = pa.concat_tables(own.types for own in tables.values())
    return FactTables(
        types=types,
        splits={language: own.split for language, own in tables.items()},
        predictions={language: own.predictions for language, own in tables.items()},
        sources={language: own.sources for language, own in tables.items()},
        similarity=_similarity(random, common.uuids, languages, predicted),
        decode=lambda ids: [" ".join(str(common.object_names[token]) for token in tokens) for tokens in ids],
        articles=dict.fromkeys(languages, 1_234_567),
        links=True,
        verdicts=_verdicts(random, types),
    )


def _verdicts(random: np.random.Generator, types: pa.Table) -> pa.Table:
    """A verdict for every predicted fact: stated ones are shared or independent."""
    predicted = types.filter(pc.not_equal(types["type"], "not_predicted"))
    stated = predicted["source_present"].to_numpy()
    weights = random.dirichlet([0.5] * 5, predicted.num_rows)
    weights[:, :2] *= np.where(stated, 1.0, 0.05)[:, None]
    weights[:, 2:] *= np.where(stated, 0.05, 1.0)[:, None]
    weights /= weights.sum(axis=1, keepdims=True)
    best = weights.argmax(axis=1)
    verdicts = np.where(weights.max(axis=1) >= 0.5, np.array(KNOWN_FROM, object)[best], UNDETERMINED)
    texts = [f"P(stated here) = {value:.2f}." for value in random.random(len(verdicts))]
    columns = {name: pa.array(weights[:, number]) for number, name in enumerate(KNOWN_FROM)}
    own = predicted.select(["uuid", "language"])
    for name, values in {
        "verdict": pa.array(verdicts.tolist()),
        "reason": pa.array(texts),
        **columns,
    }.items():
        own = own.append_column(name, values)
    return own


def _common_facts(random: np.random.Generator, facts: int) -> _Facts:
    digits = [random.bytes(16).hex() for _ in range(facts)]
    relation = np.sort(random.integers(0, RELATIONS, facts))
    latin = ALPHABETS[0]
    first, last = (random_words(random, facts, latin, 3, 9) for _ in range(2))
    return _Facts(
        uuids=np.array([f"{x[:8]}-{x[8:12]}-{x[12:16]}-{x[16:20]}-{x[20:]}" for x in digits], object),
        ease=random.beta(0.3, 3.0, facts),
        relation=relation,
        # few objects of a relation are frequent
        object=relation * OBJECTS_PER_RELATION
        + (random.beta(0.5, 3.0, facts) * OBJECTS_PER_RELATION).astype(int),
        subject_names=first + " " + last,
        object_names=random_words(random, RELATIONS * OBJECTS_PER_RELATION, latin, 3, 10),
    )


def _language_tables(
    random: np.random.Generator,
    facts: _Facts,
    chosen: Numbers,
    right: npt.NDArray[np.bool_],
    language: str,
    alphabet: str,
) -> _LanguageTables:
    n = len(chosen)
    is_native = random.random(n) < (0.35 if alphabet == ALPHABETS[0] else 0.9)
    subjects = np.where(is_native, random_words(random, n, alphabet, 4, 14), facts.subject_names[chosen])
    native_objects = random_words(random, len(facts.object_names), alphabet, 3, 10)
    is_translated = random.random(len(native_objects)) < 0.6
    objects = np.where(is_translated, native_objects, facts.object_names)[facts.object[chosen]]
    present = random.random(n) < 0.7
    windows = np.where(present, random.geometric(0.3, n), 0)
    keys = {"uuid": pa.array(facts.uuids[chosen]), "language": pa.array([language] * n)}
    templates = [f"[X] {word} [Y] ." for word in random_words(random, RELATIONS, alphabet, 4, 20)]
    split = {
        "template": pa.array(templates).take(pa.array(facts.relation[chosen])),
        "subject": pa.array(subjects.tolist()),
        "object": pa.array(objects.tolist()),
        "subject_uri": pa.array([f"Q{i}" for i in chosen]),
        "object_uri": pa.array([f"O{i}" for i in facts.object[chosen]]),
    }
    token = np.where(right, facts.object[chosen], random.integers(0, 300, n)).astype(np.int32)
    lists = _list_array(np.ones(n, bool), pa.array(token))
    predictions = {
        "object_ids": lists,
        "predicted_ids": _list_array(np.ones(n, bool), lists),
        "matched_mask_count": pa.array(right.astype(np.int32)),
        "object_logprob": pa.array(-random.exponential(2.0, n)),
    }
    sources = {
        "matcher": pa.array(["chunk"] * n),
        "windows": pa.array(windows),
        "stated_probability": pa.array(np.where(present, 0.5, 0.0)),
        "evidence": _list_array(present, _evidence(random, subjects[present], objects[present], alphabet)),
    }
    return _LanguageTables(
        types=pa.table(keys | _type_columns(random, facts.relation[chosen], right, windows)),
        split=pa.table(keys | split),
        predictions=pa.table(keys | predictions),
        sources=pa.table(keys | sources),
    )


def _type_columns(
    random: np.random.Generator, relation: Numbers, right: npt.NDArray[np.bool_], windows: Numbers
) -> dict[str, pa.Array]:
    n = len(relation)
    with_source = np.array(PREDICTED_TYPES[:2])[random.integers(0, 2, n)]
    without_source = np.array(PREDICTED_TYPES[2:])[random.integers(0, 3, n)]
    types = np.where(right, np.where(windows > 0, with_source, without_source), "not_predicted")
    reasons = [
        f"{count} chunks of this Wikipedia hold both; the neurons are those of another language (en: cosine "
        f"{value:.3f}; 90th percentile of other facts with the same object 0.61{count})."
        if predicted
        else "Not predicted: the model answers otherwise."
        for count, value, predicted in zip(windows, random.random(n), right, strict=True)
    ]
    return {
        "relation": pa.array([f"P{number}" for number in relation]),
        "type": pa.array(types.tolist()),
        "reason": pa.array(reasons),
        "source_present": pa.array(windows > 0),
        "windows": pa.array(windows),
        "matcher": pa.array(["chunk"] * n),
        "easy": pa.nulls(n, pa.string()),
        "easy_rule": pa.array(["name"] * n),
    }


def _evidence(
    random: np.random.Generator, subjects: Strings, objects: Strings, alphabet: str
) -> pa.StructArray:
    """Sentences of 24 words with the subject first and the object last; frequent words occur more often."""
    vocabulary = random_words(random, VOCABULARY, alphabet, 2, 11)
    ranks = np.minimum(random.zipf(1.25, (len(subjects), 22)) - 1, VOCABULARY - 1)
    sentences = [
        " ".join((subject, *vocabulary[words], target))
        for subject, words, target in zip(subjects, ranks, objects, strict=True)
    ]
    revisions = pa.array(random.integers(1_000_000, 200_000_000, len(subjects)))
    urls = [None if row % 3 else f"https://example.org/{row}" for row in range(len(subjects))]
    return pa.StructArray.from_arrays(
        [pa.array(subjects.tolist()), revisions, pa.array(sentences), pa.array(urls, pa.string())],
        ["title", "revision_id", "sentence", "url"],
    )


def _list_array(present: npt.NDArray[np.bool_], values: pa.Array) -> pa.ListArray:
    """Lists of one value where `present`, else empty ones."""
    offsets = np.concatenate([[0], np.cumsum(present)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values)


def _similarity(
    random: np.random.Generator,
    uuids: Strings,
    languages: Sequence[str],
    predicted: npt.NDArray[np.bool_],
) -> pa.Table:
    """A similarity for every pair of languages that predict a fact."""
    fact, first, second = [], [], []
    for number in np.flatnonzero(predicted.sum(axis=1) > 1):
        known = np.flatnonzero(predicted[number])
        i, j = np.triu_indices(len(known), 1)
        fact.append(np.full(len(i), number))
        first.append(known[i])
        second.append(known[j])
    names = pa.array(list(languages))
    n = sum(map(len, fact))
    return pa.table(
        {
            "uuid": pa.array(uuids).take(pa.array(np.concatenate(fact))),
            "language_a": names.take(pa.array(np.concatenate(first))),
            "language_b": names.take(pa.array(np.concatenate(second))),
            "statistic": pa.array([STATISTIC] * n),
            "value": pc.round(pa.array(random.random(n)), 4),
        }
    )


def large_report(facts: FactTables) -> ReportInputs:
    """The inputs of a report on these facts, with a table for every section."""
    random = np.random.default_rng(1)
    languages = sorted(facts.splits)
    pairs = [{"language_a": a, "language_b": b} for a in languages for b in languages if a < b]
    checkpoint = {
        "checkpoint": "large",
        "source": "google-bert/bert-base-multilingual-cased",
        "revision": "abc",
        "corpus": "wikipedia",
        "architecture": "BertForMaskedLM",
        "family": "masked",
        "layers": 12,
        "neurons": 3072,
        "objects": "label",
        "batches": "padded",
        "precision": "float32",
        "fast_head": True,
    }
    tables = {
        "checkpoint": rows(CHECKPOINT, [checkpoint]),
        "probing_scores": rows(PROBING_SCORES, _score_rows(languages)),
        "mask_counts": rows(MASK_COUNTS, _mask_count_rows(languages)),
        "volume_relations": rows(VOLUME_RELATIONS, [{"measure": "words", "languages": 53, "pearson": 0.4}]),
        "wikipedia_volume": pa.table(
            {
                "language": languages,
                "corpora": [["wikipedia"]] * len(languages),
                "wikitext_bytes": [10**6 * 1.2**i for i in range(len(languages))],
            }
        ),
        "language_clusters": rows(
            LANGUAGE_CLUSTERS,
            [pair | {"shared_facts": 9, "corrected": float(random.random())} for pair in pairs],
        ),
        "cluster_members": rows(
            CLUSTER_MEMBERS,
            [{"language": x, "cluster": i % 5, "medoid": i < 5} for i, x in enumerate(languages)],
        ),
        "mantel": MANTEL.empty_table(),
        "sensitivity": pa.Table.from_pylist(_sensitivity_rows(facts.types)),
        "similarity_pairs": rows(
            SIMILARITY_PAIRS,
            [
                pair | {"facts": 9, "statistic": statistic.name, "baseline": baseline, "value": 0.2}
                for pair in pairs
                for statistic in BY_PAIR
                for baseline in BASELINES
            ],
        ),
        "neuron_stability": rows(NEURON_STABILITY, _stability_rows()),
        "intervention_summary": rows(INTERVENTION_SUMMARY, _intervention_rows()),
        "layer_profile": rows(
            LAYER_PROFILE,
            [{"language": x, "layer": n, "share": 1 / 12} for x in languages for n in range(12)],
        ),
    }
    return ReportInputs(tables, facts, language_names())


def _score_rows(languages: Sequence[str]) -> list[dict[str, Any]]:
    shared = dict.fromkeys(
        ("partial_match", "typed_p1", "mrr", "multi_answer", "majority", "uniform", "prior_typed_p1"), 0.1
    )
    scores = []
    for position, language in enumerate(languages):
        value = 0.3 - 0.005 * position
        own = shared | {"language": language, "n": 100, "not_asked": 0, "full_match": value, "too_long": 0}
        own |= {"small": False}
        for name, half in (("full_match", 0.01), ("by_subject", 0.02), ("by_object", 0.03)):
            own |= {f"{name}_low": value - half, f"{name}_high": value + half}
        scores += [own | {"relation": relation, "macro_full_match": value} for relation in ("*", "P1")]
    return scores


def _mask_count_rows(languages: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {"language": x, "object_tokens": t, "n": 50, "full_match": 0.3 / t, "low": 0.1 / t, "high": 0.4 / t}
        for x in languages
        for t in (1, 2, 3, 4)
    ]


def _stability_rows() -> list[dict[str, Any]]:
    return [
        {"aspect": "facts_halved", "statistic": statistic, "language": "*", "k": k, "n": 9}
        | {"overlap": 0.5, "random_overlap": 0.01, "correlation": 0.8, "spearman_brown": 0.9}
        for statistic in ("jaccard", "signed_jaccard", "standardised_jaccard")
        for k in (10, 50, 200)
    ]


def _intervention_rows() -> list[dict[str, Any]]:
    ends = {"": 0.02, "_low": 0.01, "_high": 0.03}
    effects = {
        f"{name}{end}": value for name in ("logprob_change", "flip_rate") for end, value in ends.items()
    }
    return [
        effects
        | {"language_found": "*", "language_asked": "*", "n": 9, "facts": 9}
        | {"intervention": intervention, "neuron_set": neuron_set}
        for intervention in ("ablate", "boost")
        for neuron_set in ("own", "random", "same_layer", "other_fact")
    ]


def _sensitivity_rows(types: pa.Table) -> list[dict[str, Any]]:
    settings = (("matcher", "sentence"), ("matcher", "chunk"), ("alpha", "0.05"), ("alpha", "0.1"))
    return [
        {
            "language": row["language"],
            "axis": axis,
            "setting": setting,
            "is_default": setting in ("chunk", "0.05"),
            "type": row["type"],
            "facts": row["facts"] + 9 * (setting not in ("chunk", "0.05")),
            "share": row["share"],
        }
        for axis, setting in settings
        for row in count_types(types).to_pylist()
        if row["type"] in PREDICTED_TYPES
    ]
