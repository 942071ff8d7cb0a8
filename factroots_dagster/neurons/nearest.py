"""For every fact in every language: do other languages represent it as this one does, beyond its object?

One answer per (fact, language) and statistic, where `similarity` gives one per language pair.

- Statistics of pairs of languages ("jaccard" at several k, "cosine", ...: those of `statistics.STATISTICS`
  with `by_language`): the largest value over the other languages that predict the fact.
- "evidence" (the default of the types): the whitened activations (`whitening`) of the fact in two languages
  are compared by cosine, and the cosine is turned into a z-score against what the two facts score with facts
  of other objects. `two_groups` turns the z of a language pair into log odds of sharing. Over the partners B,
  evidence = sum of log(1 + odds_B) = -log P(no partner shares the fact), in nats. The odds of one half of the
  facts come from the model of the other half: a model fitted to a fact's own z, but not to those of its null
  pairings, would find the fact too likely to be shared.

The null of every statistic is its value for *other* facts with the same object: for f in language L and
g != f of the same relation and object, the same maximum or sum, of L's f and B's g over the languages B
that predict g. Taking it over all languages on both sides accounts for having many to choose from, which a
threshold for each pair does not. At most NULL_FACTS facts g are used for each f, drawn with the seed.

p = (1 + null values >= observed) / (1 + null values). The null of a maximum is that of the language and
relation; with fewer than SUFFICIENT_NULL values that of the relation in all languages, then that of all
relations (fewer than SMALLEST_NULL: no p-value). Assumed: a fact is exchangeable with the object's other
facts, which are predicted in about as many languages. Odds of sharing mean the same in every language pair,
so the null of the evidence comes from all of them, and is matched to the tested fact: `nulls.MatchedNulls`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from factroots_dagster.neurons.comparable import RelationFacts
from factroots_dagster.neurons.nulls import SMALLEST_NULL, SUFFICIENT_NULL, MatchedNulls, upper_p
from factroots_dagster.neurons.schema import NEAREST_LANGUAGE
from factroots_dagster.neurons.statistics import EVIDENCE
from factroots_dagster.neurons.two_groups import TwoGroups
from factroots_dagster.stats.multiple_testing import benjamini_hochberg

NULL_FACTS = 16
"""Facts with the same object that a fact is paired with for the null."""

StatisticAtK = tuple[str, int | None]
"""A statistic's name and the size of its sets of neurons."""

Floats = npt.NDArray[np.float64]


