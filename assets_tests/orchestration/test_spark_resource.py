"""A step that is retried after Spark's Java process was lost finds a new session."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import os, signal
from pyspark import SparkContext
from factroots_dagster.orchestration.resources import SparkResource
spark = SparkResource(master="local[1]", memory="1g")
first = spark.session()
assert first.range(3).count() == 3 and spark.session() is first
process = SparkContext._gateway.proc
os.kill(process.pid, signal.SIGKILL)
process.wait()
second = spark.session()
print(second.range(5).mapInArrow(lambda batches: batches, "id long").count())
second.stop()
"""


def test_a_lost_java_process_is_replaced() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip().endswith("5")
