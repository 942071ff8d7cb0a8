"""The facts that a reader can look up in the page: which ones, in which order, and how they are packed.

The page must stay light. It holds the facts that the model predicts in at least one language, those predicted
in most languages first, until the budget is spent; then sentences of evidence, those of predicted facts
first. The page says how much was left out. A fact in one language is called an entry here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.facts.relations import relation_words
from factroots_dagster.probing.predictions import prediction_to_show
from factroots_dagster.report.explorer_filters import collect_filters, find_verdicts
from factroots_dagster.report.explorer_names import EntityNames, collect_names
from factroots_dagster.report.explorer_sentences import collect_sentences, pack_sentences
from factroots_dagster.report.packing import encode_strings, pack
from factroots_dagster.roots.schema import TYPES

BUDGET = 21_000_000
"""Characters of packed data in a page: with figures and tables it stays below 25 MB."""

SHARD_FACTS = 256
"""Facts that are unpacked together when one of them is picked."""

STATISTIC = "cosine"
SIMILARITY_COLUMNS = ("uuid", "language_a", "language_b", "statistic", "value")
"""What is read of NEURON_SIMILARITY."""

Decode = Callable[[Sequence[Sequence[int]]], Sequence[str]]


@dataclass(frozen=True)
class FactTables:
    """What the explorer shows.

    Attributes:
        types: FACT_TYPES of all languages.
        verdicts: the VERDICT_COLUMNS of FACT_VERDICTS.
        splits, predictions, sources: language to MLAMA_SPLIT, PREDICTIONS and FACT_SOURCES of the model's
            corpora together (`roots.corpora`), which may be read when they are used.
        similarity: the SIMILARITY_COLUMNS of NEURON_SIMILARITY.
        decode: turns lists of token ids into texts.
        articles: language to the number of articles searched, where known.
        links: whether the Wikipedias exist, so that sentences can link to them.
        found_in: language to uuid and corpus of every fact that the matcher of the types found in a corpus of
            several; empty where there is only one.
    """

    types: pa.Table
    splits: Mapping[str, pa.Table]
    predictions: Mapping[str, pa.Table]
    sources: Mapping[str, pa.Table]
    similarity: pa.Table
    decode: Decode
    articles: Mapping[str, int]
    links: bool
    verdicts: pa.Table
    found_in: Mapping[str, pa.Table] = field(default_factory=dict)


@dataclass(frozen=True)
class Explorer:
    """The packed facts, and how much of everything the page holds.

    Attributes:
        blocks: packed data by the id of its element in the page.
        facts: facts in the page.
        predicted_facts: facts predicted in at least one language.
        all_facts: facts asked.
        entries: entries in the page.
        sentences, sentences_left_out: sentences of evidence in the page, and those beyond the budget.
    """

    blocks: Mapping[str, str]
    facts: int
    predicted_facts: int
    all_facts: int
    entries: int
    sentences: int
    sentences_left_out: int


def build_explorer(
    tables: FactTables, languages: Sequence[str], names: Mapping[str, str], *, budget: int = BUDGET
) -> Explorer | None:
    """The packed facts of a page; None when no fact is predicted.

    tables: tables of the languages that have types. languages: all languages in the order in which the page
    shows them. names: language code to the name that is shown beside it. budget: characters of all blocks
    together. The index, which every search needs, comes first and is part of it.
    """
    typed = pc.unique(tables.types["language"]).to_pylist()
    shown = [language for language in languages if language in typed]
    facts = choose_facts(tables.types)
    if not len(facts):
        return None
    entries = _collect_entries(tables, shown, facts)
    entity_names = collect_names(entries, len(facts), shown)
    entries = entries.append_column("subject_name", pa.array(entity_names.subject_name))
    entries = entries.append_column("object_name", pa.array(entity_names.object_name))
    filters = collect_filters(entries, facts, shown, tables.found_in)
    index = pack(_index(tables, entries, facts, shown, names, entity_names) | filters.of_first(len(facts)))
    spent = len(index)
    shard_starts = np.searchsorted(entries["fact"].to_numpy(), np.arange(0, len(facts), SHARD_FACTS))
    shard_ends = [*shard_starts[1:].tolist(), entries.num_rows]
    similarities_of = _similarity_lookup(tables, shown, facts)
    blocks: dict[str, str] = {}
    for number, (start, end) in enumerate(zip(shard_starts.tolist(), shard_ends, strict=True)):
        block = pack(_shard(entries.slice(start, end - start), number * SHARD_FACTS, similarities_of))
        if spent + len(block) > budget and blocks:
            break
        spent += len(block)
        blocks[f"facts-{number}"] = block
    kept = facts.slice(0, len(blocks) * SHARD_FACTS)
    if len(kept) < len(facts):
        # Only the facts that are kept can be picked, so the index is rebuilt for them alone.
        entries = entries.slice(0, shard_ends[len(blocks) - 1])
        spent -= len(index)
        index = pack(_index(tables, entries, kept, shown, names, entity_names) | filters.of_first(len(kept)))
        spent += len(index)
    sentences = left_out = 0
    evidence = collect_sentences(entries, shard_starts, tables.sources, shown, facts)
    for name, block, count in pack_sentences(evidence):
        if spent + len(block) > budget:
            left_out += count
            continue
        spent += len(block)
        sentences += count
        blocks[name] = block
    return Explorer(
        blocks={"facts-index": index, **blocks},
        facts=len(kept),
        predicted_facts=len(facts),
        all_facts=len(pc.unique(tables.types["uuid"])),
        entries=entries.num_rows,
        sentences=sentences,
        sentences_left_out=left_out,
    )


def choose_facts(types: pa.Table) -> pa.Array:
    """uuids of the facts predicted in at least one language: those in most languages first, then by uuid."""
    predicted = types.filter(pc.not_equal(types["type"], "not_predicted"))
    counts = predicted.group_by("uuid").aggregate([("uuid", "count")])
    ordered = counts.sort_by([("uuid_count", "descending"), ("uuid", "ascending")])
    return ordered["uuid"].combine_chunks()


def _collect_entries(tables: FactTables, languages: Sequence[str], facts: pa.Array) -> pa.Table:
    """A row per fact and language, sorted by both; fact and language are numbers."""
    parts = []
    for number, language in enumerate(languages):
        own = tables.types.filter(pc.equal(tables.types["language"], language))
        fact = pc.index_in(own["uuid"], value_set=facts)
        own = own.filter(pc.is_valid(fact))
        split = _rows_of(tables.splits[language], own["uuid"])
        predictions = _rows_of(tables.predictions[language], own["uuid"])
        columns = {
            "fact": fact.drop_null(),
            "language": pa.array(np.full(own.num_rows, number, np.int32)),
            "prediction": _predicted_texts(predictions, tables.decode),
            "probability": pc.exp(predictions["object_logprob"]),
        }
        columns |= find_verdicts(tables.verdicts, language, own["uuid"])
        columns |= {name: own[name] for name in ("relation", "type", "reason", "matcher", "windows")}
        columns |= {
            name: split[name] for name in ("template", "subject", "object", "subject_uri", "object_uri")
        }
        parts.append(pa.table(columns))
    return pa.concat_tables(parts).sort_by([("fact", "ascending"), ("language", "ascending")])


def _rows_of(table: pa.Table, uuids: pa.ChunkedArray) -> pa.Table:
    """The rows of the facts `uuids`, in their order."""
    return table.take(pc.index_in(uuids, value_set=table["uuid"].combine_chunks()))


def _predicted_texts(predictions: pa.Table, decode: Decode) -> pa.Array:
    """What the model wrote in each row: at the mask count that matched, else at the object's own."""
    columns = (
        predictions[name].to_pylist() for name in ("predicted_ids", "matched_mask_count", "object_ids")
    )
    answers = [
        tuple(prediction_to_show(by_mask_count, matched, object_ids) or ())
        for by_mask_count, matched, object_ids in zip(*columns, strict=True)
    ]
    distinct = sorted(set(answers) - {()})
    # Without any list transformers would decode one empty text.
    texts = dict(zip(distinct, decode([list(ids) for ids in distinct]), strict=True)) if distinct else {}
    return pa.array([texts.get(answer) for answer in answers], pa.string())


