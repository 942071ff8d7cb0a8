"""The sentences of evidence in the explorer: the first of every entry, packed shard by shard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.report.packing import encode_strings, pack

LONGEST_SENTENCE = 400
"""Characters after which a sentence is cut."""


def collect_sentences(
    entries: pa.Table,
    shard_starts: npt.NDArray[np.int64],
    sources: Mapping[str, pa.Table],
    languages: Sequence[str],
    facts: pa.Array,
) -> pa.Table:
    """The first evidence of every entry that has some, sorted by shard and by number in the shard.

    Args:
        entries: columns fact, language (both numbers), type and matcher, sorted by fact and language.
        shard_starts: [shards], number of each shard's first entry.
        sources: language to FACT_SOURCES.
        languages: codes of the numbered languages.
        facts: uuids of the numbered facts.
    """
    fact, language = entries["fact"].to_numpy(), entries["language"].to_numpy()
    predicted = pc.not_equal(entries["type"], "not_predicted").to_numpy()
    matcher = entries["matcher"][0].as_py()
    parts = []
    for number, code in enumerate(languages):
        own = sources[code].select(["uuid", "matcher", "windows", "evidence"])
        own = own.filter(pc.and_(pc.equal(own["matcher"], matcher), pc.greater(own["windows"], 0)))
        own = own.filter(pc.greater(pc.list_value_length(own["evidence"]), 0))
        candidates = np.flatnonzero(language == number)
        source_facts = pc.index_in(own["uuid"], value_set=facts).combine_chunks()
        source = pc.index_in(pa.array(fact[candidates]), value_set=source_facts)
        rows = candidates[pc.is_valid(source).to_numpy(zero_copy_only=False)]
        best = pc.list_element(own["evidence"].combine_chunks().take(source.drop_null()), 0)
        shard = np.searchsorted(shard_starts, rows, side="right") - 1
        columns = {
            "shard": pa.array(shard),
            "entry": pa.array(rows - shard_starts[shard]),
            "predicted": pa.array(predicted[rows]),
            "title": pc.struct_field(best, "title"),
            "revision_id": pc.struct_field(best, "revision_id"),
            "sentence": _cut(pc.struct_field(best, "sentence")),
            "url": pc.struct_field(best, "url"),
        }
        parts.append(pa.table(columns))
    return pa.concat_tables(parts).sort_by([("shard", "ascending"), ("entry", "ascending")])


def pack_sentences(sentences: pa.Table) -> Iterator[tuple[str, str, int]]:
    """Blocks as (element id, packed sentences, number of sentences), those of predicted facts first."""
    for name, predicted in (("evidence", True), ("others", False)):
        own = sentences.filter(pc.equal(sentences["predicted"], predicted))
        shards = own["shard"].to_numpy()
        for number in np.unique(shards).tolist():
            first, last = np.searchsorted(shards, [number, number + 1]).tolist()
            rows = own.slice(first, last - first)
            names = ("title", "sentence", "url")
            strings, (title, sentence, url) = encode_strings([rows[name] for name in names])
            block = {
                "strings": strings,
                "entry": rows["entry"].to_pylist(),
                "title": title,
                "revision": rows["revision_id"].to_pylist(),
                "sentence": sentence,
                "url": url,
            }
            yield f"{name}-{number}", pack(block), rows.num_rows


def _cut(sentences: pa.Array) -> pa.Array:
    """Sentences of at most LONGEST_SENTENCE characters."""
    start = pc.utf8_slice_codeunits(sentences, 0, LONGEST_SENTENCE - 1)
    too_long = pc.greater(pc.utf8_length(sentences), LONGEST_SENTENCE)
    return pc.if_else(too_long, pc.binary_join_element_wise(start, "…", ""), sentences)
