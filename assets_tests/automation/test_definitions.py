"""The graph that people see: every asset has a check, every job resolves."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from factroots_dagster.build import build_defs
from factroots_dagster.settings import Settings


def test_every_job_resolves_and_every_asset_has_a_check(tmp_path: Path) -> None:
    for world in ("sandbox", "disjoint", "mlama"):
        definitions = build_defs(Settings(world=world, data_root=tmp_path))
        dg.Definitions.validate_loadable(definitions)
        graph = definitions.resolve_asset_graph()
        checked = {key.asset_key for key in graph.asset_check_keys}
        assert set(graph.get_all_asset_keys()) == checked
        jobs = {job.name for job in definitions.resolve_all_job_defs()}
        assert jobs >= {"rebuild_sources", "probe_checkpoint", "rebuild_reports", "everything"}


def test_a_generated_worlds_own_assets_are_not_in_the_real_one(tmp_path: Path) -> None:
    graphs = {
        world: build_defs(Settings(world=world, data_root=tmp_path)).resolve_asset_graph()
        for world in ("sandbox", "mlama")
    }
    keys = {
        world: {key.to_user_string() for key in graph.get_all_asset_keys()} for world, graph in graphs.items()
    }
    assert keys["sandbox"] - keys["mlama"] == {"planted_truth", "sandbox_training"}
    assert keys["mlama"] <= keys["sandbox"]
