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

from assets_tests.conftest import PROJECT
from assets_tests.serving import free_port, reachable_folder


class Told(http.server.BaseHTTPRequestHandler):
    """In the place of the webserver: answers with the headers that reached it."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(self.headers).encode())

    def log_message(self, *arguments: object) -> None:
        """Nothing: the test looks at the answers."""


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
    """The example with its port, its files and the webserver's address moved, made a whole configuration."""
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
        server, found = re.subn(pattern, text, server)
        assert found
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    whole = folder / "nginx.conf"
    whole.write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{places}{server}\n}}\n"
    )
    return whole


@pytest.fixture(scope="module")
def proxy() -> Iterator[str]:
    """The example in nginx, before a server that tells what it got; its address."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None or shutil.which("openssl") is None:
        pytest.skip("no nginx or no openssl here (Debian: apt-get install nginx-light openssl)")
    port = free_port()
    upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Told)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    with reachable_folder() as folder:
        certificate(folder)
        whole = configuration(folder, port, upstream.server_port)
        process = subprocess.Popen([nginx, "-p", str(folder), "-c", str(whole)])
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
    """Status and body of the answer to a request, with a password or without."""
    request = urllib.request.Request(address, headers=headers)
    if password is not None:
        request.add_header("Authorization", "Basic " + base64.b64encode(f"ada:{password}".encode()).decode())
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # signed by the test itself
    try:
        with urllib.request.urlopen(request, timeout=20, context=context) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


def test_without_the_password_there_is_no_ui(proxy: str) -> None:
    assert status(proxy)[0] == status(proxy + "graphql")[0] == 401
    assert status(proxy, "wrong")[0] == 401


def test_with_the_password_there_is_and_the_password_goes_no_further(proxy: str) -> None:
    code, told = status(proxy + "graphql", "right", Upgrade="websocket", Connection="Upgrade")
    assert code == 200
    assert "authorization" not in told.lower()
    assert re.search(r"(?im)^upgrade: websocket", told) and re.search(r"(?im)^connection: upgrade", told)
