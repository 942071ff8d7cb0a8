"""What every asset shares: its declaration, one publication per partition, and the metadata of it.

Bodies write through the store, partition by partition, and not through an IO manager: one run may hold
53 languages of one checkpoint, and a run that is killed must keep the languages it has finished.
"""

from __future__ import annotations

import base64
import hashlib
import html
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import dagster as dg
import pyarrow as pa

from factroots_dagster.errors import InputError, UnavailableError
from factroots_dagster.orchestration.partitions import parents_of, parts_of
from factroots_dagster.orchestration.process import tag_run_with_process
from factroots_dagster.orchestration.versions import RECIPES, StoreSnapshot
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import PartitionWriter, Published, Store, read_head

if TYPE_CHECKING:
    from factroots_dagster.sandbox.records import World

OWNER = "team:factroots"
MODEL_POOL = "model"
SPARK_POOL = "spark"
OUTSIDE_RETRIES = dg.RetryPolicy(
    max_retries=3, delay=30, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)
SPARK_RETRIES = dg.RetryPolicy(max_retries=2, delay=10, backoff=dg.Backoff.EXPONENTIAL)
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
    """Arguments that every asset declaration shares (owner, group, kinds, schema).

    Code versions and automation conditions are given to all assets at once, where they are assembled.
    """
    metadata = {"dagster/column_schema": table_schema(schema)} if schema is not None else {}
    return {
        "group_name": group,
        "kinds": set(kinds),
        "owners": [OWNER],
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
    """Keys of the run's partitions, one or a range; `[None]` for an asset without partitions.

    Cells come checkpoint by checkpoint, so that each model is loaded once.
    """
    if not (context.has_partition_key_range or context.has_partition_key):
        return [None]
    keys = list(context.partition_keys)
    first = {parts_of(key)[0]: place for place, key in reversed(list(enumerate(keys)))}
    return sorted(keys, key=lambda key: first[parts_of(key)[0]])


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


@dataclass(frozen=True)
class Versions:
    """What a partition is published under: the code's version, and the versions of what is upstream."""

    code_version: str
    upstream: Mapping[str, str]


def versions_of(context: Any, store: Store, name: str, parts: tuple[str, ...]) -> Versions:
    """The versions that one of the step's assets is made from at this moment."""
    found = StoreSnapshot(store).upstream(name, _parents(context, name), parts) if name in RECIPES else {}
    return Versions(_code_version(context, name), found)


def _parents(context: Any, name: str) -> list[str]:
    definition = context.assets_def
    return parents_of(definition.asset_deps[dg.AssetKey(name)], definition.get_partition_mapping)


def _code_version(context: Any, name: str) -> str:
    return context.assets_def.code_versions_by_key[dg.AssetKey(name)] or "1"


def publish_each(
    context: Any, store: Store, build: Callable[..., Shown], resume: Callable[..., str] | None = None
) -> None:
    """Publish every partition of the run with `build(work, *parts)` and record its metadata.

    `resume(*parts)` names all that a partition's content depends on: what a killed run had finished of it
    is then taken up by the next one.
    """
    name = context.asset_key.to_user_string()

    def publish(*parts: str) -> dict[str, Shown]:
        versions = versions_of(context, store, name, parts)
        words = f"{versions.code_version} {resume(*parts)}" if resume is not None else None
        publication = store.write_partition(
            name, *parts, code_version=versions.code_version, upstream=versions.upstream, resume=words
        )
        with publication as work:
            return {name: build(work, *parts)}

    for_each_partition(context, store, [name], publish)


def for_each_partition(
    context: Any, store: Store, names: Sequence[str], publish: Callable[..., dict[str, Shown]]
) -> None:
    """Call `publish(*parts)` for every partition of the run, and record what it published under `names`.

    A partition of bad input does not keep the others from being made: the step fails at the end, with the
    words of every error, and is tried again only where that can help. A second try makes only what the
    first one had not finished.
    """
    tag_run_with_process(context)
    keys = partition_keys(context)
    most = 2 if isinstance(context.assets_def.partitions_def, dg.MultiPartitionsDefinition) else 1
    failed: dict[str, InputError] = {}
    for key in keys:
        started, parts = time.monotonic(), parts_of(key)
        try:
            if len(parts) > most:
                raise InputError(
                    f"partition key {key!r} is refused: no checkpoint's key holds a '|'; delete this "
                    "partition in the UI and register the checkpoint with: factroots checkpoints add"
                )
            shown = dict.fromkeys(names, Shown())
            if not (context.retry_number and _all_current(context, store, names, parts)):
                shown = publish(*parts)
        except InputError as error:
            failed[key or ""] = error
            continue
        for name in names:
            record(context, name, key, store, shown[name], started)
    done = [key for key in keys if (key or "") not in failed]
    if failed:
        for name in names:
            _tell_of_finished(context, store, name, done)
            if done and (check := _CHECKS.get(store, {}).get(name)):
                check(context, store, done)
        raise _failure(failed, len(keys))
    for name in names:
        versions = [store.digest(name, *parts_of(key)) for key in done]
        context.set_data_version(dg.AssetKey(name), dg.DataVersion(joint_version(versions)))


CheckFinished = Callable[[Any, Store, Sequence[str | None]], object]
_CHECKS: WeakKeyDictionary[Store, dict[str, CheckFinished]] = WeakKeyDictionary()


def check_finished_with(store: Store, name: str, check: CheckFinished) -> None:
    """Have what a failing step has finished of an asset checked by `check(context, store, keys)` at its end.

    Dagster passes over a check whose asset's step failed.
    """
    _CHECKS.setdefault(store, {})[name] = check


def joint_version(versions: Sequence[str]) -> str:
    """The data version of a run's output: Dagster keeps one for all partitions of a run."""
    if len(versions) == 1:
        return versions[0]
    return hashlib.sha256("\n".join(versions).encode()).hexdigest()


def _all_current(context: Any, store: Store, names: Iterable[str], parts: tuple[str, ...]) -> bool:
    catalogue = StoreSnapshot(store)
    return all(
        name in RECIPES
        and catalogue.is_current(name, parts, _code_version(context, name), _parents(context, name))
        for name in names
    )


def _tell_of_finished(context: Any, store: Store, name: str, done: Iterable[str | None]) -> None:
    """Put the partitions that a failing step has published into Dagster's history."""
    for key in done:
        published = store.published(name, *parts_of(key))
        metadata = materialization_metadata(published, Shown(), 0.0, key is not None)
        tags = {"dagster/data_version": published.digest, "dagster/data_version_is_user_provided": "true"}
        context.log_event(dg.AssetMaterialization(name, metadata=metadata, partition=key, tags=tags))


def _failure(failed: Mapping[str, InputError], partitions: int) -> dg.Failure:
    lines = [f"{key}: {error}" if key and partitions > 1 else str(error) for key, error in failed.items()]
    if partitions > 1:
        lines.insert(0, f"{len(failed)} of {partitions} partitions failed")
    again = any(isinstance(error, UnavailableError) for error in failed.values())
    return dg.Failure(description="\n".join(lines), allow_retries=again)


@contextmanager
def refusing_bad_input() -> Iterator[None]:
    """Turn an InputError into a failure that says what the error says, and is retried only if that helps."""
    try:
        yield
    except InputError as error:
        raise _failure({"": error}, 1) from error


def progress_to(context: Any) -> Callable[[str], None]:
    """A progress callback of the domain functions that writes to the run's log."""
    logger: logging.Logger = context.log
    return lambda line: logger.info(line)


@cache
def generated_world(settings: Settings) -> World:
    """The generated world of the settings, made once a process; nothing changes it."""
    from factroots_dagster.sandbox.world import generate

    return generate(settings.sandbox_seed, settings.world == "disjoint")


def available_languages(
    work: PartitionWriter, asset_name: str, languages: Iterable[str], *parts: str
) -> list[str]:
    """The languages whose partition of an asset is published; raises InputError when none is."""
    found = [language for language in languages if work.store.exists(asset_name, *parts, language)]
    if not found:
        work.store.require(asset_name, *parts, next(iter(languages)))
    return found
