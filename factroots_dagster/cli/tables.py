"""`factroots data`: any table of the store as CSV, Parquet or JSON lines."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from factroots_dagster.cli.options import checkpoint_option, complete_table, world_option
from factroots_dagster.errors import InputError
from factroots_dagster.settings import load_settings

if TYPE_CHECKING:
    import pyarrow as pa

    from factroots_dagster.orchestration.stored_tables import StoredTable

ENDINGS = {".csv": "csv", ".parquet": "parquet", ".jsonl": "jsonl"}


@click.command()
@click.argument("table", required=False, shell_complete=complete_table)
@click.option(
    "--format",
    "format_",
    type=click.Choice(sorted(ENDINGS.values())),
    help="How it is written.  [default: by the ending of --output, else csv]",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write.  [default: print it]",
)
@world_option
@checkpoint_option("Of this checkpoint only.  [default: of all]")
@click.option("--language", metavar="CODE", help="Of this language only.  [default: of all]")
def data(
    table: str | None,
    format_: str | None,
    output: Path | None,
    world: str | None,
    checkpoint: str | None,
    language: str | None,
) -> None:
    """Write a table to a file, or list all tables.

    TABLE is an asset, such as fact_verdicts, or a side table of one, such as fact_verdicts.shares. Its
    partitions become one table. In CSV nested columns are JSON, and texts that a spreadsheet would take for
    a formula begin with a '.
    """
    from factroots_dagster.orchestration.stored_tables import find_table, list_tables

    settings = load_settings(world=world)
    if table is None:
        for line in _describe_tables(list_tables(settings)):
            click.echo(line)
        return
    stored = find_table(settings, table, checkpoint=checkpoint, language=language)
    chosen = format_ or ENDINGS.get(output.suffix if output else "", "csv")
    if output is None:
        if chosen == "parquet":
            raise InputError("Parquet cannot be printed", "name a file with --output")
        _write(stored, chosen, sys.stdout.buffer)
        return
    draft = output.with_name(f".{output.name}.part")
    try:
        with draft.open("wb") as stream:
            rows = _write(stored, chosen, stream)
        draft.replace(output)
    except OSError as error:
        raise InputError(f"{output} cannot be written ({error.strerror})", "name another file") from None
    finally:
        with suppress(OSError):  # where it could not be made either
            draft.unlink()
    click.echo(f"{rows:,} rows in {output}", err=True)


def _describe_tables(tables: list[StoredTable]) -> Iterator[str]:
    """A line per table: its name, how many partitions are there, and what it is."""
    width = max(len(table.name) for table in tables)
    for table in tables:
        count = len(table.partitions)
        if not table.row.partitioned_by:
            there = "there" if count else "-"
        else:
            there = f"{count:,} partitions" if count else "-"
        meaning = table.row.description.partition(". ")[0].removesuffix(".")
        if table.side is not None:
            meaning = f"columns: {', '.join(table.schema.names)}"
        yield f"{table.name:{width}}  {there:>15}  {meaning}"


def _write(table: StoredTable, format_: str, stream: IO[bytes]) -> int:
    writers: dict[str, Callable[..., int]] = {
        "csv": write_csv,
        "jsonl": write_json_lines,
        "parquet": write_parquet,
    }
    return writers[format_](table.batches(), stream)


def write_csv(batches: Iterator[pa.Table], stream: IO[bytes]) -> int:
    """Write tables as one CSV file in UTF-8; returns the number of rows."""
    from pyarrow import csv

    from factroots_dagster.tables import escape_formulas

    rows, first = 0, True
    for batch in batches:
        options = csv.WriteOptions(include_header=first)
        csv.write_csv(escape_formulas(_flatten(batch)), stream, options)
        rows, first = rows + len(batch), False
    return rows


def _flatten(table: pa.Table) -> pa.Table:
    """A table whose nested columns are JSON."""
    import pyarrow as pa

    for number, field in enumerate(table.schema):
        if pa.types.is_nested(field.type):
            values = [None if value is None else _dump(value) for value in table[number].to_pylist()]
            table = table.set_column(number, field.name, pa.array(values, pa.string()))
    return table


def write_json_lines(batches: Iterator[pa.Table], stream: IO[bytes]) -> int:
    """Write tables as one JSON object per row; returns the number of rows."""
    rows = 0
    for batch in batches:
        for row in batch.to_pylist():
            stream.write(f"{_dump(row)}\n".encode())
        rows += len(batch)
    return rows


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def write_parquet(batches: Iterator[pa.Table], stream: IO[bytes]) -> int:
    """Write tables as one Parquet file; returns the number of rows."""
    import pyarrow.parquet as pq

    first = next(batches)
    with pq.ParquetWriter(stream, first.schema, compression="zstd") as writer:
        writer.write_table(first)
        rows = len(first)
        for batch in batches:
            writer.write_table(batch.select(first.column_names).cast(first.schema))
            rows += len(batch)
    return rows
