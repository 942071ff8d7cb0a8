"""Groups `wikipedia` and `tracing`: from a dump to the sentences that a language's facts can come from."""

from pathlib import Path

import dagster as dg
import pyarrow as pa

from factroots_dagster.corpora.schema import WIKIPEDIA_ARTICLES
from factroots_dagster.orchestration.assets.base import (
    SPARK_POOL,
    SPARK_RETRIES,
    Shown,
    asset,
    progress_to,
    publish_each,
)
from factroots_dagster.orchestration.assets.sources import DUMP_FOLDER
from factroots_dagster.orchestration.partitions import Platform
from factroots_dagster.orchestration.resources.models import wordpiece_tokenizer
from factroots_dagster.orchestration.resources.spark import SparkResource
from factroots_dagster.orchestration.versions import code_version
from factroots_dagster.store.store import PartitionWriter, read_folder
from factroots_dagster.tracing.schema import ENTITY_MENTIONS, FACT_SOURCES, WIKIPEDIA_VOLUME


def read_dump(work: PartitionWriter, language: str) -> pa.Table:
    """The dump's table with the paths of downloaded files made absolute."""
    folder = work.input_folder("wikipedia_dump", language) / DUMP_FOLDER
    dump = work.read("wikipedia_dump", language)
    paths = [
        str(folder / path) if not Path(path).is_absolute() else path for path in dump["path"].to_pylist()
    ]
    return dump.set_column(dump.schema.get_field_index("path"), "path", pa.array(paths))


def wikipedia_assets(platform: Platform) -> list[dg.AssetsDefinition]:
    """`wikipedia_articles`, `wikipedia_volume`, `entity_mentions` and `fact_sources`."""
    settings, store, languages = platform.settings, platform.store, platform.languages
    key = settings.wordpiece_checkpoint
    its_tokenizer = dg.SpecificPartitionsPartitionMapping([key])
    wordpieces = [dg.AssetDep("checkpoint", partition_mapping=its_tokenizer)] if key else []

    @asset(
        group="wikipedia",
        kinds=("pyspark", "parquet"),
        schema=WIKIPEDIA_ARTICLES,
        partitions_def=languages,
        deps=["wikipedia_dump"],
        pool=SPARK_POOL,
        retry_policy=SPARK_RETRIES,
    )
    def wikipedia_articles(context: dg.AssetExecutionContext, spark: SparkResource) -> None:
        """Articles as plain text and redirects, read and cleaned by Spark; what was damaged stands apart."""

        def build(work: PartitionWriter, language: str) -> Shown:
            from factroots_dagster.corpora.wikipedia.articles import write_articles
            from factroots_dagster.report.previews import counts_picture

            dump = read_dump(work, language)
            counts = write_articles(
                spark.session(),
                dump,
                work.folder,
                lists=settings.wikipedia_lists,
                progress=progress_to(context),
            )
            return Shown(counts_picture(counts, "number (logarithmic)"), counts)

        def made_of(language: str) -> str:
            code = code_version("wikipedia_articles", settings)
            return f"{store.digest('wikipedia_dump', language)} {code}"

        publish_each(context, store, build, made_of)

    @asset(
        group="wikipedia",
        kinds=("parquet",),
        schema=WIKIPEDIA_VOLUME,
        partitions_def=languages,
        deps=["wikipedia_articles", "wikipedia_dump", "entity_mentions"],
    )
    def wikipedia_volume(context: dg.AssetExecutionContext) -> None:
        """How much there is to read a fact in: articles, bytes, characters, words, entities mentioned."""

        def build(work: PartitionWriter, language: str) -> Shown:
            from factroots_dagster.report.previews import volume_picture
            from factroots_dagster.tracing.volume import volume

            articles = work.input_folder("wikipedia_articles", language)
            mentions = work.input_folder("entity_mentions", language)
            table = volume(read_dump(work, language), articles, mentions)
            work.write(table, WIKIPEDIA_VOLUME)
            return Shown(volume_picture(table), {"words": table["words"][0].as_py()})

        publish_each(context, store, build)

    @asset(
        group="wikipedia",
        kinds=("pyspark", "parquet"),
        schema=ENTITY_MENTIONS,
        partitions_def=languages,
        deps=["wikipedia_articles", "mlama_split", *wordpieces],
        pool=SPARK_POOL,
        retry_policy=SPARK_RETRIES,
    )
    def entity_mentions(context: dg.AssetExecutionContext, spark: SparkResource) -> None:
        """Every place where the label of a subject or object stands in an article, overlaps included."""

        def build(work: PartitionWriter, language: str) -> Shown:
            from factroots_dagster.report.previews import counts_picture
            from factroots_dagster.tracing.mentions import write_mentions

            articles = work.input_folder("wikipedia_articles", language)
            split = work.read("mlama_split", language)
            if key and store.exists("checkpoint", key):
                work.input_folder("checkpoint", key)
            figures = write_mentions(
                spark.session(),
                articles,
                split,
                work.folder,
                tokenizer_json=wordpiece_tokenizer(settings, store),
                progress=progress_to(context),
            )
            picture = counts_picture(figures, "count (logarithmic)")
            return Shown(picture, figures | {"wordpieces_of": settings.wordpiece_checkpoint or "none"})

        def made_of(language: str) -> str:
            inputs = [store.digest(name, language) for name in ("wikipedia_articles", "mlama_split")]
            code = code_version("entity_mentions", settings)
            return " ".join([*inputs, code, wordpiece_tokenizer(settings, store) or ""])

        publish_each(context, store, build, made_of)

    @asset(
        group="tracing",
        kinds=("pyspark", "parquet"),
        schema=FACT_SOURCES,
        partitions_def=languages,
        deps=["entity_mentions", "wikipedia_articles", "mlama_split"],
        pool=SPARK_POOL,
        retry_policy=SPARK_RETRIES,
    )
    def fact_sources(context: dg.AssetExecutionContext, spark: SparkResource) -> None:
        """For every fact the windows that name its subject and object, with the best as evidence."""

        def build(work: PartitionWriter, language: str) -> Shown:
            from factroots_dagster.report.previews import sources_picture
            from factroots_dagster.tracing.sources import write_sources

            articles = work.input_folder("wikipedia_articles", language)
            mentions = work.input_folder("entity_mentions", language)
            split = work.read("mlama_split", language)
            write_sources(
                spark.session(), articles, mentions, split, work.folder, progress=progress_to(context)
            )
            return Shown(sources_picture(read_folder(work.folder, ["matcher", "windows"])))

        publish_each(context, store, build)

    return [wikipedia_articles, wikipedia_volume, entity_mentions, fact_sources]
