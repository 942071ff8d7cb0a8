"""From a row of the catalog to a Dagster asset: partitions made one by one, each recorded as its own.

Bodies write through the store, partition by partition, and not through an IO manager: one run may hold 53
languages of one checkpoint, and a run that is stopped must keep the languages that it has finished.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from factroots_dagster.errors import InputError, UnavailableError
from factroots_dagster.models.devices import devices_of
from factroots_dagster.orchestration.assets.step import Step
from factroots_dagster.orchestration.catalog import CATALOG, SCHEMAS, AssetRow, parents, passes
from factroots_dagster.orchestration.checks.bridge import log_evaluations
from factroots_dagster.orchestration.events import Tags, input_tags, materialization
from factroots_dagster.orchestration.listeners import tell_listeners
from factroots_dagster.orchestration.metadata import asset_metadata, materialization_metadata
from factroots_dagster.orchestration.partitions import CELL, Parts, Platform, partition_keys, parts_of
from factroots_dagster.orchestration.process import tag_run
from factroots_dagster.orchestration.progress import describe_made
from factroots_dagster.orchestration.versions import StoreSnapshot, code_version
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

OWNER = "team:factroots"
AUTOMATIC_TAG = "factroots/automatic"
"""Tags the runs that `refresh_sensor` requests."""


def asset_definitions(
    platform: Platform, rows: Iterable[AssetRow], condition: dg.AutomationCondition[Any] | None = None
) -> list[dg.AssetsDefinition]:
    """The assets of the rows; those with the same body are made in one pass.

    condition: when an asset is made by itself. `checkpoint` is left to `checkpoint_sensor`, which knows when
        a folder or a hub id has changed.
    """
    return [_assets_of_pass(platform, group, condition) for group in passes(rows)]


def _assets_of_pass(
    platform: Platform, rows: Sequence[AssetRow], condition: dg.AutomationCondition[Any] | None
) -> dg.AssetsDefinition:
    first, several = rows[0], len(rows) > 1
    partitions_def = platform.partitions_def(first.partitioned_by)

    @dg.multi_asset(
        name=first.body.__name__ if several else first.name,
        specs=[_spec(platform, row, condition, skippable=several) for row in rows],
        partitions_def=partitions_def,
        backfill_policy=_backfill_policy(platform.settings, first),
        can_subset=several,
        pool=first.pool,
        required_resource_keys={"store", *first.resources},
    )
    def materialize(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        selected = [row for row in rows if dg.AssetKey(row.name) in context.selected_asset_keys]
        yield from _StepRun(context, platform, selected).materialize()

    return materialize


def _backfill_policy(settings: Settings, row: AssetRow) -> dg.BackfillPolicy | None:
    """One run for all partitions; for cells one per device, so that several runs use them side by side."""
    if not row.partitioned_by:
        return None
    devices = len(devices_of(settings.device))
    if devices == 1 or row.partitioned_by != CELL:
        return dg.BackfillPolicy.single_run()
    return dg.BackfillPolicy.multi_run(-(-len(settings.active_languages) // devices))


def _spec(
    platform: Platform, row: AssetRow, condition: dg.AutomationCondition[Any] | None, *, skippable: bool
) -> dg.AssetSpec:
    settings = platform.settings
    policy = None
    if row.max_age is not None and not settings.generated:
        policy = dg.FreshnessPolicy.time_window(fail_window=row.max_age, warn_window=row.max_age * 0.75)
    return dg.AssetSpec(
        row.name,
        deps=[_dependency(row, parent) for parent in parents(row.name, settings)],
        description=row.description,
        group_name=row.group,
        kinds=set(row.kinds),
        owners=[OWNER],
        tags={"factroots/world": settings.world},
        metadata=asset_metadata(row),
        code_version=code_version(row.name, settings),
        automation_condition=None if row.name == "checkpoint" or row.on_demand else condition,
        freshness_policy=policy,
        partitions_def=platform.partitions_def(row.partitioned_by),
        skippable=skippable,
    )


def _dependency(row: AssetRow, parent: str) -> dg.AssetDep:
    """A dependency on all partitions of a parent that match; on all where no dimension is common."""
    name, _, key = parent.partition("/")
    if key:
        return dg.AssetDep(name, partition_mapping=dg.SpecificPartitionsPartitionMapping([key]))
    other = CATALOG[name].partitioned_by
    if other and not set(other) & set(row.partitioned_by):
        return dg.AssetDep(name, partition_mapping=dg.AllPartitionMapping())
    return dg.AssetDep(name)


@dataclass
class _Finished:
    """A partition that the step has made: how long it took, and the versions that its parents had before."""

    seconds: float
    inputs: Mapping[str, Tags]  # by asset


@dataclass
class _StepRun:
    """One step of a run: the rows of one pass, over one partition or many."""

    context: Any
    platform: Platform
    rows: Sequence[AssetRow]
    finished: dict[str | None, _Finished] = field(default_factory=dict)
    failed: dict[str | None, InputError] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        store: Store = self.context.resources.store.store()
        return store

    def materialize(self) -> Iterator[dg.MaterializeResult[Any]]:
        """Make every partition of the run.

        A partition of bad input does not keep the others from being made: the step fails at the end, with the
        words of every error, and is retried only if one of them says that this can help. Whatever ends the
        step, the history records which partitions are finished.
        """
        tag_run(self.context, self.platform.settings)
        try:
            keys = partition_keys(self.context, self.platform, self.rows[0].partitioned_by)
        except InputError as error:
            raise dg.Failure(description=str(error), allow_retries=False) from error
        try:
            for key in keys:
                self._attempt(key)
        except BaseException as error:  # interrupted, or a defect: what is finished stays finished
            self._record_finished(with_checks=isinstance(error, Exception))
            raise
        if self.failed:
            self._record_finished()
            raise self._failure(len(keys))
        yield from self._results()

    def _attempt(self, key: str | None) -> None:
        started, parts = time.monotonic(), parts_of(key)
        settings, instance = self.platform.settings, self.context.instance
        try:
            inputs = {row.name: input_tags(row.name, settings, instance) for row in self.rows}
            if made := not self._is_done(parts):
                self._make(parts)
        except InputError as error:
            self.failed[key] = error
            return
        seconds = time.monotonic() - started
        self.finished[key] = _Finished(seconds, inputs)
        for row in self.rows:
            info, name = self.store.version(row.name, *parts), "/".join((row.name, *parts))
            self.context.log.info(describe_made(name, info.rows, info.bytes, seconds))
            if made:
                run_id, warn = self.context.run.run_id, self.context.log.warning
                tell_listeners(settings, self.store, row.name, parts, run_id, warn)

    def _is_done(self, parts: Parts) -> bool:
        """Whether an earlier attempt of this run has finished a partition.

        A run of the automation also takes what is on disk and up to date, and only records it: the history
        was wiped, or does not have it. A run that a person starts makes everything again.
        """
        names = [row.name for row in self.rows]
        if self.context.run.tags.get(AUTOMATIC_TAG):
            snapshot = StoreSnapshot(self.store, self.platform.settings)
            return all(snapshot.is_current(name, parts) for name in names)
        return self.context.retry_number > 0 and all(
            self.store.exists(name, *parts)
            and self.store.version(name, *parts).run_id == self.context.run.run_id
            for name in names
        )

    def _make(self, parts: Parts) -> None:
        first, settings, store = self.rows[0], self.platform.settings, self.store
        if len(parts) != len(first.partitioned_by):
            raise InputError(
                f"partition {'|'.join(parts)!r}: no checkpoint's key holds a '|'",
                "delete this partition in the UI and register the checkpoint with: factroots checkpoints add",
            )
        snapshot, run_id = StoreSnapshot(store, settings), self.context.run.run_id
        with ExitStack() as stack:
            writers = {}
            for row in self.rows:
                version, upstream = code_version(row.name, settings), snapshot.upstream(row.name, parts)
                resume = f"{version} {sorted(upstream.items())}" if row.resumable else None
                partition = store.write_partition(
                    row.name, *parts, code_version=version, upstream=upstream, run_id=run_id, resume=resume
                )
                writers[row.name] = stack.enter_context(partition)
            resources = {name: getattr(self.context.resources, name) for name in first.resources}
            step = Step(settings, store.view(SCHEMAS), writers, self.context.log.info, **resources)
            try:
                first.body(step, *parts)
            except Exception as error:
                spark = resources.get("spark")
                if isinstance(error, InputError) or spark is None or not (lost := spark.unavailable(error)):
                    raise
                raise lost from error

    def _results(self) -> Iterator[dg.MaterializeResult[Any]]:
        """The results of a step that made everything: for many partitions, their own events come after."""
        if len(self.finished) == 1:
            ((key, finished),) = self.finished.items()
            for row in self.rows:
                parts = parts_of(key)
                yield dg.MaterializeResult(
                    asset_key=row.name,
                    metadata=materialization_metadata(row, self.store, parts, finished.seconds),
                    data_version=dg.DataVersion(self.store.digest(row.name, *parts)),
                )
            return
        for row in self.rows:
            yield dg.MaterializeResult(asset_key=row.name)
        self._record_finished(with_checks=False)

    def _record_finished(self, *, with_checks: bool = True) -> None:
        """Record every finished partition, each with its own versions.

        with_checks: check them too: Dagster passes over the checks of a step that failed.
        """
        for row in self.rows:
            for key, finished in self.finished.items():
                parts, inputs = parts_of(key), finished.inputs[row.name]
                event = materialization(row.name, self.store, parts, inputs, finished.seconds)
                self.context.log_event(event)
            if with_checks and self.finished:
                suite = row.suite(self.platform.settings)
                log_evaluations(self.context, row.name, suite, self.store, self.finished)

    def _failure(self, partitions: int) -> Exception:
        """A failure with the words of every error; a retry where an error declares itself transient."""
        several = partitions > 1
        lines = [f"{key}: {error}" if several else str(error) for key, error in self.failed.items()]
        if several:
            lines.insert(0, f"{len(self.failed)} of {partitions} partitions failed")
        failure = dg.Failure(description="\n".join(lines), allow_retries=False)
        attempts = self.rows[0].attempts
        transient = any(isinstance(error, UnavailableError) for error in self.failed.values())
        if attempts == 1 or not transient:
            return failure
        wait = self.rows[0].retry_seconds * 2**self.context.retry_number
        retry = dg.RetryRequested(max_retries=attempts - 1, seconds_to_wait=wait)
        retry.__cause__ = failure  # whose words Dagster shows when the last attempt fails
        return retry
