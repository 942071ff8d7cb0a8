"""Tables of a made-up world as large as mLAMA: how heavy and how slow does the page become?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.facts.mlama.languages import MLAMA_LANGUAGES
from factroots_dagster.languages.schema import CLUSTER_MEMBERS, LANGUAGE_CLUSTERS, MANTEL
from factroots_dagster.models.schema import CHECKPOINT
from factroots_dagster.neurons.schema import (
    INTERVENTION_SUMMARY,
    LAYER_PROFILE,
    NEURON_STABILITY,
    SIMILARITY_PAIRS,
)
from factroots_dagster.probing.schema import MASK_COUNTS, PROBING_SCORES, VOLUME_RELATIONS
from factroots_dagster.report.explorer import FactTables
from factroots_dagster.report.reference import language_names
from factroots_dagster.roots.counts import type_counts

ALPHABETS = (
    "abcdefghijklmnoprstuvz",
    "абвгдежзиклмнопрстуя",
    "אבגדהוזחטיכלמנסעפצקרשת",
    "अआइईउऊएकखगघचजटडतदनपम",
)
RELATIONS = 41
KINDS = np.array(["shared", "independent", "transferred", "naming_cue", "shared_tokens"])


def words(random: np.random.Generator, count: int, alphabet: str, shortest: int, longest: int) -> np.ndarray:
    """`count` random words."""
    letters = np.array(list(alphabet))
    lengths = random.integers(shortest, longest + 1, count)
    text = "".join(letters[random.integers(0, len(letters), int(lengths.sum()))])
    ends = np.cumsum(lengths)
    return np.array([text[end - size : end] for end, size in zip(ends, lengths, strict=True)], object)


def fact_tables(
    languages: Sequence[str] = MLAMA_LANGUAGES,
    rows: int = 16_000,
    facts: int = 37_535,
    *,
    seed: int = 0,
) -> FactTables:
    """`rows` of `facts` in every language, 9% predicted (as mBERT), easy facts in most languages."""
    random = np.random.default_rng(seed)
    uuids = np.array([f"{random.bytes(16).hex()}" for _ in range(facts)], object)
    uuids = np.array([f"{u[:8]}-{u[8:12]}-{u[12:16]}-{u[16:20]}-{u[20:]}" for u in uuids], object)
    ease = random.beta(0.3, 3.0, facts)
    relation = np.sort(random.integers(0, RELATIONS, facts))
    answer = relation * 100 + (random.beta(0.5, 3.0, facts) * 100).astype(int)
    latin = [
        f"{a} {b}" for a, b in zip(*(words(random, facts, ALPHABETS[0], 3, 9) for _ in "ab"), strict=True)
    ]
    answers = words(random, RELATIONS * 100, ALPHABETS[0], 3, 10)
    tables: dict[str, dict[str, pa.Table]] = {"splits": {}, "predictions": {}, "sources": {}}
    types, right_of = [], np.zeros((facts, len(languages)), bool)
    for number, language in enumerate(languages):
        chosen = np.sort(random.choice(facts, min(rows, facts), replace=False))
        n = len(chosen)
        alphabet = ALPHABETS[number % 4 if number % 3 == 0 else 0]
        own = words(random, facts, alphabet, 4, 14)
        native = random.random(facts) < (0.35 if alphabet == ALPHABETS[0] else 0.9)
        subjects = np.where(native, own, np.array(latin, object))[chosen]
        objects = np.where(
            random.random(len(answers)) < 0.6, words(random, len(answers), alphabet, 3, 10), answers
        )
        objects = objects[answer[chosen]]
        right = random.random(n) < ease[chosen]
        right_of[chosen, number] = right
        present = random.random(n) < 0.7
        kind = np.where(present, KINDS[random.integers(0, 2, n)], KINDS[random.integers(2, 5, n)])
        kind = np.where(right, kind, "not_predicted")
        windows = np.where(present, random.geometric(0.3, n), 0)
        vocabulary = words(random, 4000, alphabet, 2, 11)
        rank = np.minimum(random.zipf(1.25, (n, 22)) - 1, 3999)
        sentences = [
            " ".join((s, *vocabulary[r], o)) for s, r, o in zip(subjects, rank, objects, strict=True)
        ]
        similarity = random.random(n).round(3)
        reason = [
            f"{w} chunks of this Wikipedia hold both; the neurons are those of another language "
            f"(en: cosine {v}; 90th percentile of other facts with the same object 0.61{w})."
            if r
            else "Not predicted: no number of masks gave the object."
            for w, v, r in zip(windows, similarity, right, strict=True)
        ]
        names = pa.array([f"P{i}" for i in range(RELATIONS)])
        relations = names.take(pa.array(relation[chosen]))
        uuid = pa.array(uuids[chosen])
        types.append(
            pa.table(
                {
                    "uuid": uuid,
                    "language": pa.array([language] * n),
                    "relation": relations,
                    "type": pa.array(kind.tolist()),
                    "reason": pa.array(reason),
                    "source_present": pa.array(present),
                    "windows": pa.array(windows),
                    "matcher": pa.array(["chunk"] * n),
                    "easy": pa.array([None] * n, pa.string()),
                    "statistic": pa.array(["cosine"] * n),
                }
            )
        )
        templates = pa.array([f"[X] {w} [Y] ." for w in words(random, RELATIONS, alphabet, 4, 20)])
        tables["splits"][language] = pa.table(
            {
                "uuid": uuid,
                "language": pa.array([language] * n),
                "template": templates.take(pa.array(relation[chosen])),
                "subject": pa.array(subjects.tolist()),
                "object": pa.array(objects.tolist()),
                "subject_uri": pa.array([f"Q{i}" for i in chosen]),
                "object_uri": pa.array([f"O{i}" for i in answer[chosen]]),
            }
        )
        said = np.where(right, answer[chosen], random.integers(0, 300, n)).astype(np.int32)
        lists = pa.ListArray.from_arrays(pa.array(np.arange(n + 1, dtype=np.int32)), pa.array(said))
        tables["predictions"][language] = pa.table(
            {
                "uuid": uuid,
                "object_ids": lists,
                "predicted_ids": pa.ListArray.from_arrays(pa.array(np.arange(n + 1, dtype=np.int32)), lists),
                "matched_mask_count": pa.array(right.astype(np.int32)),
                "object_logprob": pa.array(-random.exponential(2.0, n)),
            }
        )
        found = np.flatnonzero(present)
        place = pa.StructArray.from_arrays(
            [
                pa.array(subjects[found].tolist()),
                pa.array(random.integers(1_000_000, 200_000_000, len(found))),
                pa.array([sentences[i] for i in found]),
            ],
            ["title", "revision_id", "sentence"],
        )
        offsets = np.concatenate([[0], np.cumsum(present)]).astype(np.int32)
        tables["sources"][language] = pa.table(
            {
                "uuid": uuid,
                "language": pa.array([language] * n),
                "matcher": pa.array(["chunk"] * n),
                "windows": pa.array(windows),
                "evidence": pa.ListArray.from_arrays(pa.array(offsets), place),
            }
        )
    return FactTables(
        types=pa.concat_tables(types),
        similarity=_similarity(right_of, uuids, languages, random),
        decode=lambda ids: [" ".join(str(answers[i]) for i in run) for run in ids],
        articles=dict.fromkeys(languages, 1_234_567),
        links=True,
        splits=tables["splits"],
        predictions=tables["predictions"],
        sources=tables["sources"],
    )


def _sentences(random: np.random.Generator, alphabet: str) -> np.ndarray:
    """4,000 sentences of 22 words, frequent ones more often."""
    vocabulary = words(random, 4000, alphabet, 2, 11)
    rank = np.minimum(random.zipf(1.25, (4000, 22)) - 1, 3999)
    return np.array([" ".join(vocabulary[row]) for row in rank], object)


def report_arguments(tables: FactTables) -> dict[str, Any]:
    """Arguments of `write_report` for these facts, every section included."""
    random = np.random.default_rng(1)
    languages = sorted(tables.splits)
    pairs = [(a, b) for a in languages for b in languages if a < b]
    shares = {x: 0.3 - 0.005 * i for i, x in enumerate(languages)}
    score = {
        name: 0.1 for name in ("partial_match", "typed_p1", "mrr", "multi_answer", "majority", "uniform")
    }
    scores = [
        score
        | {"language": x, "relation": relation, "n": 100, "full_match": p, "prior_typed_p1": 0.05}
        | {"full_match_low": p - 0.01, "full_match_high": p + 0.01, "too_long": 0, "small": False}
        | {"by_subject_low": p - 0.02, "by_subject_high": p + 0.02}
        | {"by_object_low": p - 0.03, "by_object_high": p + 0.03, "macro_full_match": p}
        for x, p in shares.items()
        for relation in ("*", "P1")
    ]
    nulls = [c.name for c in SIMILARITY_PAIRS if c.name not in ("language_a", "language_b", "facts")]
    similar = [{"language_a": a, "language_b": b, "facts": 9} | dict.fromkeys(nulls, 0.2) for a, b in pairs]
    stable = [
        {"aspect": "facts_halved", "statistic": s, "language": "*", "k": k, "n": 9}
        | {"overlap": 0.5, "random_overlap": 0.01, "correlation": 0.8, "spearman_brown": 0.9}
        for s in ("jaccard", "signed_jaccard", "standardised_jaccard")
        for k in (10, 50, 200)
    ]
    effects = [
        {"language_found": "*", "language_asked": "*", "intervention": i, "neuron_set": s, "n": 9, "facts": 9}
        | {f"{name}{end}": v for name in ("logprob_change", "flip_rate") for end, v in ENDS.items()}
        for i in ("ablate", "boost")
        for s in ("own", "random", "same_layer", "other_fact")
    ]
    counts = type_counts(tables.types).to_pylist()
    moved = [
        {
            "language": row["language"],
            "axis": axis,
            "setting": setting,
            "is_default": used,
            "type": row["type"],
        }
        | {"facts": row["facts"] + 9 * (not used), "share": row["share"]}
        for axis, settings in (("matcher", ("sentence", "chunk")), ("alpha", ("0.05", "0.1")))
        for setting, used in zip(settings, (False, True), strict=True)
        for row in counts
        if row["type"] != "not_predicted"
    ]
    about: dict[str, Any] = {
        "checkpoint": "large",
        "source": "google-bert/bert-base-multilingual-cased",
        "corpus": "wikipedia",
    }
    about |= {"architecture": "BertForMaskedLM", "family": "masked", "layers": 12, "neurons": 3072}
    return {
        "checkpoint": table_of(CHECKPOINT, [about | {"revision": "abc"}]),
        "scores": table_of(PROBING_SCORES, scores),
        "mask_counts": table_of(
            MASK_COUNTS,
            [
                {
                    "language": x,
                    "object_tokens": t,
                    "n": 50,
                    "full_match": 0.3 / t,
                    "low": 0.1 / t,
                    "high": 0.4 / t,
                }
                for x in languages
                for t in (1, 2, 3, 4)
            ],
        ),
        "volume_relations": table_of(
            VOLUME_RELATIONS, [{"measure": "words", "languages": 53, "pearson": 0.4}]
        ),
        "volume": pa.table({"language": languages, "wikitext_bytes": [10**6 * 1.2**i for i in range(53)]}),
        "clusters": table_of(
            LANGUAGE_CLUSTERS,
            [
                {"language_a": a, "language_b": b, "shared_facts": 9, "corrected": float(random.random())}
                for a, b in pairs
            ],
        ),
        "members": table_of(
            CLUSTER_MEMBERS,
            [{"language": x, "cluster": i % 5, "medoid": i < 5} for i, x in enumerate(languages)],
        ),
        "mantel": MANTEL.empty_table(),
        "types": tables.types,
        "sensitivity": pa.Table.from_pylist(moved),
        "similarity_pairs": table_of(SIMILARITY_PAIRS, similar),
        "splits": tables.splits,
        "sources": tables.sources,
        "stability": table_of(NEURON_STABILITY, stable),
        "intervention_summary": table_of(INTERVENTION_SUMMARY, effects),
        "layer_profile": table_of(
            LAYER_PROFILE,
            [{"language": x, "layer": n, "share": 1 / 12} for x in languages for n in range(12)],
        ),
        "language_names": language_names(),
        "facts": tables,
    }


ENDS = {"": 0.02, "_low": 0.01, "_high": 0.03}


def table_of(schema: pa.Schema, values: list[dict[str, Any]]) -> pa.Table:
    return pa.table(
        {f.name: pa.array([v.get(f.name) for v in values], f.type) for f in schema}, schema=schema
    )


def _similarity(
    right: np.ndarray, uuids: np.ndarray, languages: Sequence[str], random: np.random.Generator
) -> pa.Table:
    """A cosine for every pair of languages that predict a fact."""
    fact, a, b = [], [], []
    for number in np.flatnonzero(right.sum(axis=1) > 1):
        i, j = np.triu_indices(int(right[number].sum()), 1)
        known = np.flatnonzero(right[number])
        fact.append(np.full(len(i), number))
        a.append(known[i])
        b.append(known[j])
    names = pa.array(list(languages))
    rows: list[Any] = [np.concatenate(part) for part in (fact, a, b)]
    return pa.table(
        {
            "uuid": pa.array(uuids).take(pa.array(rows[0])),
            "language_a": names.take(pa.array(rows[1])),
            "language_b": names.take(pa.array(rows[2])),
            "cosine": pc.round(pa.array(random.random(len(rows[0]))), 4),
        }
    )
