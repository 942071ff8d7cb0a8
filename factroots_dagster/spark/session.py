"""The Spark session: created once per process, the same on every machine, quiet, closed to the network."""

from __future__ import annotations

import os
import re
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from factroots_dagster.spark.java import java_home

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

JAVA_OPTIONS_VARIABLE = "FACTROOTS_SPARK_JAVA_OPTIONS"
MEMORY = "3g"
"""Of the driver's Java, where nothing else is said."""

SETTINGS = {
    "spark.app.name": "factroots",
    # The evidence of all facts of a language comes to the driver, in whose memory it then is.
    "spark.driver.maxResultSize": "0",
    "spark.log.level": "ERROR",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # Over TCP every Python task waits for acknowledgements: 40 ms instead of 20.
    "spark.python.unix.domain.socket.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "16",
    # Adaptive plans depend on measured sizes; there are no plans to improve here.
    "spark.sql.adaptive.enabled": "false",
    # Plans do little but pass rows on: compiling each of them takes a quarter of the first job.
    "spark.sql.codegen.wholeStage": "false",
    # Batches are limited by bytes too: pages differ much in length.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "500",
    "spark.sql.execution.arrow.maxBytesPerBatch": str(32 * 2**20),
    "spark.sql.files.maxPartitionBytes": str(16 * 2**20),
    "spark.sql.files.openCostInBytes": str(2**20),
}
"""The same for every session. The files that are written do not depend on the number of cores."""

JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote"
"""Java passes rows on and encodes them: its optimizing compiler would not pay off. Checking the bytecode of
Spark's own jars anew in every process would take a seventh of a short run's time."""

LOOPBACK = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}


def with_task_retry(master: str) -> str:
    """`master`; a local one such that a task whose Python worker died is retried once, as on clusters."""
    local = re.fullmatch(r"local(?:\[([0-9]+|\*)\])?", master)
    return f"local[{local[1] or 1},2]" if local else master


def spark_session(master: str = "local[*]", memory: str = MEMORY) -> SparkSession:
    """The process's Spark session, created by the first call (6-13 s); later calls return the same one.

    master: `local[n]`, `spark://host:port`, `yarn` or `k8s://...`. memory: of the driver's Java. Later calls
    ignore both.
    The environment variable FACTROOTS_SPARK_JAVA_OPTIONS adds options for the driver's Java.
    Raises InputError when there is no Java 17 or newer.
    """
    from pyspark.sql import SparkSession

    active = SparkSession.getActiveSession()
    if active is not None:
        return active
    os.environ["JAVA_HOME"] = str(java_home())
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    java_options = f"{JAVA_OPTIONS} {os.environ.get(JAVA_OPTIONS_VARIABLE, '')}".rstrip()
    settings = {
        **SETTINGS,
        "spark.driver.memory": memory,
        "spark.driver.extraJavaOptions": java_options,
    }
    if master.startswith("local"):
        # An environment variable, since Java resolves its own host name before it reads any setting.
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        settings |= LOOPBACK
    builder = SparkSession.builder.master(with_task_retry(master)).config(map={**settings})
    before = _child_processes()
    try:
        return builder.getOrCreate()
    except BaseException:
        # Interrupted while Java starts, PySpark leaves it behind, where it would live for another minute.
        for process in _child_processes() - before:
            os.kill(process, signal.SIGKILL)
        raise


def _child_processes() -> set[int]:
    """The ids of this process's children; empty where the kernel does not list them."""
    children = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()  # names may hold spaces
            if int(fields[1]) == os.getpid() and fields[0] != "Z":
                children.add(int(stat.parent.name))
    return children


def session_is_lost() -> bool:
    """Whether this process has started a Java process that no longer answers."""
    from py4j.protocol import Py4JError
    from pyspark import SparkContext

    context = SparkContext._active_spark_context
    if context is None:
        return False
    try:
        return bool(context._jsc.sc().isStopped())
    except (Py4JError, OSError, AttributeError):
        return True


def forget_session() -> None:
    """Drop PySpark's references to a Java process that has ended: otherwise it cannot start another one."""
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
