"""Group `sources`: the release, the dumps and the checkpoints, verified, with their provenance."""

from __future__ import annotations

from factroots_dagster.corpora.schema import WIKIPEDIA_DUMP
from factroots_dagster.facts.schema import MLAMA_RELEASE
from factroots_dagster.models.registry import check_corpora, lookup
from factroots_dagster.models.schema import CHECKPOINT
from factroots_dagster.orchestration.assets.step import Step
from factroots_dagster.orchestration.resources import DTYPES

RELEASE_FOLDER = "_release"
DUMP_FOLDER = "_dump"


def mlama_release(step: Step) -> None:
    """Acquire the release from `FACTROOTS_MLAMA_SOURCE`; other worlds than mLAMA's write their own."""
    from factroots_dagster.facts.cldr.release import write_cldr
    from factroots_dagster.facts.imports.write import copy_import
    from factroots_dagster.facts.mlama.release import acquire_release, list_release
    from factroots_dagster.sandbox.release import write_release

    folder = step.folder / RELEASE_FOLDER
    folder.mkdir()
    if step.settings.generated:
        write_release(step.world(), folder)
        table = list_release(folder)
    elif step.settings.imported:
        table = copy_import(step.settings.data_root, step.settings.world, folder)
    elif step.settings.world == "cldr":
        table = write_cldr(folder)
    else:
        table = acquire_release(step.settings.mlama_source or None, folder, progress=step.progress)
    provenance = table.schema.metadata
    step.writer.write(table, MLAMA_RELEASE.with_metadata(provenance))


def wikipedia_dump(step: Step, language: str) -> None:
    """Find or download the files of one language in all corpora; a generated world writes its own dump."""
    from factroots_dagster.corpora.registry import acquire_files
    from factroots_dagster.corpora.wikipedia.dump import make_relative, remove_other_files
    from factroots_dagster.sandbox.dump import dump_name, write_dump

    folder, source = step.folder / DUMP_FOLDER, step.settings.wikipedia_source
    folder.mkdir(exist_ok=True)
    if step.settings.generated:
        write_dump(step.world(), language, folder / dump_name(language))
        source = str(folder)
    corpora, snapshot = step.settings.corpus_choices, step.settings.wikipedia_snapshot
    table = acquire_files(language, corpora, source, snapshot, folder, step.session, step.progress)
    remove_other_files(table, folder)
    step.writer.write(make_relative(table, folder), WIKIPEDIA_DUMP)


def checkpoint(step: Step, key: str) -> None:
    """Describe a registered checkpoint."""
    from factroots_dagster.models.checkpoint import describe
    from factroots_dagster.models.files import resolve_checkpoint

    entry = lookup(step.settings, key)
    check_corpora(entry, [choice.name for choice in step.settings.corpus_choices])
    if step.settings.generated and step.store.exists("sandbox_training"):
        step.input_folder("sandbox_training")
    resolved = resolve_checkpoint(entry.source, entry.revision)
    corpus = "sandbox" if step.settings.generated else None
    table = describe(
        key,
        resolved,
        corpus,
        entry.corpora,
        device=step.settings.device,
        dtype=DTYPES[step.settings.precision],
        start_token=step.settings.start_token,
    )
    step.writer.write(table, CHECKPOINT)
