"""Every mention of the subjects and objects of a language's facts in its articles, by all their names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from factroots_dagster.errors import InputError
from factroots_dagster.spark.part_files import PartWriter, ensure_table
from factroots_dagster.spark.tasks import ReportProgress, TaskState, clean_up, run_tasks
from factroots_dagster.store.store import main_files
from factroots_dagster.tables import storage_schema
from factroots_dagster.text.code_points import to_code_points
from factroots_dagster.text.inflection.suffixes import MAX_SUFFIX, SUFFIX_LANGUAGES, is_suffix
from factroots_dagster.text.normalization import normalize_with_positions
from factroots_dagster.text.offsets import rows_of_groups
from factroots_dagster.text.sentences.boundaries import sentence_starts
from factroots_dagster.text.tokens import (
    CHUNK_TOKENS,
    UNSPACED,
    WORD,
    character_classes,
    inside_words,
    joined_bounds,
    token_starts,
    word_ends,
)
from factroots_dagster.text.wordpieces.search import piece_search
from factroots_dagster.tracing.aliases import find_aliases
from factroots_dagster.tracing.forms import (
    AT_START,
    STEM,
    EntityForms,
    entities_of_split,
    form_search,
    language_of_split,
)
from factroots_dagster.tracing.kinds import LABEL, MENTION_KINDS, SUFFIX, WORDPIECE
from factroots_dagster.tracing.schema import ENTITY_MENTIONS, MENTION_ALIASES, MENTION_PIECES

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROW_GROUP_ROWS = 500_000
BATCH_CHARACTERS = 2 * 2**20
"""Articles are searched together up to this length, so that many stubs share the cost of one call."""

REPETITIVE_COLUMNS = ("entity_uri", "label", "kind")
"""Columns with few distinct values."""


def write_mentions(
    spark: SparkSession,
    articles_folder: Path,
    split: pa.Table,
    folder: Path,
    *,
    tokenizer_json: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> dict[str, int]:
    """Write all mentions of the split's subjects and objects into `folder`; return how many there are.

    articles_folder: WIKIPEDIA_ARTICLES in part files. split: MLAMA_SPLIT of one language. tokenizer_json: the
    text of a `tokenizer.json`, by which labels are found as wordpieces, too. Results: number of labels,
    aliases and mentions.

    Files: `part-*.parquet` (ENTITY_MENTIONS), one or more per file of articles, in the order of the articles
    and of positions in each; `_aliases.parquet` (MENTION_ALIASES), the aliases that were searched for; with a
    tokenizer `_pieces.parquet` (MENTION_PIECES), which labels the tokenizer cannot represent.

    Mentions may overlap, and none begins or ends inside a word, except that a label with a suffix is a
    mention of kind `suffix` in the languages that inflect by suffix (`text.inflection`). Letter case counts,
    except that a name's small first letter may be a capital where a sentence, list item or heading begins.

    Raises InputError when there are no articles, or facts of several languages.
    """
    paths = main_files(articles_folder)
    if not paths:
        raise InputError(f"{articles_folder} holds no articles", "materialize wikipedia_articles first")
    language, entities = language_of_split(split), entities_of_split(split)
    aliases = find_aliases(articles_folder, sorted(entities["label"].unique().to_pylist()), language)
    alias_rows = [{"label": label, "alias": alias} for label in sorted(aliases) for alias in aliases[label]]
    if progress:
        progress(f"{language}: searching for {entities.num_rows} labels and {len(alias_rows)} aliases")
    write_part = partial(
        _write_part,
        paths=paths,
        folder=folder.absolute(),
        forms=EntityForms.build(entities, language, aliases),
        tokenizer_json=tokenizer_json,
    )
    total_bytes = sum(path.stat().st_size for path in paths)
    what = f"{language}: mentions"
    run_tasks(spark, folder, len(paths), write_part, what=what, total=total_bytes, progress=progress)
    ensure_table(folder, ENTITY_MENTIONS)
    alias_table = pa.Table.from_pylist(alias_rows, storage_schema(MENTION_ALIASES))
    pq.write_table(alias_table, folder / "_aliases.parquet")
    clean_up(folder)
    mentions = sum(pq.read_metadata(path).num_rows for path in main_files(folder))
    return {"labels": entities.num_rows, "aliases": len(alias_rows), "mentions": mentions}


def _write_part(
    number: int,
    report_progress: ReportProgress,
    paths: list[Path],
    folder: Path,
    forms: EntityForms,
    tokenizer_json: str | None,
) -> TaskState:
    """In a worker: write the mentions in one file of articles."""
    path = paths[number]
    size, total_rows = path.stat().st_size, max(1, pq.read_metadata(path).num_rows)
    rows_read, pages = 0, 0
    if tokenizer_json is not None and number == 0:
        labels = forms.distinct_labels
        columns = [labels, piece_search(tokenizer_json, labels).unknown]
        pq.write_table(pa.table(columns, schema=storage_schema(MENTION_PIECES)), folder / "_pieces.parquet")
    row_group: list[pa.Table] = []
    with PartWriter(folder, number, ENTITY_MENTIONS, REPETITIVE_COLUMNS) as writer:
        for batch in read_articles(path):
            rows_read += batch.rows_read
            pages += len(batch.texts)
            row_group.append(find_mentions(batch, forms, tokenizer_json))
            if sum(table.num_rows for table in row_group) >= ROW_GROUP_ROWS:
                writer.write(pa.concat_tables(row_group))
                row_group = []
            report_progress({"pages": pages, "done_bytes": size * rows_read // total_rows})
        if row_group:
            writer.write(pa.concat_tables(row_group))
    return {"pages": pages, "done_bytes": size}


@dataclass(frozen=True)
class ArticleBatch:
    """Articles that are searched together: [pages] each; `list_lines` are the numbers of a text's list lines.

    `rows_read` counts the rows read for this batch, redirects included.
    """

    page_ids: NDArray[np.int64]
    texts: list[str]
    list_lines: list[list[int]]
    rows_read: int = 0


def read_articles(path: Path) -> Iterator[ArticleBatch]:
    """The articles in one file of WIKIPEDIA_ARTICLES, in batches of about BATCH_CHARACTERS."""
    rows_read, characters = 0, 0
    ids: list[int] = []
    texts: list[str] = []
    list_lines: list[list[int]] = []
    columns = ["page_id", "redirect_to", "text", "list_lines"]
    for rows in pq.ParquetFile(path).iter_batches(256, columns=columns):
        rows_read += rows.num_rows
        articles = rows.filter(pc.is_null(rows["redirect_to"]))
        ids += articles["page_id"].to_pylist()
        texts += articles["text"].to_pylist()
        list_lines += articles["list_lines"].to_pylist()
        characters += pc.sum(pc.utf8_length(articles["text"])).as_py() or 0
        if characters >= BATCH_CHARACTERS:
            yield ArticleBatch(np.array(ids, dtype=np.int64), texts, list_lines, rows_read)
            rows_read, characters, ids, texts, list_lines = 0, 0, [], [], []
    if texts:
        yield ArticleBatch(np.array(ids, dtype=np.int64), texts, list_lines, rows_read)


EntityMatches = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""Entities found in texts: entity and kind by number, where they start and end; each [n]."""


