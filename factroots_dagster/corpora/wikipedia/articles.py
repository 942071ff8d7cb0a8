"""From a dump to the table of articles: pages of namespace 0, their prose, and what went wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from factroots_dagster.corpora.schema import WIKIPEDIA_ARTICLES, WIKIPEDIA_COUNTS, WIKIPEDIA_PROBLEMS
from factroots_dagster.corpora.wikipedia.limits import Unfinished, time_limit
from factroots_dagster.corpora.wikipedia.markup.wikitext import prose, without_lines
from factroots_dagster.corpora.wikipedia.namespaces import Namespaces
from factroots_dagster.corpora.wikipedia.pages import Page, Part, Reader, parts_of_dump
from factroots_dagster.errors import InputError
from factroots_dagster.spark.part_files import PartWriter, or_empty
from factroots_dagster.spark.tasks import Beat, Figures, gathered, run_tasks
from factroots_dagster.text.tokens import word_counts

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PAGE_SECONDS = 20.0

GROUP_ROWS, GROUP_BYTES = 2000, 16 * 2**20
"""A row group ends after so many pages, or bytes of wikitext."""

SECTION = re.compile(r"\[\[[^\[\]|#]*#([^\[\]|]+)")


def write_articles(
    spark: SparkSession,
    dump: pa.Table,
    folder: Path,
    *,
    lists: bool = True,
    page_seconds: float = PAGE_SECONDS,
    progress: Callable[[str], None] | None = None,
) -> dict[str, int]:
    """Write the articles and redirects of `dump` (WIKIPEDIA_DUMP) into `folder`; return their counts.

    Files: `part-*.parquet` (WIKIPEDIA_ARTICLES, in the dump's order), `_problems.parquet`
    (WIKIPEDIA_PROBLEMS) and `_counts.parquet` (WIKIPEDIA_COUNTS, what is returned). `lists=False` leaves
    list items out of the text; a page that takes longer than `page_seconds` to clean is listed as
    unfinished. Of a file whose data is cut off or damaged every complete page that can be decompressed is
    read; a damaged page counts with the bytes of XML lost, a hole in the compressed data with its own.
    A call that was killed goes on with the parts that are missing when `folder` is the same.
    Raises InputError when the dump has no complete page.
    """
    row = dump.to_pylist()[0]
    language = row["language"]
    for path in dump["path"].to_pylist():
        if not Path(path).is_file():
            raise InputError(f"{path} is gone. Remedy: materialize wikipedia_dump of {language} again.")
    namespaces = Namespaces.of(language, [(space["key"], space["name"]) for space in row["namespaces"]])
    parts = parts_of_dump(dump)
    body = partial(
        write_part,
        parts=parts,
        folder=folder.absolute(),
        namespaces=namespaces,
        lists=lists,
        seconds=page_seconds,
    )
    size = sum(part.end - part.start for part in parts)
    figures = run_tasks(
        spark, folder, len(parts), body, what=f"{language}: articles", total=size, progress=progress
    )
    problems = [problem for figure in figures for problem in figure["problems"]]
    counts = {name: sum(figure[name] for figure in figures) for name in WIKIPEDIA_COUNTS.names}
    if not counts["pages"]:
        raise InputError(
            f"{', '.join(dump['path'].to_pylist())}: no complete page in it. Remedy: get the dump again."
        )
    or_empty(folder, WIKIPEDIA_ARTICLES)
    pq.write_table(
        pa.Table.from_pylist(problems, WIKIPEDIA_PROBLEMS), folder / "_problems.parquet", compression="zstd"
    )
    pq.write_table(pa.Table.from_pylist([counts], WIKIPEDIA_COUNTS), folder / "_counts.parquet")
    gathered(folder)
    if progress:
        progress(f"{language}: {counts['articles']:,} articles and {counts['redirects']:,} redirects")
    return counts


def write_part(
    number: int,
    beat: Beat,
    parts: list[Part],
    folder: Path,
    namespaces: Namespaces,
    lists: bool,
    seconds: float,
) -> Figures:
    """In a worker: write the pages of one part of a dump; return its counts and problems."""
    counts = dict.fromkeys(WIKIPEDIA_COUNTS.names, 0)
    problems: list[dict[str, Any]] = []
    rows: list[tuple[Any, ...]] = []
    size = 0
    reader = Reader(parts[number])
    with PartWriter(folder, number, WIKIPEDIA_ARTICLES) as writer:
        for page in reader.pages():
            problem = page.damage
            if problem is None:
                counts["pages"] += 1
                if page.namespace:
                    continue
                try:
                    with time_limit(seconds):
                        rows.append(article_row(page, namespaces, lists))
                    counts["articles" if page.redirect_to is None else "redirects"] += 1
                except Unfinished:
                    problem = f"unfinished after {seconds:g} s"
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
                write_rows(rows, writer, counts)
                rows, size = [], 0
            beat(counts | {"done_bytes": reader.done})
        write_rows(rows, writer, counts)
    return counts | {"done_bytes": parts[number].end - parts[number].start, "problems": problems}


def write_rows(rows: list[tuple[Any, ...]], writer: PartWriter, counts: dict[str, int]) -> None:
    """Write rows of `article_row`, and add the articles' sizes to `counts`."""
    table = article_table(rows)
    writer.write(table)
    # Redirects have no text, but wikitext.
    wikitext_bytes = table["wikitext_bytes"].filter(pc.is_null(table["redirect_to"]))
    sizes = {"wikitext_bytes": wikitext_bytes, "words": table["words"]}
    sizes["characters"] = pc.utf8_length(table["text"])
    for name, values in sizes.items():
        counts[name] += pc.sum(values).as_py() or 0


def article_row(page: Page, namespaces: Namespaces, lists: bool) -> tuple[Any, ...]:
    """The columns of WIKIPEDIA_ARTICLES for one page, but for `words`."""
    head = (page.page_id, page.revision_id, page.title, page.redirect_to)
    if page.redirect_to is not None:
        section = SECTION.search(page.wikitext, 0, 1000)
        fragment = section[1].strip() if section else None
        return (*head, fragment, "", [], [], len(page.wikitext.encode()))
    found = prose(page.wikitext, namespaces)
    text, list_lines = found.text, found.list_lines
    if not lists:
        text, list_lines = without_lines(text, list_lines), []
    return (*head, None, text, list_lines, found.names, len(page.wikitext.encode()))


def article_table(rows: list[tuple[Any, ...]]) -> pa.Table:
    """Rows of `article_row` as WIKIPEDIA_ARTICLES."""
    columns = list(zip(*rows, strict=True)) or [()] * (len(WIKIPEDIA_ARTICLES) - 1)
    texts = columns[WIKIPEDIA_ARTICLES.get_field_index("text")]
    arrays = [
        pa.array(column, field.type) for column, field in zip(columns, WIKIPEDIA_ARTICLES, strict=False)
    ]
    return pa.Table.from_arrays(
        [*arrays, pa.array(word_counts(texts), pa.int64())], schema=WIKIPEDIA_ARTICLES
    )
