"""How the platform bears 53 languages and 100 checkpoints: `python -m benchmarks.load [checkpoints]`.

Everything is registered, described and published (manifests without data), and the materializations of the
assets in HISTORY, with previews and pictures, and the outcomes of their checks are in Dagster's history.
Timed are the load of the definitions, the ticks of both sensors, and what the UI's asset pages ask. The table
goes to `benchmarks/results/load.md`.
"""

from __future__ import annotations

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

import dagster as dg
import numpy as np
import pyarrow as pa
from safetensors.numpy import save_file

from factroots_dagster.models.files import folder_revision
from factroots_dagster.orchestration.assets.base import picture_markdown, preview_markdown
from factroots_dagster.orchestration.automation.checkpoint_scan import State, look
from factroots_dagster.orchestration.build import build_defs
from factroots_dagster.orchestration.checks.bridge import CHECK_NAME
from factroots_dagster.orchestration.partitions import checkpoint_set, parents_of, platform_for
from factroots_dagster.orchestration.versions import RECIPES, StoreSnapshot, code_version
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import MANIFEST, Store, write_table

HISTORY = ("predictions", "active_neurons", "fact_sources", "fact_types", "categorization_report")
PICTURE = b"picture" * 2200  # what the sandbox's pictures take, in bytes
RESULTS = Path(__file__).parent / "results" / "load.md"
WEBSERVER = ("-m", "factroots_dagster.definitions", "--host", "127.0.0.1")
LOAD = """import time
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
    "asset page, one cell": """{ assetNodeOrError(assetKey: {path: ["predictions"]}) { ... on AssetNode {
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


def furnish(folder: Path, checkpoints: int) -> Settings:
    """A world in which everything is registered and published: folders of checkpoints, and manifests."""
    settings = Settings(world="mlama", data_root=folder / "data", checkpoints=folder / "checkpoints")
    names = [f"step-{number:03d}" for number in range(checkpoints)]
    for number, name in enumerate(names):
        made = folder / "checkpoints" / name
        made.mkdir(parents=True)
        (made / "config.json").write_text('{"vocab_size": 4}')
        (made / "tokenizer.json").write_text("{}")
        save_file({"embeddings": np.full((4, 2), number, np.float32)}, made / "model.safetensors")
    keys = {"language": list(settings.active_languages), "checkpoint": names}
    store = Store(settings.data_root, settings.world)
    graph = build_defs(settings).resolve_asset_graph()
    for asset in graph.toposorted_asset_keys:
        name, catalogue = asset.to_user_string(), StoreSnapshot(store)
        node = graph.get(asset)
        parents = parents_of(node.parent_keys, node.partition_mappings.get)
        places: list[tuple[str, ...]] = [()]
        for dimension in RECIPES[name].by:
            places = [(*place, key) for place in places for key in keys[dimension]]
        for place in places:
            _publish(settings, store, catalogue, name, parents, place)
    return settings


def _publish(
    settings: Settings,
    store: Store,
    catalogue: StoreSnapshot,
    name: str,
    parents: list[str],
    place: tuple[str, ...],
) -> None:
    folder = store.path(name, *place)
    folder.mkdir(parents=True, exist_ok=True)
    if name == "checkpoint":
        revision = folder_revision(settings.checkpoints / place[0])  # type: ignore[operator]
        write_table(pa.table({"revision": [revision]}), folder / "data.parquet")
    manifest = {
        "asset": name,
        "partition": list(place),
        "code_version": code_version(name, settings),
        "rows": 1,
        "bytes": 1,
        "digest": "/".join((name, *place)),
        "upstream": catalogue.upstream(name, parents, place),
        "inputs": {},
        "files": {},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest))


def timed(call: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the clock and of this process's CPU."""
    clock, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - clock, time.process_time() - cpu


def ticks(settings: Settings, instance: dg.DagsterInstance) -> dict[str, tuple[float, float]]:
    """The first and the later ticks of both sensors on a furnished world, where nothing is new."""
    definitions, state = build_defs(settings), State()
    partitions = list(platform_for(settings).store.keys("checkpoint"))
    instance.add_dynamic_partitions(checkpoint_set(settings), partitions)
    figures = {}
    for name in ("checkpoint_sensor, first tick", "checkpoint_sensor, later ticks"):

        def watch() -> None:
            assert look(settings, state, partitions, NOW).wanted == {}

        figures[name] = timed(watch)
    for name in ("refresh_sensor, first tick", "refresh_sensor, later ticks"):

        def refresh() -> None:
            assert dg.evaluate_automation_conditions(definitions, instance).total_requested == 0

        figures[name] = timed(refresh)
    return figures


def history(settings: Settings, instance: dg.DagsterInstance) -> int:
    """Put a materialization and a check of every partition into the history; returns how many of each."""
    store, count = Store(settings.data_root, settings.world), 0
    metadata = {
        "preview": dg.MetadataValue.md(preview_markdown(pa.table({"uuid": ["a"] * 8, "facts": [1] * 8}))),
        "picture": dg.MetadataValue.md(picture_markdown(PICTURE)),
        "seconds": 1.0,
    }
    for name in HISTORY:
        places: list[tuple[str, ...]] = [()]
        for _ in RECIPES[name].by:
            places = [(*place, key) for place in places for key in store.folders(name, *place)]
        for place in places:
            key = "|".join(place)
            instance.report_runless_asset_event(
                dg.AssetMaterialization(name, partition=key, metadata=metadata)
            )
            instance.report_runless_asset_event(
                dg.AssetCheckEvaluation(
                    asset_key=dg.AssetKey(name),
                    check_name=CHECK_NAME,
                    passed=True,
                    metadata={"unmet": 0},
                    blocking=True,
                    partition=key,
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


def cpu_of(group: int) -> float:
    """Seconds of CPU that the living processes of a process group have used."""
    used = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        if int(fields[2]) == group:
            used += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return used


def graphql(settings: Settings, home: Path, rounds: int = 5) -> dict[str, tuple[float, float, float]]:
    """Of each query on a webserver on loopback: seconds of the first time and the best of the later ones,
    and the seconds of CPU of a later one."""
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
        with urllib.request.urlopen(request, timeout=120) as reply:
            answer = json.load(reply)
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
            first = timed(lambda query=query: ask(query))[0]  # type: ignore[misc]
            before = cpu_of(server.pid)
            later = [timed(lambda query=query: ask(query))[0] for _ in range(rounds)]  # type: ignore[misc]
            figures[name] = (first, min(later), (cpu_of(server.pid) - before) / rounds)
        return figures
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def load_seconds(settings: Settings, home: Path) -> tuple[float, float]:
    """Best of three imports of the definitions in a process of their own: on the clock, of CPU."""
    command = [sys.executable, "-c", LOAD]
    env = environment(settings, home)
    told = [subprocess.check_output(command, env=env, cwd=home, text=True).split() for _ in range(3)]
    clock, cpu = min((float(clock), float(cpu)) for clock, cpu in told)
    return clock, cpu


def main(checkpoints: int) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (home := folder / "home").mkdir()
        (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
        load = os.getloadavg()[0]
        settings = furnish(folder, checkpoints)
        languages = len(settings.active_languages)
        rows = [["definitions load", "", *load_seconds(settings, home)]]
        with dg.DagsterInstance.from_config(str(home)) as instance:
            count = history(settings, instance)
            rows += [[name, "", *figures] for name, figures in ticks(settings, instance).items()]
        rows += [[f"GraphQL: {name}", *figures] for name, figures in graphql(settings, home).items()]
    said = [
        "# Load",
        "",
        f"- {os.cpu_count()} cores ({processor()}), Python {platform.python_version()}, Dagster "
        f"{version('dagster')}, SQLite; load average before the start {load:.1f}.",
        f"- {languages} languages x {checkpoints} checkpoints, all registered and published; in Dagster's "
        f"history {count:,} materializations with a preview and a picture, and {count:,} checks ("
        + ", ".join(HISTORY)
        + ").",
        "- Nothing is new: ticks look at everything and ask for nothing. GraphQL: the answers that the UI's "
        "pages wait for, from `dagster-webserver` on loopback; the first, and the best of five later ones. "
        "CPU is that of a later answer, webserver and code location together.",
        "",
        "| what | first, seconds | seconds | CPU seconds |",
        "| --- | --- | --- | --- |",
        *("| " + " | ".join(cell(value) for value in row) + " |" for row in rows),
    ]
    RESULTS.write_text("\n".join(said) + "\n", encoding="utf-8")
    print("\n".join(said))


def cell(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.2f}"


def processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    return found[1].strip() if found else platform.machine()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
