"""What Dagster shows of an asset and of each of its materializations."""

from __future__ import annotations

import base64
import html
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa

from factroots_dagster.orchestration.catalog import AssetRow
from factroots_dagster.orchestration.partitions import Parts
from factroots_dagster.store.store import Store
from factroots_dagster.store.versions import PartitionVersion
from factroots_dagster.tables import description_of

PREVIEW_ROWS = 8
PREVIEW_CHARACTERS = 80
LARGEST_PICTURE = 200_000


def table_schema(schema: pa.Schema) -> dg.TableSchema:
    """Dagster's column schema of an Arrow schema, with the columns' descriptions."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=str(column.type),
                description=html.escape(description_of(column), quote=False),  # shown as Markdown
                constraints=dg.TableColumnConstraints(nullable=column.nullable),
            )
            for column in schema
        ]
    )


def asset_metadata(row: AssetRow) -> dict[str, Any]:
    """What is known of an asset before it is made: its tables and where its code is."""
    metadata: dict[str, Any] = {"dagster/code_references": _code_reference(row.body)}
    if row.schema is not None:
        metadata["dagster/column_schema"] = table_schema(row.schema)
    for name, schema in row.side_tables.items():
        metadata[f"side table {name}"] = dg.MetadataValue.table_schema(table_schema(schema))
    return metadata


def _code_reference(body: Callable[..., None]) -> dg.CodeReferencesMetadataValue:
    _, first = inspect.getsourcelines(body)
    reference = dg.LocalFileCodeReference(
        file_path=inspect.getfile(body), line_number=first, label=f"{body.__module__}.{body.__name__}"
    )
    return dg.CodeReferencesMetadataValue(code_references=[reference])


def materialization_metadata(
    row: AssetRow, store: Store, parts: Parts, seconds: float | None = None
) -> dict[str, Any]:
    """The numbers, preview and picture that a materialization records.

    seconds: how long it took; None where that is not known.
    """
    from factroots_dagster.orchestration.previews import draw_preview

    store = store.view()
    version, place = store.version(row.name, *parts), store.shown_place(row.name, *parts)
    metadata: dict[str, Any] = {}
    if version.has("index.html"):
        metadata["page"] = dg.MetadataValue.path(f"{place}/index.html")  # browsers follow no file link
    if (picture := draw_preview(row.name, store, *parts)) is not None:
        metadata["picture"] = dg.MetadataValue.md(picture_markdown(picture))
    if row.metrics is not None:
        numbers = row.metrics(store, *parts)
        metadata |= {name: value for name, value in numbers.items() if value is not None}
    head = None if version.rows is None else next(version.read_batches(PREVIEW_ROWS), None)
    if head is not None:
        metadata["preview"] = _preview(head)
    if version.rows is not None:
        metadata["dagster/partition_row_count" if parts else "dagster/row_count"] = version.rows
    metadata |= {
        "dagster/uri": place if "://" in place else Path(place).as_uri(),
        "path": dg.MetadataValue.path(place),
        "megabytes": round(version.bytes / 1e6, 3),
        "digest": version.digest,
        "inputs": dg.MetadataValue.json(dict(version.inputs)),
    }
    return metadata if seconds is None else {**metadata, **_speed(version, seconds)}


def _speed(version: PartitionVersion, seconds: float) -> Mapping[str, float]:
    rates = {"seconds": round(seconds, 3), "megabytes_per_second": round(version.bytes / 1e6 / seconds, 3)}
    if version.rows is not None:
        rates["rows_per_second"] = round(version.rows / seconds, 1)
    return rates


def _preview(head: pa.Table) -> dg.TableMetadataValue:
    """The first rows of a table; Dagster shows the cells as text."""
    records = [
        dg.TableRecord({name: _cell(value) for name, value in row.items()}) for row in head.to_pylist()
    ]
    schema = dg.TableSchema(columns=[dg.TableColumn(name=name) for name in head.column_names])
    return dg.MetadataValue.table(records, schema=schema)


def _cell(value: object) -> str:
    text = str(value)
    return text if len(text) <= PREVIEW_CHARACTERS else text[: PREVIEW_CHARACTERS - 1] + "…"


def picture_markdown(png: bytes) -> str:
    """A PNG as a Markdown image; raises ValueError when it is too large for the event log."""
    if len(png) > LARGEST_PICTURE:
        raise ValueError(f"a picture of {len(png):,} bytes is too large for the event log")
    return f"![figure](data:image/png;base64,{base64.b64encode(png).decode()})"
