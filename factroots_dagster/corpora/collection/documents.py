"""From the files of a corpus to the table of documents, in the form of Wikipedia's articles."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from factroots_dagster.corpora.collection.choices import Reading
from factroots_dagster.corpora.collection.duplicates import DIGESTS, digest_shard, read_copies, write_copies
from factroots_dagster.corpora.collection.files import shards_of
from factroots_dagster.corpora.collection.languages import all_codes
from factroots_dagster.corpora.collection.records import Record, Shard
from factroots_dagster.corpora.collection.rows import (
    MAX_CORPORA,
    MAX_SHARDS,
    Document,
    DocumentReader,
    OtherLanguage,
)
from factroots_dagster.corpora.collection.shards import write_shards
from factroots_dagster.corpora.schema import WIKIPEDIA_ARTICLES, WIKIPEDIA_COUNTS
from factroots_dagster.corpora.wikipedia.article_table import article_table, counted
from factroots_dagster.corpora.wikipedia.articles import (
    FILE_ROWS,
    GROUP_BYTES,
    GROUP_ROWS,
    write_totals,
)
from factroots_dagster.errors import InputError
from factroots_dagster.spark.disks import see_one_disk
from factroots_dagster.spark.parts import Outcome
from factroots_dagster.spark.written import forget_finished
from factroots_dagster.store.finished import is_finished, note_finished

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MAX_PROBLEMS, MAX_CODES = 1000, 5
"""Problems that are listed of one file, and codes of other languages that are named."""


def write_documents(
    session: Callable[[], SparkSession],
    inventory: pa.Table,
    folder: Path,
    *,
    corpus_number: int = 1,
    job_bytes: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> dict[str, int]:
    """Write the documents of one corpus in one language into `folder`; return their counts.

    inventory: WIKIPEDIA_DUMP of the corpus. corpus_number: of the corpus among those of the language, from 1;
    page ids begin with it. job_bytes: see `write_parts`. Files are those of
    `wikipedia.articles.write_articles`: `part-*.parquet` (WIKIPEDIA_ARTICLES, in the order of files and
    rows), `_problems.parquet` (WIKIPEDIA_PROBLEMS, at most MAX_PROBLEMS of each file) and `_counts.parquet`;
    `pages` counts the documents in the language.

    A row without text or with a weight that is none is listed as a problem. After a call that was killed, a
    call with the same `folder` computes only the jobs, of several files each, that are missing. Raises
    InputError for a file that is damaged, lacks a column or holds nothing but problems, and where no document
    is left.
    """
    language, corpus = inventory["language"][0].as_py(), inventory["corpus"][0].as_py()
    reading, shards = Reading(**inventory["reading"][0].as_py()), shards_of(inventory)
    if len(shards) > MAX_SHARDS or corpus_number > MAX_CORPORA:
        problem = (
            f"corpus {corpus!r} has {len(shards):,} files of {language}; at most {MAX_SHARDS:,} are read"
        )
        raise InputError(problem, "join files, or divide the corpus into several with names of their own")
    reader = DocumentReader(corpus_number, all_codes(language), reading)
    write = partial(write_shards, session, shards, reading, progress=progress, job_bytes=job_bytes)
    copies = None
    if reading.duplicates != "count":
        _check_disk(session(), folder, corpus)
        texts, copies = folder / "_texts", folder / "_copies"
        if not is_finished(copies):
            texts.mkdir(exist_ok=True)
            digest = partial(digest_shard, reader=reader)
            write(digest, DIGESTS, texts, what=f"{language}: {corpus}, equal texts")
            write_copies(session(), texts, copies, reading.duplicates)
            note_finished(copies)
    convert = partial(convert_shard, corpus=corpus, reader=reader, copies=copies and copies.absolute())
    what = f"{language}: {corpus}"
    outcomes = write(convert, WIKIPEDIA_ARTICLES, folder, what=what, file_rows=FILE_ROWS)
    if not any(outcome["articles"] for outcome in outcomes):
        codes = sorted({code for outcome in outcomes for code in outcome["other_languages"]})
        others = f"; its documents are in {', '.join(codes[:MAX_CODES])}" if codes else ""
        problem = f"corpus {corpus!r} has no document of language {language!r} in {len(shards)} files{others}"
        raise InputError(problem, "correct its location or its language column, or leave the language out")
    counts = write_totals(folder, outcomes)
    for name in ("_texts", "_copies"):
        shutil.rmtree(folder / name, ignore_errors=True)
    forget_finished(folder)
    if progress:
        progress(f"{language}: {counts['articles']:,} documents of {corpus}")
    return counts


def _check_disk(spark: SparkSession, folder: Path, corpus: str) -> None:
    """Raise InputError where tasks do not see what other tasks have written about equal texts."""
    if not see_one_disk(spark, folder):
        problem = (
            f"corpus {corpus!r}: equal texts are found on a disk that the driver and Spark's workers share"
        )
        raise InputError(
            problem, "set duplicates=count, a data root on such a disk, or local[*] as the master"
        )


def convert_shard(
    shard: Shard, records: Iterable[Record], *, corpus: str, reader: DocumentReader, copies: Path | None
) -> Generator[pa.Table, None, Outcome]:
    """In a worker: the documents of one file; the outcome has their counts and problems."""
    counts = dict.fromkeys(WIKIPEDIA_COUNTS.names, 0)
    problems: list[dict[str, Any]] = []
    codes: Counter[str] = Counter()
    new_weights = read_copies(copies, shard)
    group: list[Document] = []
    size = 0
    for row, row_bytes, values in records:
        document = reader.read(shard, row, values)
        if isinstance(document, OtherLanguage):
            codes[document.code] += 1
            continue
        if isinstance(document, str):
            counts["damaged_pages"] += 1
            counts["lost_bytes"] += row_bytes
            if len(problems) < MAX_PROBLEMS:
                place = {"page_id": None, "title": f"{shard.file}:{row + 1}"}
                problems.append(place | {"problem": document, "bytes": row_bytes})
            continue
        counts["pages"] += 1
        weight = new_weights.get(document.page_id, document.weight)
        if not weight:
            continue
        counts["articles"] += 1
        group.append(document._replace(weight=weight))
        size += len(document.text)
        if len(group) == GROUP_ROWS or size >= GROUP_BYTES:
            yield counted(document_table(group, corpus), counts)
            group, size = [], 0
    yield counted(document_table(group, corpus), counts)
    if problems and not counts["pages"]:
        problem = f"{shard.path}: none of its {counts['damaged_pages']:,} rows can be read; row 1: "
        raise InputError(
            problem + problems[0]["problem"], "set the options of the corpus in FACTROOTS_CORPORA"
        )
    other_languages = [code for code, _ in codes.most_common(MAX_CODES)]
    return counts | {"problems": problems, "other_languages": other_languages}


def document_table(documents: list[Document], corpus: str) -> pa.Table:
    """Documents as WIKIPEDIA_ARTICLES."""
    rows: list[tuple[Any, ...]] = [
        (each.page_id, None, each.title, None, None, each.text, [], [], len(each.text.encode()))
        for each in documents
    ]
    return article_table(rows, [(corpus, each.url, each.weight) for each in documents])
