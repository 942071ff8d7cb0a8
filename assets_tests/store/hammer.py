"""Programs that write and read one partition again and again, run by the tests as processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from assets_tests.project import PROJECT

WRITER = """
import sys
import pyarrow as pa
import pyarrow.parquet as pq
from factroots_dagster.store.store import Store

schema = pa.schema([("n", pa.int64())])
store = Store(sys.argv[1], "sandbox")
print("ready", flush=True)
for n in range(10**6):
    with store.write_partition("numbers", "xx", code_version="1") as writer:
        for part in range(4):
            pq.write_table(pa.table({"n": [n] * 500}, schema), writer.folder / f"part-{part:05d}-000.parquet")
        writer.write(pa.table({"n": [n]}, schema), schema, side="same")
"""
"""Publishes number after number, in four files and a side table, until it is killed."""

READER = """
import sys
from factroots_dagster.store.store import Store

store, mixes, seen = Store(sys.argv[1], "sandbox"), 0, set()
for turn in range(int(sys.argv[2])):
    view = store.view()
    table, digest = view.read("numbers", "xx"), view.digest("numbers", "xx")
    side = view.read_side("same", "numbers", "xx")
    folder = view.require("numbers", "xx")
    numbers = {*table["n"].to_pylist(), *side["n"].to_pylist()}
    mixes += len(numbers) != 1 or len(table) != 2000 or view.digest("numbers", "xx") != digest
    seen |= numbers
print(mixes, len(seen))
"""
"""Reads the two tables so many times; prints how often they were not of one version, and of how many."""


def start(program: str, *arguments: str | Path) -> subprocess.Popen[str]:
    """Start one of the programs."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
    )


def start_writer(root: Path) -> subprocess.Popen[str]:
    """Start WRITER and wait until it is about to publish."""
    process = start(WRITER, root)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()
