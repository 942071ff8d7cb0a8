"""For every fact in every language: do other languages represent it as this one does, beyond its object?

One answer per (fact, language) and statistic, where `similarity` gives one per language pair.

- "jaccard" at several k, "signed_jaccard", "standardised_jaccard" and "cosine": the largest over the
  other languages that predict the fact.
- "evidence" (the default of the types): the whitened activations (`whitening`) of the fact in two languages
  are compared by cosine, and the cosine by z-score with what the two facts score with facts of other
  objects. `two_groups` turns the z of a language pair into log odds of sharing. Over the partners B,
  evidence = sum of log(1 + odds_B) = -log P(no partner shares the fact), in nats. The odds of one half of the
  facts come from the model of the other half: a model fitted to a fact's own z, but not to those of its null
  pairings, would find the fact too likely to be shared.

The null of every statistic is what it is for *other* facts with the same object: for f in language L and
g != f of the same relation and object, the same maximum or sum, of L's f and B's g over the languages B
that predict g. Taking it over all languages on both sides pays for having many to choose from, which a
threshold for each pair does not. At most OTHERS facts g are taken for each f, drawn with the seed.

p = (1 + null values >= observed) / (1 + null values). The null of a maximum is that of the language and
relation; with fewer than SUFFICIENT_NULL values that of the relation in all languages, then that of all
relations (fewer than SMALLEST_NULL: no p-value). Assumed: a fact is exchangeable with the object's other
facts, which are predicted in about as many languages. Odds of sharing mean the same in every language pair,
so the null of the evidence comes from all of them, and is matched to the fact that is tested: `matched`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from factroots_dagster.neurons.comparable import Facts
from factroots_dagster.neurons.matched import MatchedNulls
from factroots_dagster.neurons.nulls import SMALLEST_NULL, SUFFICIENT_NULL, benjamini_hochberg, upper_p
from factroots_dagster.neurons.schema import NEAREST_LANGUAGE
from factroots_dagster.neurons.two_groups import TwoGroups

EVIDENCE = "evidence"
OTHERS = 16  # facts of the same object that a fact is paired with for the null
Statistic = tuple[str, int | None]  # name, and the size of its sets of neurons
Floats = npt.NDArray[np.float64]


class Pairings:
    """One language's facts of a relation, paired with themselves and with others of the same object.

    Arrays over the pairings; the first `facts` are those of every fact with itself.
    """

    def __init__(
        self, of: Facts, place: Mapping[str, int], objects: npt.NDArray[Any], random: np.random.Generator
    ) -> None:
        self.facts = len(of.uuids)
        self.uuids = of.uuids
        itself = np.array([place[uuid] for uuid in of.uuids], np.int32)
        firsts, seconds = [np.arange(self.facts, dtype=np.int32)], [itself]
        alike = {uri: np.flatnonzero(objects == uri).astype(np.int32) for uri in np.unique(of.objects)}
        # How many other facts have the object, whether they are paired or not.
        self.others = np.array([len(alike[uri]) - 1 for uri in of.objects], np.int64)
        for fact, uri in enumerate(of.objects):
            others = alike[uri][alike[uri] != itself[fact]]
            if len(others) > OTHERS:
                others = np.sort(random.choice(others, OTHERS, replace=False))
            firsts.append(np.full(len(others), fact, np.int32))
            seconds.append(others)
        self.first, self.second = np.concatenate(firsts), np.concatenate(seconds)
        self.half = (itself % 2)[self.first]  # of the relation's facts: to which the own fact belongs
        self.partners = np.zeros(self.facts, np.int64)
        self.largest: dict[Statistic, npt.NDArray[np.float32]] = {}
        self.evidence = np.full(len(self.first), np.nan)
        self.answers = np.zeros(len(self.first), np.int64)  # languages that the evidence is a sum over
        self.nearest: dict[Statistic, npt.NDArray[Any]] = {}
        self._odds = np.full(self.facts, -np.inf)

    def met(self, columns: npt.NDArray[np.int64], kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """Pairings that another language can answer.

        columns: by place in the relation, the other language's index of the fact or -1; kept: by own fact,
        whether it may be compared with itself there.
        """
        able = columns[self.second] >= 0
        able[: self.facts] &= kept
        return np.flatnonzero(able)

    def enlarge(
        self, statistic: Statistic, other: str, pairings: npt.NDArray[np.int64], values: Floats
    ) -> None:
        """Takes in one statistic's values of these pairings in another language."""
        largest = self.largest.setdefault(statistic, np.full(len(self.first), -np.inf, np.float32))
        nearest = self.nearest.setdefault(statistic, np.full(self.facts, None, object))
        known = values.astype(np.float32)
        higher = known > largest[pairings]  # false where not a number
        largest[pairings[higher]] = known[higher]
        own = pairings[higher & (pairings < self.facts)]
        nearest[own] = other

    def add_odds(self, other: str, pairings: npt.NDArray[np.int64], odds: Floats) -> None:
        """Takes in the log odds of sharing of these pairings in another language."""
        held = self.evidence[pairings]
        self.evidence[pairings] = np.where(np.isnan(held), 0.0, held) + np.logaddexp(0, odds)
        self.answers[pairings] += 1
        nearest = self.nearest.setdefault((EVIDENCE, None), np.full(self.facts, None, object))
        own = pairings < self.facts
        index, own_odds = pairings[own], odds[own]
        higher = own_odds > self._odds[index]
        self._odds[index[higher]] = own_odds[higher]
        nearest[index[higher]] = other

    def values(self, statistic: Statistic) -> Floats:
        """The statistic of all pairings; NaN where no language answers."""
        if statistic[0] == EVIDENCE:
            return self.evidence
        found = self.largest.get(statistic)
        if found is None:
            return np.full(len(self.first), np.nan)
        return np.where(np.isfinite(found), found, np.nan).astype(np.float64)


