"""The guard of Dagster's webserver, asked as browsers ask for other sites' pages; how `factroots ui` ends."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from click import ClickException
from click.testing import CliRunner

from assets_tests.deploy.topology import guarded
from assets_tests.project import command
from assets_tests.serving import Api, free_port, group_members, stop, survivors, wait_for_api
from factroots_dagster.cli import webserver
from factroots_dagster.cli.instance import CONFIGURATION
from factroots_dagster.cli.main import main
from factroots_dagster.cli.ui import run_until_one_ends
from factroots_dagster.orchestration.history import LOCATION

LIMIT = "mutation { setConcurrencyLimit(concurrencyKey: %s, limit: 3) }"
JSON = {"Content-Type": "application/json"}


class Server:
    """A running webserver, or `factroots ui`."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process, self.port = process, port
        self.api = Api(port, LOCATION)

    def send(
        self, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """Status and body of the answer to a request."""
        request = urllib.request.Request(self.api.address + path, body, dict(headers or {}))
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def handshake(self, **headers: str) -> str:
        """The first line of the answer to a WebSocket that is asked for at /graphql."""
        lines = {
            "Host": f"localhost:{self.port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": "x3JJHMbDL1EzLkh9GBhXDw==",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Protocol": "graphql-ws",
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        text = "GET /graphql HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            connection.sendall((text + "\r\n").encode())
            return connection.recv(1000).decode().partition("\r\n")[0]

    def limited(self, key: str) -> bool:
        """Whether the mutation `LIMIT` of this key was executed."""
        data = self.api("{ instance { concurrencyLimits { concurrencyKey } } }")
        return key in [limit["concurrencyKey"] for limit in data["instance"]["concurrencyLimits"]]


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[Server]:
    """A server with an empty history and no data, whose processes reach this machine only."""
    port, log = free_port(), folder / "log"
    (folder / "home").mkdir()
    (folder / "home" / CONFIGURATION.name).write_bytes(CONFIGURATION.read_bytes())
    (folder / "workspace.yaml").write_text("load_from: []")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FACTROOTS_")}
    with log.open("w") as out:
        process = subprocess.Popen(
            [*arguments, "--port", str(port)],
            env=kept
            | guarded(folder / "refused.log")
            | {"DAGSTER_HOME": str(folder / "home"), "FACTROOTS_DATA_ROOT": str(folder / "data")},
            cwd=folder,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        server = Server(process, port)
        wait_for_api(server.api, process, log, seconds=300)
        yield server
    finally:
        stop(process)
    assert not (folder / "refused.log").exists(), (folder / "refused.log").read_text()


WEBSERVER = (sys.executable, "-P", webserver.__file__, "--workspace", "workspace.yaml")
"""As docker/entrypoint.sh starts it."""


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("ui"), *WEBSERVER, "--allow-host", "ui.example.org") as server:
        yield server


def mutation(key: str) -> bytes:
    return json.dumps({"query": LIMIT % json.dumps(key)}).encode()


@pytest.mark.parametrize(
    "headers",
    [
        {},  # a program
        {"Host": "localhost:{port}", "Origin": "http://localhost:{port}", "Sec-Fetch-Site": "same-origin"},
        {"Host": "[::1]:{port}", "Origin": "http://[::1]:{port}"},
        {
            "Host": "UI.example.org",
            "Origin": "https://ui.example.org",
            "Content-Type": "application/json; charset=utf-8",
        },
    ],
)
def test_what_the_ui_and_programs_post_is_executed(ui: Server, headers: dict[str, str]) -> None:
    key = f"key{len(headers)}{headers.get('Host', '')}"
    sent = {name: value.format(port=ui.port) for name, value in headers.items()}
    status, body = ui.send("/graphql?op=Limit", mutation(key), JSON | sent)
    assert status == 200 and json.loads(body)["data"] == {"setConcurrencyLimit": True}
    assert ui.limited(key)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:{port}"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost:8000"},
        {"Origin": "null"},
        {"Origin": "http://[::1"},
        {"Host": "evil.example:{port}"},  # DNS rebinding
        {
            "Host": "evil.example:{port}",
            "Origin": "http://evil.example:{port}",
            "Sec-Fetch-Site": "same-origin",
        },
        {"Host": "localhost.evil.example"},
        {"Host": "127.0.0.1@evil.example"},
        {"Host": ""},
        {"Host": "[::1"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "text/plain; application/json"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/graphql"},
        {"Content-Type": ""},
    ],
)
def test_what_a_foreign_page_posts_is_refused(ui: Server, headers: dict[str, str]) -> None:
    key = f"foreign {headers}"
    sent = {name: value.format(port=ui.port) for name, value in headers.items()}
    query = urllib.parse.urlencode({"query": LIMIT % json.dumps(key)})
    for path in ("/graphql", f"/graphql?{query}", "/report_asset_materialization/mlama_release"):
        status, body = ui.send(path, mutation(key), JSON | sent)
        assert status == 403 and body.startswith("Refused: ")
    assert not ui.limited(key)


