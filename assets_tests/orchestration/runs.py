"""Runs of a few assets with their checks, as the UI starts them, on an instance that is forgotten."""

from __future__ import annotations

import dagster as dg

from factroots_dagster.orchestration.build import build_defs
from factroots_dagster.settings import Settings


def materialize(settings: Settings, *assets: str, partition: str | None = None) -> None:
    """Materialize assets of the settings' world in one partition; raises where one or its check fails."""
    definitions = build_defs(settings)
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            [*(definitions.assets or []), *(definitions.asset_checks or [])],
            selection=dg.AssetSelection.assets(*assets),
            instance=instance,
            resources=definitions.resources,
            partition_key=partition,
        )
    failed = [check for check in result.get_asset_check_evaluations() if check.blocking and not check.passed]
    assert not failed, [check.description for check in failed]
