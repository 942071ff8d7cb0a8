"""The facts that a reader can look up in the page: which ones, in which order, and how they are packed.

The page must stay light, so it holds the facts that the model predicts in at least one language, those
known in most languages first, until the budget is spent; then sentences of evidence, those of predicted
facts first. What did not fit is counted and told in the page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.report.packing import encoded, packed
from factroots_dagster.roots.schema import TYPES

BUDGET = 21_000_000
"""Characters of packed data in a page: with figures and tables it stays below 25 MB."""

SHARD_FACTS = 256
"""Facts that are unpacked together when one of them is picked."""

LONGEST_SENTENCE = 400
STATISTIC = "cosine"
SIMILARITY_COLUMNS = ("uuid", "language_a", "language_b", STATISTIC)
"""What is read of NEURON_SIMILARITY."""
SIDES = ("subject", "object")

Decode = Callable[[Sequence[Sequence[int]]], Sequence[str]]


@dataclass(frozen=True)
class FactTables:
    """What the explorer shows, by language; `predictions` and `sources` may load each when asked.

    `similarity` holds the SIMILARITY_COLUMNS of NEURON_SIMILARITY; `decode` turns lists of
    token ids into texts; `articles` is how many articles were searched, where known; `links` is whether
    the wikis exist.
    """

    types: pa.Table
    splits: Mapping[str, pa.Table]
    predictions: Mapping[str, pa.Table]
    sources: Mapping[str, pa.Table]
    similarity: pa.Table
    decode: Decode
    articles: Mapping[str, int]
    links: bool


@dataclass(frozen=True)
class Explorer:
    """Packed blocks by element id, and what the page says about them."""

    blocks: Mapping[str, str]
    facts: int  # in the page
    predicted_facts: int  # predicted in at least one language
    all_facts: int
    cells: int  # rows, a fact in a language, in the page
    sentences: int
    sentences_left_out: int

    @property
    def characters(self) -> int:
        return sum(map(len, self.blocks.values()))


def explorer(
    tables: FactTables, languages: Sequence[str], names: Mapping[str, str], *, budget: int = BUDGET
) -> Explorer | None:
    """The packed facts of a page; None when no fact is predicted.

    Args:
        tables: of the languages that have types.
        languages: all languages in the order in which the page shows them.
        names: names that stand beside the codes.
        budget: characters of all blocks together. The index, which every search needs, comes first and
            is part of it.
    """
    known = set(tables.types["language"].to_pylist())
    shown = [language for language in languages if language in known]
    facts = chosen_facts(tables.types)
    if not len(facts):
        return None
    cells = _cells(tables, shown, facts)
    entities = _names(cells, len(facts), shown)
    cells = cells.append_column("subject_name", pa.array(entities.subject_name))
    cells = cells.append_column("object_name", pa.array(entities.object_name))
    index = packed(_index(cells, facts, shown, names, tables, entities))
    spent = len(index)
    starts = np.searchsorted(cells["fact"].to_numpy(), np.arange(0, len(facts), SHARD_FACTS))
    ends = [*starts[1:].tolist(), cells.num_rows]
    pairs = _similarities(tables, shown, facts)
    blocks: dict[str, str] = {}
    for number, (start, end) in enumerate(zip(starts.tolist(), ends, strict=True)):
        block = packed(_shard(cells.slice(start, end - start), number * SHARD_FACTS, pairs))
        if spent + len(block) > budget and blocks:
            break
        spent += len(block)
        blocks[f"facts-{number}"] = block
    kept = facts.slice(0, len(blocks) * SHARD_FACTS)
    if len(kept) < len(facts):
        # Fewer facts can be picked, so the index is made again for those alone.
        cells = cells.slice(0, ends[len(blocks) - 1])
        spent -= len(index)
        index = packed(_index(cells, kept, shown, names, tables, entities))
        spent += len(index)
    sentences = left_out = 0
    for name, evidence, count in _evidence(cells, starts, tables, shown, facts):
        if spent + len(evidence) > budget:
            left_out += count
            continue
        spent += len(evidence)
        sentences += count
        blocks[name] = evidence
    return Explorer(
        blocks={"facts-index": index, **blocks},
        facts=len(kept),
        predicted_facts=len(facts),
        all_facts=len(pc.unique(tables.types["uuid"])),
        cells=cells.num_rows,
        sentences=sentences,
        sentences_left_out=left_out,
    )


def chosen_facts(types: pa.Table) -> pa.Array:
    """uuids of the facts predicted in at least one language: in most languages first, then by uuid."""
    hit = types.filter(pc.not_equal(types["type"], "not_predicted"))
    counted = hit.group_by("uuid").aggregate([("uuid", "count")])
    ordered = counted.sort_by([("uuid_count", "descending"), ("uuid", "ascending")])
    return ordered["uuid"].combine_chunks()


def _cells(tables: FactTables, languages: Sequence[str], facts: pa.Array) -> pa.Table:
    """A row per fact and language, sorted by fact and language (both as numbers)."""
    parts = []
    for number, language in enumerate(languages):
        own = tables.types.filter(pc.equal(tables.types["language"], language))
        place = pc.index_in(own["uuid"], value_set=facts)
        own = own.filter(pc.is_valid(place))
        split = _rows_of(tables.splits[language], own["uuid"])
        asked = _rows_of(tables.predictions[language], own["uuid"])
        parts.append(
            pa.table(
                {
                    "fact": place.drop_null(),
                    "language": pa.array(np.full(own.num_rows, number, np.int32)),
                    "relation": own["relation"],
                    "template": split["template"],
                    "subject": split["subject"],
                    "object": split["object"],
                    "subject_uri": split["subject_uri"],
                    "object_uri": split["object_uri"],
                    "prediction": _texts(asked, tables.decode),
                    "probability": pc.exp(asked["object_logprob"]),
                    "type": own["type"],
                    "reason": own["reason"],
                    "matcher": own["matcher"],
                    "windows": own["windows"],
                }
            )
        )
    return pa.concat_tables(parts).sort_by([("fact", "ascending"), ("language", "ascending")])


def _rows_of(table: pa.Table, uuids: pa.ChunkedArray) -> pa.Table:
    """The rows of the facts, in their order."""
    return table.take(pc.index_in(uuids, value_set=table["uuid"].combine_chunks()))


def _texts(predictions: pa.Table, decode: Decode) -> pa.Array:
    """What the model wrote for each row: at the mask count that matched, else at the object's own."""
    columns = (predictions[name].to_pylist() for name in ("predicted_ids", "matched_mask_count"))
    wanted = []
    for runs, matched, ids in zip(*columns, predictions["object_ids"].to_pylist(), strict=True):
        count = matched or len(ids)
        own = runs[count - 1] if runs and 0 < count <= len(runs) else None
        wanted.append(tuple(own or next((run for run in runs or () if run), ())))
    distinct = sorted(set(wanted) - {()})
    # transformers decodes no runs at all to one empty text
    texts = dict(zip(distinct, decode(distinct), strict=True)) if distinct else {}
    return pa.array([texts.get(ids) for ids in wanted], pa.string())


