"""The graph that people see: every asset has a check, every job resolves."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import yaml
from factroots_dagster.orchestration.assets.base import partition_keys

from assets_tests.project import PROJECT
from factroots_dagster.orchestration.build import build_defs
from factroots_dagster.orchestration.versions import RECIPES
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


def test_every_asset_has_its_recipe(tmp_path: Path) -> None:
    graph = build_defs(Settings(world="sandbox", data_root=tmp_path)).resolve_asset_graph()
    assert {key.to_user_string() for key in graph.get_all_asset_keys()} == set(RECIPES)
    for name, recipe in RECIPES.items():
        definition = graph.get(dg.AssetKey(name)).partitions_def
        by = {
            type(None): (),
            dg.StaticPartitionsDefinition: ("language",),
            dg.DynamicPartitionsDefinition: ("checkpoint",),
            dg.MultiPartitionsDefinition: ("checkpoint", "language"),
        }[type(definition)]
        assert recipe.by == by, name
        assert all(hasattr(Settings(), field) for field in (*recipe.settings, *(recipe.generated or ())))


def test_a_backfill_of_many_checkpoints_takes_one_after_the_other() -> None:
    """Each model is loaded once a run, however many languages it is asked in."""
    checkpoints = dg.DynamicPartitionsDefinition(name="c")
    languages = dg.StaticPartitionsDefinition(["el", "hy", "uk"])
    cells = dg.MultiPartitionsDefinition({"checkpoint": checkpoints, "language": languages})
    order: list[str] = []

    @dg.asset(partitions_def=cells, backfill_policy=dg.BackfillPolicy.single_run())
    def probed(context) -> None:  # type: ignore[no-untyped-def]
        order.extend(str(key) for key in partition_keys(context))

    tags = {
        "dagster/asset_partition_range_start": "b|el",
        "dagster/asset_partition_range_end": "a|uk",
    }
    with dg.instance_for_test() as instance:
        instance.add_dynamic_partitions("c", ["b", "a"])
        assert dg.materialize([probed], instance=instance, tags=tags).success
    assert order == [f"{checkpoint}|{language}" for checkpoint in "ba" for language in ("el", "hy", "uk")]


def test_runs_that_hold_a_model_wait_for_each_other(tmp_path: Path) -> None:
    """The pools are what the instance's configuration limits."""
    built = build_defs(Settings(world="sandbox", data_root=tmp_path))
    pools = {
        key.to_user_string(): definition.op.pool
        for definition in built.assets or ()
        for key in definition.keys  # type: ignore[union-attr]
    }
    models = {"predictions", "neuron_activations", "neuron_interventions", "sandbox_training"}
    assert {name for name, pool in pools.items() if pool == "model"} == models
    pools_chosen = yaml.safe_load((PROJECT / ".dagster" / "dagster.yaml").read_text())["concurrency"]["pools"]
    assert pools_chosen == {"granularity": "run", "default_limit": 1}