def _similarity_lookup(
    tables: FactTables, languages: Sequence[str], facts: pa.Array
) -> Callable[[int], dict[tuple[int, int], float]]:
    """A function from a fact's number to the similarity of each pair of languages (as numbers)."""
    rows = tables.similarity
    rows = rows.filter(pc.and_(pc.equal(rows["statistic"], STATISTIC), pc.is_finite(rows["value"])))
    order = pa.array(languages, pa.string())
    numbers = {
        "fact": pc.index_in(rows["uuid"], value_set=facts),
        "a": pc.index_in(rows["language_a"], value_set=order),
        "b": pc.index_in(rows["language_b"], value_set=order),
        "value": rows["value"],
    }
    known = pa.table(numbers).drop_null().sort_by("fact")
    fact, a, b, value = (known[name].to_numpy() for name in numbers)

    def similarities_of(number: int) -> dict[tuple[int, int], float]:
        first, last = np.searchsorted(fact, [number, number + 1])
        pairs = zip(a[first:last].tolist(), b[first:last].tolist(), value[first:last].tolist(), strict=True)
        return {(min(i, j), max(i, j)): similarity for i, j, similarity in pairs}

    return similarities_of


def _shard(
    entries: pa.Table, first_fact: int, similarities_of: Callable[[int], dict[tuple[int, int], float]]
) -> dict[str, Any]:
    """Columns of the entries of some facts.

    `similar` holds, for each fact, hundredths of the similarity of the languages that predict it: the upper
    triangle row by row, null where a pair is not compared. `probability` is in thousandths.
    """
    names = ("template", "prediction", "reason", "verdict_reason")
    strings, indices = encode_strings([entries[name] for name in names])
    facts = entries["fact"].to_numpy() - first_fact
    languages = entries["language"].to_numpy()
    predicted = pc.not_equal(entries["type"], "not_predicted").to_numpy()
    similar = []
    for fact in range(int(facts.max()) + 1):
        similarities = similarities_of(first_fact + fact)
        own = languages[(facts == fact) & predicted].tolist()
        similar.append(
            [
                round(100 * similarities[pair]) if pair in similarities else None
                for pair in combinations(own, 2)
            ]
        )
    return {
        "strings": strings,
        "fact": facts.tolist(),
        "language": languages.tolist(),
        **dict(zip(names, indices, strict=True)),
        "subject": entries["subject_name"].to_pylist(),
        "object": entries["object_name"].to_pylist(),
        "probability": [None if p is None else round(1000 * p) for p in entries["probability"].to_pylist()],
        "type": pc.index_in(entries["type"], value_set=pa.array(TYPES)).to_pylist(),
        "windows": entries["windows"].to_pylist(),
        "similar": similar,
    }


def _index(
    tables: FactTables,
    entries: pa.Table,
    facts: pa.Array,
    languages: Sequence[str],
    names: Mapping[str, str],
    entity_names: EntityNames,
) -> dict[str, Any]:
    """What a search needs: uuids, relations, and every name of every subject and object of the facts."""
    first = np.searchsorted(entries["fact"].to_numpy(), np.arange(len(facts)))
    relations = pc.unique(entries["relation"])
    used = np.concatenate([entity_names.subject[: len(facts)], entity_names.object[: len(facts)]])
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
        "relation_words": [relation_words().get(relation, []) for relation in relations.to_pylist()],
        "relation": pc.index_in(entries["relation"].take(pa.array(first)), value_set=relations).to_pylist(),
        "subject": numbers[: len(facts)].tolist(),
        "object": numbers[len(facts) :].tolist(),
        "entities": "\n".join(entity_names.lines[entity] for entity in kept.tolist()),
    }
