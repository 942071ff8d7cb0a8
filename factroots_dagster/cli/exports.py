"""`factroots facts export`: facts and results for other tools."""

from __future__ import annotations

from pathlib import Path

import click

from factroots_dagster.cli.options import checkpoint_option, world_option
from factroots_dagster.errors import InputError
from factroots_dagster.settings import Settings, load_settings
from factroots_dagster.store.store import Store


@click.group()
def export() -> None:
    """Write facts, and what a model answers, for other tools."""


@export.command(name="lm-eval")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@world_option
@checkpoint_option("Write this decoder's stored answers beside the tasks, too.")
def lm_eval(folder: Path, world: str | None, checkpoint: str | None) -> None:
    """Write tasks of lm-evaluation-harness into FOLDER.

    There is a task per language and a group of all. `acc` is the share of facts whose object ranks first.
    """
    from factroots_dagster.exports.lm_eval import export_tasks

    settings = load_settings(world=world)
    store, languages = _facts(settings)
    export_tasks(store, folder, languages, checkpoint, questions=settings.questions)
    click.echo(
        f"lm_eval --model hf --model_args pretrained=MODEL --include_path {folder} "
        f"--tasks factroots_{settings.world}"
    )


@export.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@world_option
@checkpoint_option("Add this checkpoint's answers, types and verdicts.")
@click.option("--title", metavar="TEXT", help="Title of the card.  [default: the world's name]")
@click.option(
    "--licence",
    metavar="ID",
    help="Licence, an identifier of the hub, such as cc-by-nc-sa-4.0.  [default: that of the facts]",
)
def hub(
    folder: Path, world: str | None, checkpoint: str | None, title: str | None, licence: str | None
) -> None:
    """Write a data set for the Hugging Face hub into FOLDER.

    It has a Parquet file per language and a card; nothing is uploaded.
    """
    from factroots_dagster.exports.hub import export_dataset

    settings = load_settings(world=world)
    store, languages = _facts(settings)
    name = title or f"Facts of the world {settings.world}"
    rows = export_dataset(
        store,
        folder,
        languages,
        title=name,
        licence=licence,
        checkpoint=checkpoint,
        questions=settings.questions,
    )
    click.echo(f"{rows:,} rows of {len(languages)} languages in {folder}")


def _facts(settings: Settings) -> tuple[Store, list[str]]:
    """The store, and the chosen languages whose facts are in it; raises InputError where there are none."""
    store = Store(settings.data_root, settings.world)
    languages = [code for code in settings.active_languages if store.exists("mlama_split", code)]
    if not languages:
        raise InputError(f"{store.location}: there are no facts", "run: factroots run --until mlama_split")
    return store, languages
