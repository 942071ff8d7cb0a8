"""From a dump to the table of articles: pages of namespace 0, their prose, and the pages that are missing."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate, chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from factroots_dagster.corpora.schema import (
    WIKIPEDIA,
    WIKIPEDIA_ARTICLES,
    WIKIPEDIA_COUNTS,
    WIKIPEDIA_PROBLEMS,
)
from factroots_dagster.corpora.wikipedia.anchors import AnchorWriter, merge_anchors
from factroots_dagster.corpora.wikipedia.limits import TimeLimitExceeded, time_limit
from factroots_dagster.corpora.wikipedia.markup.cells import Cell
from factroots_dagster.corpora.wikipedia.markup.lines import drop_lines
from factroots_dagster.corpora.wikipedia.markup.wikitext import extract_prose
from factroots_dagster.corpora.wikipedia.namespaces import Namespaces
from factroots_dagster.corpora.wikipedia.page_xml import Page
from factroots_dagster.corpora.wikipedia.pages import MIN_RANGE_BYTES, ByteRange, PageReader, split_dump
from factroots_dagster.corpora.wikipedia.redirects import find_redirect
from factroots_dagster.errors import InputError
from factroots_dagster.spark.part_files import PartWriter
from factroots_dagster.spark.tasks import ReportProgress, TaskState, clean_up, run_tasks
from factroots_dagster.spark.written import ensure_table
from factroots_dagster.tables import storage_schema
from factroots_dagster.text.tokens import count_words

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PAGE_SECONDS = 20.0
"""How long it may take to clean one page."""

GROUP_ROWS, GROUP_BYTES = 2000, 16 * 2**20
"""A row group ends after so many pages, or bytes of wikitext."""

REDIRECT_COLUMN = WIKIPEDIA_ARTICLES.get_field_index("redirect_to")
Structure = tuple[list[int], list[Cell]]
"""The numbers of a page's lines that are headings, and its cells."""

REDIRECT_SECTION = re.compile(r"\[\[[^\[\]|#]*#([^\[\]|]+)")


def write_articles(
    spark: SparkSession,
    dump: pa.Table,
    folder: Path,
    *,
    lists: bool = True,
    page_seconds: float = PAGE_SECONDS,
    min_range_bytes: int = MIN_RANGE_BYTES,
    progress: Callable[[str], None] | None = None,
) -> dict[str, int]:
    """Write the articles and redirects of `dump` (WIKIPEDIA_DUMP) into `folder`; return their counts.

    Files: `part-*.parquet` (WIKIPEDIA_ARTICLES, in the dump's order), `_problems.parquet`
    (WIKIPEDIA_PROBLEMS), `_counts.parquet` (WIKIPEDIA_COUNTS, which is what is returned) and
    `_anchors.parquet` (WIKIPEDIA_ANCHORS).

    lists: whether list items belong to the text.
    page_seconds: a page that takes longer to clean is listed as unfinished.
    min_range_bytes: how many bytes of a dump file one task reads at least.

    Of a file whose data is cut off or damaged every complete page that can be decompressed is read; a
    damaged page counts with the bytes of XML lost, a hole in the compressed data with its own bytes.
    After a call that was killed, a call with the same `folder` computes only the parts that are missing.
    Raises InputError when a file is missing or the dump has no complete page.
    """
    row = dump.to_pylist()[0]
    language = row["language"]
    for path in dump["path"].to_pylist():
        if not Path(path).is_file():
            raise InputError(f"{path} no longer exists", f"materialize wikipedia_dump of {language} again")
    namespaces = Namespaces.for_wiki(language, [(space["key"], space["name"]) for space in row["namespaces"]])
    ranges = split_dump(dump, min_range_bytes)
    function = partial(
        write_part,
        ranges=ranges,
        folder=folder.absolute(),
        namespaces=namespaces,
        lists=lists,
        page_seconds=page_seconds,
    )
    total = sum(source.end - source.start for source in ranges)
    what = f"{language}: articles"
    states = run_tasks(spark, folder, len(ranges), function, what=what, total=total, progress=progress)
    if not any(state["pages"] for state in states):
        raise InputError(
            f"{', '.join(dump['path'].to_pylist())}: there is no complete page in it", "get the dump again"
        )
    counts = write_totals(folder, states)
    clean_up(folder)
    if progress:
        progress(f"{language}: {counts['articles']:,} articles and {counts['redirects']:,} redirects")
    return counts


def write_totals(folder: Path, states: Sequence[TaskState]) -> dict[str, int]:
    """Write what the tasks' final states say beside the articles; return the sums of their counts.

    Files: `_problems.parquet`, `_counts.parquet`, `_anchors.parquet` (the tasks' joined), and an empty table
    where no task wrote an article.
    """
    problems = [problem for state in states for problem in state["problems"]]
    counts = {name: sum(state[name] for state in states) for name in WIKIPEDIA_COUNTS.names}
    ensure_table(folder, WIKIPEDIA_ARTICLES)
    problem_table = pa.Table.from_pylist(problems, storage_schema(WIKIPEDIA_PROBLEMS))
    pq.write_table(problem_table, folder / "_problems.parquet", compression="zstd")
    count_table = pa.Table.from_pylist([counts], storage_schema(WIKIPEDIA_COUNTS))
    pq.write_table(count_table, folder / "_counts.parquet")
    merge_anchors(folder)
    return counts


