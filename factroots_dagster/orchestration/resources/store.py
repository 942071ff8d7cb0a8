"""The data on disk as a Dagster resource."""

from __future__ import annotations

import dagster as dg

from factroots_dagster.store.store import Store


class StoreResource(dg.ConfigurableResource[None]):
    """Reads and writes the partitions of one world."""

    data_root: str
    world: str

    def store(self) -> Store:
        """The store."""
        return Store(self.data_root, self.world)
