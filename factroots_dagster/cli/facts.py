"""`factroots facts`: import fact sets as worlds, and list the worlds that there are."""

from __future__ import annotations

from pathlib import Path

import click

from factroots_dagster.cli.exports import export
from factroots_dagster.errors import InputError
from factroots_dagster.facts.worlds import (
    LEFT_OUT,
    FactImport,
    import_folder,
    is_imported,
    list_imported,
    read_import,
)
from factroots_dagster.settings import OWN_WORLDS, load_data_root

FORMATS = ("klar", "bmlama", "mpararel", "bear", "lama", "table")


@click.group()
def facts() -> None:
    """Import fact sets as worlds, and list them."""


@facts.command(name="import")
@click.argument("format_name", metavar="FORMAT", type=click.Choice(FORMATS))
@click.argument("source", metavar="PATH", type=click.Path(path_type=Path))
@click.option("--name", "world", required=True, metavar="WORLD", help="Name of the world.")
@click.option("--licence", metavar="TEXT", help="Licence of the facts.  [default: that of the format]")
@click.option("--replace", is_flag=True, help="Replace what was imported as this world before.")
def import_command(format_name: str, source: Path, world: str, licence: str | None, replace: bool) -> None:
    """Import the fact set at PATH as a world.

    With FACTROOTS_WORLD=WORLD models are then asked about its facts.

    FORMAT is klar, bmlama, mpararel, bear, lama (folders as published), or table: a CSV, TSV, JSON lines or
    Parquet file with the columns language, relation, template, subject, object, and, where there are any,
    uuid, subject_uri, object_uri. What is unsound is left out and listed. For facts that need no file,
    use FACTROOTS_WORLD=cldr.
    """
    from factroots_dagster.facts.imports.write import import_facts

    data_root = load_data_root()
    if is_imported(data_root, world) and not replace:
        raise InputError(f"world {world} was imported before", "add --replace, or choose another name")
    record = import_facts(format_name, source, data_root, world, OWN_WORLDS, licence=licence)
    for line in describe_import(world, record):
        click.echo(line)
    if record.left_out:
        click.echo(f"Each is listed in {import_folder(data_root, world) / LEFT_OUT}")
    click.echo(f"To ask about them, set FACTROOTS_WORLD={world}")


@facts.command(name="list")
def list_command() -> None:
    """List the worlds whose facts were imported."""
    data_root = load_data_root()
    worlds = list_imported(data_root)
    if not worlds:
        click.echo(f"no facts were imported into {data_root}")
    for world in worlds:
        record = read_import(data_root, world)
        click.echo(
            f"{world}\t{record.format}\t{len(record.languages)} languages\t{record.facts:,} facts"
            f"\t{record.source}"
        )


def describe_import(world: str, record: FactImport) -> list[str]:
    """What was imported and what was left out, in lines."""
    lines = [
        f"{world}: {record.facts:,} facts of {record.relations} relations in {len(record.languages)} "
        f"languages ({', '.join(record.languages)}), {record.rows:,} rows, {record.templates:,} templates",
        f"licence: {record.licence}",
    ]
    if record.several_answers:
        lines.append(f"{record.several_answers:,} rows have questions with several right objects")
    lines += [f"left out: {count:,} x {reason}" for reason, count in record.left_out.items()]
    return lines


facts.add_command(export)
