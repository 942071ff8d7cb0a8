"""Partitions of numbers, and processes that write and read one again and again."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from factroots_dagster.store.store import Store

SCHEMA = pa.schema([("n", pa.int64())])
ROWS = 2000

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([__name__])


def write(store: Store, *numbers: int, key: str = "xx") -> None:
    """Publish numbers, and the first of them in a side table."""
    with store.write_partition("numbers", key, code_version="1") as writer:
        writer.write(pa.table({"n": list(numbers)}, SCHEMA), SCHEMA)
        writer.write(pa.table({"n": list(numbers[:1])}, SCHEMA), SCHEMA, side="first")


def numbers(store: Store, key: str = "xx") -> list[int]:
    """The numbers of the version that counts."""
    values: list[int] = store.read("numbers", key)["n"].to_pylist()
    return values


def write_forever(root: Path, first: int, environment: Mapping[str, str]) -> None:
    """Publish number after number, each in four files and a side table."""
    os.environ.update(environment)
    store = Store(root, "sandbox")
    for number in range(first, 10**9):
        with store.write_partition("numbers", "xx", code_version="1") as writer:
            for part in range(4):
                rows = pa.table({"n": [number] * (ROWS // 4)}, SCHEMA)
                pq.write_table(rows, writer.folder / f"part-{part:05d}-000.parquet")
            writer.write(pa.table({"n": [number]}, SCHEMA), SCHEMA, side="same")


def read_often(root: Path, times: int, result: Path, environment: Mapping[str, str]) -> None:
    """Read both tables so many times or more, until ten versions were seen; write the number of mixes."""
    os.environ.update(environment)
    store, reads, mixes, seen = Store(root, "sandbox"), 0, 0, set[int]()
    while reads < times or len(seen) < 10:
        reads += 1
        view = store.view()
        table, digest = view.read("numbers", "xx"), view.digest("numbers", "xx")
        side = view.read_side("same", "numbers", "xx")
        folder = view.require("numbers", "xx")
        numbers = {*table["n"].to_pylist(), *side["n"].to_pylist()}
        numbers.update(pq.read_table(folder / "part-00002-000.parquet")["n"].to_pylist())
        mixes += len(numbers) != 1 or len(table) != ROWS or view.digest("numbers", "xx") != digest
        seen |= numbers
    result.write_text(str(mixes))


def start_writer(root: Path, first: int = 0, environment: Mapping[str, str] | None = None) -> BaseProcess:
    """Start a writer with a number and wait until it has published it. environment: further variables."""
    store, arguments = Store(root, "sandbox"), (root, first, environment or {})
    process = PROCESSES.Process(target=write_forever, args=arguments, daemon=True)
    process.start()
    while not store.exists("numbers", "xx") or _published(store) < first:
        assert process.is_alive()
        time.sleep(0.002)
    return process


def _published(store: Store) -> int:
    number: int = store.read_side("same", "numbers", "xx")["n"][0].as_py()
    return number


def count_mixes(roots: Sequence[Path], times: int, environment: Mapping[str, str] | None = None) -> int:
    """How many mixes of versions some readers at once see, each reading so many times or more.

    roots: of each reader, its data root. environment: further variables.
    """
    results = [root / f"reader-{number}" for number, root in enumerate(roots)]
    processes = [
        PROCESSES.Process(target=read_often, args=(root, times, result, environment or {}))
        for root, result in zip(roots, results, strict=True)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * len(roots)
    return sum(int(result.read_text()) for result in results)


def kill(process: BaseProcess) -> None:
    """End a process by SIGKILL."""
    process.kill()
    process.join()
    assert not os.path.exists(f"/proc/{process.pid}")
