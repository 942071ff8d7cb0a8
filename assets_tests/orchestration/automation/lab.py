"""A laboratory for the automation: real conditions on a real store, with stand-ins for the computation."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import dagster as dg
import pyarrow as pa
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from factroots_dagster.orchestration.automation.conditions import Evaluation
from factroots_dagster.orchestration.build import build_defs
from factroots_dagster.orchestration.catalog import rows_in
from factroots_dagster.orchestration.checks.bridge import BLOCKING, WARNING
from factroots_dagster.orchestration.events import input_tags, version_tags
from factroots_dagster.orchestration.partitions import checkpoint_set, key_of, parts_of, platform_for
from factroots_dagster.orchestration.versions import StoreSnapshot, code_version
from factroots_dagster.settings import Settings

SCHEMA = pa.schema([("content", pa.string()), ("tokenizer_sha256", pa.string())])
Partition = tuple[str, str | None]
"""An asset and the key of one of its partitions."""
LANGUAGES = ("bn", "el", "uk")
CHECKPOINTS = ("step-1", "step-2")


def lab_settings(folder: Path) -> Settings:
    """The settings of a world in a folder."""
    return Settings(
        world="mlama", data_root=folder / "data", languages=LANGUAGES, checkpoints=folder / "checkpoints"
    )


class Lab:
    """Ticks of the automation over a world; `make` writes what an asset's body would, without computing.

    What a stand-in writes depends on what it was made from, unless `content` says what it holds.
    """

    def __init__(self, settings: Settings, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.content: dict[Partition, str] = {}
        self.tokenizers: dict[str | None, str] = {}
        self.cursor: object = None
        self.use(settings)

    def use(self, settings: Settings) -> None:
        """Load the definitions for (changed) settings, as a restart of the code location does."""
        self.settings, self.platform = settings, platform_for(settings)
        self.definitions = build_defs(settings)
        self.graph = self.definitions.resolve_asset_graph()

    def register(self, *keys: str) -> None:
        """What the sensor does about new folders: they become partitions and are described."""
        self.instance.add_dynamic_partitions(checkpoint_set(self.settings.world), list(keys))
        for key in keys:
            self.make("checkpoint", key)

    def tick(self) -> set[Partition]:
        """One evaluation of every condition; what it requests."""
        result = dg.evaluate_automation_conditions(self.definitions, self.instance, cursor=self.cursor)
        self.cursor = result.cursor
        return {
            (key.to_user_string(), partition)
            for key in self.graph.get_all_asset_keys()
            for partition in result.get_requested_partitions(key)
        }

    def make(self, asset: str, partition: str | None) -> None:
        """Write a partition and tell the history of it."""
        parts, store = parts_of(partition), self.platform.store
        upstream = StoreSnapshot(store, self.settings).upstream(asset, parts)
        version = code_version(asset, self.settings)
        content = self.content.get((asset, partition), f"{version} {upstream}")
        with store.write_partition(asset, *parts, code_version=version, upstream=upstream) as writer:
            tokenizer = self.tokenizers.get(partition, "one tokenizer")
            writer.write(pa.table({"content": [content], "tokenizer_sha256": [tokenizer]}), SCHEMA)
        self.record(asset, partition)

    def record(self, asset: str, partition: str | None) -> None:
        """Tell the history of a partition on disk."""
        inputs = input_tags(asset, self.settings, self.instance)
        tags = version_tags(asset, self.platform.store, parts_of(partition), inputs)
        self.instance.report_runless_asset_event(
            dg.AssetMaterialization(asset, partition=partition, tags=tags)
        )

    def check(self, asset: str, partition: str | None, *, passed: bool, check: str = BLOCKING) -> None:
        """Put the outcome of one of an asset's checks into the history, as the check does."""
        latest = self.instance.get_latest_data_version_record(dg.AssetKey(asset), partition_key=partition)
        assert latest is not None
        evaluation = dg.AssetCheckEvaluation(
            target_materialization_data=AssetCheckEvaluationTargetMaterializationData(
                storage_id=latest.storage_id, run_id=latest.run_id, timestamp=latest.timestamp
            ),
            asset_key=dg.AssetKey(asset),
            check_name=check,
            passed=passed,
            metadata={},
            severity=dg.AssetCheckSeverity.WARN if check == WARNING else dg.AssetCheckSeverity.ERROR,
            blocking=check == BLOCKING,
            partition=partition,
        )
        event = dg.DagsterEvent(
            event_type_value=dg.DagsterEventType.ASSET_CHECK_EVALUATION.value,
            job_name="rebuild",
            event_specific_data=evaluation,
        )
        self.instance.report_dagster_event(event, run_id=str(uuid4()))

    def settle(self, limit: int = 40) -> list[Partition]:
        """Tick and make until nothing is requested; everything that was made, in order."""
        made: list[Partition] = []
        for _ in range(limit):
            requested = self.tick()
            if not requested:
                return made
            for asset, partition in sorted(requested, key=str):
                self.make(asset, partition)
                made.append((asset, partition))
        raise AssertionError(f"not settled after {limit} ticks: {made[-10:]}")

    def out_of_date(self) -> set[Partition]:
        """Everything that the automation does not take for current."""
        return out_of_date(self.settings, self.instance)

    def stale_in_the_ui(self) -> set[Partition]:
        """Everything that the UI shows as missing or out of date."""
        return stale_in_the_ui(self.settings, self.instance, self.graph)


def partitions(settings: Settings, instance: dg.DagsterInstance) -> list[Partition]:
    """All partitions of all assets."""
    evaluation = Evaluation(platform_for(settings), instance)
    return [
        (row.name, key_of(parts)) for row in rows_in(settings) for parts in evaluation.partitions(row.name)
    ]


def out_of_date(settings: Settings, instance: dg.DagsterInstance) -> set[Partition]:
    """Everything that the automation does not take for current."""
    evaluation = Evaluation(platform_for(settings), instance)
    return {
        (asset, key)
        for asset, key in partitions(settings, instance)
        if not evaluation.is_current(asset, parts_of(key))
    }


def stale_in_the_ui(settings: Settings, instance: dg.DagsterInstance, graph: object) -> set[Partition]:
    """Everything that the UI shows as missing or out of date; its GraphQL server asks the same class."""
    resolver = CachingStaleStatusResolver(
        instance,
        graph,  # type: ignore[arg-type]
        loading_context=LoadingContextForTest(instance),
    )
    return {
        (asset, key)
        for asset, key in partitions(settings, instance)
        if resolver.get_status(dg.AssetKey(asset), key) != StaleStatus.FRESH
    }
