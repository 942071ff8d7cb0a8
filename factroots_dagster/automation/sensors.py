"""Sensors: a checkpoint that is registered, or appears in a watched folder, becomes a partition."""

import dagster as dg

from factroots_dagster.partitions import Platform, checkpoint_set
from factroots_dagster.registry import registered


def new_checkpoints(known: set[str], found: list[str]) -> list[str]:
    """Keys that are registered and not yet partitions, in the registry's order."""
    return [key for key in found if key not in known]


def platform_sensors(platform: Platform) -> list[dg.SensorDefinition]:
    """The sensors of a world."""
    name = checkpoint_set(platform.settings)

    @dg.sensor(
        name="checkpoint_sensor",
        job_name="describe_checkpoint",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Registers new checkpoints as partitions and describes them.",
    )
    def checkpoint_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        known = set(context.instance.get_dynamic_partitions(name))
        new = new_checkpoints(known, list(registered(platform.settings)))
        if not new:
            return dg.SkipReason(f"no new checkpoint; {len(known)} known")
        return dg.SensorResult(
            dynamic_partitions_requests=[platform.checkpoints.build_add_request(new)],
            run_requests=[dg.RunRequest(partition_key=key, run_key=f"{name}:{key}") for key in new],
        )

    return [checkpoint_sensor]
