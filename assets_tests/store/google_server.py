"""Google Cloud Storage on loopback: those requests of its XML API that a data root at gs:// needs.

Preconditions are on generations, an ETag is the MD5 of the content: the same content written again has
another generation and the same ETag. https://cloud.google.com/storage/docs/xml-api/reference-headers
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Lock, Thread
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4
from xml.sax.saxutils import escape

PAGE = 1000
"""Objects in an answer to a listing."""


@dataclass(frozen=True)
class _Object:
    content: bytes
    generation: int
    modified: float

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.content).hexdigest()}"'

    @property
    def headers(self) -> dict[str, str]:
        return {
            "ETag": self.etag,
            "x-goog-generation": str(self.generation),
            "Last-Modified": formatdate(self.modified, usegmt=True),
        }


class _Bucket:
    """Objects, and the parts of uploads that have not ended. clock: the server's, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._generations = clock, count(1_700_000_000_000_000)
        self._uploads: dict[str, dict[int, bytes]] = {}
        self.objects: dict[str, _Object] = {}

    def answer(
        self, method: str, key: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the answer to a request."""
        if method == "GET" and not key:
            return self._list(query)
        if method == "POST" and "uploads" in query:
            upload = uuid4().hex
            self._uploads[upload] = {}
            return 200, {}, _xml("InitiateMultipartUploadResult", UploadId=upload)
        if method == "PUT" and "uploadId" in query:
            self._uploads[query["uploadId"]][int(query["partNumber"])] = body
            return 200, {"ETag": f'"{hashlib.md5(body).hexdigest()}"'}, b""
        if method == "POST":
            parts = self._uploads.pop(query["uploadId"])
            found = self._write(key, b"".join(parts[number] for number in sorted(parts)))
            return 200, found.headers, _xml("CompleteMultipartUploadResult", ETag=found.etag)
        there = self.objects.get(key)
        if method == "PUT":
            expected = headers.get("x-goog-if-generation-match")
            if expected is not None and int(expected) != (there.generation if there else 0):
                return _error(412, "PreconditionFailed", "a precondition did not hold")
            return 200, self._write(key, body).headers, b""
        if there is None:
            return _error(404, "NoSuchKey", "The specified key does not exist.")
        if method == "DELETE":
            del self.objects[key]
            return 204, {}, b""
        if headers.get("if-none-match") == there.etag:
            return 304, there.headers, b""
        if (wanted := headers.get("range")) is not None:
            start, end = (int(number) for number in wanted.removeprefix("bytes=").split("-"))
            size = len(there.content)
            place = {"Content-Range": f"bytes {start}-{min(end, size - 1)}/{size}"}
            return 206, there.headers | place, there.content[start : end + 1]
        return 200, there.headers, there.content

    def _write(self, key: str, content: bytes) -> _Object:
        self.objects[key] = _Object(content, next(self._generations), self._clock())
        return self.objects[key]

    def _list(self, query: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        prefix, delimiter, after = (
            query.get(name, "") for name in ("prefix", "delimiter", "continuation-token")
        )
        lines, folders, number = list[str](), set[str](), 0
        more = last = ""
        for key, found in sorted(self.objects.items()):
            if not key.startswith(prefix) or key <= after:
                continue
            if number == PAGE:
                more = last
                break
            number, last = number + 1, key
            if delimiter and delimiter in (rest := key[len(prefix) :]):
                folders.add(prefix + rest.partition(delimiter)[0] + delimiter)
                continue
            when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(found.modified))
            lines.append(
                f"<Contents><Key>{escape(key)}</Key><Generation>{found.generation}</Generation>"
                f"<LastModified>{when}.{int(found.modified % 1 * 1000):03}Z</LastModified>"
                f"<ETag>{escape(found.etag)}</ETag><Size>{len(found.content)}</Size></Contents>"
            )
        lines += [
            f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>" for name in sorted(folders)
        ]
        lines.append(f"<IsTruncated>{str(bool(more)).lower()}</IsTruncated>")
        if more:
            lines.append(f"<NextContinuationToken>{escape(more)}</NextContinuationToken>")
        return 200, {}, f"<ListBucketResult>{''.join(lines)}</ListBucketResult>".encode()


def _xml(name: str, **values: str) -> bytes:
    fields = "".join(f"<{field}>{escape(value)}</{field}>" for field, value in values.items())
    return f"<?xml version='1.0' encoding='UTF-8'?><{name}>{fields}</{name}>".encode()


def _error(status: int, code: str, message: str) -> tuple[int, dict[str, str], bytes]:
    return status, {}, _xml("Error", Code=code, Message=message)


@contextmanager
def google_server(bucket: str, requests: list[str], clock: Callable[[], float] = time.time) -> Iterator[str]:
    """Start a server with one bucket, which ends with the block; its address.

    requests: gets those that it has answered, as `<method> <path>`. clock: the server's, in seconds since the
    epoch.
    """
    lock, objects = Lock(), _Bucket(clock)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            _, name, key = f"{unquote(address.path)}/".split("/", 2)
            query = {name: values[0] for name, values in parse_qs(address.query, True).items()}
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            sent = {name.lower(): value for name, value in self.headers.items()}
            with lock:
                requests.append(f"{self.command} {unquote(address.path)}")
                status, headers, content = (
                    objects.answer(self.command, key.removesuffix("/"), query, sent, body)
                    if name == bucket
                    else _error(404, "NoSuchBucket", "The specified bucket does not exist.")
                )
            self.send_response(status)
            for header, value in headers.items():
                self.send_header(header, value)
            if status not in (204, 304):
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_PUT = do_POST = do_DELETE = do_HEAD = do_GET

        def date_time_string(self, timestamp: float | None = None) -> str:
            return formatdate(clock() if timestamp is None else timestamp, usegmt=True)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Clients are killed in the middle of requests."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
