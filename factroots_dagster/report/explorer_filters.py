"""What the explorer's list of facts is filtered by: the verdict of every predicted fact in every language."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.roots.corpora import WIKIPEDIA
from factroots_dagster.roots.schema import KNOWN_FROM
from factroots_dagster.roots.verdicts import UNDETERMINED

VERDICTS = (*KNOWN_FROM, UNDETERMINED)
VERDICT_COLUMNS = ("uuid", "language", "verdict", "reason", *KNOWN_FROM)
"""What is read of FACT_VERDICTS."""

UNKNOWN = 255
"""The byte for a verdict or probability that is not known."""

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Filters:
    """A byte per predicted entry, sorted by fact and language, for each thing that facts are filtered by.

    Attributes:
        counts: [facts], how many languages predict a fact.
        language, verdict: [predicted entries], numbers; verdict in VERDICTS.
        probability: [predicted entries], of the verdict, in hundredths, rounded down.
        corpora: [predicted entries], numbers of rows of `corpus_sets`; empty where there is one corpus, or
            where they are found together in more ways than a byte can number.
        corpus_names: the corpora.
        corpus_sets: numbers of corpora that a fact was found in together.
    """

    counts: Bytes
    language: Bytes
    verdict: Bytes
    probability: Bytes
    corpora: Bytes
    corpus_names: list[str]
    corpus_sets: list[list[int]]

    def of_first(self, facts: int) -> dict[str, Any]:
        """What the page's index says of the first facts: bytes in base64."""
        entries = int(self.counts[:facts].sum())
        columns = {
            "entry_counts": self.counts[:facts],
            "entry_language": self.language[:entries],
            "entry_verdict": self.verdict[:entries],
            "entry_probability": self.probability[:entries],
            "entry_corpora": self.corpora[:entries],
        }
        return {
            **{name: base64.b64encode(column.tobytes()).decode("ascii") for name, column in columns.items()},
            "verdicts": list(VERDICTS),
            "corpora": self.corpus_names,
            "corpus_sets": self.corpus_sets,
        }


def find_verdicts(verdicts: pa.Table, language: str, uuids: pa.ChunkedArray) -> dict[str, pa.Array]:
    """The columns verdict, verdict_probability and verdict_reason of facts; null without a verdict.

    verdicts: VERDICT_COLUMNS of FACT_VERDICTS. The probability of an undetermined fact is the highest one.
    """
    own = verdicts.filter(pc.equal(verdicts["language"], language))
    rows = pc.index_in(uuids, value_set=own["uuid"].combine_chunks())
    return {
        "verdict": own["verdict"].take(rows),
        "verdict_probability": pc.max_element_wise(*(own[name] for name in KNOWN_FROM)).take(rows),
        "verdict_reason": own["reason"].take(rows),
    }


def collect_filters(
    entries: pa.Table, facts: pa.Array, languages: Sequence[str], found_in: Mapping[str, pa.Table]
) -> Filters:
    """What the facts of the page are filtered by.

    entries: columns fact, language (both numbers), type, verdict and verdict_probability, sorted by fact and
    language. facts: uuids of the numbered facts. languages: codes of the numbered languages, at most 255.
    found_in: see FactTables.
    """
    predicted = entries.filter(pc.not_equal(entries["type"], "not_predicted"))
    fact = predicted["fact"].to_numpy()
    verdict = pc.index_in(predicted["verdict"], value_set=pa.array(VERDICTS))
    hundredths = pc.floor(pc.multiply(predicted["verdict_probability"], 100 * (1 + 1e-9)))
    names, sets, corpora = _collect_corpora(predicted, facts, languages, found_in)
    return Filters(
        counts=np.bincount(fact, minlength=len(facts)).astype(np.uint8),
        language=predicted["language"].to_numpy().astype(np.uint8),
        verdict=_to_bytes(verdict),
        probability=_to_bytes(hundredths),
        corpora=corpora,
        corpus_names=names,
        corpus_sets=sets,
    )


def find_corpora(sources: pa.Table, matchers: Sequence[str], corpora: Collection[str] | None) -> pa.Table:
    """uuid and corpus of every fact that some of the matchers found in a corpus.

    sources: uuid, corpus, matcher and windows of FACT_SOURCES. corpora: the model's; None for all.
    """
    found = pc.and_(pc.greater(sources["windows"], 0), pc.is_in(sources["matcher"], pa.array(matchers)))
    own = sources.filter(found)
    own = pa.table({"uuid": own["uuid"], "corpus": pc.fill_null(own["corpus"], WIKIPEDIA)})
    return own if corpora is None else own.filter(pc.is_in(own["corpus"], pa.array(sorted(corpora))))


def _to_bytes(values: pa.ChunkedArray) -> Bytes:
    filled: npt.NDArray[np.float64] = pc.fill_null(values, UNKNOWN).to_numpy()
    return filled.astype(np.uint8)


def _collect_corpora(
    predicted: pa.Table, facts: pa.Array, languages: Sequence[str], found_in: Mapping[str, pa.Table]
) -> tuple[list[str], list[list[int]], Bytes]:
    """The corpora, the sets of them in which entries were found, and the number of each entry's set."""
    if not found_in:
        return [], [], np.zeros(0, np.uint8)
    own = {language: found_in[language] for language in languages if language in found_in}
    names = sorted({name for table in own.values() for name in pc.unique(table["corpus"]).to_pylist()})
    masks = np.zeros(predicted.num_rows, np.int64)
    keys = predicted["fact"].to_numpy() * len(languages) + predicted["language"].to_numpy()  # ascending
    for number, language in enumerate(languages):
        for bit, name in enumerate(names) if language in own else ():
            uuids = own[language].filter(pc.equal(own[language]["corpus"], name))["uuid"]
            found = pc.index_in(uuids, value_set=facts).drop_null().to_numpy() * len(languages) + number
            masks[np.isin(keys, found)] |= 1 << bit
    distinct, numbers = np.unique(masks, return_inverse=True)
    if len(distinct) > 256:  # more than a byte can number, which takes nine corpora or more
        return [], [], np.zeros(0, np.uint8)
    sets = [[bit for bit in range(len(names)) if mask >> bit & 1] for mask in distinct.tolist()]
    return names, sets, numbers.astype(np.uint8)
