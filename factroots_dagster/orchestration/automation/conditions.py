"""The condition under which an asset's partition is made by itself: what it is made from has changed.

A partition is due when it is missing, was made by other code or other settings, or from other versions
of what is upstream, as its manifest in the store tells. Dagster's own data versions would not do: a run
of 53 languages has one version for all of them, so that one language asked again would look changed.

A due partition waits while anything upstream of it is due: a new dump of every language makes one report,
not 53. What was asked for and failed is not asked for again before something about it changes, and
nothing waits for it. Neither does anything wait for what is held, because a critical check of a partition
that it reads has failed: what lies further down goes on with what was good before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary

import dagster as dg
from dagster._core.event_api import PartitionKeyFilter  # the outcome of one partition's check

from factroots_dagster.models.registry import registered
from factroots_dagster.orchestration.partitions import Platform, checkpoint_set, parents_of, parts_of
from factroots_dagster.orchestration.versions import CHECKPOINT, LANGUAGE, RECIPES, StoreSnapshot

Parts = tuple[str, ...]


class Tick:
    """One evaluation of all conditions: the store as it is now, and what was found due so far."""

    def __init__(self, platform: Platform, partitions: Iterable[str]) -> None:
        self.catalogue = StoreSnapshot(platform.store)
        known = registered(platform.settings)
        # a deleted checkpoint keeps its partition and its results, and nothing new is asked of it
        self.keys = {
            LANGUAGE: list(platform.settings.active_languages),
            CHECKPOINT: [key for key in partitions if key in known],
        }
        self.open: dict[str, set[Parts]] = {}

    def partitions(self, asset: str) -> list[Parts]:
        """All partitions of an asset."""
        places: list[Parts] = [()]
        for dimension in RECIPES[asset].by:
            places = [(*place, key) for place in places for key in self.keys[dimension]]
        return places

    def wanted(self, asset: str, parents: Iterable[str], code_version: str) -> dict[Parts, str]:
        """The due partitions, each with a digest of what it would be made from.

        What cannot be made yet, because a parent has nothing published for it, is not due.
        """
        parents, found = sorted(parents), {}
        for parts in self.partitions(asset):
            if self.catalogue.is_current(asset, parts, code_version, parents):
                continue
            upstream = self.catalogue.upstream(asset, parents, parts)
            if len(upstream) == len(parents):
                text = json.dumps([code_version, upstream])
                found[parts] = hashlib.sha256(text.encode()).hexdigest()[:16]
        return found

    def waits(self, asset: str, parents: Iterable[str]) -> set[Parts]:
        """The partitions that have something open upstream: it will be made before they are."""
        waiting: set[Parts] = set()
        own = RECIPES[asset].by
        for parent in parents:
            if not self.open.get(parent):
                continue
            shared = [dimension for dimension in own if dimension in RECIPES[parent].by]
            seen = {_project(parts, RECIPES[parent].by, shared) for parts in self.open[parent]}
            waiting |= {parts for parts in self.partitions(asset) if _project(parts, own, shared) in seen}
        return waiting


def _project(parts: Parts, by: tuple[str, ...], shared: list[str]) -> Parts:
    return tuple(parts[by.index(dimension)] for dimension in shared)


_TICKS: WeakKeyDictionary[object, Tick] = WeakKeyDictionary()
"""The tick of every evaluation under way, by the view of the assets that its conditions share."""


class Due(dg.AutomationCondition[dg.AssetKey]):
    """True for the partitions of an asset that are due, wait for nothing, and were not asked for in vain."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    @property
    def name(self) -> str:
        return "due"

    @property
    def description(self) -> str:
        return "Missing, or made by other code or settings, or from other data; nothing upstream is due"

    async def evaluate(  # type: ignore[override]  # Dagster awaits it, as it does its own
        self, context: dg.AutomationContext[dg.AssetKey]
    ) -> dg.AutomationResult[dg.AssetKey]:
        asset = context.key.to_user_string()
        node = context.asset_graph.get(context.key)
        parents = parents_of(node.parent_keys, node.partition_mappings.get)
        view = context.asset_graph_view
        tick = _TICKS.get(view)
        if tick is None:
            names = view.instance.get_dynamic_partitions(checkpoint_set(self.platform.settings))
            tick = _TICKS[view] = Tick(self.platform, names)
        offered, asked = _memory(context.cursor)
        previous = context.get_previous_requested_subset(context.key)
        if previous is not None and not previous.is_empty:
            for parts in _parts_in(previous):
                if version := offered.get("|".join(parts)):
                    asked["|".join(parts)] = version
        wanted = tick.wanted(asset, parents, node.code_version or "")
        asked = {
            key: version for key, version in asked.items() if wanted.get(parts_of(key or None)) == version
        }
        fresh = {parts: version for parts, version in wanted.items() if "|".join(parts) not in asked}
        waiting = tick.waits(asset, parents)
        due = {parts: version for parts, version in fresh.items() if parts not in waiting}
        held = await self._among(context, due, _HELD, 0)
        due = {parts: version for parts, version in due.items() if parts not in held}
        tick.open[asset] = waiting | set(due) | await _under_way(context, asked)
        cursor = json.dumps([{"|".join(parts): version for parts, version in due.items()}, asked])
        free = await self._among(context, due, _FREE, 1)
        return dg.AutomationResult(context, _subset(context, free), cursor=cursor)

    async def _among(
        self,
        context: dg.AutomationContext[dg.AssetKey],
        due: Iterable[Parts],
        condition: dg.AutomationCondition[Any],
        number: int,
    ) -> set[Parts]:
        """Those of the due partitions for which one of Dagster's own conditions is true.

        They are asked only about what is due, since they cost seconds a tick where there are thousands of
        partitions.
        """
        subset = _subset(context, due)
        if subset.is_empty:
            return set()
        child = context.for_child_condition(condition, [number], subset)
        return set(_parts_in((await child.evaluate_async()).true_subset))


