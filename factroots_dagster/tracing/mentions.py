"""Every mention of the subjects and objects of a language's facts in its articles, by all their names."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from factroots_dagster.spark.parts import Outcome, Parts
from factroots_dagster.spark.written import forget_finished, write_parts
from factroots_dagster.store.parquet import main_files
from factroots_dagster.tables import storage_schema
from factroots_dagster.text.offsets import rows_of_groups
from factroots_dagster.text.sentences.boundaries import sentence_starts
from factroots_dagster.text.tokens import CHUNK_TOKENS, character_classes, joined_bounds, token_starts
from factroots_dagster.text.wordpieces.search import piece_search
from factroots_dagster.tracing.forms import EntityForms
from factroots_dagster.tracing.kinds import MENTION_KINDS, WORDPIECE
from factroots_dagster.tracing.schema import ENTITY_MENTIONS, MENTION_PIECES, NAME_COVERAGE
from factroots_dagster.tracing.searched_names import collect_names
from factroots_dagster.tracing.surface_matches import find_surface_matches

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

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
    aliases, inflected forms and mentions.

    Files: `part-*.parquet` (ENTITY_MENTIONS), one or more per file of articles, in the order of the articles
    and of positions in each; `_aliases.parquet` (MENTION_ALIASES) and `_forms.parquet` (MENTION_FORMS), what
    was searched for beside the labels; `_articles.parquet` (LABEL_ARTICLES); `_coverage.parquet`
    (NAME_COVERAGE); with a tokenizer `_pieces.parquet` (MENTION_PIECES), which labels the tokenizer cannot
    represent.

    Mentions may overlap, and none begins or ends inside a word, except that a label with a suffix is a
    mention of kind `suffix` in the languages that inflect by suffix (`text.inflection`). Letter case counts,
    except that a name's small first letter may be a capital where a sentence, list item or heading begins.

    Raises InputError when there are no articles, or facts of several languages.
    """
    paths = main_files(articles_folder)
    names = collect_names(articles_folder, split)
    language = names.forms.language
    counts = {"labels": len(names.forms.labels)}
    counts |= {name: names.tables[name].num_rows for name in ("aliases", "forms")}
    if progress:
        searched = ", ".join(f"{count:,} {name}" for name, count in counts.items())
        progress(f"{language}: searching for {searched}")
    search = partial(
        search_part,
        paths=paths,
        forms=names.forms,
        tokenizer_json=tokenizer_json,
        coverage=names.coverage,
    )
    sizes = [path.stat().st_size for path in paths]
    files = [[path] for path in paths]
    parts = Parts(f"{language}: mentions", sizes, search, ENTITY_MENTIONS, files=files)
    first, *_ = write_parts(spark, parts, folder, dictionary_columns=REPETITIVE_COLUMNS, progress=progress)
    tables = {
        **names.tables,
        "coverage": pa.Table.from_pylist(first["coverage"], storage_schema(NAME_COVERAGE)),
    }
    if tokenizer_json is not None:
        columns = [names.forms.distinct_labels, first["unknown_pieces"]]
        tables["pieces"] = pa.table(columns, schema=storage_schema(MENTION_PIECES))
    for name, table in tables.items():
        pq.write_table(table, folder / f"_{name}.parquet")
    forget_finished(folder)
    return counts | {"mentions": sum(pq.read_metadata(path).num_rows for path in main_files(folder))}


def search_part(
    number: int,
    paths: list[Path],
    forms: EntityForms,
    tokenizer_json: str | None,
    coverage: Callable[[EntityForms], pa.Table],
) -> Generator[pa.Table, None, Outcome]:
    """In a worker: the mentions in one file of articles.

    The outcome of the first file has also what is computed from all names, for which the worker has the
    search at hand: NAME_COVERAGE, by `coverage`, and which labels have unknown pieces.
    """
    pages, outcome = 0, Outcome()
    if number == 0:
        outcome["coverage"] = coverage(forms).to_pylist()
    if number == 0 and tokenizer_json is not None:
        outcome["unknown_pieces"] = piece_search(tokenizer_json, forms.distinct_labels).unknown.tolist()
    for batch in read_articles(paths[number]):
        pages += len(batch.texts)
        yield find_mentions(batch, forms, tokenizer_json)
    return outcome | {"pages": pages}


@dataclass(frozen=True)
class ArticleBatch:
    """Articles that are searched together: [pages] each; `list_lines` are the numbers of list lines."""

    page_ids: NDArray[np.int64]
    texts: list[str]
    list_lines: list[list[int]]


def read_articles(path: Path) -> Iterator[ArticleBatch]:
    """The articles in one file of WIKIPEDIA_ARTICLES, in batches of about BATCH_CHARACTERS."""
    characters = 0
    ids: list[int] = []
    texts: list[str] = []
    list_lines: list[list[int]] = []
    columns = ["page_id", "redirect_to", "text", "list_lines"]
    for rows in pq.ParquetFile(path).iter_batches(256, columns=columns):
        articles = rows.filter(pc.is_null(rows["redirect_to"]))
        ids += articles["page_id"].to_pylist()
        texts += articles["text"].to_pylist()
        list_lines += articles["list_lines"].to_pylist()
        characters += pc.sum(pc.utf8_length(articles["text"])).as_py() or 0
        if characters >= BATCH_CHARACTERS:
            yield ArticleBatch(np.array(ids, dtype=np.int64), texts, list_lines)
            characters, ids, texts, list_lines = 0, [], [], []
    if texts:
        yield ArticleBatch(np.array(ids, dtype=np.int64), texts, list_lines)


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
