"""How the platform scales to 53 languages and 100 checkpoints: `python -m benchmarks.load [checkpoints]`.

Every partition is registered and published, as a manifest without data. Dagster's history holds a
materialization with preview and picture, and the outcomes of both checks, for every partition of the assets
in HISTORY. Measured are the import of the definitions, the ticks of two sensors, and the queries of the UI's
asset pages. The table goes to `benchmarks/results/load.md`.
"""

from __future__ import annotations

import itertools
import json
import os
import platform
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa
from safetensors.numpy import save_file

from factroots_dagster.models.files import folder_revision
from factroots_dagster.orchestration.automation.checkpoint_scan import ScanState, scan_checkpoints
from factroots_dagster.orchestration.build import build_defs
from factroots_dagster.orchestration.catalog import CATALOG, rows_in
from factroots_dagster.orchestration.checks.bridge import BLOCKING, CHECKS
from factroots_dagster.orchestration.metadata import picture_markdown
from factroots_dagster.orchestration.partitions import Parts, checkpoint_set, key_of, platform_for
from factroots_dagster.orchestration.versions import StoreSnapshot, code_version
from factroots_dagster.settings import Settings
from factroots_dagster.store.digests import digest_files
from factroots_dagster.store.parquet import write_table
from factroots_dagster.store.store import Store
from factroots_dagster.store.versions import MANIFEST

HISTORY = ("predictions", "active_neurons", "fact_sources", "fact_types", "categorization_report")
PICTURE = b"picture" * 2200  # as many bytes as the sandbox's pictures have
RESULTS = Path(__file__).parent / "results" / "load.md"
WEBSERVER = ("-m", "factroots_dagster.definitions", "--host", "127.0.0.1")
TIME_IMPORT = """import time
clock, cpu = time.perf_counter(), time.process_time()
import factroots_dagster.definitions
print(time.perf_counter() - clock, time.process_time() - cpu)"""
NOW = 4e9
QUERIES = {
    "asset graph": "{ assetNodes { assetKey { path } groupName kinds dependencyKeys { path } } }",
    "asset graph, what is newest": """{ assetsLatestInfo(assetKeys: [{path: ["predictions"]},
        {path: ["active_neurons"]}, {path: ["fact_types"]}, {path: ["fact_sources"]}]) { id
        latestMaterialization { timestamp } inProgressRunIds unstartedRunIds latestRun { id } } }""",
    "asset graph, what is out of date": """{ assetNodes { assetKey { path } staleStatus
        staleCauses { reason category } } }""",
    "asset page, partitions": """{ assetNodeOrError(assetKey: {path: ["predictions"]}) { ... on AssetNode {
        partitionStats { numMaterialized numMaterializing numPartitions numFailed }
        partitionKeysByDimension { name type partitionKeys }
        assetPartitionStatuses { ... on MultiPartitionStatuses { primaryDimensionName ranges {
            primaryDimStartKey primaryDimEndKey secondaryDim { ... on DefaultPartitionStatuses {
                materializedPartitions failedPartitions materializingPartitions } } } } } } } }""",
    "asset page, events": """{ assetOrError(assetKey: {path: ["predictions"]}) { ... on Asset {
        assetMaterializations(limit: 100) { partition timestamp runId metadataEntries { label
            ... on MarkdownMetadataEntry { mdStr } } } } } }""",
    "asset page, checks": """{ assetNodeOrError(assetKey: {path: ["predictions"]}) { ... on AssetNode {
        assetChecksOrError { ... on AssetChecks { checks { name blocking partitionStatuses {
            ... on AssetCheckMultiPartitionStatuses { primaryDimensionName }
            } executionForLatestMaterialization { status evaluation { severity description } } } } } } } }""",
    "asset page, one partition": """{ assetNodeOrError(assetKey: {path: ["predictions"]}) { ... on AssetNode {
        description assetMaterializations(partitions: ["step-050|cy"], limit: 1) { partition
            metadataEntries { label ... on MarkdownMetadataEntry { mdStr } } }
        staleStatus(partition: "step-050|cy") staleCauses(partition: "step-050|cy") { reason } } } }""",
    "asset page, one report": """{ assetNodeOrError(assetKey: {path: ["categorization_report"]}) {
        ... on AssetNode { description partitionStats { numMaterialized numPartitions }
        staleStatus(partition: "step-050") staleCauses(partition: "step-050") { reason } } } }""",
    "automation": """{ sensorsOrError(repositorySelector: {repositoryName: "__repository__",
        repositoryLocationName: "factroots_dagster.definitions"}) {
        ... on Sensors { results { name sensorState { status } } } } }""",
}


