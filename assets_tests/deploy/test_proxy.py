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


class EchoHeaders(http.server.BaseHTTPRequestHandler):
    """Stands in for the webserver: answers with the headers that it received."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(self.headers).encode())

    def log_message(self, *arguments: object) -> None:
        """Log nothing."""


def certificate(folder: Path) -> None:
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=localhost", "-keyout", str(folder / "privkey.pem")),
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
            address = f"https://127.0.0.1:{port}/"
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


def status(address: str, password: str | None = None, **headers: str) -> tuple[int, str]:
    """Status and body of the response to a request with or without a password."""
    request = urllib.request.Request(address, headers=headers)
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
    code, headers = status(proxy + "graphql", "right", Upgrade="websocket", Connection="Upgrade")
    assert code == 200
    assert "authorization" not in headers.lower()
    assert re.search(r"(?im)^upgrade: websocket", headers) and re.search(
        r"(?im)^connection: upgrade", headers
    )
