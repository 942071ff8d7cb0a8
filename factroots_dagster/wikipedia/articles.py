"""From a dump to the table of articles: pages of namespace 0, their prose, and what went wrong."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from factroots_dagster.errors import InputError
from factroots_dagster.wikipedia.files import WORK, file_count, write_parts
from factroots_dagster.wikipedia.limits import Unfinished, time_limit
from factroots_dagster.wikipedia.namespaces import Namespaces
from factroots_dagster.wikipedia.pages import read_pages
from factroots_dagster.wikipedia.schema import WIKIPEDIA_ARTICLES, WIKIPEDIA_COUNTS, WIKIPEDIA_PROBLEMS
from factroots_dagster.wikipedia.wikitext import clean

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DUMP_BYTES_PER_FILE = {"none": 768 * 2**20}
COMPRESSED_BYTES_PER_FILE = 128 * 2**20
"""Articles take about as many bytes of Parquet as their dump takes in bz2."""

PAGE_SECONDS = 20.0

CLEANED = pa.schema([*WIKIPEDIA_ARTICLES, pa.field("kind", pa.string())])
"""Articles, and pages with a problem: `text` then says which, `wikitext_bytes` how many bytes are lost."""


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

    Files: `part-*.parquet` (WIKIPEDIA_ARTICLES; one file per page_id modulo their number, sorted by
    page_id), `_problems.parquet` (WIKIPEDIA_PROBLEMS) and `_counts.parquet` (WIKIPEDIA_COUNTS, what is
    returned). `lists=False` leaves list items out of the text; a page that takes longer than
    `page_seconds` to clean is listed as unfinished.
    Raises InputError when the dump has no complete page, or cannot be decompressed.
    """
    from pyspark.errors import PySparkException
    from pyspark.sql import Observation
    from pyspark.sql import functions as F

    rows = dump.to_pylist()
    language = rows[0]["language"]
    paths = [row["path"] for row in rows]
    for path in paths:
        if "://" not in path and not Path(path).is_file():
            raise InputError(f"{path} is gone. Remedy: materialize wikipedia_dump of {language} again.")
    namespaces = Namespaces.of(language, [(space["key"], space["name"]) for space in rows[0]["namespaces"]])
    size = sum(row["bytes"] for row in rows)
    files = file_count(size, DUMP_BYTES_PER_FILE.get(rows[0]["compression"], COMPRESSED_BYTES_PER_FILE))
    if progress:
        progress(f"{language}: reading {size / 1e6:.1f} MB of dump into {files} file(s)")

    seen = Observation("pages")
    damaged, article = F.col("damage").isNotNull(), F.col("namespace") == 0
    redirect = article & F.col("redirect_to").isNotNull()
    pages = read_pages(spark, paths).observe(
        seen,
        F.count(F.when(~damaged, 1)).alias("pages"),
        F.count(F.when(article & ~redirect & ~damaged, 1)).alias("articles"),
        F.count(F.when(redirect & ~damaged, 1)).alias("redirects"),
        F.count(F.when(damaged, 1)).alias("damaged_pages"),
        F.coalesce(F.sum(F.when(damaged, F.col("bytes"))), F.lit(0)).alias("lost_bytes"),
    )
    cleaned = pages.where(article | damaged).mapInArrow(
        partial(clean_batches, namespaces=namespaces, lists=lists, page_seconds=page_seconds),
        "page_id BIGINT, revision_id BIGINT, title STRING, redirect_to STRING, text STRING, "
        "wikitext_bytes BIGINT, kind STRING",
    )
    order = ["page_id", "revision_id", "title", "text"]
    try:
        sides = write_parts(cleaned, folder, WIKIPEDIA_ARTICLES, files, order, kind="kind")
    except PySparkException as error:
        raise unreadable(paths, error) from error
    problems = problem_table(sides)
    shutil.rmtree(folder / WORK)
    pq.write_table(problems, folder / "_problems.parquet", compression="zstd")
    counts = {name: int(value or 0) for name, value in seen.get.items()}
    counts["unfinished_pages"] = problems.num_rows - counts["damaged_pages"]
    counts["articles"] -= counts["unfinished_pages"]
    if not counts["pages"]:
        raise InputError(f"{', '.join(paths)}: no complete page in it. Remedy: get the dump again.")
    counts = {name: counts[name] for name in WIKIPEDIA_COUNTS.names}
    pq.write_table(pa.Table.from_pylist([counts], WIKIPEDIA_COUNTS), folder / "_counts.parquet")
    if progress:
        progress(f"{language}: {counts['articles']} articles and {counts['redirects']} redirects")
    return counts


def unreadable(paths: list[str], error: Exception) -> Exception:
    """The error to raise for a failed Spark job: InputError when the dump's compression is damaged."""
    told = str(error)
    for mark in ("bad block header", "crc error", "BZip2", "EOFException", "ZstdIOException", "ZipException"):
        if mark in told:
            return InputError(
                f"{', '.join(paths)}: its compressed data is damaged ({mark}). Remedy: get the dump again, or "
                "rescue what is whole (bzip2recover FILE) and join the pieces."
            )
    return error


def clean_batches(
    batches: Iterable[pa.RecordBatch], namespaces: Namespaces, lists: bool, page_seconds: float
) -> Iterator[pa.RecordBatch]:
    """Pages as `read_pages` gives them to rows of CLEANED."""
    for batch in batches:
        texts: list[str] = []
        kinds: list[str] = []
        sizes: list[int] = []
        columns = [batch.column(name).to_pylist() for name in ("wikitext", "redirect_to", "damage", "bytes")]
        for wikitext, redirect_to, damage, size in zip(*columns, strict=True):
            kind, text = "main", ""
            if damage is not None:
                kind, text = "problem", damage
            else:
                size = len(wikitext.encode())
                if redirect_to is None:
                    try:
                        with time_limit(page_seconds):
                            text = clean(wikitext, namespaces, lists=lists)
                    except Unfinished:
                        kind, text = "problem", "unfinished"
            texts.append(text)
            kinds.append(kind)
            sizes.append(size)
        yield pa.RecordBatch.from_arrays(
            [
                *(batch.column(name) for name in ("page_id", "revision_id", "title", "redirect_to")),
                pa.array(texts, pa.string()),
                pa.array(sizes, pa.int64()),
                pa.array(kinds, pa.string()),
            ],
            schema=CLEANED,
        )


def problem_table(sides: dict[str, list[Path]]) -> pa.Table:
    """Rows with a problem, from the files that Spark wrote, sorted (WIKIPEDIA_PROBLEMS)."""
    pieces = [WIKIPEDIA_PROBLEMS.empty_table()]
    for path in sides.get("problem", []):
        piece = pq.ParquetFile(path).read(columns=["page_id", "title", "text", "wikitext_bytes"])
        pieces.append(piece.rename_columns(WIKIPEDIA_PROBLEMS.names).cast(WIKIPEDIA_PROBLEMS))
    return pa.concat_tables(pieces).sort_by([("page_id", "ascending"), ("title", "ascending")])
