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
        """The session; a new one when its Java process was lost, so that a step that is retried finds one."""
        from factroots_dagster.spark.session import spark_session

        if _lost():
            _forget()
        return spark_session(self.master)


def _lost() -> bool:
    """Whether this process has started a Java process that does not answer any more."""
    from py4j.protocol import Py4JError
    from pyspark import SparkContext

    context = SparkContext._active_spark_context
    if context is None:
        return False
    try:
        return bool(context._jsc.sc().isStopped())
    except (Py4JError, OSError, AttributeError):
        return True


def _forget() -> None:
    """Drop what PySpark keeps of a Java process that is gone; it has no way of its own to start another."""
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    context = SparkContext._active_spark_context
    if SparkContext._gateway is not None:
        SparkContext._gateway.shutdown()
    if context is not None:
        context._jsc = None
    SparkContext._active_spark_context = None
    SparkContext._gateway = SparkContext._jvm = None
    SparkSession._instantiatedSession = None
