"""Reading pages out of a dump's XML with Spark: one row per `<page>`, damaged ones kept apart.

The file is cut at `</page>` and each piece parsed by itself, so that one large bz2 is read by many
tasks, damage stays within its page, and an entity that the file's head declares is unknown to every
page (an entity bomb is a damaged page, never an expansion).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from factroots_dagster.errors import InputError
from factroots_dagster.wikipedia.files import spark_path

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

LARGEST_PAGE = 32 * 2**20
"""Bytes of XML of one page; MediaWiki allows 2 MiB of wikitext. Longer ones are listed as damaged."""

LONGEST_PIECE = 512 * 2**20
"""Bytes without any `</page>`, after which the reader gives up the piece to spare its memory."""

PAGE_TYPE = (
    "title STRING, ns BIGINT, id BIGINT, redirect STRUCT<_title: STRING>, "
    "revision STRUCT<id: BIGINT, text: STRUCT<_VALUE: STRING>>, _corrupt_record STRING"
)


def read_pages(spark: SparkSession, paths: list[str]) -> DataFrame:
    """Every page of the dump files `paths` (.xml, .bz2, .gz, .zst; UTF-8).

    Columns: page_id, namespace, title, redirect_to (null for no redirect), revision_id, wikitext,
    damage (null for a complete page) and bytes (of the page's XML). A damaged page has its id and title
    where they can still be read, and no wikitext.
    Raises InputError for .xz, which Spark cannot read.
    """
    from pyspark.sql import functions as F

    for path in paths:
        if path.endswith((".xz", ".7z")):
            raise InputError(
                f"{path}: this compression cannot be read. "
                "Remedy: recompress it (xz -dc FILE | zstd > FILE.zst)."
            )
    chunks = (
        spark.read.option("mapreduce.input.linerecordreader.line.maxlength", str(LONGEST_PIECE))
        .text([spark_path(path) for path in paths], lineSep="</page>")
        .select(F.split("value", "<page>").alias("pieces"))
        .select(F.size("pieces").alias("count"), F.posexplode("pieces").alias("place", "piece"))
    )
    # The piece before the first <page> holds the file's head or blanks; if it holds a revision, a page
    # has lost its beginning. A piece that another <page> follows has lost its end.
    pieces = chunks.where((F.col("place") > 0) | F.col("piece").contains("<revision>")).select(
        "piece",
        F.octet_length("piece").cast("long").alias("bytes"),
        F.when(F.col("place") == 0, "no beginning")
        .when(F.col("place") < F.col("count") - 1, "no end")
        .when(F.octet_length("piece") > LARGEST_PAGE, f"longer than {LARGEST_PAGE} bytes")
        .alias("damage"),
    )
    whole = F.when(F.col("damage").isNull(), F.concat(F.lit("<page>"), F.col("piece"), F.lit("</page>")))
    options = {
        "rowTag": "page",
        "mode": "PERMISSIVE",
        "columnNameOfCorruptRecord": "_corrupt_record",
        "ignoreSurroundingSpaces": "false",
        # By default a page with the title "null" would have none.
        "nullValue": "\0",
    }
    parsed = pieces.select("*", F.from_xml(whole, PAGE_TYPE, options).alias("page"))
    complete = (
        F.col("page._corrupt_record").isNull()
        & F.col("page.id").isNotNull()
        & F.col("page.ns").isNotNull()
        & F.col("page.title").isNotNull()
        & F.col("page.revision.id").isNotNull()
    )
    damage = F.coalesce("damage", F.when(~F.coalesce(complete, F.lit(False)), F.lit("not well-formed")))
    head = F.substring("piece", 1, 2000)
    return parsed.select(
        F.coalesce(
            "page.id",
            F.expr("try_cast(regexp_extract(substring(piece, 1, 2000), '<id>([0-9]+)</id>') AS BIGINT)"),
        ).alias("page_id"),
        F.col("page.ns").alias("namespace"),
        F.coalesce(
            "page.title", F.nullif(F.regexp_extract(head, "<title>([^<]*)</title>", 1), F.lit(""))
        ).alias("title"),
        F.col("page.redirect._title").alias("redirect_to"),
        F.col("page.revision.id").alias("revision_id"),
        F.when(damage.isNull(), F.coalesce("page.revision.text._VALUE", F.lit(""))).alias("wikitext"),
        damage.alias("damage"),
        "bytes",
    )