def make_world(folder: Path, checkpoints: int) -> Settings:
    """Make a world in which every partition is registered and published: checkpoint folders and manifests."""
    settings = Settings(world="mlama", data_root=folder / "data", checkpoints=folder / "checkpoints")
    checkpoint_keys = [f"step-{number:03d}" for number in range(checkpoints)]
    for number, key in enumerate(checkpoint_keys):
        checkpoint = folder / "checkpoints" / key
        checkpoint.mkdir(parents=True)
        (checkpoint / "config.json").write_text('{"vocab_size": 4}')
        (checkpoint / "tokenizer.json").write_text("{}")
        save_file({"embeddings": np.full((4, 2), number, np.float32)}, checkpoint / "model.safetensors")
    keys = {"language": list(settings.active_languages), "checkpoint": checkpoint_keys}
    store = Store(settings.data_root, settings.world)
    for row in rows_in(settings):
        snapshot = StoreSnapshot(store, settings)  # of the assets before this one
        for parts in itertools.product(*(keys[dimension] for dimension in row.partitioned_by)):
            _publish(settings, store, snapshot, row.name, parts)
    return settings


def _publish(settings: Settings, store: Store, snapshot: StoreSnapshot, asset: str, parts: Parts) -> None:
    """Write the manifest of a partition that is current; of a checkpoint, also its table."""
    folder = store.path(asset, *parts)
    folder.mkdir(parents=True, exist_ok=True)
    if asset == "checkpoint":
        revision = folder_revision(settings.checkpoints / parts[0])  # type: ignore[operator]
        corpora = pa.nulls(1, pa.list_(pa.string()))
        write_table(pa.table({"revision": [revision], "corpora": corpora}), folder / "data.parquet")
    manifest = {
        "asset": asset,
        "partition": list(parts),
        "code_version": code_version(asset, settings),
        "rows": 1,
        "bytes": 1,
        "digest": "/".join((asset, *parts)),
        "upstream": snapshot.upstream(asset, parts),
        "inputs": {},
        "files": digest_files(folder),
    }
    (folder / MANIFEST).write_text(json.dumps(manifest))


def timed(call: Callable[[], object]) -> tuple[float, float]:
    """Seconds of wall-clock time and of this process's CPU time."""
    clock, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - clock, time.process_time() - cpu


def time_ticks(settings: Settings, instance: dg.DagsterInstance) -> dict[str, tuple[float, float]]:
    """Time the first and a later tick of both sensors in a world where nothing is new."""
    definitions, state = build_defs(settings), ScanState()
    partitions = list(platform_for(settings).store.keys("checkpoint"))
    instance.add_dynamic_partitions(checkpoint_set(settings.world), partitions)

    def scan() -> None:
        assert scan_checkpoints(settings, state, partitions, NOW).requests == {}

    def refresh() -> None:
        assert dg.evaluate_automation_conditions(definitions, instance).total_requested == 0

    return {
        f"{sensor}, {tick}": timed(call)
        for sensor, call in (("checkpoint_sensor", scan), ("refresh_sensor", refresh))
        for tick in ("first tick", "later ticks")
    }


def write_history(settings: Settings, instance: dg.DagsterInstance) -> int:
    """Put a materialization and both checks of every partition into the history; returns their number."""
    store, count = Store(settings.data_root, settings.world), 0
    records = [dg.TableRecord({"uuid": "a", "facts": "1"})] * 8
    metadata: dict[str, Any] = {
        "preview": dg.MetadataValue.table(records),
        "picture": dg.MetadataValue.md(picture_markdown(PICTURE)),
        "seconds": 1.0,
    }
    for asset in HISTORY:
        wildcard = [None] * len(CATALOG[asset].partitioned_by)
        for parts in StoreSnapshot(store, settings).partitions(asset, wildcard):
            manifest = store.manifest(asset, *parts)
            tags = {
                "dagster/data_version": manifest["digest"],
                "dagster/data_version_is_user_provided": "true",
                "dagster/code_version": manifest["code_version"],
            }
            instance.report_runless_asset_event(
                dg.AssetMaterialization(asset, partition=key_of(parts), metadata=metadata, tags=tags)
            )
            for check in CHECKS:
                instance.report_runless_asset_event(
                    dg.AssetCheckEvaluation(
                        asset_key=dg.AssetKey(asset),
                        check_name=check,
                        passed=True,
                        metadata={"not_met": 0},
                        blocking=check == BLOCKING,
                        partition=key_of(parts),
                    )
                )
            count += 1
    return count


