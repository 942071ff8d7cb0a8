"""A web server for downloads."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class WebServer:
    """Serves `files` ({path: content}) on the loopback interface; logs requests, and breaks off on demand.

    break_after: after how many bytes each of the next responses breaks off. requests: paths and Range
    headers. version: the files' ETag.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.break_after: list[int] = []
        self.requests: list[tuple[str, str | None]] = []
        self.version = '"one"'
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                requested_range = self.headers.get("Range")
                server.requests.append((self.path, requested_range))
                body = server.files.get(self.path)
                if body is None:
                    self.send_error(404)
                    return
                start = 0
                if requested_range and self.headers.get("If-Range") == server.version:
                    start = int(requested_range.removeprefix("bytes=").rstrip("-"))
                self.send_response(206 if start else 200)
                self.send_header("ETag", server.version)
                self.send_header("Content-Length", str(len(body) - start))
                if start:
                    self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
                self.end_headers()
                rest = body[start:]
                self.wfile.write(rest[: server.break_after.pop(0)] if server.break_after else rest)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
