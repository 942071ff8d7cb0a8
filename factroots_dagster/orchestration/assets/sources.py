"""Group `sources`: the release, the dumps and the checkpoints, verified, with their provenance."""

from pathlib import Path

import dagster as dg
import pyarrow as pa

from factroots_dagster.corpora.schema import WIKIPEDIA_DUMP
from factroots_dagster.facts.schema import MLAMA_RELEASE
from factroots_dagster.models.registry import lookup
from factroots_dagster.models.schema import CHECKPOINT
from factroots_dagster.orchestration.assets.base import (
    OUTSIDE_RETRIES,
    Shown,
    asset,
    generated_world,
    progress_to,
    publish_each,
)
from factroots_dagster.orchestration.partitions import Platform
from factroots_dagster.store.store import PartitionWriter

RELEASE_FOLDER = "_release"
DUMP_FOLDER = "_dump"


def source_assets(platform: Platform) -> list[dg.AssetsDefinition]:
    """`mlama_release`, `wikipedia_dump` and `checkpoint` of a world."""
    settings, store = platform.settings, platform.store

    @asset(group="sources", kinds=("python", "json"), schema=MLAMA_RELEASE, retry_policy=OUTSIDE_RETRIES)
    def mlama_release(context: dg.AssetExecutionContext) -> None:
        """The mLAMA release: a verified local copy and its inventory of files and templates.

        In a generated world it is written from the seed; else it comes from `FACTROOTS_MLAMA_SOURCE`
        (URL, folder or archive) or the known mirrors, and its rows are compared with the published ones.
        """

        def build(work: PartitionWriter) -> Shown:
            from factroots_dagster.facts.mlama.release import acquire_release, inventory, release_facts
            from factroots_dagster.report.previews import release_picture

            folder = work.folder / RELEASE_FOLDER
            folder.mkdir()
            if settings.generated:
                from factroots_dagster.sandbox.release import write_release

                write_release(generated_world(settings), folder)
                table = inventory(folder)
                figures = {"release_source": f"seed {settings.sandbox_seed}"}
            else:
                source = settings.mlama_source or None
                table = acquire_release(source, folder, progress=progress_to(context))
                figures = {f"release_{name}": str(value) for name, value in release_facts(table).items()}
            work.write(table, MLAMA_RELEASE)
            return Shown(release_picture(table), figures)

        publish_each(context, store, build)

    @asset(
        group="sources",
        kinds=("xml",),
        schema=WIKIPEDIA_DUMP,
        partitions_def=platform.languages,
        retry_policy=OUTSIDE_RETRIES,
    )
    def wikipedia_dump(context: dg.AssetExecutionContext) -> None:
        """The Wikipedia dump of a language: where its files are, their snapshot, checksums and namespaces.

        A dump in a folder stays where it is; one from a base URL is downloaded, resumed and verified.
        """

        def build(work: PartitionWriter, language: str) -> Shown:
            from factroots_dagster.corpora.wikipedia.dump import acquire_dump
            from factroots_dagster.report.previews import bars_picture

            folder = work.folder / DUMP_FOLDER
            folder.mkdir(exist_ok=True)
            source = settings.wikipedia_source
            if settings.generated:
                from factroots_dagster.sandbox.dump import dump_name, write_dump

                write_dump(generated_world(settings), language, folder / dump_name(language))
                source = str(folder)
            table = acquire_dump(language, source, settings.wikipedia_snapshot, folder, progress_to(context))
            # A folder that was resumed may hold files of an older snapshot.
            for left in set(folder.iterdir()) - {Path(path) for path in table["path"].to_pylist()}:
                left.unlink()
            # what lies in the partition itself is named from there: the folder is published elsewhere
            paths = [path.removeprefix(f"{folder}/") for path in table["path"].to_pylist()]
            column = table.schema.get_field_index("path")
            work.write(table.set_column(column, "path", pa.array(paths)), WIKIPEDIA_DUMP)
            sizes = dict(zip(table["file"].to_pylist(), table["bytes"].to_pylist(), strict=True))
            picture = bars_picture(sizes, "bytes")
            return Shown(picture, {"snapshot": table["snapshot"][0].as_py()})

        def source_of(language: str) -> str:
            return f"{settings.wikipedia_source} {settings.wikipedia_snapshot} {language}"

        # A download of hours is not begun again because its run was killed.
        publish_each(context, store, build, None if settings.generated else source_of)

    @asset(
        group="sources",
        kinds=("huggingface",),
        schema=CHECKPOINT,
        partitions_def=platform.checkpoints,
        deps=["sandbox_training"] if settings.generated else [],
        retry_policy=OUTSIDE_RETRIES,
    )
    def checkpoint(context: dg.AssetExecutionContext) -> None:
        """A registered checkpoint: resolved commit, architecture, layers and neurons, digests, corpus.

        Only safetensors weights and fast tokenizers are accepted, and never code from a checkpoint.
        """

        def build(work: PartitionWriter, key: str) -> Shown:
            from factroots_dagster.models.checkpoint import describe, resolve_checkpoint
            from factroots_dagster.report.previews import checkpoint_picture

            entry = lookup(settings, key)
            if settings.generated and work.store.exists("sandbox_training"):
                work.input_folder("sandbox_training")
            resolved = resolve_checkpoint(entry.source, entry.revision)
            table = describe(key, resolved, corpus="sandbox" if settings.generated else None)
            work.write(table, CHECKPOINT)
            return Shown(checkpoint_picture(table), {"source": entry.source})

        publish_each(context, store, build)

    return [mlama_release, wikipedia_dump, checkpoint]
