"""`factroots checkpoints`: register checkpoints, list them, and take them out again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from factroots_dagster.cli.instance import dagster_instance
from factroots_dagster.errors import InputError, UnavailableError
from factroots_dagster.models import registry
from factroots_dagster.settings import Settings, load_settings
from factroots_dagster.store.store import Store


@click.group()
def checkpoints() -> None:
    """Register checkpoints, list them, and remove them."""


@checkpoints.command()
@click.argument("source")
@click.option(
    "--revision",
    metavar="REVISION",
    help="Commit, branch or tag of a model on the hub.  [default: the newest commit]",
)
@click.option(
    "--revisions",
    metavar="PATTERN",
    help="All branches and tags of a model on the hub that match, such as 'stage1-step*', by their steps.",
)
@click.option(
    "--every",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    help="Of these every Nth only, and the last one.",
)
@click.option(
    "--corpora",
    metavar="NAMES",
    help="Comma-separated corpora of FACTROOTS_CORPORA that it was trained on: in these the sources of its "
    "facts are looked for.  [default: as registered before, else all]",
)
def add(source: str, revision: str | None, revisions: str | None, every: int, corpora: str | None) -> None:
    """Register SOURCE as a checkpoint and print its partition key.

    SOURCE is the id of a model on the Hugging Face hub, a folder with its files, or a GGUF file, which is
    dequantized into the data root. What is incomplete, or cannot be asked, is refused.
    """
    if revisions is not None and (revision is not None or Path(source).is_dir()):
        raise InputError(
            "--revisions chooses among the revisions of a model on the hub",
            "name a hub id, and give --revision or --revisions",
        )
    for key in register(load_settings(), source, revision, revisions, every, corpora):
        click.echo(key)


def register(
    settings: Settings,
    source: str,
    revision: str | None = None,
    revisions: str | None = None,
    every: int = 1,
    corpora: str | None = None,
) -> list[str]:
    """Register what `factroots checkpoints add` names; returns the keys of the partitions.

    Raises InputError for what is incomplete or cannot be asked.
    """
    from factroots_dagster.models.inspection import inspect_checkpoint, select_revisions

    source = find_source(settings, source)
    names = _corpora(settings, source, corpora)
    keys: list[str] = []
    by_weights: dict[tuple[tuple[str, str], ...], str | None] = {}
    for each in [revision] if revisions is None else select_revisions(source, revisions, every):
        try:
            weights = inspect_checkpoint(source, each)
        except UnavailableError as error:
            click.echo(f"registered unseen: {error}", err=True)
            weights = ()
        if weights and (same := by_weights.setdefault(weights, each)) != each:
            click.echo(f"{each}: left out, its weights are those of {same}", err=True)
            continue
        keys.append(registry.add(settings, source, each, names).key)
    _add_partitions(settings, keys)
    return keys


def find_source(settings: Settings, named: str) -> str:
    """The absolute path of a folder, or the hub id, that a person named; a GGUF file is dequantized first.

    Raises InputError where it is none of these.
    """
    from factroots_dagster.models.files import find_gguf

    if file := find_gguf(named):
        from factroots_dagster.models.gguf import dequantize

        click.echo(f"dequantizing {file.name}", err=True)
        return str(dequantize(file, settings.data_root / settings.world / "checkpoint" / "_dequantized"))
    return registry.find_source(named)


def _corpora(settings: Settings, source: str, text: str | None) -> list[str] | None:
    if text is None:
        return None
    names = [name.strip() for name in text.split(",") if name.strip()]
    available = [choice.name for choice in settings.corpus_choices]
    registry.check_corpora(registry.CheckpointSource(source, source, corpora=tuple(names)), available)
    return names


@checkpoints.command()
@click.argument("key")
def remove(key: str) -> None:
    """Take the checkpoint KEY out of the registry. Its results stay on disk, and come back with it."""
    from factroots_dagster.orchestration.partitions import checkpoint_set

    settings = load_settings()
    registry.remove(settings, key)
    with dagster_instance() as instance:
        instance.delete_dynamic_partition(checkpoint_set(settings.world), key)
    click.echo(f"{key} is no longer registered; its results are kept in {settings.data_place}")


@checkpoints.command(name="list")
def list_checkpoints() -> None:
    """List the checkpoints and make each a partition.

    Those of one training follow one another by their steps. What cannot be used, and partitions that are not
    registered any more, are listed last.
    """
    settings = load_settings()
    registered = registry.registered(settings)
    partitions = _add_partitions(settings, list(registered))
    unusable = registry.find_unusable(settings)
    same_weights = _find_same_weights(Store(settings.data_root, settings.world), list(registered))
    for entry in registered.values():
        revision = f"@{entry.revision}" if entry.revision else ""
        is_missing = Path(entry.source).is_absolute() and not Path(entry.source).is_dir()
        note = "\tmissing: its folder does not exist" if is_missing else ""
        if entry.corpora is not None:
            note += f"\ttrained on: {', '.join(entry.corpora)}"
        if entry.key in same_weights:
            note += f"\tsame weights as {same_weights[entry.key]}"
        click.echo(f"{entry.key}\t{entry.source}{revision}{note}")
    for key, defect in unusable.items():
        click.echo(f"{key}\t-\tnot usable: {defect}")
    for key in partitions:
        if key not in registered and key not in unusable:
            click.echo(f"{key}\t-\tno longer registered; its results are kept")


def _find_same_weights(store: Store, keys: Sequence[str]) -> dict[str, str]:
    """By key, the first of the described checkpoints that has the same weights."""
    first: dict[str, str] = {}
    same = {}
    for key in keys:
        if store.exists("checkpoint", key):
            description = store.read("checkpoint", key, columns=["weights_sha256"])
            digest = description["weights_sha256"][0].as_py()
            if first.setdefault(digest, key) != key:
                same[key] = first[digest]
    return same


def _add_partitions(settings: Settings, keys: list[str]) -> list[str]:
    """Make sure that checkpoints are partitions; returns all partitions of the world's checkpoints."""
    from factroots_dagster.orchestration.partitions import checkpoint_set

    name = checkpoint_set(settings.world)
    with dagster_instance() as instance:
        instance.add_dynamic_partitions(name, keys)
        return list(instance.get_dynamic_partitions(name))
