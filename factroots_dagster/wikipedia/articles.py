"""From a dump to the table of articles: pages of namespace 0, their prose, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from factroots_dagster.errors import InputError
from factroots_dagster.wikipedia.files import file_count, write_parts
from factroots_dagster.wikipedia.limits import Unfinished, time_limit
from factroots_dagster.wikipedia.namespaces import Namespaces
from factroots_dagster.wikipedia.pages import read_pages
from factroots_dagster.wikipedia.rescue import is_damage, rescued
from factroots_dagster.wikipedia.schema import WIKIPEDIA_ARTICLES, WIKIPEDIA_COUNTS, WIKIPEDIA_PROBLEMS
from factroots_dagster.wikipedia.wikitext import clean

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DUMP_BYTES_PER_FILE = {"none": 768 * 2**20}
COMPRESSED_BYTES_PER_FILE = 128 * 2**20
"""Articles take about as many bytes of Parquet as their dump takes in bz2."""

PAGE_SECONDS = 20.0

GROUP_ROWS = 2000
"""Articles in a row group: some tens of megabytes."""

CLEANED = pa.schema([*WIKIPEDIA_ARTICLES, pa.field("problem", pa.string()), pa.field("bytes", pa.int64())])
"""Articles and redirects (no problem), and pages with a problem, `bytes` of whose XML are lost."""


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
    `page_seconds` to clean is listed as unfinished. Of a file whose compressed data is cut off or damaged,
    the pages before the damage are read; the rest counts as one damaged page (lost bytes: compressed ones).
    Raises InputError when the dump has no complete page.
    """
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

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

    read = partial(read_dump, spark, folder, files, namespaces, lists, page_seconds)
    try:
        counts, problems = read(paths)
    except (PySparkException, Py4JJavaError) as error:
        if not is_damage(error):
            raise
        if progress:
            progress(f"{language}: the compressed data is damaged; rescuing what can be read")
        with TemporaryDirectory(prefix="_rescue", dir=folder) as work:
            whole = [Path(work) / f"{number:05d}.xml" for number in range(len(paths))]
            lost = [rescued(Path(path), target) for path, target in zip(paths, whole, strict=True)]
            if not any(lost):
                raise
            counts, problems = read([str(path) for path in whole])
        torn = [
            {
                "problem": f"{Path(path).name}: compressed data damaged {size} bytes before its end",
                "bytes": size,
            }
            for path, size in zip(paths, lost, strict=True)
            if size
        ]
        problems = pa.concat_tables([problems, pa.Table.from_pylist(torn, WIKIPEDIA_PROBLEMS)])
        counts["damaged_pages"] += len(torn)
        counts["lost_bytes"] += sum(lost)
    pq.write_table(problems, folder / "_problems.parquet", compression="zstd")
    counts["unfinished_pages"] = problems.num_rows - counts["damaged_pages"]
    counts["articles"] -= counts["unfinished_pages"]
    if not counts["pages"]:
        raise InputError(f"{', '.join(paths)}: no complete page in it. Remedy: get the dump again.")
    counts = {name: counts[name] for name in WIKIPEDIA_COUNTS.names}
    pq.write_table(pa.Table.from_pylist([counts], WIKIPEDIA_COUNTS), folder / "_counts.parquet")
    if progress:
        progress(f"{language}: {counts['articles']} articles and {counts['redirects']} redirects")
    return counts


def read_dump(
    spark: SparkSession,
    folder: Path,
    files: int,
    namespaces: Namespaces,
    lists: bool,
    page_seconds: float,
    paths: list[str],
) -> tuple[dict[str, int], pa.Table]:
    """Write the articles of the dump files `paths`; return counts as they were read, and the problems."""
    from pyspark.sql import Observation
    from pyspark.sql import functions as F

    seen = Observation()
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
        "wikitext_bytes BIGINT, problem STRING, bytes BIGINT",
    )
    order = ["page_id", "revision_id", "title", "text", "problem", "bytes"]
    aside = write_parts(cleaned, folder, WIKIPEDIA_ARTICLES, files, order, GROUP_ROWS, aside="problem")
    problems = aside.select(WIKIPEDIA_PROBLEMS.names).cast(WIKIPEDIA_PROBLEMS)
    problems = problems.sort_by([(name, "ascending") for name in ("page_id", "title", "problem", "bytes")])
    return {name: int(value) for name, value in seen.get.items()}, problems


def clean_batches(
    batches: Iterable[pa.RecordBatch], namespaces: Namespaces, lists: bool, page_seconds: float
) -> Iterator[pa.RecordBatch]:
    """Pages as `read_pages` gives them to rows of CLEANED."""
    for batch in batches:
        texts: list[str] = []
        problems: list[str | None] = batch["damage"].to_pylist()
        sizes: list[int] = []
        columns = (batch["wikitext"].to_pylist(), batch["redirect_to"].to_pylist())
        for row, (wikitext, redirect_to) in enumerate(zip(*columns, strict=True)):
            text = ""
            sizes.append(len(wikitext.encode()) if wikitext is not None else 0)
            if problems[row] is None and redirect_to is None:
                try:
                    with time_limit(page_seconds):
                        text = clean(wikitext, namespaces, lists=lists)
                except Unfinished:
                    problems[row] = f"unfinished after {page_seconds:g} s"
            texts.append(text)
        yield pa.RecordBatch.from_arrays(
            [
                *(batch[name] for name in ("page_id", "revision_id", "title", "redirect_to")),
                pa.array(texts, pa.string()),
                pa.array(sizes, pa.int64()),
                pa.array(problems, pa.string()),
                batch["bytes"],
            ],
            schema=CLEANED,
        )