def environment(settings: Settings, home: Path) -> dict[str, str]:
    return os.environ | {
        "DAGSTER_HOME": str(home),
        "FACTROOTS_WORLD": settings.world,
        "FACTROOTS_DATA_ROOT": str(settings.data_root),
        "FACTROOTS_CHECKPOINTS": str(settings.checkpoints),
    }


def cpu_seconds(group: int) -> float:
    """Seconds of CPU time that the running processes of a process group have used."""
    seconds = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        if int(fields[2]) == group:
            seconds += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return seconds


def time_queries(settings: Settings, home: Path, rounds: int = 5) -> dict[str, tuple[float, float, float]]:
    """Time each query on a webserver on loopback.

    Returns the seconds of the first answer, of the fastest later one, and the mean CPU seconds of later ones.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "dagster_webserver", *WEBSERVER, "--port", str(port)],
        env=environment(settings, home),
        cwd=home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )

    def ask(query: str) -> object:
        body = json.dumps({"query": query}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/graphql", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=120) as response:
            answer = json.load(response)
        assert "errors" not in answer, answer
        return answer["data"]

    try:
        for _ in range(240):
            try:
                ask("{ version }")
                break
            except OSError:
                time.sleep(0.5)
        figures = {}
        for name, query in QUERIES.items():
            first = timed(lambda query=query: ask(query))[0]
            before = cpu_seconds(server.pid)
            later = [timed(lambda query=query: ask(query))[0] for _ in range(rounds)]
            figures[name] = (first, min(later), (cpu_seconds(server.pid) - before) / rounds)
        return figures
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def time_import(settings: Settings, home: Path) -> tuple[float, float]:
    """Wall-clock and CPU seconds of the fastest of three imports of the definitions, in new processes."""
    command = [sys.executable, "-c", TIME_IMPORT]
    env = environment(settings, home)
    outputs = [subprocess.check_output(command, env=env, cwd=home, text=True).split() for _ in range(3)]
    clock, cpu = min((float(clock), float(cpu)) for clock, cpu in outputs)
    return clock, cpu


def main(checkpoints: int) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (home := folder / "home").mkdir()
        (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
        load = os.getloadavg()[0]
        settings = make_world(folder, checkpoints)
        languages = len(settings.active_languages)
        rows: list[list[Any]] = [["definitions load", "", *time_import(settings, home)]]
        with dg.DagsterInstance.from_config(str(home)) as instance:
            count = write_history(settings, instance)
            rows += [[name, "", *figures] for name, figures in time_ticks(settings, instance).items()]
        rows += [[f"GraphQL: {name}", *figures] for name, figures in time_queries(settings, home).items()]
    lines = [
        "# Load",
        "",
        f"- {os.cpu_count()} cores ({processor()}), Python {platform.python_version()}, Dagster "
        f"{version('dagster')}, SQLite; load average before the start {load:.1f}.",
        f"- {languages} languages x {checkpoints} checkpoints, all registered and published; in Dagster's "
        f"history {count:,} materializations with a preview and a picture, and "
        f"{len(CHECKS) * count:,} checks (" + ", ".join(HISTORY) + ").",
        "- Nothing is new: ticks examine every partition and request no run. GraphQL: the answers that the "
        "UI's pages wait for, from `dagster-webserver` on loopback: the first, and the fastest of five later "
        "ones. CPU seconds are those of a later answer, webserver and code location together.",
        "",
        "| what | first, seconds | seconds | CPU seconds |",
        "| --- | --- | --- | --- |",
        *("| " + " | ".join(format_value(value) for value in row) + " |" for row in rows),
    ]
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def format_value(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.2f}"


def processor() -> str:
    match = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    return match[1].strip() if match else platform.machine()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