class FailedCritically(dg.AutomationCondition[dg.AssetCheckKey]):
    """True for the partitions whose check failed in an expectation of critical severity.

    Dagster's own `check_failed` is true of warnings too, which are to hold nothing.
    """

    @property
    def name(self) -> str:
        return "failed_critically"

    async def evaluate(  # type: ignore[override]
        self, context: dg.AutomationContext[dg.AssetCheckKey]
    ) -> dg.AutomationResult[dg.AssetCheckKey]:
        condition: dg.AutomationCondition[Any] = dg.AutomationCondition.check_failed()
        child = context.for_child_condition(condition, [0], context.candidate_subset)
        failed = (await child.evaluate_async()).true_subset
        history = context.asset_graph_view.instance.event_log_storage.get_asset_check_execution_history
        for parts in _parts_in(failed):
            only = PartitionKeyFilter(key="|".join(parts) or None)
            latest = history(context.key, limit=1, partition_filter=only)[0].event
            evaluation: Any = latest.dagster_event.event_specific_data  # type: ignore[union-attr]
            if evaluation.severity != dg.AssetCheckSeverity.ERROR:
                keys = {"|".join(parts)}
                warned = failed.compute_intersection_with_partition_keys(keys) if parts else failed
                failed = failed.compute_difference(warned)
        return dg.AutomationResult(context, failed)


_condition = dg.AutomationCondition
_HELD: dg.AutomationCondition[Any] = _condition.any_deps_match(
    _condition.any_checks_match(FailedCritically(), blocking_only=True)
)
"""True of what reads a partition that failed a critical check."""
_FREE: dg.AutomationCondition[Any] = (
    ~_condition.in_progress()
    & ~_condition.any_deps_in_progress()
    & ~_condition.any_deps_match(_condition.any_checks_match(_condition.in_progress(), blocking_only=True))
)
"""True where nothing is under way, neither the partition nor what it reads nor a check of that."""


def _memory(cursor: str | None) -> tuple[dict[str, str], dict[str, str]]:
    """From the last evaluation: what was offered then, and what had been asked for and is still due."""
    offered, asked = json.loads(cursor) if cursor else ({}, {})
    return offered, asked


async def _under_way(context: dg.AutomationContext[dg.AssetKey], asked: Iterable[str]) -> set[Parts]:
    """Those of the partitions that were asked for whose run has not come to them yet."""
    subset = _subset(context, [parts_of(key or None) for key in asked])
    if subset.is_empty:
        return set()
    view = context.asset_graph_view
    running = await view.compute_run_in_progress_subset(key=context.key, from_subset=subset)
    backfilled = await view.compute_backfill_in_progress_subset(key=context.key, from_subset=subset)
    return {*_parts_in(running), *_parts_in(backfilled)}


def _parts_in(subset: Any) -> Iterable[Parts]:
    if subset.is_empty or not subset.is_partitioned:
        return [] if subset.is_empty else [()]
    return [parts_of(key) for key in subset.expensively_compute_partition_keys()]


def _subset(context: dg.AutomationContext[dg.AssetKey], due: Iterable[Parts]) -> Any:
    keys = {"|".join(parts) for parts in due}
    if not keys:
        return context.get_empty_subset()
    if context.partitions_def is None:
        return context.candidate_subset
    view = context.asset_graph_view
    found = view.get_subset_from_partition_keys(context.key, context.partitions_def, keys)
    return found.compute_intersection(context.candidate_subset)
