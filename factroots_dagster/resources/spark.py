"""The Spark session as a Dagster resource: started by the first asset that asks, shared by the process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class SparkResource(dg.ConfigurableResource[None]):
    """Gives the process's Spark session on the configured master."""

    master: str

    def session(self) -> SparkSession:
        from factroots_dagster.wikipedia.session import spark_session

        return spark_session(self.master)
