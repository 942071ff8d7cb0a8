"""A laboratory for the automation: real conditions on a real store, with stand-ins for the computation."""

from __future__ import annotations

from uuid import uuid4

import dagster as dg
import pyarrow as pa

from factroots_dagster.orchestration.build import build_defs
from factroots_dagster.orchestration.checks.bridge import CHECK_NAME
from factroots_dagster.orchestration.partitions import checkpoint_set, parents_of, parts_of, platform_for
from factroots_dagster.orchestration.versions import StoreSnapshot, code_version
from factroots_dagster.settings import Settings

SCHEMA = pa.schema([("content", pa.string()), ("tokenizer_sha256", pa.string())])
Place = tuple[str, str | None]


class Lab:
    """Ticks of the automation over a world; `make` publishes what an asset's body would, without computing.

    What a stand-in publishes depends on what it was made from, unless `content` says what it holds.
    """

    def __init__(self, settings: Settings, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.content: dict[Place, str] = {}
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
        self.instance.add_dynamic_partitions(checkpoint_set(self.settings), list(keys))
        for key in keys:
            self.make("checkpoint", key)

    def tick(self) -> set[Place]:
        """One evaluation of every condition; what it asks for."""
        result = dg.evaluate_automation_conditions(self.definitions, self.instance, cursor=self.cursor)
        self.cursor = result.cursor
        return {
            (key.to_user_string(), partition)
            for key in self.graph.get_all_asset_keys()
            for partition in result.get_requested_partitions(key)
        }

    def make(self, asset: str, partition: str | None) -> None:
        parts = parts_of(partition)
        node = self.graph.get(dg.AssetKey(asset))
        parents = parents_of(node.parent_keys, node.partition_mappings.get)
        upstream = StoreSnapshot(self.platform.store).upstream(asset, parents, parts)
        version = code_version(asset, self.settings)
        content = self.content.get((asset, partition), f"{version} {upstream}")
        with self.platform.store.write_partition(
            asset, *parts, code_version=version, upstream=upstream
        ) as work:
            tokenizer = self.tokenizers.get(partition, "one tokenizer")
            work.write(pa.table({"content": [content], "tokenizer_sha256": [tokenizer]}), SCHEMA)

    def check(
        self,
        asset: str,
        partition: str | None,
        passed: bool,
        severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
    ) -> None:
        """Put the outcome of an asset's critical expectations into the history, as its check does."""
        evaluation = dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey(asset),
            check_name=CHECK_NAME,
            passed=passed,
            metadata={},
            severity=severity,
            blocking=True,
            partition=partition,
        )
        event = dg.DagsterEvent(
            event_type_value=dg.DagsterEventType.ASSET_CHECK_EVALUATION.value,
            job_name="rebuild",
            event_specific_data=evaluation,
        )
        self.instance.report_dagster_event(event, run_id=str(uuid4()))

    def settle(self, limit: int = 40) -> list[Place]:
        """Tick and make until nothing is asked for; everything that was made, in order."""
        made: list[Place] = []
        for _ in range(limit):
            asked = self.tick()
            if not asked:
                return made
            for asset, partition in sorted(asked, key=str):
                self.make(asset, partition)
                made.append((asset, partition))
        raise AssertionError(f"not settled after {limit} ticks: {made[-10:]}")
