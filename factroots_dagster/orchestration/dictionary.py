"""The data dictionary and the table and graph of the assets, written from the catalog.

`python -m factroots_dagster.orchestration.dictionary` prints `docs/tables.md`; with `table` or `graph` it
prints what `docs/assets.md` has between `<!-- catalog table -->` or `<!-- catalog graph -->` and
`<!-- end -->`.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterable, Iterator
from itertools import pairwise

import pyarrow as pa

from factroots_dagster.orchestration.catalog import ROWS, AssetRow, ancestors
from factroots_dagster.tables import description_of

INTRODUCTION = """# Tables

What every asset holds, column by column. Written by `python -m factroots_dagster.orchestration.dictionary`
from the catalog: change the schemas, not this file.

A partition is the folder `<data root>/<world>/<asset>/[<checkpoint>/][<language>/]`. In its
`current/` the Parquet files whose names begin with a letter are the main table, `_<name>.parquet` is a side
table."""


def data_dictionary() -> str:
    """Every asset and every column of its tables, as Markdown; raises KeyError where one is not described."""
    return "\n".join([INTRODUCTION, "", *(line for row in ROWS for line in _asset(row))])


def asset_table() -> str:
    """A row per asset, by group, with a link into the data dictionary."""
    groups = dict.fromkeys(row.group for row in ROWS)
    lines = ["| group | asset | partitions | what it is |", "|---|---|---|---|"]
    for row in sorted(ROWS, key=lambda row: list(groups).index(row.group)):
        asset, meaning = f"[`{row.name}`](tables.md#{row.name})", row.description.partition(". ")[0]
        lines.append(f"| {row.group} | {asset} | {_partitions(row)} | {meaning.removesuffix('.')} |")
    return "\n".join(lines)


def asset_graph() -> str:
    """The graph for Mermaid, without the arrows that follow from others; dotted: a tokenizer only."""
    lines = ["```mermaid", "flowchart LR"]
    for row in ROWS:
        implied = {name for parent in row.reads for name in ancestors(parent)}
        if direct := [parent for parent in row.reads if parent not in implied]:
            lines.append(f"  {' & '.join(direct)} --> {row.name}")
        if row.tokenizer_setting:
            lines.append(f"  checkpoint -. tokenizer .-> {row.name}")
    generated = ",".join(row.name for row in ROWS if row.generated_only)
    lines += ["  classDef generated stroke-dasharray: 4", f"  class {generated} generated", "```"]
    return "\n".join(lines)


def columns_of(fields: Iterable[pa.Field], prefix: str = "") -> Iterator[tuple[str, pa.Field]]:
    """The columns of a schema and the fields inside its structs, each with the path that leads to it."""
    for field in fields:
        path, type_ = f"{prefix}{field.name}", field.type
        yield path, field
        while pa.types.is_list(type_):
            type_, path = type_.value_type, f"{path}[]"
        if pa.types.is_struct(type_):
            yield from columns_of(type_, f"{path}.")


def _asset(row: AssetRow) -> Iterator[str]:
    reads = ", ".join(f"[`{name}`](#{name})" for name in row.reads) or "no other asset"
    world = "; in generated worlds only" if row.generated_only else ""
    yield from (f"## {row.name}", "", row.description, "")
    yield from (f"Group {row.group}; partitions: {_partitions(row)}; reads {reads}{world}.", "")
    yield from _table("Main table", row.schema) if row.schema is not None else ("Files, no table.", "")
    for name, schema in row.side_tables.items():
        yield from _table(f"Side table `{name}`", schema)


def _table(title: str, schema: pa.Schema) -> Iterator[str]:
    yield from (f"**{title}.** {_row_meaning(schema)}", "")
    yield from ("| column | type | nullable | description |", "|---|---|---|---|")
    for path, field in columns_of(schema):
        nullable = "yes" if field.nullable else "no"
        yield f"| `{path}` | {_type(field.type)} | {nullable} | {_escape(description_of(field))} |"
    yield ""


def _escape(text: str) -> str:
    """Markdown for a table's cell: no column or tag begins in it; code spans show what they hold."""
    parts = text.replace("|", "\\|").split("`")
    return "`".join(part if number % 2 else part.replace("<", "&lt;") for number, part in enumerate(parts))


def _type(type_: pa.DataType) -> str:
    if pa.types.is_list(type_):
        return f"list of {_type(type_.value_type)}"
    return "struct" if pa.types.is_struct(type_) else str(type_)


def _row_meaning(schema: pa.Schema) -> str:
    """The docstring below a schema, which says what its rows are: its first paragraph."""
    for name, module in sorted(sys.modules.items()):
        if name.startswith("factroots_dagster.") and name.endswith(".schema"):
            names = {attribute for attribute, value in vars(module).items() if value is schema}
            body = ast.parse(inspect.getsource(module)).body
            for statement, following in pairwise(body):
                match statement, following:
                    case ast.Assign(targets=[ast.Name(id)]), ast.Expr(ast.Constant(str(text))) if id in names:
                        return " ".join(text.split("\n\n")[0].split())
    raise KeyError(f"a schema without a docstring: {', '.join(schema.names)}")


def _partitions(row: AssetRow) -> str:
    return " and ".join(row.partitioned_by) or "none"


if __name__ == "__main__":
    parts = {"tables": data_dictionary, "table": asset_table, "graph": asset_graph}
    print(parts[sys.argv[1] if len(sys.argv) > 1 else "tables"]())
