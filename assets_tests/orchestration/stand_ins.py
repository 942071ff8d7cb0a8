"""Assets of the catalog whose bodies are replaced: what surrounds a body is tested without computing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

from factroots_dagster.orchestration import catalog, previews
from factroots_dagster.orchestration.assets.step import Step
from factroots_dagster.orchestration.build import default_resources
from factroots_dagster.orchestration.checks import expect
from factroots_dagster.orchestration.checks.bridge import asset_checks
from factroots_dagster.orchestration.checks.suite import Suite
from factroots_dagster.orchestration.materialization import asset_definitions
from factroots_dagster.orchestration.partitions import Platform, platform_for
from factroots_dagster.settings import Settings

SCHEMA = pa.schema([("uuid", pa.string()), ("n", pa.int64())])
LANGUAGES = ("el", "hy", "uk")
RANGE = {"dagster/asset_partition_range_start": "el", "dagster/asset_partition_range_end": "uk"}


def numbers_suite(severity: str = "critical") -> Suite:
    """Expects every n of `mlama_split` to be between 0 and 5."""
    return Suite(
        lambda store, language: store.read("mlama_split", language).to_pandas(),
        lambda language: expect.within("n", 0, 5, severity=severity),
        summary=lambda frame: f"{len(frame)} rows seen",
    )


class StandIn:
    """A world in which `mlama_split` is made by `make_rows(language)`, which returns rows or raises."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        folder: Path,
        make_rows: Callable[[str], list[dict[str, Any]]],
        *,
        suite: Suite | None = None,
        attempts: int = 1,
    ) -> None:
        def body(step: Step, language: str) -> None:
            step.writer.write(pa.Table.from_pylist(make_rows(language), schema=SCHEMA), SCHEMA)

        suite = suite or numbers_suite()
        row = replace(
            catalog.CATALOG["mlama_split"],
            body=body,
            reads=(),
            schema=None,
            suite=lambda settings: suite,
            attempts=attempts,
            retry_seconds=0.0,
        )
        monkeypatch.setattr(previews, "draw_preview", lambda asset, store, *parts: None)
        monkeypatch.setitem(catalog.CATALOG, "mlama_split", row)  # type: ignore[arg-type]
        monkeypatch.setitem(catalog.SCHEMAS, "mlama_split", {})  # type: ignore[arg-type]
        self.settings = Settings(world="mlama", data_root=folder, languages=LANGUAGES)
        self.platform: Platform = platform_for(self.settings)
        self.store = self.platform.store
        self.assets = asset_definitions(self.platform, [row])
        self.checks = [asset_checks(self.platform, row.name, suite, row.partitioned_by)]

    def resources(self) -> dict[str, Any]:
        """The resources that the settings ask for."""
        return default_resources(self.settings)

    def run(
        self,
        instance: dg.DagsterInstance,
        *,
        more: Sequence[dg.AssetsDefinition] = (),
        with_checks: bool = True,
        **arguments: Any,
    ) -> dg.ExecuteInProcessResult:
        """Materialize the stand-in, by default over all languages."""
        if "partition_key" not in arguments:
            arguments["tags"] = arguments.get("tags", {}) | RANGE
        return dg.materialize(
            [*self.assets, *more, *(self.checks if with_checks else [])],
            instance=instance,
            resources=self.resources(),
            raise_on_error=False,
            **arguments,
        )


def good_rows(language: str) -> list[dict[str, Any]]:
    """Two rows that meet `numbers_suite`."""
    return [{"uuid": "a", "n": 1}, {"uuid": "b", "n": 2}]
