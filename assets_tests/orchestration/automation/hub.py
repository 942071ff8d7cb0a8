"""A server on loopback that speaks the part of the hub's API that is used: model information."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote


class Hub:
    """Repositories and their commits; `status` other than 200 is what a broken hub answers."""

    def __init__(self) -> None:
        self.commits: dict[str, str] = {}
        self.status = 200
        self.asked: list[str] = []
        self.url = ""

    def answer(self, path: str) -> tuple[int, dict[str, object]]:
        if not path.startswith("/api/models/"):
            return 404, {"error": "not served here"}
        source = unquote(path).split("?")[0].removeprefix("/api/models/").split("/revision/")[0]
        self.asked.append(source)
        if self.status != 200:
            return self.status, {"error": "out of order"}
        if source not in self.commits:
            return 404, {"error": "Repository not found"}
        names = ("config.json", "tokenizer.json", "model.safetensors")
        return 200, {
            "id": source,
            "modelId": source,
            "sha": self.commits[source],
            "private": False,
            "siblings": [{"rfilename": name} for name in names],
            "tags": [],
        }


@contextmanager
def serving() -> Iterator[Hub]:
    """The hub, answering on `hub.url` until the block ends."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, content = hub.answer(self.path)
            body = json.dumps(content).encode()
            self.send_response(status)
            if status == 404:
                self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