def find_mentions(batch: ArticleBatch, forms: EntityForms, tokenizer_json: str | None) -> pa.Table:
    """ENTITY_MENTIONS of some articles, by page and position; REPETITIVE_COLUMNS as dictionaries."""
    text = "\n".join(batch.texts)
    page_starts, page_ends = joined_bounds(batch.texts)
    classes = character_classes(text)
    sentence_edges = np.append(sentence_starts(text, forms.language), len(text))
    entity, kind, start, end = find_surface_matches(text, forms, classes, sentence_edges)
    page = np.searchsorted(page_starts, start, side="right") - 1
    within = end <= page_ends[page]
    entity, kind, start, end, page = (values[within] for values in (entity, kind, start, end, page))
    tokens = np.flatnonzero(token_starts(classes))
    first_token = np.searchsorted(tokens, page_starts)
    # A mention belongs to the token that begins at or before its first character.
    token = np.searchsorted(tokens, start, side="right") - 1 - first_token[page]
    chunk = np.maximum(token, 0) // CHUNK_TOKENS
    if tokenizer_json is not None:
        search = piece_search(tokenizer_json, forms.distinct_labels)
        piece_page, label, piece_start, piece_end, piece_chunk = search.find(batch.texts, batch.list_lines)
        match, row = rows_of_groups(forms.label_offsets, label)
        origin = page_starts[piece_page]
        entity = np.concatenate([entity, forms.label_entities[row]])
        kind = np.concatenate([kind, np.full(len(row), WORDPIECE)])
        start = np.concatenate([start, (origin + piece_start)[match]])
        end = np.concatenate([end, (origin + piece_end)[match]])
        page = np.concatenate([page, piece_page[match]])
        chunk = np.concatenate([chunk, piece_chunk[match]])
    # By start, end, entity and kind; two keys are sorted in half the time of four.
    rank = ((end - start) * len(forms.uris) + entity) * len(MENTION_KINDS) + kind
    order = np.lexsort((rank, start))
    columns = (entity, kind, start, end, page, chunk)
    entity, kind, start, end, page, chunk = (values[order] for values in columns)
    sentence = np.searchsorted(sentence_edges[:-1], start, side="right") - 1
    first_sentence = np.searchsorted(sentence_edges[:-1], page_starts, side="right") - 1
    page_start = page_starts[page]
    # The line end between two pages belongs to neither.
    sentence_end = np.minimum(sentence_edges[sentence + 1], page_ends[page])
    return pa.Table.from_arrays(
        [
            forms.uris.take(pa.array(entity)),
            forms.labels.take(pa.array(entity)),
            pa.array(batch.page_ids[page]),
            pa.array(start - page_start),
            pa.array(end - page_start),
            pa.array(sentence - first_sentence[page]),
            pa.array(chunk),
            pa.array(sentence_edges[sentence] - page_start),
            pa.array(sentence_end - page_start),
            pa.array(MENTION_KINDS).dictionary_encode().take(pa.array(kind)),
        ],
        ENTITY_MENTIONS.names,
    )


