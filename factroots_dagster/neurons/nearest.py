"""For every fact in every language: whose neurons come nearest, and is that more than the object explains?

One answer per (fact, language), where `similarity` gives one per language pair. The statistic is the largest
cosine of centred activations over the other languages that predict the fact. Its null are the same maxima
of *other* facts with the same object: for f in language L and g != f of the same relation and object, the
largest cosine of L's f and B's g over the languages B that predict g. Taking the maximum on both sides pays
for having many languages to choose from, which a threshold or a p-value for each pair does not.

p = (1 + null maxima >= observed) / (1 + null maxima). The null is that of the language and relation; with
fewer than SUFFICIENT_NULL maxima that of the relation in all languages, then that of all relations (fewer
than SMALLEST_NULL: no p-value). Assumed: a fact's maxima are exchangeable with those of the object's other
facts, which are predicted in about as many languages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from factroots_dagster.neurons.comparable import Facts
from factroots_dagster.neurons.nulls import SMALLEST_NULL, SUFFICIENT_NULL, benjamini_hochberg, upper_p
from factroots_dagster.neurons.schema import NEAREST_LANGUAGE


class NearestInRelation:
    """The largest cosine of each fact of each language to each fact of the other languages, pair by pair."""

    def __init__(self, relation: str, facts: Mapping[str, Facts]):
        self.relation, self.facts = relation, facts
        uuids = sorted({uuid for of in facts.values() for uuid in of.uuids})
        self.place = {uuid: index for index, uuid in enumerate(uuids)}
        # [facts of the language, facts of the relation]; -inf where no other language has the second.
        self.largest = {
            language: np.full((len(of.uuids), len(uuids)), -np.inf, np.float32)
            for language, of in facts.items()
        }
        self.own = {language: np.full(len(of.uuids), -np.inf) for language, of in facts.items()}
        self.partners = {language: np.zeros(len(of.uuids), np.int64) for language, of in facts.items()}
        self.nearest = {language: np.full(len(of.uuids), "", object) for language, of in facts.items()}
        told = {uuid: uri for of in facts.values() for uuid, uri in zip(of.uuids, of.objects, strict=True)}
        self.objects = np.array([told[uuid] for uuid in uuids])

    def add(
        self,
        a: str,
        b: str,
        cosine: npt.NDArray[np.float64],
        own: tuple[npt.NDArray[np.int64], ...],
        identical: npt.NDArray[np.bool_],
    ) -> None:
        """One language pair: cosine [facts of a, facts of b]; own, the indices of what both have."""
        known = np.where(np.isnan(cosine), -np.inf, cosine)
        for language, other, values, rows, columns in (
            (a, b, known, own[0], own[1]),
            (b, a, known.T, own[1], own[0]),
        ):
            at = np.array([self.place[uuid] for uuid in self.facts[other].uuids])
            self.largest[language][:, at] = np.maximum(self.largest[language][:, at], values)
            met, to = rows[~identical], columns[~identical]
            self.partners[language][met] += 1
            nearer = values[met, to] > self.own[language][met]
            self.own[language][met[nearer]] = values[met, to][nearer]
            self.nearest[language][met[nearer]] = other

    def null(self, language: str) -> npt.NDArray[np.float64]:
        """Maxima of the pairings of one language's facts with other facts of the same object, sorted."""
        facts = self.facts[language]
        same = facts.objects[:, None] == self.objects[None]
        same[np.arange(len(same)), [self.place[uuid] for uuid in facts.uuids]] = False
        found = self.largest[language][same].astype(np.float64)
        return np.sort(found[np.isfinite(found)])


@dataclass
class Nearest:
    """All relations' answers and nulls, and the table that is made of them."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    nulls: dict[tuple[str, str], npt.NDArray[np.float64]] = field(default_factory=dict)

    def take(self, relation: NearestInRelation) -> None:
        """Keeps what the table needs of a relation, whose language pairs have all been added."""
        for language, facts in relation.facts.items():
            self.nulls[relation.relation, language] = relation.null(language)
            for index in np.flatnonzero(relation.partners[language]):
                cosine = relation.own[language][index]
                self.rows.append(
                    {
                        "uuid": facts.uuids[index],
                        "language": language,
                        "relation": relation.relation,
                        "partners": int(relation.partners[language][index]),
                        "nearest_language": relation.nearest[language][index] or None,
                        "cosine": float(cosine) if np.isfinite(cosine) else None,
                    }
                )

    def table(self) -> pa.Table:
        """NEAREST_LANGUAGE, sorted by language, relation, uuid."""
        pools = _Pools(self.nulls)
        self.rows.sort(key=lambda row: (row["language"], row["relation"], row["uuid"]))
        p = np.full(len(self.rows), np.nan)
        for index, row in enumerate(self.rows):
            pool = pools.of(row["relation"], row["language"])
            row["pairings"] = len(pool)
            row["null_q90"] = float(np.quantile(pool, 0.9)) if len(pool) else None
            if row["cosine"] is not None and len(pool) >= SMALLEST_NULL:
                p[index] = upper_p(np.array([row["cosine"]]), pool)[0]
        q = benjamini_hochberg(p)
        for row, p_value, q_value in zip(self.rows, p, q, strict=True):
            row["p_value"] = None if np.isnan(p_value) else float(p_value)
            row["q_value"] = None if np.isnan(q_value) else float(q_value)
        return pa.Table.from_pylist(self.rows, schema=NEAREST_LANGUAGE)


class _Pools:
    """The smallest null that is large enough for a relation and language; each is sorted once."""

    def __init__(self, nulls: Mapping[tuple[str, str], npt.NDArray[np.float64]]):
        self.nulls = nulls
        self.relations = {
            relation: np.sort(np.concatenate([null for (name, _), null in nulls.items() if name == relation]))
            for relation in {name for name, _ in nulls}
        }
        self.all = np.sort(np.concatenate(list(nulls.values()))) if nulls else np.empty(0)

    def of(self, relation: str, language: str) -> npt.NDArray[np.float64]:
        for pool in (self.nulls[relation, language], self.relations[relation]):
            if len(pool) >= SUFFICIENT_NULL:
                return pool
        return self.all
