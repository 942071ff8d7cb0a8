"""The example of docker/nginx.conf in a real nginx: no password, no UI."""

from __future__ import annotations

import base64
import http.server
import re
import shutil
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from assets_tests.project import PROJECT
from assets_tests.serving import free_port, reachable_folder

NAME = "localhost"
"""In the place of the example's factroots.example.org: a name that leads to this machine."""


class EchoHeaders(http.server.BaseHTTPRequestHandler):
    """Stands in for the webserver: answers with the headers that it received."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(self.headers).encode())

    do_POST = do_GET

    def log_message(self, *arguments: object) -> None:
        """Log nothing."""


def certificate(folder: Path) -> None:
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", f"/CN={NAME}", "-keyout", str(folder / "privkey.pem")),
            *("-out", str(folder / "fullchain.pem")),
        ],
        check=True,
        capture_output=True,
    )


def configuration(folder: Path, port: int, upstream: int) -> Path:
    """A complete configuration from the example, with other ports, files and webserver address."""
    hashed = subprocess.run(
        ["openssl", "passwd", "-apr1", "right"], check=True, capture_output=True, text=True
    ).stdout
    (folder / "users").write_text(f"ada:{hashed}")
    server = (PROJECT / "docker" / "nginx.conf").read_text()
    for pattern, text in (
        (r"listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        (r"factroots\.example\.org", NAME),
        (r"127\.0\.0\.1:3000", f"127.0.0.1:{upstream}"),
        (r"/etc/ssl/factroots", str(folder)),
        (r"auth_basic_user_file .*;", f"auth_basic_user_file {folder}/users;"),
    ):
        server, replaced = re.subn(pattern, text, server)
        assert replaced
    modules = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporaries = "".join(f"{module}_temp_path {folder}/{module};\n" for module in modules)
    path = folder / "nginx.conf"
    path.write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{temporaries}{server}\n}}\n"
    )
    return path


@pytest.fixture(scope="module")
def proxy() -> Iterator[str]:
    """The address of nginx with the example, in front of a server that echoes its headers."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None or shutil.which("openssl") is None:
        pytest.skip("no nginx or no openssl here (Debian: apt-get install nginx-light openssl)")
    port = free_port()
    upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), EchoHeaders)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    with reachable_folder() as folder:
        certificate(folder)
        path = configuration(folder, port, upstream.server_port)
        process = subprocess.Popen([nginx, "-p", str(folder), "-c", str(path)])
        try:
            address = f"https://{NAME}:{port}/"
            for _ in range(100):
                try:
                    status(address)
                    break
                except urllib.error.URLError:
                    assert process.poll() is None, (folder / "error.log").read_text()
                    time.sleep(0.1)
            yield address
        finally:
            process.terminate()
            process.wait(20)
            upstream.shutdown()
            upstream.server_close()


def status(
    address: str, password: str | None = None, body: bytes | None = None, **headers: str
) -> tuple[int, str]:
    """Status and body of the response to a request; `_` in the names of headers stands for `-`."""
    request = urllib.request.Request(address, body)
    for name, value in headers.items():
        request.add_header(name.replace("_", "-"), value)
    if password is not None:
        request.add_header("Authorization", "Basic " + base64.b64encode(f"ada:{password}".encode()).decode())
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # signed by the test itself
    try:
        with urllib.request.urlopen(request, timeout=20, context=context) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


def test_without_the_password_there_is_no_ui(proxy: str) -> None:
    assert status(proxy)[0] == status(proxy + "graphql")[0] == 401
    assert status(proxy, "wrong")[0] == 401


def test_with_the_password_there_is_and_the_password_is_not_passed_on(proxy: str) -> None:
    origin = proxy.rstrip("/")
    code, headers = status(
        proxy + "graphql", "right", Upgrade="websocket", Connection="Upgrade", Origin=origin
    )
    assert code == 200
    assert "authorization" not in headers.lower()
    assert re.search(r"(?im)^upgrade: websocket", headers) and re.search(
        r"(?im)^connection: upgrade", headers
    )
    assert f"\nHost: {origin.removeprefix('https://')}\n" in "\n" + headers  # the webserver compares it, too


@pytest.mark.parametrize(
    "headers",
    [
        {},  # a program
        {"Sec_Fetch_Site": "same-origin", "Origin": "{origin}"},
        {"Sec_Fetch_Site": "none", "Content_Type": "Application/JSON; charset=utf-8"},
    ],
)
def test_what_the_ui_and_programs_send_is_passed_on(proxy: str, headers: dict[str, str]) -> None:
    sent = {name: value.format(origin=proxy.rstrip("/")) for name, value in headers.items()}
    sent.setdefault("Content_Type", "application/json")
    assert status(proxy + "graphql?op=RunsQuery", "right", b"{}", **sent)[0] == 200
    del sent["Content_Type"]
    assert status(proxy + "assets?view=all", "right", **sent)[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"},
        {"Origin": "https://evil.example"},
        {"Origin": "https://localhost"},  # another port is another origin
        {"Origin": "http{origin}"},
        {"Origin": "null"},
        {"Content_Type": "text/plain"},
        {"Content_Type": "text/plain; application/json"},
        {"Content_Type": "application/jsonp"},
        {"Content_Type": "application/x-www-form-urlencoded"},
        {"Content_Type": "application/graphql"},
    ],
)
def test_what_a_foreign_page_posts_is_refused(proxy: str, headers: dict[str, str]) -> None:
    sent = {"Content_Type": "application/json"}
    sent |= {name: value.format(origin=proxy[5:].rstrip("/")) for name, value in headers.items()}
    assert status(proxy + "graphql", "right", b"{}", **sent)[0] == 403
    assert status(proxy + "report_asset_materialization/x", "right", b"{}", **sent)[0] == 403


@pytest.mark.parametrize(
    "headers", [{}, {"Accept": "text/html"}, {"Sec_Fetch_Site": "same-origin", "Origin": "{origin}"}]
)
def test_a_query_in_an_address_is_refused(proxy: str, headers: dict[str, str]) -> None:
    sent = {name: value.format(origin=proxy.rstrip("/")) for name, value in headers.items()}
    assert status(proxy + "graphql?query={version}", "right", **sent)[0] == 403
    assert status(proxy + "%67raphql?query={version}", "right", **sent)[0] == 403


def test_a_foreign_host_is_refused(proxy: str) -> None:
    assert status(proxy, "right", Host="evil.example")[0] == 421
    with pytest.raises(urllib.error.URLError, match=r"(?i)unrecognized name"):
        status(proxy.replace(NAME, "127.0.0.1"), "right")


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"}],
)
def test_a_socket_for_a_foreign_page_is_refused(proxy: str, headers: dict[str, str]) -> None:
    socket = {"Upgrade": "websocket", "Connection": "Upgrade"}
    assert status(proxy + "graphql", "right", **socket, **headers)[0] == 403


def test_a_link_to_the_ui_can_be_followed_but_the_ui_is_not_framed(proxy: str) -> None:
    link = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}
    assert status(proxy + "runs/1", "right", **link)[0] == 200
    assert status(proxy + "graphql", "right", **link)[0] == 403
    assert status(proxy + "runs/1", "right", **{**link, "Sec_Fetch_Dest": "iframe"})[0] == 403