class Pairings:
    """One language's facts of a relation, each paired with itself and with others that have the same object.

    Arrays over the pairings; the first `facts` are those of every fact with itself.
    """

    def __init__(
        self,
        facts: RelationFacts,
        index_of: Mapping[str, int],
        objects: npt.NDArray[Any],
        random: np.random.Generator,
        *,
        null_facts: int = NULL_FACTS,
    ) -> None:
        """index_of, objects: index and object of every fact of the relation, in any language."""
        self.facts = len(facts.uuids)
        self.uuids = facts.uuids
        itself = np.array([index_of[uuid] for uuid in facts.uuids], np.int32)
        firsts, seconds = [np.arange(self.facts, dtype=np.int32)], [itself]
        with_object = {
            uri: np.flatnonzero(objects == uri).astype(np.int32) for uri in np.unique(facts.objects)
        }
        # How many other facts have the object, whether they are paired or not.
        self.others = np.array([len(with_object[uri]) - 1 for uri in facts.objects], np.int64)
        for fact, uri in enumerate(facts.objects):
            others = with_object[uri][with_object[uri] != itself[fact]]
            if len(others) > null_facts:
                others = np.sort(random.choice(others, null_facts, replace=False))
            firsts.append(np.full(len(others), fact, np.int32))
            seconds.append(others)
        self.first, self.second = np.concatenate(firsts), np.concatenate(seconds)
        # Of the relation's facts: the half to which the pairing's own fact belongs.
        self.half = (itself % 2)[self.first]
        self.partners = np.zeros(self.facts, np.int64)
        self.largest: dict[StatisticAtK, npt.NDArray[np.float32]] = {}
        self.evidence = np.full(len(self.first), np.nan)
        # Number of languages that the evidence is a sum over.
        self.languages = np.zeros(len(self.first), np.int64)
        self.nearest: dict[StatisticAtK, npt.NDArray[Any]] = {}
        self._largest_odds = np.full(self.facts, -np.inf)

    def answerable(
        self, columns: npt.NDArray[np.int64], comparable: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.int64]:
        """Pairings whose second fact another language predicts.

        columns: by fact of the relation, its index in the other language or -1; comparable: by own fact,
        whether it may be compared with itself there.
        """
        able = columns[self.second] >= 0
        able[: self.facts] &= comparable
        return np.flatnonzero(able)

    def update_maximum(
        self, statistic: StatisticAtK, language: str, pairings: npt.NDArray[np.int64], values: Floats
    ) -> None:
        """Updates the largest values with those of these pairings in another language."""
        largest = self.largest.setdefault(statistic, np.full(len(self.first), -np.inf, np.float32))
        nearest = self.nearest.setdefault(statistic, np.full(self.facts, None, object))
        candidates = values.astype(np.float32)
        higher = candidates > largest[pairings]  # false for NaN
        largest[pairings[higher]] = candidates[higher]
        nearest[pairings[higher & (pairings < self.facts)]] = language

    def add_odds(self, language: str, pairings: npt.NDArray[np.int64], log_odds: Floats) -> None:
        """Adds the log odds of sharing of these pairings in another language to the evidence."""
        evidence = self.evidence[pairings]
        self.evidence[pairings] = np.where(np.isnan(evidence), 0.0, evidence) + np.logaddexp(0, log_odds)
        self.languages[pairings] += 1
        nearest = self.nearest.setdefault((EVIDENCE, None), np.full(self.facts, None, object))
        own = pairings < self.facts
        facts, own_odds = pairings[own], log_odds[own]
        higher = own_odds > self._largest_odds[facts]
        self._largest_odds[facts[higher]] = own_odds[higher]
        nearest[facts[higher]] = language

    def values(self, statistic: StatisticAtK) -> Floats:
        """The statistic of all pairings; NaN where no language can answer."""
        if statistic[0] == EVIDENCE:
            return self.evidence
        largest = self.largest.get(statistic)
        if largest is None:
            return np.full(len(self.first), np.nan)
        return np.where(np.isfinite(largest), largest, np.nan).astype(np.float64)


@dataclass(frozen=True)
class _ZScores:
    """z of the whitened cosine of one language's pairings in another language."""

    language: str
    other: str
    pairings: npt.NDArray[np.int64]
    z: Floats


