"""From a dump to the table of articles: pages of namespace 0, their prose, and the pages that are missing."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Generator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from factroots_dagster.corpora.schema import WIKIPEDIA_ARTICLES, WIKIPEDIA_COUNTS, WIKIPEDIA_PROBLEMS
from factroots_dagster.corpora.wikipedia.anchors import (
    AnchorCounter,
    forget_anchors,
    keep_anchors,
    merge_anchors,
)
from factroots_dagster.corpora.wikipedia.article_table import Structure, article_table, counted
from factroots_dagster.corpora.wikipedia.limits import TimeLimitExceeded, time_limit
from factroots_dagster.corpora.wikipedia.markup.lines import drop_lines
from factroots_dagster.corpora.wikipedia.markup.wikitext import extract_prose
from factroots_dagster.corpora.wikipedia.namespaces import Namespaces
from factroots_dagster.corpora.wikipedia.page_xml import Page
from factroots_dagster.corpora.wikipedia.pages import MIN_RANGE_BYTES, ByteRange, PageReader, split_dump
from factroots_dagster.corpora.wikipedia.redirects import find_redirect
from factroots_dagster.errors import InputError
from factroots_dagster.spark.parts import Outcome, Parts
from factroots_dagster.spark.written import forget_finished, write_parts
from factroots_dagster.store.atomic import atomic_file
from factroots_dagster.tables import storage_schema

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PAGE_SECONDS = 20.0
"""How long it may take to clean one page."""

GROUP_ROWS, GROUP_BYTES = 2000, 16 * 2**20
"""A task passes on so many pages, or bytes of wikitext, together."""

MAX_STREAM_BYTES = 8 * 2**30
"""A .gz or .zst dump is one part, and the anchors that a part sends to the driver must not exceed 2 GB."""

FILE_ROWS = 100_000
"""A file of articles has no more rows, some 100 MB: mentions are searched for in one file a task."""

REDIRECT_COLUMN = WIKIPEDIA_ARTICLES.get_field_index("redirect_to")
REDIRECT_SECTION = re.compile(r"\[\[[^\[\]|#]*#([^\[\]|]+)")


def write_articles(
    spark: SparkSession,
    dump: pa.Table,
    folder: Path,
    *,
    lists: bool = True,
    page_seconds: float = PAGE_SECONDS,
    min_range_bytes: int = MIN_RANGE_BYTES,
    job_bytes: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> dict[str, int]:
    """Write the articles and redirects of `dump` (WIKIPEDIA_DUMP) into `folder`; return their counts.

    Files: `part-*.parquet` (WIKIPEDIA_ARTICLES, in the dump's order), `_problems.parquet`
    (WIKIPEDIA_PROBLEMS), `_counts.parquet` (WIKIPEDIA_COUNTS, which is what is returned) and
    `_anchors.parquet` (WIKIPEDIA_ANCHORS).

    lists: whether list items belong to the text.
    page_seconds: a page that takes longer to clean is listed as unfinished.
    min_range_bytes: how many bytes of a dump file one task reads at least. job_bytes: see `write_parts`.

    The files of the dump must be readable, by the same paths, where the tasks run, or be in an object store
    (see `spark.disks`): each task opens its file and decompresses its own range of it, which no reader of
    Spark's does. Tasks write nothing themselves.
    Of a file whose data is cut off or damaged every complete page that can be decompressed is read; a
    damaged page counts with the bytes of XML lost, a hole in the compressed data with its own bytes.
    After a call that was killed, a call with the same `folder` computes only the jobs that are missing.
    Raises InputError when a file is missing or the dump has no complete page.
    """
    language = dump["language"][0].as_py()
    for path in dump["path"].to_pylist():
        if not Path(path).is_file():
            raise InputError(f"{path} no longer exists", f"materialize wikipedia_dump of {language} again")
    parts = divide_dump(dump, folder, lists, page_seconds, min_range_bytes)
    outcomes = write_parts(spark, parts, folder, file_rows=FILE_ROWS, progress=progress, job_bytes=job_bytes)
    if not any(outcome["pages"] for outcome in outcomes):
        raise InputError(
            f"{', '.join(dump['path'].to_pylist())}: there is no complete page in it", "get the dump again"
        )
    counts = write_totals(folder, outcomes)
    forget_finished(folder)
    forget_anchors(folder)
    if progress:
        progress(f"{language}: {counts['articles']:,} articles and {counts['redirects']:,} redirects")
    return counts


def divide_dump(
    dump: pa.Table, folder: Path, lists: bool, page_seconds: float, min_range_bytes: int
) -> Parts:
    """WIKIPEDIA_ARTICLES of a dump, a part for each byte range; their anchors are kept in `folder`.

    Raises InputError for a file that is too large to be one part.
    """
    row = dump.to_pylist()[0]
    language, spaces = row["language"], [(space["key"], space["name"]) for space in row["namespaces"]]
    ranges = split_dump(dump, min_range_bytes)
    for source in ranges:
        if source.end - source.start > MAX_STREAM_BYTES:
            problem = f"{source.path}: more than {MAX_STREAM_BYTES / 1e9:.1f} GB in one compressed stream"
            raise InputError(problem, "compress it as .bz2, of which several cores read pieces")
    function = partial(
        convert_part,
        ranges=ranges,
        namespaces=Namespaces.for_wiki(language, spaces),
        lists=lists,
        page_seconds=page_seconds,
    )
    sizes = [source.end - source.start for source in ranges]
    receive = partial(receive_anchors, folder=folder)
    files = [[Path(source.path)] for source in ranges]
    return Parts(f"{language}: articles", sizes, function, WIKIPEDIA_ARTICLES, receive, files)


def receive_anchors(number: int, outcome: Outcome, folder: Path) -> Outcome:
    """Keep the anchors that came with a part's outcome in `folder`; the outcome with their file instead."""
    return outcome | {"files": keep_anchors(outcome.pop("anchors"), folder, number)}


def write_totals(folder: Path, outcomes: Sequence[Outcome]) -> dict[str, int]:
    """Write what the parts' outcomes say beside the articles; return the sums of their counts.

    Files: `_problems.parquet`, `_anchors.parquet` (the parts' joined) and, when all else is there,
    `_counts.parquet`.
    """
    problems = [problem for outcome in outcomes for problem in outcome["problems"]]
    counts = {name: sum(outcome[name] for outcome in outcomes) for name in WIKIPEDIA_COUNTS.names}
    problem_table = pa.Table.from_pylist(problems, storage_schema(WIKIPEDIA_PROBLEMS))
    pq.write_table(problem_table, folder / "_problems.parquet", compression="zstd")
    merge_anchors(folder)
    with atomic_file(folder / "_counts.parquet") as temporary:
        pq.write_table(pa.Table.from_pylist([counts], storage_schema(WIKIPEDIA_COUNTS)), temporary)
    return counts


def convert_part(
    number: int, ranges: list[ByteRange], namespaces: Namespaces, lists: bool, page_seconds: float
) -> Generator[pa.Table, None, Outcome]:
    """In a worker: the articles and redirects in one byte range of a dump.

    The outcome has their counts, problems and packed anchors.
    """
    counts = dict.fromkeys(WIKIPEDIA_COUNTS.names, 0)
    problems: list[dict[str, Any]] = []
    rows: list[tuple[Any, ...]] = []
    structures: list[Structure] = []
    size = 0
    anchors = AnchorCounter(namespaces)
    for page in PageReader(ranges[number]).pages():
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
            yield counted(article_table(rows, structures=structures), counts)
            rows, structures, size = [], [], 0
    yield counted(article_table(rows, structures=structures), counts)
    return counts | {"problems": problems, "anchors": anchors.finish()}


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
