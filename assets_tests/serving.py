"""Dagster's servers in tests: free ports, processes that end with the test, the GraphQL API."""

from __future__ import annotations

import ipaddress
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from assets_tests.project import MaterializedWorld, command
from factroots_dagster.orchestration.checks.bridge import CHECKS
from factroots_dagster.orchestration.history import LOCATION

DEFINITIONS = ["-m", "factroots_dagster.definitions"]
ENDED = ("SUCCESS", "FAILURE", "CANCELED")

LAUNCH = """
mutation Launch($params: ExecutionParams!) {
  launchPipelineExecution(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } }
  }
}
"""
STATUS = "query Status($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
CHECK_EVALUATIONS = """
query Checks($id: ID!) {
  logsForRun(runId: $id) {
    ... on EventConnection {
      events { __typename ... on AssetCheckEvaluationEvent { evaluation {
        success checkName assetKey { path } } } }
    }
  }
}
"""


def free_port() -> int:
    """A loopback port on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listening_addresses(port: int) -> set[str]:
    """The addresses of this machine on which something listens at the port."""
    addresses = set()
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            host, number = local.split(":")
            if state == "0A" and int(number, 16) == port:  # listening
                # words of four bytes, each in the machine's order
                packed = b"".join(bytes.fromhex(host[i : i + 8])[::-1] for i in range(0, len(host), 8))
                address = ipaddress.ip_address(packed)
                addresses.add(str(getattr(address, "ipv4_mapped", None) or address))
    return addresses


@contextmanager
def reachable_folder() -> Iterator[Path]:
    """A temporary folder that servers run by another user can reach, unlike pytest's."""
    folder = Path(tempfile.mkdtemp(prefix="factroots-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def stop(process: subprocess.Popen[bytes], seconds: float = 20) -> None:
    """Terminate a process that leads a session, and everything it started; kill them after `seconds`."""
    for sign, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, 60.0)):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            break
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def survivors(groups: Iterable[int], seconds: float = 30) -> list[int]:
    """The processes of stopped groups that still run after `seconds`; killed ones take a moment to end."""
    deadline = time.monotonic() + seconds
    while alive := [process for group in groups for process in group_members(group)]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.1)
    return alive


def group_members(group: int) -> list[int]:
    """The running processes of a process group, without zombies."""
    processes = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, _, pgrp = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
            except OSError:
                continue
            if int(pgrp) == group and state != "Z":
                processes.append(int(entry.name))
    return processes


class Api:
    """Dagster's GraphQL API on loopback, at the code location named `location`."""

    def __init__(self, port: int, location: str) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.location = location

    def __call__(self, query: str, **variables: object) -> dict[str, Any]:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"{self.address}/graphql", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            data: dict[str, Any] = json.load(response)["data"]
            return data

    def launch(self, assets: Sequence[str], partition: str | None = None) -> str:
        """Start the run that the UI's Materialize button starts, checks included; returns its id."""
        tags = [{"key": "dagster/partition", "value": partition}] if partition else []
        params = {
            "mode": "default",
            "runConfigData": "{}",
            "selector": {
                "repositoryLocationName": self.location,
                "repositoryName": "__repository__",
                "pipelineName": "__ASSET_JOB",
                "assetSelection": [{"path": [name]} for name in assets],
                "assetCheckSelection": [
                    {"assetKey": {"path": [name]}, "name": check} for name in assets for check in CHECKS
                ],
            },
            "executionMetadata": {"tags": tags},
        }
        return self._launch(params)

    def launch_job(self, name: str) -> str:
        """Start a job without settings; returns the run's id."""
        selector = {
            "repositoryLocationName": self.location,
            "repositoryName": "__repository__",
            "pipelineName": name,
        }
        return self._launch({"mode": "default", "runConfigData": "{}", "selector": selector})

    def _launch(self, params: Mapping[str, Any]) -> str:
        launched = self(LAUNCH, params=params)["launchPipelineExecution"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        run_id: str = launched["run"]["runId"]
        return run_id

    def status(self, run_id: str) -> str:
        status: str = self(STATUS, id=run_id)["runOrError"]["status"]
        return status

    def wait(self, run_id: str, statuses: Sequence[str] = ENDED, seconds: float = 300) -> str:
        """Wait until the run has one of the statuses, or time is up; returns its status."""
        deadline = time.monotonic() + seconds
        while (status := self.status(run_id)) not in statuses and time.monotonic() < deadline:
            time.sleep(0.5)
        return status

    def checks(self, run_id: str) -> dict[str, bool]:
        """By asset of the run, whether all its checks passed."""
        events = self(CHECK_EVALUATIONS, id=run_id)["logsForRun"]["events"]
        passed: dict[str, bool] = {}
        for evaluation in (event["evaluation"] for event in events if "evaluation" in event):
            asset = "/".join(evaluation["assetKey"]["path"])
            passed[asset] = passed.get(asset, True) and evaluation["success"]
        return passed


def wait_for_api(
    api: Api, process: subprocess.Popen[bytes], log: Path, seconds: float = 120, query: str = "{ version }"
) -> None:
    """Wait until the API answers; fails with the server's log if the server ends or time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            api(query)
            return
        except (urllib.error.URLError, ConnectionError):
            assert process.poll() is None, log.read_text()[-3000:]
            time.sleep(0.5)
    pytest.fail("the webserver did not answer: " + log.read_text()[-3000:])


@contextmanager
def dagster_dev(
    world: MaterializedWorld, folder: Path, extra: Mapping[str, str] | None = None
) -> Iterator[Api]:
    """Webserver, daemon and code location as `make ui` starts them, with the world's history."""
    with running_ui({**world.environment(), **(extra or {})}, world.dagster_home, folder / "log") as api:
        yield api


@contextmanager
def running_ui(environment: Mapping[str, str], folder: Path, log: Path) -> Iterator[Api]:
    """`factroots ui`, run in a folder."""
    port = free_port()
    with log.open("w") as out:
        server = subprocess.Popen(
            [command("factroots"), "ui", "--port", str(port)],
            env=dict(environment),
            cwd=folder,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        api = Api(port, LOCATION)
        wait_for_api(api, server, log)
        yield api
    finally:
        stop(server)
