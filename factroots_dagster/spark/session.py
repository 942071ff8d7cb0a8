"""The Spark session: made once per process, the same on every machine, quiet, closed to the network."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

from factroots_dagster.spark.java import java_home

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

JAVA_OPTIONS_VARIABLE = "FACTROOTS_SPARK_JAVA_OPTIONS"

SETTINGS = {
    "spark.app.name": "factroots",
    "spark.driver.memory": "3g",
    "spark.log.level": "ERROR",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # Over TCP every Python task waits for acknowledgements: 40 ms instead of 20.
    "spark.python.unix.domain.socket.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "16",
    # Plans that change with what is measured on the way are neither wanted nor needed here.
    "spark.sql.adaptive.enabled": "false",
    # One long page more or less must not decide how much memory a Python worker needs.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "500",
    "spark.sql.execution.arrow.maxBytesPerBatch": str(32 * 2**20),
    "spark.sql.files.maxPartitionBytes": str(16 * 2**20),
    "spark.sql.files.openCostInBytes": str(2**20),
}
"""Fixed for every session. Files that are written do not depend on the number of cores."""

JAVA_OPTIONS = "-XX:TieredStopAtLevel=1"
"""No text passes through Java, which only hands out tasks: what its optimizing compiler costs never pays."""

LOOPBACK = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}


def with_second_try(master: str) -> str:
    """`master`, but a local one that tries a task again whose Python worker was lost, as clusters do."""
    local = re.fullmatch(r"local(?:\[([0-9]+|\*)\])?", master)
    return f"local[{local[1] or 1},2]" if local else master


def spark_session(master: str = "local[*]") -> SparkSession:
    """The process's Spark session, made on the first call (6-13 s), the same one afterwards.

    `master` is `local[n]`, `spark://host:port`, `yarn` or `k8s://...`; it counts on the first call.
    The environment variable FACTROOTS_SPARK_JAVA_OPTIONS adds options for the driver's Java.
    Raises InputError when there is no Java 17 or newer.
    """
    from pyspark.sql import SparkSession

    active = SparkSession.getActiveSession()
    if active is not None:
        return active
    os.environ["JAVA_HOME"] = str(java_home())
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    builder = SparkSession.builder.master(with_second_try(master))
    settings = dict(SETTINGS)
    if master.startswith("local"):
        # An environment variable, since Java looks up its own host name before it reads any setting.
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        settings |= LOOPBACK
    settings["spark.driver.extraJavaOptions"] = (
        f"{JAVA_OPTIONS} {os.environ.get(JAVA_OPTIONS_VARIABLE, '')}".rstrip()
    )
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()
