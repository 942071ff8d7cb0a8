"""How much a language's Wikipedia holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from factroots_dagster.storage.store import main_files
from factroots_dagster.wikipedia.files import spark_path
from factroots_dagster.wikipedia.schema import WIKIPEDIA_VOLUME

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def volume(spark: SparkSession, dump: pa.Table, articles_folder: Path) -> pa.Table:
    """The size of one language (WIKIPEDIA_VOLUME, one row), from the folder that `write_articles` filled.

    A word is a run of letters, marks, digits and underscores, or one Han, kana, Thai, Lao, Khmer or
    Myanmar character, as in `tokens`; characters are code points of the prose, line ends included.
    """
    from pyspark.sql import functions as F

    from factroots_dagster.wikipedia.mentions import count_words

    paths = [spark_path(path) for path in main_files(articles_folder)]
    articles = spark.read.parquet(*paths).where(F.col("redirect_to").isNull())
    sizes = articles.mapInArrow(count_words, "wikitext_bytes BIGINT, characters BIGINT, words BIGINT")
    total = sizes.agg(*(F.coalesce(F.sum(name), F.lit(0)).alias(name) for name in sizes.columns)).toArrow()
    counts = pq.read_table(articles_folder / "_counts.parquet").to_pylist()[0]
    row = {
        "language": dump["language"][0].as_py(),
        "snapshot": dump["snapshot"][0].as_py(),
        **counts,
        **total.to_pylist()[0],
    }
    return pa.Table.from_pylist([row], WIKIPEDIA_VOLUME)
