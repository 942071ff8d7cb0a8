"""A server with objects, seen by two machines."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from assets_tests.store.object_server import ObjectServer, object_server
from factroots_dagster.store.store import Store


@pytest.fixture(scope="module", params=["s3", "gs"])
def server(request: pytest.FixtureRequest) -> Iterator[ObjectServer]:
    with object_server(request.param) as started:
        yield started


@pytest.fixture
def environment(server: ObjectServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of a process that sees the server, and nothing else."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "GOOGLE_", "FACTROOTS_"))]:
        monkeypatch.delenv(name)
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    return f"{request.node.name}-{time.monotonic_ns()}"


@pytest.fixture
def here(server: ObjectServer, tmp_path: Path, prefix: str) -> Store:
    return server.machine(tmp_path, "here", prefix)


@pytest.fixture
def there(server: ObjectServer, tmp_path: Path, prefix: str) -> Store:
    return server.machine(tmp_path, "there", prefix)
