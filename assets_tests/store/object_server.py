"""Object stores on loopback: moto's S3, one request at a time, so that conditional puts are, and Google's."""

from __future__ import annotations

import logging
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from assets_tests.store.google_server import google_server
from factroots_dagster.store.objects import ObjectFolder, cache_folder
from factroots_dagster.store.store import Store

BUCKET = "facts"
CREDENTIALS = {
    "s3": {"AWS_ACCESS_KEY_ID": "reader", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"},
    "gs": {"GOOGLE_BEARER_TOKEN": "secret"},
}
ADDRESS = {"s3": "AWS_ENDPOINT_URL", "gs": "GOOGLE_BASE_URL"}


@dataclass(frozen=True)
class ObjectServer:
    """A server with one bucket.

    scheme: of its URIs, s3 or gs. address: of the server. requests: those that it has answered, as
    `<method> <path>`.
    """

    scheme: str
    address: str
    requests: list[str]

    def environment(self) -> dict[str, str]:
        """The variables with which a process sees it; this one, too, to `get` and `put`."""
        return {**CREDENTIALS[self.scheme], ADDRESS[self.scheme]: self.address}

    def uri(self, prefix: str = "") -> str:
        """The URI of what is below a prefix."""
        return f"{self.scheme}://{BUCKET}/{prefix}".rstrip("/")

    def put(self, key: str, content: bytes) -> None:
        """Write an object."""
        ObjectFolder(self.uri()).put(key, content)

    def get(self, key: str) -> bytes:
        """The content of an object."""
        return b"".join(ObjectFolder(self.uri()).read(key))

    def machine(self, folder: Path, name: str, prefix: str) -> Store:
        """The store of a machine, which has a cache of its own in a folder."""
        return Store(cache_folder(self.uri(prefix), folder / name), "sandbox")


@contextmanager
def object_server(scheme: str) -> Iterator[ObjectServer]:
    """Start a server, which ends with the block. scheme: s3 or gs."""
    requests: list[str] = []
    with _moto(requests) if scheme == "s3" else google_server(BUCKET, requests) as address:
        yield ObjectServer(scheme, address, requests)


@contextmanager
def _moto(requests: list[str]) -> Iterator[str]:
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    lock = Lock()
    moto = DomainDispatcherApplication(create_backend_app)

    def application(environment: dict[str, Any], respond: Callable[..., Any]) -> Iterable[bytes]:
        with lock:  # moto compares and writes in two steps
            requests.append(f"{environment['REQUEST_METHOD']} {environment['PATH_INFO']}")
            answer: Iterable[bytes] = moto(environment, respond)
        return answer

    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        with urllib.request.urlopen(urllib.request.Request(f"{address}/{BUCKET}", b"", method="PUT")):
            pass
        yield address
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
