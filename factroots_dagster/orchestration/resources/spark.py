"""The Spark session as a Dagster resource: started by the first asset that asks, shared by the process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from factroots_dagster.errors import UnavailableError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class SparkResource(dg.ConfigurableResource[None]):
    """Gives the process's Spark session on the configured master."""

    master: str

    def session(self) -> SparkSession:
        """The session; a new one when its Java process was lost, so that a step that is retried finds one.

        Raises UnavailableError when the master cannot be reached.
        """
        from factroots_dagster.spark.session import forget_session, session_is_lost, spark_session

        if session_is_lost():
            forget_session()
        try:
            return spark_session(self.master)
        except Exception as error:
            if self.master.startswith("local"):
                raise
            forget_session()
            raise UnavailableError(
                f"Spark master {self.master} cannot be reached ({str(error).splitlines()[0]})",
                "start it, or set FACTROOTS_SPARK_MASTER to another one, such as local[*]",
            ) from error

    def unavailable(self, error: BaseException) -> UnavailableError | None:
        """What to raise in place of an error that came because Spark's Java process was lost, else None."""
        from factroots_dagster.spark.session import session_is_lost

        if not session_is_lost():
            return None
        return UnavailableError(
            f"Spark's Java process was lost ({type(error).__name__})",
            "run again: what was finished is taken up; with too little memory, use fewer cores",
        )