class NearestInRelation:
    """The pairings of a relation's facts in all languages, filled language pair by language pair."""

    def __init__(self, relation: str, facts: Mapping[str, Facts], random: np.random.Generator):
        self.relation = relation
        told = {uuid: uri for of in facts.values() for uuid, uri in zip(of.uuids, of.objects, strict=True)}
        uuids = sorted(told)
        place = {uuid: index for index, uuid in enumerate(uuids)}
        objects = np.array([told[uuid] for uuid in uuids])
        self.pairings = {
            language: Pairings(of, place, objects, random) for language, of in sorted(facts.items())
        }
        self.columns = {}
        for language, of in facts.items():
            self.columns[language] = np.full(len(uuids), -1, np.int64)
            self.columns[language][[place[uuid] for uuid in of.uuids]] = np.arange(len(of.uuids))
        # By language pair: pairings of the first and of the second language, and their z.
        self.z: dict[tuple[str, str], list[tuple[str, str, npt.NDArray[np.int64], Floats]]] = {}

    def add(
        self,
        a: str,
        b: str,
        values: Mapping[Statistic, Floats],
        z: Floats,
        own: tuple[npt.NDArray[np.int64], ...],
        identical: npt.NDArray[np.bool_],
    ) -> None:
        """One language pair.

        values, z: [facts of a, facts of b], z of the whitened cosine. own, identical: indices of the
        facts that both have, and which of these have the same input text in both.
        """
        for language, other, own_rows, turned in ((a, b, own[0], False), (b, a, own[1], True)):
            pairings = self.pairings[language]
            kept = np.zeros(pairings.facts, bool)
            kept[own_rows[~identical]] = True
            pairings.partners += kept
            met = pairings.met(self.columns[other], kept)
            rows, columns = pairings.first[met], self.columns[other][pairings.second[met]]
            at = (columns, rows) if turned else (rows, columns)
            for statistic, matrix in values.items():
                pairings.enlarge(statistic, other, met, matrix[at])
            known = np.isfinite(z[at])
            self.z.setdefault((a, b), []).append((language, other, met[known], z[at][known]))


