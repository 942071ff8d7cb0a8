"""New checkpoints become partitions once, with one run each."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from factroots_dagster.build import build_defs
from factroots_dagster.settings import Settings


def add_checkpoint(folder: Path, name: str) -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / "config.json").write_text("{}")
    (folder / name / "model.safetensors").write_bytes(b"")


def test_the_sensor_registers_new_checkpoints_once(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    add_checkpoint(folder, "step-1")
    settings = Settings(world="mlama", data_root=tmp_path / "data", checkpoints=folder)
    definitions = build_defs(settings)
    sensor = definitions.get_sensor_def("checkpoint_sensor")
    with dg.instance_for_test() as instance:

        def tick() -> dg.SensorResult | dg.SkipReason:
            context = dg.build_sensor_context(instance=instance, definitions=definitions)
            result = sensor(context)
            if isinstance(result, dg.SensorResult):
                for request in result.dynamic_partitions_requests:
                    instance.add_dynamic_partitions("mlama_checkpoint", request.partition_keys)
            return result

        result = tick()
        assert isinstance(result, dg.SensorResult)
        assert [request.partition_key for request in result.run_requests] == ["step-1"]
        assert isinstance(tick(), dg.SkipReason)
        add_checkpoint(folder, "step-2")
        result = tick()
        assert isinstance(result, dg.SensorResult)
        assert [request.partition_key for request in result.run_requests] == ["step-2"]
        assert instance.get_dynamic_partitions("mlama_checkpoint") == ["step-1", "step-2"]


def test_every_job_resolves_and_every_asset_has_a_check(tmp_path: Path) -> None:
    for world in ("sandbox", "disjoint", "mlama"):
        definitions = build_defs(Settings(world=world, data_root=tmp_path))
        dg.Definitions.validate_loadable(definitions)
        graph = definitions.resolve_asset_graph()
        checked = {key.asset_key for key in graph.asset_check_keys}
        assert set(graph.get_all_asset_keys()) == checked
        jobs = {job.name for job in definitions.resolve_all_job_defs()}
        assert jobs >= {"rebuild_sources", "probe_checkpoint"}


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
