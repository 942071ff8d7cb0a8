"""ENTITY_MENTIONS as they are read again: whole pages at a time, strings as numbers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from factroots_dagster.tracing.kinds import MENTION_KINDS
from factroots_dagster.tracing.passages import MENTION_COLUMNS, Columns

BLOCK_ROWS = 500_000
"""Mentions that are joined at once."""


def encode_strings(entities: pa.Table) -> pa.Table:
    """The columns of entities as dictionaries, once for all row groups that are compared with them."""
    encoded = [entities[name].combine_chunks().dictionary_encode() for name in entities.column_names]
    return pa.table(encoded, entities.column_names)


def read_whole_pages(path: Path, rows: int = BLOCK_ROWS) -> Iterator[pa.Table]:
    """A file of mentions in blocks of about so many rows, none of which ends within a page."""
    file, rest = pq.ParquetFile(path, read_dictionary=["entity_uri", "label", "kind"]), None
    for batch in file.iter_batches(rows):
        block = pa.Table.from_batches([batch])
        if rest is not None:
            block = pa.concat_tables([rest, block])
        # The last page may go on in the next batch.
        ends = np.flatnonzero(np.diff(block["page_id"].to_numpy())) + 1
        end = int(ends[-1]) if len(ends) else 0
        rest = block.slice(end)
        if end:
            yield block.slice(0, end).unify_dictionaries()
    if rest is not None:
        yield rest.unify_dictionaries()


def mentions_as_numbers(mentions: pa.Table, entities: pa.Table) -> Columns:
    """MENTION_COLUMNS of ENTITY_MENTIONS; an entity's number is its row. Both tables have dictionaries."""
    uri, entity_uri, uri_count = _as_numbers(mentions["entity_uri"], entities["entity_uri"])
    label, entity_label, label_count = _as_numbers(mentions["label"], entities["label"])
    # Nearly every entity has one label in a language.
    last_entity = np.empty(uri_count, dtype=np.int64)
    last_entity[entity_uri] = np.arange(len(entity_uri))
    entity = last_entity[uri]
    mismatches = np.flatnonzero(entity_label[entity] != label)
    if len(mismatches):
        keys = entity_uri.astype(np.int64) * label_count + entity_label
        order = np.argsort(keys)
        mismatched_keys = uri[mismatches].astype(np.int64) * label_count + label[mismatches]
        entity[mismatches] = order[np.searchsorted(keys[order], mismatched_keys)]
    kind = mentions["kind"].combine_chunks()
    kind_numbers = pc.index_in(kind.dictionary, pa.array(MENTION_KINDS)).to_numpy(zero_copy_only=False)
    columns = {name: mentions[name].to_numpy() for name in MENTION_COLUMNS if name not in ("entity", "kind")}
    return columns | {"entity": entity, "kind": kind_numbers[kind.indices.to_numpy()]}


def _as_numbers(
    column: pa.ChunkedArray, entity_column: pa.ChunkedArray
) -> tuple[NDArray[np.int32], NDArray[np.int32], int]:
    """A column and that of the entities, both dictionaries, as numbers of distinct values; their number."""
    values, entity_values = column.combine_chunks(), entity_column.combine_chunks()
    numbers = pc.index_in(values.dictionary, entity_values.dictionary).to_numpy(zero_copy_only=False)
    return (
        numbers[values.indices.to_numpy()],
        entity_values.indices.to_numpy(),
        len(entity_values.dictionary),
    )
