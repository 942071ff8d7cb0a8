"""How many runs may use models at the same time: as many as there are devices."""

from __future__ import annotations

import dagster as dg

from factroots_dagster.models.devices import devices_of
from factroots_dagster.orchestration.catalog import MODEL_POOL
from factroots_dagster.settings import Settings


def set_device_slots(instance: dg.DagsterInstance, settings: Settings) -> None:
    """Let as many queued runs load models at once as FACTROOTS_DEVICE names devices.

    With one device a limit that is there is left as it is.
    """
    storage = instance.event_log_storage
    wanted = len(devices_of(settings.device))
    limits = {info.name: info.limit for info in storage.get_pool_limits()}
    if wanted == 1 and MODEL_POOL in limits:
        return  # somebody's own, perhaps of devices of several machines
    if storage.supports_global_concurrency_limits and limits.get(MODEL_POOL, 1) != wanted:
        storage.set_concurrency_slots(MODEL_POOL, wanted)
