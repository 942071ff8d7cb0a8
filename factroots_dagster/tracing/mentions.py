"""Every place in the articles where a label of the language's facts stands, in its several forms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from factroots_dagster.errors import InputError
from factroots_dagster.spark.part_files import PartWriter, or_empty
from factroots_dagster.spark.tasks import Beat, Figures, gathered, run_tasks
from factroots_dagster.store.store import main_files
from factroots_dagster.text.code_points import codes_of
from factroots_dagster.text.inflection.suffixes import SUFFIX_LANGUAGES, is_suffix
from factroots_dagster.text.normalization import normalized_with_places
from factroots_dagster.text.sentences import sentence_starts
from factroots_dagster.text.tokens import (
    CHUNK_TOKENS,
    character_classes,
    edges_when_joined,
    inside_words,
    token_starts,
    word_ends,
)
from factroots_dagster.text.wordpieces.search import piece_search
from factroots_dagster.tracing.aliases import find_aliases
from factroots_dagster.tracing.labels import ALIAS, KINDS, STEM, SUFFIX, WORDPIECE, Labels, form_search
from factroots_dagster.tracing.schema import ENTITY_MENTIONS, MENTION_ALIASES, MENTION_PIECES

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

GROUP_ROWS = 500_000
BATCH_CHARACTERS = 2 * 2**20
"""Articles are searched together up to this length: what is paid per call is paid once for many stubs."""

LONGEST_SUFFIX = 16

REPEATED = ("entity_uri", "label", "kind")
"""Columns with few distinct values."""

Columns = tuple[NDArray[np.int64], ...]


def write_mentions(
    spark: SparkSession,
    articles_folder: Path,
    split: pa.Table,
    folder: Path,
    *,
    tokenizer_json: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> dict[str, int]:
    """Write all mentions of the split's subjects and objects into `folder`; return their counts.

    Files `part-*.parquet` (ENTITY_MENTIONS), one for each of the articles', rows in the articles' order and
    by place. Overlapping matches all count, letter case counts, and a match cuts no word, except that in
    languages that inflect by suffix (`suffixes`) a label with a suffix is a mention of kind `suffix`.
    `_aliases.parquet` (MENTION_ALIASES) lists the other names that were looked for. With the text of a
    `tokenizer.json`, the labels' wordpieces are mentions too, and `_pieces.parquet` (MENTION_PIECES) says
    which labels hold a piece that the tokenizer does not know.
    """
    paths = main_files(articles_folder)
    if not paths:
        raise InputError(
            f"{articles_folder} holds no articles. Remedy: materialize wikipedia_articles first."
        )
    language, names = Labels.names(split)
    aliases = find_aliases(articles_folder, sorted({label for _, label in names}), language)
    labels = Labels.of(names, language, aliases)
    if progress:
        progress(
            f"{language}: looking for {len(names)} names of entities and "
            f"{sum(map(len, aliases.values()))} aliases"
        )
    body = partial(
        find_in_part, paths=paths, folder=folder.absolute(), labels=labels, tokenizer_json=tokenizer_json
    )
    size = sum(path.stat().st_size for path in paths)
    what = f"{language}: mentions"
    run_tasks(spark, folder, len(paths), body, what=what, total=size, progress=progress)
    or_empty(folder, ENTITY_MENTIONS)
    rows = [{"label": label, "alias": alias} for label in sorted(aliases) for alias in aliases[label]]
    pq.write_table(pa.Table.from_pylist(rows, MENTION_ALIASES), folder / "_aliases.parquet")
    gathered(folder)
    mentions = sum(pq.read_metadata(path).num_rows for path in main_files(folder))
    return {"labels": len(names), "aliases": len(rows), "mentions": mentions}


def find_in_part(
    number: int, beat: Beat, paths: list[Path], folder: Path, labels: Labels, tokenizer_json: str | None
) -> Figures:
    """In a worker: write the mentions in one file of articles."""
    path = paths[number]
    size, pages = path.stat().st_size, 0
    rows, of_all = 0, max(1, pq.read_metadata(path).num_rows)
    waiting: list[pa.Table] = []
    if tokenizer_json is not None and number == 0:
        unknown = piece_search(tokenizer_json, labels.distinct_labels).unknown
        flags = [pa.array(labels.distinct_labels), pa.array(unknown)]
        pq.write_table(pa.Table.from_arrays(flags, schema=MENTION_PIECES), folder / "_pieces.parquet")
    with PartWriter(folder, number, ENTITY_MENTIONS, REPEATED) as writer:
        for read, page_ids, texts, list_lines in text_batches(path):
            rows += read
            pages += len(texts)
            waiting.append(mentions_in(page_ids, texts, list_lines, labels, tokenizer_json))
            if sum(table.num_rows for table in waiting) >= GROUP_ROWS:
                writer.write(pa.concat_tables(waiting))
                waiting = []
            beat({"pages": pages, "done_bytes": size * rows // of_all})
        if waiting:
            writer.write(pa.concat_tables(waiting))
    return {"pages": pages, "done_bytes": size}


Batch = tuple[int, NDArray[np.int64], list[str], list[list[int]]]


def text_batches(path: Path) -> Iterator[Batch]:
    """Articles of one file some at a time: rows read, page ids, texts, numbers of their list lines."""
    read, characters = 0, 0
    ids: list[int] = []
    texts: list[str] = []
    list_lines: list[list[int]] = []
    columns = ["page_id", "redirect_to", "text", "list_lines"]
    for batch in pq.ParquetFile(path).iter_batches(256, columns=columns):
        read += batch.num_rows
        articles = batch.filter(pc.is_null(batch["redirect_to"]))
        ids += articles["page_id"].to_pylist()
        texts += articles["text"].to_pylist()
        list_lines += articles["list_lines"].to_pylist()
        characters += pc.sum(pc.utf8_length(articles["text"])).as_py() or 0
        if characters >= BATCH_CHARACTERS:
            yield read, np.array(ids, dtype=np.int64), texts, list_lines
            read, characters, ids, texts, list_lines = 0, 0, [], [], []
    if texts:
        yield read, np.array(ids, dtype=np.int64), texts, list_lines


def mentions_in(
    page_ids: NDArray[np.int64],
    texts: list[str],
    list_lines: list[list[int]],
    labels: Labels,
    tokenizer_json: str | None,
) -> pa.Table:
    """ENTITY_MENTIONS of some pages, page by page and place by place; REPEATED columns as dictionaries."""
    whole = "\n".join(texts)
    page_starts, page_ends = edges_when_joined(texts)
    classes = character_classes(whole)
    entity, kind, start, end = surface_matches(whole, labels, classes)
    page = np.searchsorted(page_starts, start, side="right") - 1
    inside = end <= page_ends[page]
    entity, kind, start, end, page = (values[inside] for values in (entity, kind, start, end, page))
    tokens = np.flatnonzero(token_starts(classes))
    first_token = np.searchsorted(tokens, page_starts)
    # A mention lies in the token that begins at or before its first character.
    token = np.searchsorted(tokens, start, side="right") - 1 - first_token[page]
    chunk = np.maximum(token, 0) // CHUNK_TOKENS
    if tokenizer_json is not None:
        search = piece_search(tokenizer_json, labels.distinct_labels)
        found = search.find(texts, list_lines)
        counts = np.diff(labels.entities_of_label)[found[1]]
        again = np.repeat(np.arange(len(counts)), counts)
        more = labels.by_label[labels.entities_of_label[found[1]][again] + within(counts)]
        entity = np.concatenate([entity, more])
        kind = np.concatenate([kind, np.full(len(more), WORDPIECE)])
        page = np.concatenate([page, found[0][again]])
        start = np.concatenate([start, (page_starts[found[0]] + found[2])[again]])
        end = np.concatenate([end, (page_starts[found[0]] + found[3])[again]])
        chunk = np.concatenate([chunk, found[4][again]])
    # By start, end, entity and kind; two keys are sorted in half the time of four.
    order = np.lexsort((((end - start) * len(labels.uris) + entity) * len(KINDS) + kind, start))
    entity, kind, start, end, page, chunk = (
        values[order] for values in (entity, kind, start, end, page, chunk)
    )
    edges = np.append(sentence_starts(whole, labels.language), len(whole))
    sentence = np.searchsorted(edges[:-1], start, side="right") - 1
    first = np.searchsorted(edges[:-1], page_starts, side="right") - 1
    at = page_starts[page]
    return pa.Table.from_arrays(
        [
            labels.uris.take(pa.array(entity)),
            labels.labels.take(pa.array(entity)),
            pa.array(page_ids[page]),
            pa.array(start - at),
            pa.array(end - at),
            pa.array(sentence - first[page]),
            pa.array(chunk),
            pa.array(edges[sentence] - at),
            # The line end between two pages belongs to neither.
            pa.array(np.minimum(edges[sentence + 1], page_ends[page]) - at),
            pa.array(KINDS).dictionary_encode().take(pa.array(kind)),
        ],
        ENTITY_MENTIONS.names,
    )


def surface_matches(text: str, labels: Labels, classes: NDArray[np.uint8]) -> Columns:
    """Entities that stand in `text` by label, alias or suffixed label: entity, kind, start, end, each [n].

    `classes` are the classes of the text's characters. Places are code points of `text` as it is stored.
    """
    seen, places = normalized_with_places(text, labels.language)
    kinds = classes if seen is text else character_classes(seen)
    inside = inside_words(kinds)
    form, start, end = form_search(labels.forms).find(codes_of(seen), inside)
    cut = inside[end]
    whole = ~cut
    # All entities of every form that stands whole.
    counts = np.diff(labels.first)[form[whole]]
    match = np.repeat(np.flatnonzero(whole), counts)
    row = np.repeat(labels.first[form[whole]], counts) + within(counts)
    kept = labels.kind[row] != STEM
    match, row = match[kept], row[kept]
    found = [(labels.entity[row], labels.kind[row], start[match], end[match])]
    if labels.language in SUFFIX_LANGUAGES:
        open_ended = np.flatnonzero(cut)
        stops = word_ends(kinds, end[open_ended])
        near = stops - end[open_ended] <= LONGEST_SUFFIX
        open_ended, stops = open_ended[near], stops[near]
        inflected = np.array(
            [
                is_suffix(seen[here:stop], labels.forms[number], labels.language)
                for number, here, stop in zip(
                    form[open_ended].tolist(), end[open_ended].tolist(), stops.tolist(), strict=True
                )
            ],
            dtype=bool,
        )
        open_ended, stops = open_ended[inflected], stops[inflected]
        counts = np.diff(labels.first)[form[open_ended]]
        match = np.repeat(np.arange(len(open_ended)), counts)
        row = np.repeat(labels.first[form[open_ended]], counts) + within(counts)
        kept = labels.kind[row] != ALIAS
        match, row = match[kept], row[kept]
        kind = np.full(len(row), SUFFIX)
        found.append((labels.entity[row], kind, start[open_ended][match], stops[match]))
    entity, kind, start, end = (np.concatenate(columns) for columns in zip(*found, strict=True))
    if places is not None and len(start):
        start, end = places.start(start), places.end(end - 1)
    return entity, kind, start, end


def within(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """0, 1, .. count-1 for each count, end to end: [2, 3] gives [0, 1, 0, 1, 2]."""
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)
