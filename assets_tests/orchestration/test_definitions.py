"""The graph that people see, derived from the catalog."""

from __future__ import annotations

import ast
import html
import inspect
from pathlib import Path

import dagster as dg
import pytest
import yaml

from assets_tests.project import PROJECT
from factroots_dagster import orchestration
from factroots_dagster.orchestration.build import build_defs
from factroots_dagster.orchestration.catalog import CATALOG, ROWS, ancestors, parents, rows_in
from factroots_dagster.orchestration.partitions import partition_keys, platform_for
from factroots_dagster.orchestration.resources import StoreResource
from factroots_dagster.orchestration.stages import stages
from factroots_dagster.settings import Settings
from factroots_dagster.tables import description_of

WORLDS = ("sandbox", "disjoint", "mlama")


def settings_of(world: str, folder: Path) -> Settings:
    return Settings(world=world, data_root=folder)  # type: ignore[arg-type]


@pytest.mark.parametrize("world", WORLDS)
def test_every_job_resolves_and_every_asset_has_a_blocking_and_a_warning_check(
    tmp_path: Path, world: str
) -> None:
    definitions = build_defs(settings_of(world, tmp_path))
    dg.Definitions.validate_loadable(definitions)
    graph = definitions.resolve_asset_graph()
    blocking = {
        key.asset_key: graph.get(key).blocking for key in graph.asset_check_keys if key.name == "blocking"
    }
    warning = {
        key.asset_key: graph.get(key).blocking for key in graph.asset_check_keys if key.name == "warning"
    }
    assert set(graph.get_all_asset_keys()) == set(blocking) == set(warning)
    assert all(blocking.values()) and not any(warning.values())
    jobs = {job.name for job in definitions.resolve_all_job_defs()}
    assert jobs >= {"rebuild_sources", "probe_checkpoint", "rebuild_reports", "everything"}


def test_a_generated_worlds_own_assets_are_not_in_the_real_one(tmp_path: Path) -> None:
    keys = {
        world: {
            key.to_user_string()
            for key in build_defs(settings_of(world, tmp_path)).resolve_asset_graph().get_all_asset_keys()
        }
        for world in ("sandbox", "mlama")
    }
    assert keys["sandbox"] - keys["mlama"] == {
        "planted_truth",
        "sandbox_training",
        "retrained_answers",
        "counterfactual_truth",
    }
    assert keys["mlama"] <= keys["sandbox"]


@pytest.mark.parametrize("world", WORLDS)
def test_the_graph_is_the_catalogs(tmp_path: Path, world: str) -> None:
    settings = settings_of(world, tmp_path)
    graph = build_defs(settings).resolve_asset_graph()
    platform = platform_for(settings)
    for row in rows_in(settings):
        node = graph.get(dg.AssetKey(row.name))
        assert {key.to_user_string() for key in node.parent_keys} == set(parents(row.name, settings))
        assert node.partitions_def == platform.partitions_def(row.partitioned_by)
        assert (node.group_name, node.description) == (row.group, row.description)


def test_rows_come_after_what_they_read_and_name_settings_that_exist() -> None:
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)
    for number, row in enumerate(ROWS):
        assert set(row.reads) <= set(names[:number]), row.name
        settings = {*row.settings, *(row.settings_if_generated or ())}
        assert all(hasattr(Settings(), name) for name in settings), row.name


def test_the_stages_make_everything_once_and_in_order(tmp_path: Path) -> None:
    for world in WORLDS:
        rows = rows_in(settings_of(world, tmp_path))
        done: set[str] = set()
        for stage in stages(rows):
            for name in stage.assets:
                assert CATALOG[name].partitioned_by == stage.partitioned_by
                exists = {row.name for row in rows}
                assert ancestors(name) & exists <= {*done, *stage.assets}
            assert done.isdisjoint(stage.assets)
            done |= set(stage.assets)
        assert done == {row.name for row in rows}


def test_every_column_of_every_table_has_a_description_that_the_ui_shows(tmp_path: Path) -> None:
    graph = build_defs(settings_of("sandbox", tmp_path)).resolve_asset_graph()
    for row in ROWS:
        for schema in (row.schema, *row.side_tables.values()):
            assert all(description_of(column) for column in schema or ()), row.name
        metadata = graph.get(dg.AssetKey(row.name)).metadata
        if row.schema is not None:
            columns = metadata["dagster/column_schema"].columns
            shown = [html.unescape(column.description) for column in columns]
            assert shown == [description_of(column) for column in row.schema]
        assert {f"side table {name}" for name in row.side_tables} <= set(metadata)
        assert metadata["dagster/code_references"].code_references[0].file_path == inspect.getfile(row.body)


def test_an_override_replaces_a_resource(tmp_path: Path) -> None:
    store = StoreResource(data_root=str(tmp_path / "elsewhere"), world="sandbox", languages=["en"])
    built = build_defs(settings_of("sandbox", tmp_path), store=store)
    result = dg.materialize(
        [*(built.assets or ())],
        selection=dg.AssetSelection.assets("mlama_release"),
        resources=built.resources,
    )
    assert result.success and store.store().exists("mlama_release")
    with pytest.raises(TypeError, match="no resource shop"):
        build_defs(settings_of("sandbox", tmp_path), shop=store)


def test_a_range_of_many_checkpoints_takes_one_after_the_other(tmp_path: Path) -> None:
    """Each model is loaded once a run, however many languages it is asked in."""
    platform = platform_for(Settings(world="mlama", data_root=tmp_path, languages=("el", "hy", "uk")))
    order: list[str] = []

    @dg.asset(partitions_def=platform.cells, backfill_policy=dg.BackfillPolicy.single_run())
    def probed(context) -> None:  # type: ignore[no-untyped-def]
        order.extend(str(key) for key in partition_keys(context, platform, ("checkpoint", "language")))

    tags = {"dagster/asset_partition_range_start": "b|el", "dagster/asset_partition_range_end": "a|uk"}
    with dg.instance_for_test() as instance:
        instance.add_dynamic_partitions("mlama_checkpoint", ["b", "a"])
        assert dg.materialize([probed], instance=instance, tags=tags).success
    assert order == [f"{checkpoint}|{language}" for checkpoint in "ba" for language in ("el", "hy", "uk")]


def test_runs_that_hold_a_model_wait_for_each_other(tmp_path: Path) -> None:
    """The pools are what the instance's configuration limits."""
    built = build_defs(settings_of("sandbox", tmp_path))
    pools = {
        key.to_user_string(): definition.op.pool
        for definition in built.assets or ()
        for key in definition.keys  # type: ignore[union-attr]
    }
    models = {"predictions", "neuron_activations", "neuron_interventions", "name_access", "sandbox_training"}
    models |= {"retrained_answers", "untrained_twins"}
    assert {name for name, pool in pools.items() if pool == "model"} == models
    pools_chosen = yaml.safe_load((PROJECT / ".dagster" / "dagster.yaml").read_text())["concurrency"]["pools"]
    assert pools_chosen == {"granularity": "run", "default_limit": 1}


def test_functions_of_the_orchestration_are_short() -> None:
    folder = Path(orchestration.__file__).parent
    lengths = {
        f"{path.name}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    assert {name: lines for name, lines in lengths.items() if lines > 60} == {}