def find_surface_matches(
    text: str, forms: EntityForms, classes: NDArray[np.uint8], sentence_edges: NDArray[np.int64]
) -> EntityMatches:
    """Where `text` mentions entities by label, alias or inflected label.

    classes: the classes of the text's characters. sentence_edges: where its sentences begin, ascending.
    Positions are code points of `text`, which need not be in normalized form.
    """
    normal, positions = normalize_with_positions(text, forms.language)
    if normal is not text:
        classes_of_text, classes = classes, character_classes(normal)
    else:
        classes_of_text = classes
    inside = inside_words(classes)
    form, start, end = form_search(forms.forms).find(to_code_points(normal), inside)
    ends_in_word = inside[end]
    whole = np.flatnonzero(~ends_in_word)
    match, row = rows_of_groups(forms.form_offsets, form[whole])
    kept = forms.form_kinds[row] & ~AT_START != STEM
    match, row = whole[match[kept]], row[kept]
    columns = [(forms.form_entities[row], forms.form_kinds[row], start[match], end[match])]
    if forms.language in SUFFIX_LANGUAGES:
        cut = np.flatnonzero(ends_in_word)
        word_end = word_ends(classes, end[cut])
        columns.append(_inflected_matches(normal, forms, form[cut], start[cut], end[cut], word_end))
    entity, kind, start, end = (np.concatenate(parts) for parts in zip(*columns, strict=True))
    if positions is not None and len(start):
        start, end = positions.start(start), positions.end(end - 1)
    kept = (kind & AT_START == 0) | _begins_sentence(start, classes_of_text, sentence_edges)
    return entity[kept], kind[kept] & ~AT_START, start[kept], end[kept]


def _begins_sentence(
    start: NDArray[np.int64], classes: NDArray[np.uint8], sentence_edges: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether nothing but punctuation and spaces is between each position and the begin of its sentence."""
    letters = np.append(np.flatnonzero((classes == WORD) | (classes == UNSPACED)), len(classes))
    first_letter = letters[np.searchsorted(letters, sentence_edges)]
    at = np.minimum(np.searchsorted(first_letter, start), len(first_letter) - 1)
    begins: NDArray[np.bool_] = first_letter[at] == start
    return begins


def _inflected_matches(
    text: str,
    forms: EntityForms,
    form: NDArray[np.int64],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    word_end: NDArray[np.int64],
) -> EntityMatches:
    """Of forms that end inside a word, [forms found], those that a suffix completes to that word, which is
    where the mention ends."""
    near = np.flatnonzero(word_end - end <= MAX_SUFFIX)
    suffixes = zip(*(values[near].tolist() for values in (form, end, word_end)), strict=True)
    is_inflected = [
        is_suffix(text[first:last], forms.forms[number], forms.language) for number, first, last in suffixes
    ]
    inflected = near[np.array(is_inflected, dtype=bool)]
    match, row = rows_of_groups(forms.form_offsets, form[inflected])
    kind = forms.form_kinds[row]
    kept = np.isin(kind & ~AT_START, (LABEL, STEM))
    match, row, at_start = inflected[match[kept]], row[kept], kind[kept] & AT_START
    return forms.form_entities[row], SUFFIX | at_start, start[match], word_end[match]