class NearestInRelation:
    """The pairings of a relation's facts in all languages, updated language pair by language pair."""

    def __init__(
        self,
        relation: str,
        facts: Mapping[str, RelationFacts],
        random: np.random.Generator,
        *,
        null_facts: int = NULL_FACTS,
    ) -> None:
        """facts: by language. random: draws null_facts facts where more have the same object."""
        self.relation = relation
        object_of = {
            uuid: uri for own in facts.values() for uuid, uri in zip(own.uuids, own.objects, strict=True)
        }
        uuids = sorted(object_of)
        index_of = {uuid: index for index, uuid in enumerate(uuids)}
        objects = np.array([object_of[uuid] for uuid in uuids])
        self.pairings = {
            language: Pairings(own, index_of, objects, random, null_facts=null_facts)
            for language, own in sorted(facts.items())
        }
        # By language: of every fact of the relation, the index among the language's own or -1.
        self.columns = {}
        for language, own in facts.items():
            self.columns[language] = np.full(len(uuids), -1, np.int64)
            self.columns[language][[index_of[uuid] for uuid in own.uuids]] = np.arange(len(own.uuids))
        self.z_scores: dict[tuple[str, str], list[_ZScores]] = {}

    def add(
        self,
        a: str,
        b: str,
        values: Mapping[StatisticAtK, Floats],
        z: Floats,
        shared: tuple[npt.NDArray[np.int64], ...],
        identical: npt.NDArray[np.bool_],
    ) -> None:
        """Adds one language pair.

        values, z: [facts of a, facts of b]; z: of the whitened cosine. shared, identical: indices of the
        facts that both predict, and which of these have the same input text in both.
        """
        for language, other, own_rows, transposed in ((a, b, shared[0], False), (b, a, shared[1], True)):
            pairings = self.pairings[language]
            comparable = np.zeros(pairings.facts, bool)
            comparable[own_rows[~identical]] = True
            pairings.partners += comparable
            answerable = pairings.answerable(self.columns[other], comparable)
            rows, columns = pairings.first[answerable], self.columns[other][pairings.second[answerable]]
            entries = (columns, rows) if transposed else (rows, columns)
            for statistic, matrix in values.items():
                pairings.update_maximum(statistic, other, answerable, matrix[entries])
            known = np.isfinite(z[entries])
            self.z_scores.setdefault((a, b), []).append(
                _ZScores(language, other, answerable[known], z[entries][known])
            )


@dataclass
class Nearest:
    """All relations' pairings, of all pairs of languages, and the table that is made from them."""

    relations: list[NearestInRelation]

    def table(self) -> pa.Table:
        """NEAREST_LANGUAGE, by language, relation, uuid, and statistic in the order of `statistics`."""
        self._add_evidence()
        statistics: dict[StatisticAtK, None] = {}
        for relation in self.relations:
            for pairings in relation.pairings.values():
                statistics |= dict.fromkeys(pairings.largest)
        columns = [self._columns(statistic) for statistic in [*statistics, (EVIDENCE, None)]]
        merged = {name: np.concatenate([part[name] for part in columns]) for name in columns[0]}
        number = np.repeat(np.arange(len(columns)), [len(part["uuid"]) for part in columns])
        order = np.lexsort((number, *(merged[name] for name in ("uuid", "relation", "language"))))
        return pa.table(
            [
                pa.array(merged[column.name][order], column.type, from_pandas=True)
                for column in NEAREST_LANGUAGE
            ],
            schema=NEAREST_LANGUAGE,
        )

    def _add_evidence(self) -> None:
        """Fits every language pair's two groups to one half of the facts and applies them to the other."""
        for pair in sorted({pair for relation in self.relations for pair in relation.z_scores}):
            parts = [
                (relation.pairings[scores.language], scores)
                for relation in self.relations
                for scores in relation.z_scores.get(pair, ())
            ]
            null = np.concatenate([scores.z[scores.pairings >= own.facts] for own, scores in parts])
            if len(null) < SMALLEST_NULL:
                continue
            # Both languages have the pairings of facts with themselves: those of the first are used.
            itself = [
                (scores.z[mine], own.half[scores.pairings[mine]])
                for own, scores in parts
                if scores.other == pair[1]
                for mine in [scores.pairings < own.facts]
            ]
            values, halves = (np.concatenate(column) for column in zip(*itself, strict=True))
            for half in (0, 1):
                model = TwoGroups.fit(values[halves != half], null)
                if model is not None:
                    for own, scores in parts:
                        chosen = own.half[scores.pairings] == half
                        own.add_odds(scores.other, scores.pairings[chosen], model.log_odds(scores.z[chosen]))

    def _cells(self) -> Iterator[tuple[str, str, Pairings]]:
        """Relation, language and their pairings."""
        for relation in self.relations:
            for language, pairings in relation.pairings.items():
                yield relation.relation, language, pairings

    def _columns(self, statistic: StatisticAtK) -> dict[str, npt.NDArray[Any]]:
        """Columns of NEAREST_LANGUAGE for one statistic."""
        cells = [(*cell, cell[2].values(statistic)) for cell in self._cells()]
        nulls = {
            (relation, language): _sorted_finite(values[pairings.facts :])
            for relation, language, pairings, values in cells
        }
        pooled = _PooledNulls(nulls)
        matched = self._matched_nulls() if statistic[0] == EVIDENCE else None
        parts: list[dict[str, Any]] = []
        for relation, language, pairings, values in cells:
            facts = np.flatnonzero(pairings.partners)
            observed = values[facts]
            if matched is None:
                test = _test(observed, pooled.null(relation, language))
            else:
                test = matched.test(observed, pairings.languages[facts], pairings.others[facts])
            names = pairings.nearest.get(statistic, np.full(pairings.facts, None, object))[facts]
            parts.append(
                {
                    "uuid": np.array(pairings.uuids, object)[facts],
                    "language": np.full(len(facts), language, object),
                    "relation": np.full(len(facts), relation, object),
                    "statistic": np.full(len(facts), statistic[0], object),
                    "k": np.full(len(facts), np.nan if statistic[1] is None else statistic[1]),
                    "partners": pairings.partners[facts],
                    "nearest_language": names,
                    "similarity": observed,
                }
                | test
            )
        columns = [name for name in NEAREST_LANGUAGE.names if name != "q_value"]
        empty: dict[str, Any] = {name: np.empty(0, object) for name in columns}
        merged = {name: np.concatenate([part[name] for part in parts or [empty]]) for name in columns}
        return merged | {"q_value": benjamini_hochberg(merged["p_value"].astype(np.float64))}

    def _matched_nulls(self) -> MatchedNulls:
        """The null of the evidence, in which every fact of a language has weight 1 in all its pairings."""
        columns = [(np.empty(0), np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64))]
        for _, _, pairings in self._cells():
            null = np.flatnonzero(np.isfinite(pairings.evidence))
            null = null[null >= pairings.facts]
            fact = pairings.first[null]
            weights = 1 / np.bincount(fact, minlength=pairings.facts)[fact]
            columns.append(
                (pairings.evidence[null], weights, pairings.languages[null], pairings.others[fact])
            )
        values, weights, languages, others = (np.concatenate(parts) for parts in zip(*columns, strict=True))
        return MatchedNulls(values, weights, languages, others)