def _similarities(
    tables: FactTables, languages: Sequence[str], facts: pa.Array
) -> Callable[[int], dict[tuple[int, int], float]]:
    """Looks up, for a fact's number, the similarity of each pair of languages (as numbers)."""
    rows = tables.similarity
    rows = rows.filter(pc.is_finite(pc.fill_null(rows[STATISTIC], float("nan"))))
    order = pa.array(languages, pa.string())
    found = {
        "fact": pc.index_in(rows["uuid"], value_set=facts),
        "a": pc.index_in(rows["language_a"], value_set=order),
        "b": pc.index_in(rows["language_b"], value_set=order),
        "value": rows[STATISTIC],
    }
    known = pa.table(found).drop_null().sort_by("fact")
    fact, a, b, value = (known[name].to_numpy() for name in ("fact", "a", "b", "value"))

    def of(number: int) -> dict[tuple[int, int], float]:
        first, last = np.searchsorted(fact, [number, number + 1])
        return {
            (min(i, j), max(i, j)): v
            for i, j, v in zip(
                a[first:last].tolist(), b[first:last].tolist(), value[first:last].tolist(), strict=True
            )
        }

    return of


def _shard(
    cells: pa.Table, first_fact: int, pairs: Callable[[int], dict[tuple[int, int], float]]
) -> dict[str, Any]:
    """Columns of the cells of some facts. `similar` holds, for each fact, hundredths of the similarity of
    its predicted languages: the upper triangle row by row, null where a pair is not compared;
    `probability` is in thousandths."""
    names = ("template", "prediction", "reason")
    strings, indices = encoded([cells[name] for name in names])
    facts = cells["fact"].to_numpy() - first_fact
    languages = cells["language"].to_numpy()
    predicted = pc.not_equal(cells["type"], "not_predicted").to_numpy()
    similar = []
    for fact in range(int(facts.max()) + 1):
        of_pair = pairs(first_fact + fact)
        mine = languages[(facts == fact) & predicted].tolist()
        similar.append(
            [
                round(100 * of_pair[i, j]) if (i, j) in of_pair else None
                for at, i in enumerate(mine)
                for j in mine[at + 1 :]
            ]
        )
    probability = [None if p is None else round(1000 * p) for p in cells["probability"].to_pylist()]
    return {
        "strings": strings,
        "fact": facts.tolist(),
        "language": languages.tolist(),
        **dict(zip(names, indices, strict=True)),
        "subject": cells["subject_name"].to_pylist(),
        "object": cells["object_name"].to_pylist(),
        "probability": probability,
        "type": pc.index_in(cells["type"], value_set=pa.array(TYPES)).to_pylist(),
        "windows": cells["windows"].to_pylist(),
        "similar": similar,
    }