def write_part(
    number: int,
    report_progress: ReportProgress,
    ranges: list[ByteRange],
    folder: Path,
    namespaces: Namespaces,
    lists: bool,
    page_seconds: float,
) -> TaskState:
    """In a worker: write the pages of one byte range of a dump; return its counts and problems."""
    counts = dict.fromkeys(WIKIPEDIA_COUNTS.names, 0)
    problems: list[dict[str, Any]] = []
    rows: list[tuple[Any, ...]] = []
    structures: list[Structure] = []
    size = 0
    source = ranges[number]
    reader = PageReader(source)
    with (
        PartWriter(folder, number, WIKIPEDIA_ARTICLES) as writer,
        AnchorWriter(folder, number, namespaces) as anchors,
    ):
        for page in reader.pages():
            problem = page.damage
            if problem is None:
                counts["pages"] += 1
                if namespace_of(page, namespaces):
                    continue
                try:
                    with time_limit(page_seconds):
                        row, structure = article_row(page, namespaces, lists)
                    rows.append(row)
                    structures.append(structure)
                    counts["articles" if row[REDIRECT_COLUMN] is None else "redirects"] += 1
                    if row[REDIRECT_COLUMN] is None:
                        anchors.add(page.page_id or 0, page.wikitext)
                except TimeLimitExceeded:
                    problem = f"unfinished after {page_seconds:g} s"
                    counts["unfinished_pages"] += 1
            else:
                counts["damaged_pages"] += 1
                counts["lost_bytes"] += page.bytes
            if problem is not None:
                problems.append(
                    {"page_id": page.page_id, "title": page.title, "problem": problem, "bytes": page.bytes}
                )
                continue
            size += page.bytes
            if len(rows) == GROUP_ROWS or size >= GROUP_BYTES:
                write_rows(rows, structures, writer, counts)
                rows, structures, size = [], [], 0
            report_progress(counts | {"done_bytes": reader.bytes_read})
        write_rows(rows, structures, writer, counts)
    return counts | {"done_bytes": source.end - source.start, "problems": problems}


def write_rows(
    rows: list[tuple[Any, ...]], structures: list[Structure], writer: PartWriter, counts: dict[str, int]
) -> None:
    """Write what `article_row` gave of some pages as one row group, and add their sizes to `counts`."""
    table = article_table(rows, structures=structures)
    writer.write(table)
    for name, size in count_sizes(table).items():
        counts[name] += size


def count_sizes(table: pa.Table) -> dict[str, int]:
    """The bytes of wikitext, words and characters of the articles in WIKIPEDIA_ARTICLES."""
    # Redirects have no text and so no words, but they have wikitext.
    wikitext_bytes = table["wikitext_bytes"].filter(pc.is_null(table["redirect_to"]))
    sizes = {"wikitext_bytes": wikitext_bytes, "words": table["words"]}
    sizes["characters"] = pc.utf8_length(table["text"])
    return {name: pc.sum(values).as_py() or 0 for name, values in sizes.items()}


def namespace_of(page: Page, namespaces: Namespaces) -> int:
    """The number of a page's namespace, from its title where the dump does not tell it."""
    return namespaces.number_of(page.title or "") if page.namespace is None else page.namespace


def article_row(page: Page, namespaces: Namespaces, lists: bool) -> tuple[tuple[Any, ...], Structure]:
    """The columns of WIKIPEDIA_ARTICLES for one page, up to `wikitext_bytes`, and its structure."""
    redirect_to = page.redirect_to or find_redirect(page.wikitext, namespaces.language)
    head = (page.page_id, page.revision_id, page.title, redirect_to)
    wikitext_bytes = len(page.wikitext.encode())
    if redirect_to is not None:
        section = REDIRECT_SECTION.search(page.wikitext, 0, 1000)
        fragment = section[1].strip() if section else None
        return (*head, fragment, "", [], [], wikitext_bytes), ([], [])
    prose = extract_prose(page.wikitext, namespaces, page.title or "")
    text, list_lines, headings = prose.text, prose.list_lines, prose.heading_lines
    if not lists:
        headings = [line - bisect_left(list_lines, line) for line in headings]
        text, list_lines = drop_lines(text, list_lines), []
    return (*head, None, text, list_lines, prose.names, wikitext_bytes), (headings, prose.read_cells())


def cell_lists(cells: Sequence[list[Cell]]) -> pa.ListArray:
    """Column `cells` of WIKIPEDIA_ARTICLES."""
    lists = WIKIPEDIA_ARTICLES.field("cells").type
    # Columns of the struct: Arrow reads tuples several times as slowly.
    columns = zip(*chain.from_iterable(cells), strict=True) if any(cells) else ((), (), ())
    fields = list(lists.value_type)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, fields, strict=True)]
    offsets = [0, *accumulate(map(len, cells))]
    values = pa.StructArray.from_arrays(arrays, fields=fields)
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values, type=lists)


def article_table(
    rows: list[tuple[Any, ...]],
    provenance: Sequence[tuple[str, str | None, int]] | None = None,
    structures: Sequence[Structure] | None = None,
) -> pa.Table:
    """Rows of `article_row` as WIKIPEDIA_ARTICLES.

    provenance: corpus, url and weight of each row; None for pages of Wikipedia. structures: of each row; None
    where there is no markup.
    """
    columns = list(zip(*rows, strict=True)) or [()] * WIKIPEDIA_ARTICLES.get_field_index("words")
    words = count_words(columns[WIKIPEDIA_ARTICLES.get_field_index("text")])
    origins = list(zip(*(provenance or [(WIKIPEDIA, None, 1)] * len(rows)), strict=True)) or [()] * 3
    headings, cells = zip(*(structures or [([], [])] * len(rows)), strict=True) if rows else ((), ())
    # The cells come last.
    typed_columns = zip([*columns, words, *origins, headings], list(WIKIPEDIA_ARTICLES)[:-1], strict=True)
    arrays = [pa.array(column, field.type) for column, field in typed_columns]
    arrays.append(cell_lists(cells))
    return pa.Table.from_arrays(arrays, schema=WIKIPEDIA_ARTICLES)
