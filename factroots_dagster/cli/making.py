"""`factroots run` and its preset `factroots demo`."""

from __future__ import annotations

from pathlib import Path

import click

from factroots_dagster.cli.instance import dagster_instance
from factroots_dagster.cli.options import checkpoint_option, complete_asset, world_option
from factroots_dagster.models import registry
from factroots_dagster.settings import Settings, load_settings


@click.command()
@world_option
@click.option(
    "--languages",
    metavar="CODES",
    help="Comma-separated languages.  [default: FACTROOTS_LANGUAGES, else all]",
)
@click.option(
    "--relations",
    metavar="NAMES",
    help="Comma-separated relations, such as P36,P103; not of a made-up world.",
)
@click.option("--sample", metavar="N", help="At most N facts of a relation; not of a made-up world.")
@checkpoint_option(
    "Ask this checkpoint only: a key, or a hub id, folder or GGUF file, which is registered.  "
    "[default: all registered]"
)
@click.option(
    "--until",
    multiple=True,
    metavar="ASSET",
    shell_complete=complete_asset,
    help="Make this asset and what it is made from, nothing else; repeatable.",
)
@click.option("--force", is_flag=True, help="Make again what is up to date, too.")
def run(
    world: str | None,
    languages: str | None,
    relations: str | None,
    sample: str | None,
    checkpoint: str | None,
    until: tuple[str, ...],
    force: bool,
) -> None:
    """Make what is not up to date, and show the answer.

    All of it happens in this process and is in Dagster's history. Ctrl-C stops it; what is finished is
    kept.
    """
    from factroots_dagster.cli.run import run_world
    from factroots_dagster.orchestration.stages import Choice

    settings = load_settings(world=world, languages=languages, relations=relations, sample=sample)
    with dagster_instance() as instance:
        key = None if checkpoint is None else _find_checkpoint(settings, checkpoint)
        run_world(settings, instance, Choice(key, until), force=force)


def _find_checkpoint(settings: Settings, named: str) -> str:
    """The key of a checkpoint; a hub id, a folder or a GGUF file is registered if it is not yet.

    A hub id means its main branch: other revisions that are registered are checkpoints of their own.
    """
    from factroots_dagster.cli.checkpoints import find_source, register

    registered = registry.registered(settings)
    is_source = "/" in named or Path(named).exists()
    if named in registered or settings.generated or not is_source:
        return named
    source = find_source(settings, named)
    same = {entry.revision: key for key, entry in registered.items() if entry.source == source}
    if None in same:
        return same[None]
    (key,) = register(settings, source)
    if same:
        others = ", ".join(same.values())
        click.echo(f"registered as {key}: {others} are other revisions of {source}", err=True)
    return key


@click.command()
@click.option("--force", is_flag=True, help="Make again what is up to date, too.")
def demo(force: bool) -> None:
    """Run with the settings as they are.

    After a fresh installation that is a made-up world: a small model is trained on it, and all results are
    made, in a few minutes.
    """
    from factroots_dagster.cli.run import run_world

    settings = load_settings()
    with dagster_instance() as instance:
        run_world(settings, instance, force=force)
