"""The deployment from its parts: Postgres, code location over gRPC, webserver, daemon, Spark cluster."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from assets_tests.deploy.topology import PARTS, Deployment, deployment
from assets_tests.serving import listening, reachable_folder, survivors
from factroots_dagster.store.store import Store

LANGUAGE = "qag"
BY_LANGUAGE = ("mlama_split", "wikipedia_dump", "wikipedia_articles")


@pytest.fixture(scope="module")
def parts() -> Iterator[Deployment]:
    with reachable_folder() as folder:
        with deployment(folder, folder / "data") as running:
            yield running
        assert running.left_over() == []


def events(parts: Deployment, run: str) -> set[str]:
    """Kinds of events that Postgres holds of a run."""
    rows = parts.sql("dagster", f"SELECT DISTINCT dagster_event_type FROM event_logs WHERE run_id = '{run}'")
    return {str(kind) for (kind,) in rows}


def test_every_part_is_healthy(parts: Deployment) -> None:
    for part in PARTS:
        parts.healthy(part)


def test_every_part_listens_on_loopback_alone(parts: Deployment) -> None:
    ports = {name: value for name, value in parts.environment.items() if name.endswith("_PORT")}
    ours = {name: int(value) for name, value in ports.items() if name.startswith(("DEPLOY_", "DAGSTER_"))}
    assert len(ours) == 6
    assert {name: listening(port) for name, port in ours.items()} == {key: {"127.0.0.1"} for key in ours}


def test_a_part_that_is_not_there_is_not_healthy(parts: Deployment) -> None:
    elsewhere = parts.environment.copy()
    try:
        # a port on which something listens that is none of the parts
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = str(silent.getsockname()[1])
            parts.environment |= {"DEPLOY_CODE_PORT": port, "DEPLOY_WEBSERVER_PORT": port}
        for part in ("code", "webserver"):
            assert parts.entrypoint("health", part).returncode != 0
        assert parts.entrypoint("health", "nonsense").returncode == 64
    finally:
        parts.environment = elsewhere


def test_nothing_starts_without_the_password(parts: Deployment) -> None:
    given = parts.environment["POSTGRES_PASSWORD_FILE"]
    empty = parts.folder / "empty"
    empty.write_text("\n")
    try:
        for path in (str(parts.folder / "nowhere"), str(empty)):
            parts.environment["POSTGRES_PASSWORD_FILE"] = path
            for part in ("webserver", "daemon", "code"):
                refused = parts.entrypoint(part)
                assert refused.returncode == 78 and "docker/secrets/postgres_password" in refused.stderr
    finally:
        parts.environment["POSTGRES_PASSWORD_FILE"] = given


def test_postgres_refuses_another_password(parts: Deployment) -> None:
    import psycopg2

    with pytest.raises(psycopg2.OperationalError, match="authentication failed"):
        parts.sql("dagster", "SELECT 1", password="dagster")


def test_a_materialization_through_the_api(parts: Deployment) -> None:
    """Launched by the daemon, executed in the code location, on the Spark master, recorded in Postgres."""
    release = parts.api.launch(["mlama_release"])
    assert parts.api.wait(release) == "SUCCESS", parts.log("code")[-3000:]
    run = parts.api.launch(BY_LANGUAGE, LANGUAGE)
    assert parts.api.wait(run) == "SUCCESS", parts.log("code")[-3000:]

    assert parts.api.checks(release) == {"mlama_release": True}
    assert parts.api.checks(run) == dict.fromkeys(BY_LANGUAGE, True)
    store = Store(Path(parts.environment["FACTROOTS_DATA_ROOT"]), "sandbox")
    for name in BY_LANGUAGE:
        assert store.partition_info(name, LANGUAGE).rows

    assert {"PIPELINE_ENQUEUED", "PIPELINE_STARTING", "ASSET_CHECK_EVALUATION"} <= events(parts, run)
    (tag,) = parts.sql(
        "dagster", f"SELECT value FROM run_tags WHERE run_id = '{run}' AND key = '.dagster/grpc_info'"
    )[0]
    server = {"host": "127.0.0.1", "port": int(parts.environment["DEPLOY_CODE_PORT"])}
    assert json.loads(str(tag)) == server
    assert "Registered app factroots" in parts.log("spark-master")
    assert "Asked to launch executor" in parts.log("spark-worker")
    assert not (parts.home / "history").exists() and list(parts.home.rglob("*.db")) == []


def test_a_run_that_is_asked_for_while_the_daemon_is_away_waits_for_it(parts: Deployment) -> None:
    parts.stop("daemon")
    run = parts.api.launch(["wikipedia_dump"], LANGUAGE)
    assert parts.api.wait(run, ["STARTED", "SUCCESS"], seconds=5) == "QUEUED"
    parts.start("daemon")
    assert parts.api.wait(run) == "SUCCESS"
    parts.healthy("daemon")
    assert parts.api.checks(run) == {"wikipedia_dump": True}


def test_a_run_that_dies_with_the_code_location_is_failed_and_the_next_one_runs(parts: Deployment) -> None:
    run = parts.api.launch(["wikipedia_articles"], LANGUAGE)
    assert parts.api.wait(run, ["STARTED"]) == "STARTED"
    group = parts.processes["code"].pid
    os.killpg(group, signal.SIGKILL)  # as the container's end takes every process in it
    parts.processes.pop("code").wait()
    assert survivors([group]) == []
    assert parts.api.status(run) == "STARTED"
    parts.start("code")
    parts.healthy("code")
    assert parts.api.status(run) == "FAILURE"
    assert f"run {run} was lost" in parts.log("code")
    again = parts.api.launch(["wikipedia_dump"], LANGUAGE)
    assert parts.api.wait(again) == "SUCCESS", parts.log("code")[-3000:]


def test_no_part_looked_beyond_this_machine(parts: Deployment) -> None:
    """Telemetry is off: the guard refused nothing in webserver, daemon, code location, runs and Spark."""
    assert not parts.guard_log.exists(), parts.guard_log.read_text()
    # where Dagster collects what it would send
    assert [path for name in ("logs", ".logs_queue") for path in (parts.home / name).glob("*")] == []
