"""What every asset shares: its declaration, one publication per partition, and the metadata of it.

Bodies write through the store, partition by partition, and not through an IO manager: one run may hold
53 languages of one checkpoint, and a run that is killed must keep the languages it has finished.
"""

from __future__ import annotations

import base64
import html
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import dagster as dg
import pyarrow as pa

from factroots_dagster.errors import InputError
from factroots_dagster.partitions import parts_of
from factroots_dagster.settings import Settings
from factroots_dagster.storage.store import Published, Store, Work, read_head

if TYPE_CHECKING:
    from factroots_dagster.sandbox.world import World

OWNER = "team:factroots"
CODE_VERSION = "1"
MODEL_POOL = "model"
SPARK_POOL = "spark"
_PREVIEW_ROWS = 8
_PREVIEW_CHARACTERS = 80
_LONGEST_PICTURE = 200_000


@dataclass(frozen=True)
class Shown:
    """What a person sees of a materialization besides the standard figures and the table's first rows.

    `picture` is a PNG; `figures` are numbers, which Dagster plots over time, or short texts.
    """

    picture: bytes | None = None
    figures: Mapping[str, int | float | str] = field(default_factory=dict)


def table_schema(schema: pa.Schema) -> dg.TableSchema:
    """Dagster's column schema of an Arrow schema."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=str(column.type),
                constraints=dg.TableColumnConstraints(nullable=column.nullable),
            )
            for column in schema
        ]
    )


def declaration(
    *, group: str, kinds: Iterable[str], schema: pa.Schema | None = None, **more: Any
) -> dict[str, Any]:
    """Arguments that every asset declaration shares (owner, group, kinds, code version, schema)."""
    metadata = {"dagster/column_schema": table_schema(schema)} if schema is not None else {}
    return {
        "group_name": group,
        "kinds": set(kinds),
        "owners": [OWNER],
        "code_version": CODE_VERSION,
        "metadata": metadata,
        **more,
    }


def all_partitions(*assets: str) -> list[dg.AssetDep]:
    """Dependencies on every partition of the assets."""
    return [dg.AssetDep(name, partition_mapping=dg.AllPartitionMapping()) for name in assets]


def asset(
    *, partitions_def: dg.PartitionsDefinition | None = None, **arguments: Any
) -> Callable[[Callable[..., None]], dg.AssetsDefinition]:
    """`dg.asset` with the shared declaration; a run may hold any number of its partitions."""
    if partitions_def is not None:
        arguments |= {"partitions_def": partitions_def, "backfill_policy": dg.BackfillPolicy.single_run()}
    decorate: Callable[[Callable[..., None]], dg.AssetsDefinition] = dg.asset(**declaration(**arguments))
    return decorate


def preview_markdown(table: pa.Table) -> str:
    """A table as Markdown; cells are data and are escaped."""

    def cell(value: object) -> str:
        text = str(value)
        if len(text) > _PREVIEW_CHARACTERS:
            text = text[: _PREVIEW_CHARACTERS - 1] + "…"
        text = html.escape(text, quote=False).replace("\n", " ")
        for mark in "\\|`*_[]":
            text = text.replace(mark, "\\" + mark)
        return text

    names = table.column_names
    rows = [[cell(row[name]) for name in names] for row in table.to_pylist()]
    lines = ["| " + " | ".join(cell(name) for name in names) + " |", "|" + "---|" * len(names)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def picture_markdown(png: bytes) -> str:
    """A PNG as a Markdown image; raises ValueError when it is too large for the event log."""
    if len(png) > _LONGEST_PICTURE:
        raise ValueError(f"a picture of {len(png):,} bytes is too large for the event log")
    return f"![figure](data:image/png;base64,{base64.b64encode(png).decode()})"


def materialization_metadata(
    published: Published, shown: Shown, seconds: float, partitioned: bool
) -> dict[str, Any]:
    """The figures that every materialization records."""
    metadata: dict[str, Any] = {
        "path": dg.MetadataValue.path(str(published.path)),
        "seconds": round(seconds, 3),
        "megabytes": round(published.bytes / 1e6, 3),
        "megabytes_per_second": round(published.bytes / 1e6 / max(seconds, 1e-9), 3),
        "digest": published.digest,
        "inputs": dg.MetadataValue.json(dict(published.inputs)),
        **shown.figures,
    }
    if published.rows is not None:
        metadata["dagster/partition_row_count" if partitioned else "dagster/row_count"] = published.rows
        metadata["rows_per_second"] = round(published.rows / max(seconds, 1e-9), 1)
    head = read_head(published.path, _PREVIEW_ROWS)
    if head is not None:
        metadata["preview"] = dg.MetadataValue.md(preview_markdown(head))
    if shown.picture is not None:
        metadata["picture"] = dg.MetadataValue.md(picture_markdown(shown.picture))
    return metadata


def partition_keys(context: Any) -> Sequence[str | None]:
    """Keys of the run's partitions, one or a range; `[None]` for an asset without partitions."""
    return context.partition_keys if context.has_partition_key_range or context.has_partition_key else [None]


def record(context: Any, name: str, key: str | None, store: Store, shown: Shown, started: float) -> None:
    """Attach the metadata of one published partition to the run's materialization of it."""
    published = store.published(name, *parts_of(key))
    seconds = time.monotonic() - started
    metadata = materialization_metadata(published, shown, seconds, key is not None)
    context.add_asset_metadata(metadata, asset_key=name, partition_key=key)
    context.log.info(
        "%s: %s rows, %.2f MB in %.1f s",
        "/".join((name, *parts_of(key))),
        "-" if published.rows is None else f"{published.rows:,}",
        published.bytes / 1e6,
        seconds,
    )


def publish_each(
    context: Any, store: Store, build: Callable[..., Shown], resume: Callable[..., str] | None = None
) -> None:
    """Publish every partition of the run with `build(work, *parts)` and record its metadata.

    `resume(*parts)` names all that a partition's content depends on: what a killed run had finished of it
    is then taken up by the next one. A bad input fails the step without retries and with the words of the
    InputError.
    """
    name = context.asset_key.to_user_string()
    for key in partition_keys(context):
        started = time.monotonic()
        parts = parts_of(key)
        with ExitStack() as stack:
            stack.enter_context(refusing_bad_input())
            words = f"{CODE_VERSION} {resume(*parts)}" if resume is not None else None
            publication = store.publish(name, *parts, code_version=CODE_VERSION, resume=words)
            shown = build(stack.enter_context(publication), *parts)
        record(context, name, key, store, shown, started)


@contextmanager
def refusing_bad_input() -> Iterator[None]:
    """Turn an InputError into a failure that is not retried and says what the error says."""
    try:
        yield
    except InputError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error


def progress_to(context: Any) -> Callable[[str], None]:
    """A progress callback of the domain functions that writes to the run's log."""
    logger: logging.Logger = context.log
    return lambda line: logger.info(line)


@cache
def generated_world(settings: Settings) -> World:
    """The generated world of the settings, made once a process; nothing changes it."""
    from factroots_dagster.sandbox.world import generate

    return generate(settings.sandbox_seed, settings.world == "disjoint")


def available_languages(work: Work, asset_name: str, languages: Iterable[str], *parts: str) -> list[str]:
    """The languages whose partition of an asset is published; raises InputError when none is."""
    found = [language for language in languages if work.store.exists(asset_name, *parts, language)]
    if not found:
        work.store.require(asset_name, *parts, next(iter(languages)))
    return found