@dataclass(frozen=True)
class _Names:
    """Subjects and objects of the facts, and how they are called.

    `lines` has for every entity its distinct names in all languages between tabs, the one to show first
    (English where there is one, else that of the first language). `subject` and `object` are entities by
    fact, `subject_name` and `object_name` numbers of names in their lines by cell.
    """

    lines: list[str]
    subject: npt.NDArray[np.int64]
    object: npt.NDArray[np.int64]
    subject_name: npt.NDArray[np.int64]
    object_name: npt.NDArray[np.int64]


def _names(cells: pa.Table, facts: int, languages: Sequence[str]) -> _Names:
    """The entities of the first `facts` facts; a fact's are those of its first row."""
    fact = cells["fact"].to_numpy()
    first = pa.array(np.searchsorted(fact, np.arange(facts)))
    ends = pa.concat_arrays([cells[f"{side}_uri"].take(first).combine_chunks() for side in SIDES])
    entities = pc.unique(ends)
    of_fact = pc.index_in(ends, value_set=entities).to_numpy().astype(np.int64).reshape(2, facts)
    entity = of_fact[:, fact].ravel()
    labels = pa.concat_arrays([cells[side].combine_chunks() for side in SIDES]).dictionary_encode()
    codes = labels.indices.to_numpy().astype(np.int64)
    language = np.tile(cells["language"].to_numpy(), 2)
    if "en" in languages:
        language = np.where(language == languages.index("en"), -1, language)
    order = np.lexsort((codes, language, entity))
    keys = entity * len(labels.dictionary) + codes
    distinct, place = np.unique(keys[order], return_index=True)
    owner = entity[order][place]
    ranked = np.lexsort((place, owner))
    number = np.empty(len(distinct), np.int64)
    number[ranked] = np.arange(len(distinct)) - np.searchsorted(owner[ranked], owner[ranked])
    words = [" ".join(label.split()) for label in labels.dictionary.to_pylist()]
    lines: list[list[str]] = [[] for _ in range(len(entities))]
    for row in ranked.tolist():
        lines[owner[row]].append(words[distinct[row] % len(words)])
    of_cell = number[np.searchsorted(distinct, keys)].reshape(2, len(fact))
    return _Names(["\t".join(line) for line in lines], *of_fact, *of_cell)


