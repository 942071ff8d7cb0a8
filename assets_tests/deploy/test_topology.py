"""The deployment without containers: Postgres, code location, webserver, daemon and Spark cluster."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from assets_tests.deploy.topology import SERVICES, Deployment, deployment
from assets_tests.project import PROJECT
from assets_tests.serving import listening_addresses, reachable_folder, survivors
from factroots_dagster.store.store import Store

LANGUAGE = "uk"
BY_LANGUAGE = ("mlama_split", "wikipedia_dump", "wikipedia_articles")


@pytest.fixture(scope="module")
def services() -> Iterator[Deployment]:
    with reachable_folder() as folder:
        with deployment(folder, folder / "data") as running:
            yield running
        assert running.remaining_processes() == []


def event_types(services: Deployment, run: str) -> set[str]:
    """The types of a run's events in Postgres."""
    rows = services.sql(
        "dagster", f"SELECT DISTINCT dagster_event_type FROM event_logs WHERE run_id = '{run}'"
    )
    return {str(event_type) for (event_type,) in rows}


def test_every_service_is_healthy(services: Deployment) -> None:
    for service in SERVICES:
        services.wait_until_healthy(service)


def test_every_service_listens_on_loopback_only(services: Deployment) -> None:
    ports = {name: value for name, value in services.environment.items() if name.endswith("_PORT")}
    ours = {name: int(value) for name, value in ports.items() if name.startswith(("DEPLOY_", "DAGSTER_"))}
    assert len(ours) == 6
    assert {name: listening_addresses(port) for name, port in ours.items()} == {
        key: {"127.0.0.1"} for key in ours
    }


def test_a_service_that_does_not_run_is_not_healthy(services: Deployment) -> None:
    environment = services.environment.copy()
    try:
        # something listens on the port, but it is not a service
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = str(silent.getsockname()[1])
            services.environment |= {"DEPLOY_CODE_PORT": port, "DEPLOY_WEBSERVER_PORT": port}
        for service in ("code", "webserver"):
            assert services.entrypoint("health", service).returncode != 0
        assert services.entrypoint("health", "nonsense").returncode == 64
    finally:
        services.environment = environment


def test_nothing_starts_without_the_password(services: Deployment) -> None:
    password_file = services.environment["POSTGRES_PASSWORD_FILE"]
    empty = services.folder / "empty"
    empty.write_text("\n")
    try:
        for path in (str(services.folder / "nowhere"), str(empty)):
            services.environment["POSTGRES_PASSWORD_FILE"] = path
            for service in ("webserver", "daemon", "code"):
                done = services.entrypoint(service)
                assert done.returncode == 78 and "docker/secrets/postgres_password" in done.stderr
    finally:
        services.environment["POSTGRES_PASSWORD_FILE"] = password_file


def test_postgres_refuses_another_password(services: Deployment) -> None:
    import psycopg2

    with pytest.raises(psycopg2.OperationalError, match="authentication failed"):
        services.sql("dagster", "SELECT 1", password="dagster")


def test_a_run_launched_through_the_api_is_executed_and_recorded(services: Deployment) -> None:
    """Launched by the daemon, executed in the code location, on the Spark master, recorded in Postgres."""
    release = services.api.launch(["mlama_release"])
    assert services.api.wait(release) == "SUCCESS", services.log("code")[-3000:]
    run = services.api.launch(BY_LANGUAGE, LANGUAGE)
    assert services.api.wait(run) == "SUCCESS", services.log("code")[-3000:]

    assert services.api.checks(release) == {"mlama_release": True}
    assert services.api.checks(run) == dict.fromkeys(BY_LANGUAGE, True)
    store = Store(Path(services.environment["FACTROOTS_DATA_ROOT"]), "sandbox")
    for name in BY_LANGUAGE:
        assert store.version(name, LANGUAGE).rows

    assert {"PIPELINE_ENQUEUED", "PIPELINE_STARTING", "ASSET_CHECK_EVALUATION"} <= event_types(services, run)
    (tag,) = services.sql(
        "dagster", f"SELECT value FROM run_tags WHERE run_id = '{run}' AND key = '.dagster/grpc_info'"
    )[0]
    server = {"host": "127.0.0.1", "port": int(services.environment["DEPLOY_CODE_PORT"])}
    assert json.loads(str(tag)) == server
    assert "Registered app factroots" in services.log("spark-master")
    assert "Asked to launch executor" in services.log("spark-worker")
    assert not (services.home / "history").exists() and list(services.home.rglob("*.db")) == []


def test_a_run_launched_while_the_daemon_is_down_waits_for_it(services: Deployment) -> None:
    services.stop("daemon")
    run = services.api.launch(["wikipedia_dump"], LANGUAGE)
    assert services.api.wait(run, ["STARTED", "SUCCESS"], seconds=5) == "QUEUED"
    services.start("daemon")
    assert services.api.wait(run) == "SUCCESS"
    services.wait_until_healthy("daemon")
    assert services.api.checks(run) == {"wikipedia_dump": True}