def _test(observed: Floats, null: Floats) -> dict[str, npt.NDArray[Any]]:
    """The columns null_q90, null_q95, pairings and p_value against one null."""
    q90, q95 = np.quantile(null, [0.9, 0.95]) if len(null) else (np.nan, np.nan)
    enough = len(null) >= SMALLEST_NULL
    return {
        "null_q90": np.full(len(observed), q90),
        "null_q95": np.full(len(observed), q95),
        "pairings": np.full(len(observed), len(null)),
        "p_value": upper_p(observed, null) if enough else np.full(len(observed), np.nan),
    }


def _sorted_finite(values: Floats) -> Floats:
    return np.sort(values[np.isfinite(values)])


class _PooledNulls:
    """The smallest null that is large enough for a relation and language; each is sorted once."""

    def __init__(self, nulls: Mapping[tuple[str, str], Floats]) -> None:
        self.nulls = nulls
        self.relations = {
            relation: _merged([null for (name, _), null in nulls.items() if name == relation])
            for relation in {name for name, _ in nulls}
        }
        self.all = _merged(list(nulls.values()))

    def null(self, relation: str, language: str) -> Floats:
        for null in (self.nulls[relation, language], self.relations[relation]):
            if len(null) >= SUFFICIENT_NULL:
                return null
        return self.all


def _merged(parts: Sequence[Floats]) -> Floats:
    return np.sort(np.concatenate(parts)) if parts else np.empty(0)