def _index(
    cells: pa.Table,
    facts: pa.Array,
    languages: Sequence[str],
    names: Mapping[str, str],
    tables: FactTables,
    entities: _Names,
) -> dict[str, Any]:
    """What a search needs: uuids, relations, and every name of every subject and object of the facts."""
    first = np.searchsorted(cells["fact"].to_numpy(), np.arange(len(facts)))
    relations = pc.unique(cells["relation"])
    used = np.concatenate([entities.subject[: len(facts)], entities.object[: len(facts)]])
    kept, numbers = np.unique(used, return_inverse=True)
    return {
        "languages": [[code, names.get(code, "")] for code in languages],
        "articles": [tables.articles.get(code) for code in languages],
        "types": list(TYPES),
        "matcher": tables.types["matcher"][0].as_py(),
        "statistic": STATISTIC,
        "links": tables.links,
        "shard": SHARD_FACTS,
        "uuids": facts.to_pylist(),
        "relations": relations.to_pylist(),
        "relation": pc.index_in(cells["relation"].take(pa.array(first)), value_set=relations).to_pylist(),
        "subject": numbers[: len(facts)].tolist(),
        "object": numbers[len(facts) :].tolist(),
        "entities": "\n".join(entities.lines[entity] for entity in kept.tolist()),
    }


def _evidence(
    cells: pa.Table,
    starts: npt.NDArray[np.int64],
    tables: FactTables,
    languages: Sequence[str],
    facts: pa.Array,
) -> Iterator[tuple[str, str, int]]:
    """Packed sentences with the id of their block and their number: those of predicted cells first."""
    sentences = _sentences(cells, starts, tables, languages, facts)
    for name, predicted in (("evidence", True), ("others", False)):
        own = sentences.filter(pc.equal(sentences["predicted"], predicted))
        shard = own["shard"].to_numpy()
        for number in np.unique(shard).tolist():
            first, last = np.searchsorted(shard, [number, number + 1]).tolist()
            rows = own.slice(first, last - first)
            strings, (title, sentence) = encoded([rows["title"], rows["sentence"]])
            block = {
                "strings": strings,
                "cell": rows["cell"].to_pylist(),
                "title": title,
                "revision": rows["revision_id"].to_pylist(),
                "sentence": sentence,
            }
            yield f"{name}-{number}", packed(block), rows.num_rows


def _sentences(
    cells: pa.Table,
    starts: npt.NDArray[np.int64],
    tables: FactTables,
    languages: Sequence[str],
    facts: pa.Array,
) -> pa.Table:
    """The best evidence of every cell that has one, sorted by shard and cell (a number in the shard)."""
    fact, language = cells["fact"].to_numpy(), cells["language"].to_numpy()
    predicted = pc.not_equal(cells["type"], "not_predicted").to_numpy()
    matcher = tables.types["matcher"][0].as_py()
    parts = []
    for number, code in enumerate(languages):
        own = tables.sources[code].select(["uuid", "matcher", "windows", "evidence"])
        own = own.filter(pc.and_(pc.equal(own["matcher"], matcher), pc.greater(own["windows"], 0)))
        own = own.filter(pc.greater(pc.list_value_length(own["evidence"]), 0))
        mine = np.flatnonzero(language == number)
        place = pc.index_in(
            pa.array(fact[mine]), value_set=pc.index_in(own["uuid"], value_set=facts).combine_chunks()
        )
        rows = mine[pc.is_valid(place).to_numpy(zero_copy_only=False)]
        best = pc.list_element(own["evidence"].combine_chunks().take(place.drop_null()), 0)
        sentence = pc.struct_field(best, "sentence")
        cut = pc.binary_join_element_wise(pc.utf8_slice_codeunits(sentence, 0, LONGEST_SENTENCE - 1), "…", "")
        long = pc.greater(pc.utf8_length(sentence), LONGEST_SENTENCE)
        shard = fact[rows] // SHARD_FACTS
        parts.append(
            pa.table(
                {
                    "shard": pa.array(shard),
                    "cell": pa.array(rows - starts[shard]),
                    "predicted": pa.array(predicted[rows]),
                    "title": pc.struct_field(best, "title"),
                    "revision_id": pc.struct_field(best, "revision_id"),
                    "sentence": pc.if_else(long, cut, sentence),
                }
            )
        )
    return pa.concat_tables(parts).sort_by([("shard", "ascending"), ("cell", "ascending")])
