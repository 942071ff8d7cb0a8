"""An S3 server on loopback: moto's, one request at a time, so that conditional puts are."""

from __future__ import annotations

import logging
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from factroots_dagster.store.objects import ObjectFolder, cache_folder
from factroots_dagster.store.store import Store

BUCKET = "facts"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "reader", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}


class ObjectServer:
    """A server with one bucket. address: of the server. requests: those that it has answered, as
    `<method> <path>`."""

    def __init__(self, address: str, requests: list[str]) -> None:
        self.address, self.requests = address, requests
        bucket = urllib.request.Request(f"{address}/{BUCKET}", b"", method="PUT")
        with urllib.request.urlopen(bucket):
            pass

    def environment(self) -> dict[str, str]:
        """The variables with which a process sees it; this one, too, to `get` and `put`."""
        return {**CREDENTIALS, "AWS_ENDPOINT_URL": self.address}

    def put(self, key: str, content: bytes) -> None:
        """Write an object."""
        ObjectFolder(f"s3://{BUCKET}").put(key, content)

    def get(self, key: str) -> bytes:
        """The content of an object."""
        return b"".join(ObjectFolder(f"s3://{BUCKET}").read(key))


@contextmanager
def object_server() -> Iterator[ObjectServer]:
    """Start a server, which ends with the block."""
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    requests: list[str] = []
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
        yield ObjectServer(f"http://127.0.0.1:{server.server_port}", requests)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def machine(folder: Path, name: str, prefix: str) -> Store:
    """The store of a machine, which has a cache of its own in a folder."""
    return Store(cache_folder(f"s3://{BUCKET}/{prefix}", folder / name), "sandbox")