def test_queries_in_an_address_are_refused(ui: Server) -> None:
    query = urllib.parse.urlencode({"query": LIMIT % '"in the address"'})
    for headers in ({}, {"Accept": "text/html"}, {"Sec-Fetch-Site": "none"}):
        assert ui.send(f"/graphql?{query}", headers=headers)[0] == 403
    assert not ui.limited("in the address")


def test_a_link_to_the_ui_can_be_followed_but_the_ui_is_not_framed(ui: Server) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert ui.send("/", headers=link)[0] == ui.send("/assets", headers=link)[0] == 200
    assert ui.send("/", headers={**link, "Sec-Fetch-Dest": "iframe"})[0] == 403
    assert ui.send("/server_info", headers={**link, "Sec-Fetch-Mode": "no-cors"})[0] == 403


def test_a_socket_is_for_pages_of_the_ui(ui: Server) -> None:
    assert " 101 " in ui.handshake(Origin=f"http://localhost:{ui.port}")
    for foreign in (
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost:8000"},
        {"Origin": f"http://localhost:{ui.port}", "Sec_Fetch_Site": "cross-site"},
        {"Host": "evil.example"},
    ):
        assert " 403 " in ui.handshake(**foreign)


def test_nothing_can_be_changed_in_a_read_only_ui(tmp_path: Path) -> None:
    with running(tmp_path, *WEBSERVER, "--read-only") as ui:
        status, body = ui.send("/graphql", mutation("read only"), JSON)
        assert "Unauthorized" in body, (status, body[:3000])
        assert not ui.limited("read only")
        assert ui.send("/report_asset_materialization/mlama_release", b"{}", JSON)[0] == 401


def test_the_command_serves_the_definitions_behind_the_guard_and_ends_when_told(tmp_path: Path) -> None:
    """Read-only, there is no daemon, whose sensors start runs. The browser's tests have one."""
    with running(tmp_path, command("factroots"), "ui", "--read-only") as ui:
        entry = ui.api(
            "{ locationStatusesOrError { ... on WorkspaceLocationStatusEntries { entries { name } } } }"
        )
        assert entry["locationStatusesOrError"]["entries"] == [{"name": LOCATION}]
        assert ui.send("/graphql", mutation("text"), {"Content-Type": "text/plain"})[0] == 403
        lines = [Path(f"/proc/{number}/cmdline").read_text() for number in group_members(ui.process.pid)]
        assert not any("dagster-daemon" in line for line in lines)
        ui.process.terminate()
        assert ui.process.wait(60) == 0
        assert not survivors([ui.process.pid])


def test_a_port_that_is_taken_is_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = CliRunner().invoke(main, ["ui", "--port", str(taken.getsockname()[1])])
    assert result.exit_code == 1 and "give another --host or --port" in result.output


@pytest.mark.parametrize(
    ("program", "how"),
    [("raise SystemExit(3)", "ended with exit code 3"), ("import os; os.abort()", "was killed by SIGABRT")],
)
def test_when_one_process_ends_the_others_are_stopped_and_the_reason_is_told(program: str, how: str) -> None:
    waiting = [sys.executable, "-c", f"import time; time.sleep(600)  # {uuid4()}"]
    with pytest.raises(ClickException, match=f"the daemon {how}"):
        run_until_one_ends({"webserver": waiting, "daemon": [sys.executable, "-c", program]})
    commands = [path.read_text().split("\0") for path in Path("/proc").glob("[0-9]*/cmdline")]
    assert not any(waiting[-1] in command for command in commands)
