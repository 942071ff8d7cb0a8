"""How consistently two languages answer: RankC, beside what explains it without the fact.

RankC (`stats.rankc`) is high, too, where both languages prefer the same objects whatever is asked. Each
fact's RankC is therefore compared with three controls, of the same pair of languages and the same relation:

- same object: the fact in one language with other facts in the other, of the same object and another subject.
  What remains beyond it is told by the subject. Strict for what is known: where both languages answer right,
  facts of the same object have the same first candidate.
- other object: the same with facts of another object. What remains is beyond whatever the languages prefer
  in the relation as a whole, the popularity of objects as the model sees it.
- popularity: either language with the ranking of the objects by their number of facts in the fact set. It
  says how much of the rankings is this one order; two languages that follow it with errors of their own agree
  less with each other than with it.

None of them is the placebo of an untrained model, which is consistent where two languages write names alike,
since the same name is the same question to it: `neurons.untrained_twins` compares with some, fact by fact.

Only the facts that are asked in both languages count, and of a relation's candidates those of both languages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.probing.schema import CONSISTENCY_CONTROLS as CONTROLS
from factroots_dagster.probing.schema import LANGUAGE_CONSISTENCY
from factroots_dagster.stats.intervals import bootstrap_means
from factroots_dagster.stats.rankc import rankc

DEPTH = 20
"""Common candidates that are compared; RankC changes by less than e^-20 without the others."""
PARTNERS = 4
"""Facts that are drawn for each fact and control."""

Numbers = npt.NDArray[np.integer]
Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Relation:
    """What one language ranks in one relation. Facts, subjects and candidates are numbers of `_Reader`.

    facts, subjects, objects: [facts], ascending by fact. rankings: [facts, places], candidates, best first,
    filled up with -1. candidates: those of the relation in the language, sorted.
    """

    facts: Numbers
    subjects: Numbers
    objects: Numbers
    rankings: Numbers
    candidates: Numbers


def language_consistency(languages: Iterable[tuple[str, pa.Table, pa.Table]], *, seed: int = 0) -> pa.Table:
    """LANGUAGE_CONSISTENCY: a row per pair of languages, sorted.

    languages: of each its code, PREDICTIONS (columns uuid and ranking) and MLAMA_SPLIT (uuid, relation,
    subject_uri, object_uri), read one after the other. seed: of the partners and of the bootstrap, which
    draws subjects with all their facts.
    """
    rows = [
        {"language_a": a, "language_b": b, **_summarize(parts, random)}
        for a, b, parts, random in _compare_pairs(_Reader(), languages, seed)
    ]
    return pa.Table.from_pylist(rows, schema=LANGUAGE_CONSISTENCY)


def fact_consistency(languages: Iterable[tuple[str, pa.Table, pa.Table]], *, seed: int = 0) -> pa.Table:
    """What `language_consistency` averages: RankC of every fact and pair of languages, and its controls.

    Columns uuid, language_a, language_b, rankc, and those of CONTROLS, NaN where there is no partner.
    """
    reader = _Reader()
    tables = [_FACT_CONSISTENCY.empty_table()]
    for a, b, parts, _ in _compare_pairs(reader, languages, seed):
        uuids = np.array(reader.names("uuid"), object)
        for part in parts:
            key = [uuids[part.facts], *(pa.repeat(code, len(part.facts)) for code in (a, b))]
            tables.append(pa.table([*key, *part.values.T], schema=_FACT_CONSISTENCY))
    return pa.concat_tables(tables)


_FACT_CONSISTENCY = pa.schema(
    {name: pa.string() for name in ("uuid", "language_a", "language_b")}
    | {name: pa.float64() for name in ("rankc", *CONTROLS)}
)


def _compare_pairs(
    reader: _Reader, languages: Iterable[tuple[str, pa.Table, pa.Table]], seed: int
) -> Iterator[tuple[str, str, list[_Compared], np.random.Generator]]:
    """Every pair of languages, sorted, with its comparison by relation and the generator that drew for it."""
    ranked = {language: reader.read(predictions, split) for language, predictions, split in languages}
    popularity = reader.rank_by_popularity()
    for a, b in combinations(sorted(ranked), 2):
        random = np.random.default_rng([seed, crc32(f"{a} {b}".encode())])
        parts = [
            part
            for relation in sorted(ranked[a].keys() & ranked[b].keys())
            if (part := _compare(ranked[a][relation], ranked[b][relation], popularity[relation], random))
        ]
        yield a, b, parts, random


class _Reader:
    """Gives facts, subjects and objects numbers that are the same in all languages."""

    def __init__(self) -> None:
        self._numbers: dict[str, dict[str, int]] = {"uuid": {}, "subject_uri": {}, "object_uri": {}}
        self._facts: dict[str, dict[int, int]] = {}  # by relation, the object of each fact

    def names(self, kind: str) -> list[str]:
        """The names that have numbers so far, in the order of these."""
        return list(self._numbers[kind])

    def _number(self, kind: str, names: Sequence[str]) -> Numbers:
        numbers = self._numbers[kind]
        return np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int32)

    def read(self, predictions: pa.Table, split: pa.Table) -> dict[str, _Relation]:
        """What one language ranks, by relation; relations without a ranking are left out."""
        columns = {kind: self._number(kind, split[kind].to_pylist()) for kind in self._numbers}
        relation_of = np.array(split["relation"].to_pylist(), object)
        rankings = self._rankings(predictions, split["uuid"])
        relations = {}
        for relation in sorted(set(relation_of.tolist())):
            rows = np.flatnonzero(relation_of == relation)
            facts, subjects, objects = (values[rows] for values in columns.values())
            self._facts.setdefault(relation, {}).update(zip(facts.tolist(), objects.tolist(), strict=True))
            ranked = np.flatnonzero(rankings[rows, :1].ravel() >= 0)
            if len(ranked):
                ranked = ranked[np.argsort(facts[ranked])]
                kept = [values[ranked] for values in (facts, subjects, objects, rankings[rows])]
                relations[relation] = _Relation(kept[0], kept[1], kept[2], kept[3], np.unique(objects))
        return relations

    def _rankings(self, predictions: pa.Table, uuids: pa.ChunkedArray) -> Numbers:
        """[uuids, places]: the candidates of each fact, best first, filled up with -1."""
        rows = pc.index_in(uuids, value_set=predictions["uuid"].combine_chunks())
        lists = predictions["ranking"].take(rows).combine_chunks()
        named = lists.flatten().dictionary_encode()
        candidates = self._number("object_uri", named.dictionary.to_pylist())[named.indices.to_numpy()]
        lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy()
        table = np.full((len(lengths), max(1, int(lengths.max(initial=0)))), -1, np.int32)
        table[np.arange(table.shape[1]) < lengths[:, None]] = candidates
        return table

    def rank_by_popularity(self) -> dict[str, Numbers]:
        """By relation the objects, most facts first; equally popular ones in the order of hashes.

        A fact counts once, in however many languages it is.
        """
        hashes = np.array([crc32(name.encode()) for name in self._numbers["object_uri"]])
        ranked: dict[str, Numbers] = {}
        for relation, facts in self._facts.items():
            objects, counts = np.unique(np.array(list(facts.values()), np.int32), return_counts=True)
            ranked[relation] = objects[np.lexsort((hashes[objects], -counts))]
        return ranked


@dataclass(frozen=True)
class _Compared:
    """The facts of one relation in two languages.

    facts, subjects: [facts], numbers of `_Reader`; values: [facts, RankC and CONTROLS].
    """

    facts: Numbers
    subjects: Numbers
    values: Values


@dataclass(frozen=True)
class _Ranked:
    """Rankings among some candidates alone, cut off at DEPTH.

    orders: [facts, DEPTH], places among the candidates, best first, filled up with -1. ranks: [facts,
    candidates], 0 where unknown. known: [facts], how many are ranked.
    """

    orders: Numbers
    ranks: Numbers
    known: Numbers

    @classmethod
    def among(cls, rankings: Numbers, candidates: Numbers) -> _Ranked:
        """rankings: [facts, places], filled up with -1. candidates: sorted."""
        position = np.searchsorted(candidates, rankings).clip(max=len(candidates) - 1)
        among = candidates[position] == rankings
        rank = np.cumsum(among, axis=1)
        row, column = np.nonzero(among & (rank <= DEPTH))
        orders = np.full((len(rankings), DEPTH), -1, np.int32)
        ranks = np.zeros((len(rankings), len(candidates)), np.int8)
        orders[row, rank[row, column] - 1] = position[row, column]
        ranks[row, position[row, column]] = rank[row, column]
        return cls(orders, ranks, np.minimum(rank[:, -1], DEPTH))


def _compare(
    a: _Relation, b: _Relation, popularity: Numbers, random: np.random.Generator
) -> _Compared | None:
    """RankC of the common facts of a relation with all controls; None with under two common candidates."""
    candidates = np.intersect1d(a.candidates, b.candidates)
    _, in_a, in_b = np.intersect1d(a.facts, b.facts, return_indices=True)
    if len(candidates) < 2 or not len(in_a):
        return None
    one, other, popular = (
        _Ranked.among(rankings, candidates)
        for rankings in (a.rankings[in_a], b.rankings[in_b], popularity[None, :])
    )
    subjects, objects = a.subjects[in_a], a.objects[in_a]

    def with_partners(same_object: bool) -> Values:
        sums, counts = np.zeros(len(objects)), np.zeros(len(objects))
        for partner in _draw_partners(objects, same_object, random):
            usable = (partner >= 0) & (subjects != subjects[partner])
            depths = np.minimum(one.known, other.known[partner])
            values = rankc(one.orders, other.ranks[partner], depths)
            usable &= ~np.isnan(values)
            sums[usable] += values[usable]
            counts[usable] += 1
        return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)

    observed = rankc(one.orders, other.ranks, np.minimum(one.known, other.known))
    with_popular = [
        rankc(language.orders, np.repeat(popular.ranks, len(objects), axis=0), language.known)
        for language in (one, other)
    ]
    columns = [observed, with_partners(True), with_partners(False), np.mean(with_popular, axis=0)]
    kept = ~np.isnan(observed)
    return _Compared(a.facts[in_a][kept], subjects[kept], np.stack(columns, axis=1)[kept])


def _draw_partners(objects: Numbers, same_object: bool, random: np.random.Generator) -> Numbers:
    """[PARTNERS, facts]: for each fact others of the same object, or of another one; -1 without any."""
    total = len(objects)
    order = np.argsort(objects, kind="stable")
    _, first, size = np.unique(objects[order], return_index=True, return_counts=True)
    start, count = np.repeat(first, size), np.repeat(size, size)
    others = count - 1 if same_object else total - count
    step = random.integers(np.maximum(others, 1), size=(PARTNERS, total))
    place = np.arange(total)
    drawn = start + (place - start + 1 + step) % count if same_object else (start + count + step) % total
    partners = np.empty((PARTNERS, total), np.int64)
    partners[:, order] = np.where(others > 0, order[drawn], -1)
    return partners


def _summarize(parts: Sequence[_Compared], random: np.random.Generator) -> dict[str, Any]:
    """The columns of LANGUAGE_CONSISTENCY beside the languages."""
    subjects = np.concatenate([np.zeros(0, np.int64), *(part.subjects for part in parts)])
    values = np.concatenate([np.zeros((0, 1 + len(CONTROLS))), *(part.values for part in parts)])
    differences = values[:, :1] - values[:, 1:]
    low, high = bootstrap_means(np.hstack([values[:, :1], differences]), subjects, random)
    summary: dict[str, Any] = {
        "facts": len(values),
        "relations": len(parts),
        "rankc": _mean(values[:, 0]),
        "rankc_low": low[0],
        "rankc_high": high[0],
    }
    for number, control in enumerate(CONTROLS):
        compared = differences[:, number]
        summary |= {
            f"{control}_facts": int((~np.isnan(compared)).sum()),
            control: _mean(values[:, 1 + number]),
            f"beyond_{control}": _mean(compared),
            f"beyond_{control}_low": low[1 + number],
            f"beyond_{control}_high": high[1 + number],
        }
    return summary


def _mean(values: Values) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