@dataclass
class Nearest:
    """All relations' pairings, and the table that is made of them."""

    relations: list[NearestInRelation] = field(default_factory=list)

    def take(self, relation: NearestInRelation) -> None:
        """Keeps a relation whose language pairs have all been added."""
        self.relations.append(relation)

    def table(self) -> pa.Table:
        """NEAREST_LANGUAGE, sorted by language, relation, uuid, and by statistic as they were given."""
        self._weigh()
        statistics: dict[Statistic, None] = {}
        for relation in self.relations:
            for pairings in relation.pairings.values():
                statistics |= dict.fromkeys(pairings.largest)
        columns = [self._columns(statistic) for statistic in [*statistics, (EVIDENCE, None)]]
        merged = {name: np.concatenate([part[name] for part in columns]) for name in columns[0]}
        number = np.repeat(np.arange(len(columns)), [len(part["uuid"]) for part in columns])
        order = np.lexsort((number, *(merged[name] for name in ("uuid", "relation", "language"))))
        return pa.table(
            [pa.array(merged[field.name][order], field.type, from_pandas=True) for field in NEAREST_LANGUAGE],
            schema=NEAREST_LANGUAGE,
        )

    def _weigh(self) -> None:
        """Fits every language pair's two groups, half of the facts for the other half; adds up evidence."""
        for pair in sorted({pair for relation in self.relations for pair in relation.z}):
            parts = [
                (relation.pairings[language], other, met, z)
                for relation in self.relations
                for language, other, met, z in relation.z.get(pair, ())
            ]
            null = np.concatenate([z[met >= pairings.facts] for pairings, _, met, z in parts])
            if len(null) < SMALLEST_NULL:
                continue
            # Either language has the facts' pairings with themselves: one counts them.
            own = [
                (z[met < pairings.facts], pairings.half[met[met < pairings.facts]])
                for pairings, other, met, z in parts
                if other == pair[1]
            ]
            values, halves = (np.concatenate(column) for column in zip(*own, strict=True))
            for half in (0, 1):
                model = TwoGroups.fit(values[halves != half], null)
                if model is not None:
                    for pairings, other, met, z in parts:
                        of_half = pairings.half[met] == half
                        pairings.add_odds(other, met[of_half], model.log_odds(z[of_half]))

    def _compared(self) -> Iterator[tuple[str, str, Pairings]]:
        for relation in self.relations:
            for language, pairings in relation.pairings.items():
                yield relation.relation, language, pairings

    def _columns(self, statistic: Statistic) -> dict[str, npt.NDArray[Any]]:
        """Columns of NEAREST_LANGUAGE for one statistic."""
        values = [(*cell, cell[2].values(statistic)) for cell in self._compared()]
        nulls = {(relation, language): _known(v[p.facts :]) for relation, language, p, v in values}
        pools = _Pools(nulls)
        matched = self._matched() if statistic[0] == EVIDENCE else None
        parts: list[dict[str, Any]] = []
        for relation, language, pairings, value in values:
            met = np.flatnonzero(pairings.partners)
            observed = value[met]
            if matched is None:
                tested = _tested(observed, pools.of(relation, language))
            else:
                tested = matched.tested(observed, pairings.answers[met], pairings.others[met])
            names = pairings.nearest.get(statistic, np.full(pairings.facts, None, object))[met]
            parts.append(
                {
                    "uuid": np.array(pairings.uuids, object)[met],
                    "language": np.full(len(met), language, object),
                    "relation": np.full(len(met), relation, object),
                    "statistic": np.full(len(met), statistic[0], object),
                    "k": np.full(len(met), np.nan if statistic[1] is None else statistic[1]),
                    "partners": pairings.partners[met],
                    "nearest_language": names,
                    "similarity": observed,
                }
                | tested
            )
        columns = [name for name in NEAREST_LANGUAGE.names if name != "q_value"]
        empty: dict[str, Any] = {name: np.empty(0, object) for name in columns}
        merged = {name: np.concatenate([part[name] for part in parts or [empty]]) for name in columns}
        return merged | {"q_value": benjamini_hochberg(merged["p_value"].astype(np.float64))}

    def _matched(self) -> MatchedNulls:
        """The null of the evidence, in which every fact of a language weighs 1 in all its pairings."""
        columns = [(np.empty(0), np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64))]
        for _, _, pairings in self._compared():
            null = np.flatnonzero(np.isfinite(pairings.evidence))
            null = null[null >= pairings.facts]
            fact = pairings.first[null]
            weights = 1 / np.bincount(fact, minlength=pairings.facts)[fact]
            columns.append((pairings.evidence[null], weights, pairings.answers[null], pairings.others[fact]))
        values, weights, languages, others = (np.concatenate(parts) for parts in zip(*columns, strict=True))
        return MatchedNulls(values, weights, languages, others)


def _tested(observed: Floats, pool: Floats) -> dict[str, npt.NDArray[Any]]:
    """The columns null_q90, null_q95, pairings and p_value against one null."""
    q90, q95 = np.quantile(pool, [0.9, 0.95]) if len(pool) else (np.nan, np.nan)
    enough = len(pool) >= SMALLEST_NULL
    return {
        "null_q90": np.full(len(observed), q90),
        "null_q95": np.full(len(observed), q95),
        "pairings": np.full(len(observed), len(pool)),
        "p_value": upper_p(observed, pool) if enough else np.full(len(observed), np.nan),
    }


def _known(values: Floats) -> Floats:
    return np.sort(values[np.isfinite(values)])


class _Pools:
    """The smallest null that is large enough for a relation and language; each is sorted once."""

    def __init__(self, nulls: Mapping[tuple[str, str], Floats]) -> None:
        self.nulls = nulls
        self.relations = {
            relation: _joined([null for (name, _), null in nulls.items() if name == relation])
            for relation in {name for name, _ in nulls}
        }
        self.all = _joined(list(nulls.values()))

    def of(self, relation: str, language: str) -> Floats:
        for pool in (self.nulls[relation, language], self.relations[relation]):
            if len(pool) >= SUFFICIENT_NULL:
                return pool
        return self.all


def _joined(parts: Sequence[Floats]) -> Floats:
    return np.sort(np.concatenate(parts)) if parts else np.empty(0)