def documented(
    services: Deployment, program: str, database: str, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run the documentation's command with `program`; `database` takes the place of `dagster`."""
    text = (PROJECT / "docs" / "deployment.md").read_text()
    (line,) = re.findall(rf"exec -T postgres {program} (-U dagster .*) [<>] dagster\.dump", text)
    path = services.postgres_binaries / program
    if not path.exists():
        pytest.skip(f"no {program} here (Debian: apt-get install postgresql-client)")
    arguments = line.removeprefix("-U dagster ").replace("dagster", database).split()
    address = ("-h", "127.0.0.1", "-p", str(services.postgres_port), "-U", "dagster")
    environment = os.environ | {"PGPASSWORD": services.password.read_text().strip()}
    return subprocess.run(
        [str(path), *address, *arguments], env=environment, input=stdin, capture_output=True, check=False
    )


def history(services: Deployment, database: str) -> list[list[tuple[object, ...]]]:
    """The runs that the database holds, and what they recorded of assets and their checks."""
    queries = (
        "SELECT run_id, status FROM runs ORDER BY id",
        "SELECT id, run_id, dagster_event_type, asset_key, partition FROM event_logs "
        "WHERE asset_key IS NOT NULL ORDER BY id",
        "SELECT id, asset_key, check_name, execution_status FROM asset_check_executions ORDER BY id",
    )
    return [services.sql(database, query) for query in queries]


def materialized(services: Deployment, database: str) -> set[tuple[object, ...]]:
    """The assets and partitions of which the database holds a materialization."""
    query = "SELECT asset_key, partition FROM event_logs WHERE dagster_event_type = 'ASSET_MATERIALIZATION'"
    return set(services.sql(database, query))


def factroots(services: Deployment, database: str, *arguments: str) -> str:
    """What a command prints when the history is in the database."""
    environment = services.environment
    services.environment = environment | {"DAGSTER_POSTGRES_DB": database}
    try:
        return services.entrypoint("factroots", *arguments).stdout
    finally:
        services.environment = environment


def stop_container(services: Deployment, service: str) -> None:
    """What `docker stop` does: SIGTERM to the first process, and after 10 s SIGKILL to all that are left."""
    process = services.processes.pop(service)
    os.kill(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(10)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert survivors([process.pid]) == []


def test_a_run_that_dies_with_the_code_location_is_failed_and_the_next_one_succeeds(
    services: Deployment,
) -> None:
    run = services.api.launch(["wikipedia_articles"], LANGUAGE)
    assert services.api.wait(run, ["STARTED"]) == "STARTED"
    stop_container(services, "code")
    services.start("code")
    services.wait_until_healthy("code")
    assert services.api.status(run) in ("FAILURE", "CANCELED")
    starts = services.sql(
        "dagster",
        f"SELECT 1 FROM event_logs WHERE run_id = '{run}' "
        "AND dagster_event_type IN ('STEP_START', 'STEP_RESTARTED')",
    )
    assert len(starts) <= 1  # no retry
    again = services.api.launch(["wikipedia_dump"], LANGUAGE)
    assert services.api.wait(again) == "SUCCESS", services.log("code")[-3000:]


def test_a_dumped_history_is_restored(services: Deployment) -> None:
    """Into an empty database and into one that holds it; a dump that was cut off changes nothing."""
    dumped = documented(services, "pg_dump", "dagster")
    assert dumped.returncode == 0, dumped.stderr.decode()
    dump = dumped.stdout
    expected = history(services, "dagster")
    assert all(expected)
    services.sql("postgres", "CREATE DATABASE restored")
    for _ in ("empty", "filled"):
        done = documented(services, "pg_restore", "restored", dump)
        assert done.returncode == 0 and not done.stderr, done.stderr.decode()
        assert history(services, "restored") == expected
    assert documented(services, "pg_restore", "restored", dump[: len(dump) // 2]).returncode != 0
    assert history(services, "restored") == expected
    status, restored = (
        json.loads(factroots(services, database, "status", "--json"))["assets"]
        for database in ("dagster", "restored")
    )
    assert restored == status and sum(asset["materialized"] for asset in status) >= 4


def test_a_lost_history_is_recorded_again(services: Deployment) -> None:
    services.sql("postgres", "CREATE DATABASE empty")
    printed = factroots(services, "empty", "recover", "--history")
    expected = materialized(services, "dagster")
    assert len(expected) >= 4 and materialized(services, "empty") == expected
    assert printed.count("\nrecorded: ") + printed.startswith("recorded: ") == len(expected)
    assert "not recorded" not in printed


def test_no_service_reached_beyond_this_machine(services: Deployment) -> None:
    """Telemetry is off: nothing was refused in webserver, daemon, code location, runs and Spark."""
    assert not services.guard_log.exists(), services.guard_log.read_text()
    # where Dagster collects telemetry before sending it
    assert [path for name in ("logs", ".logs_queue") for path in (services.home / name).glob("*")] == []
