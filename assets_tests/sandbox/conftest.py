"""Worlds shared by the sandbox's tests: generating one takes a third of a second."""

from __future__ import annotations

import pytest

from factroots_dagster.sandbox.model import World
from factroots_dagster.sandbox.world import generate

SEED = 3


@pytest.fixture(scope="package")
def world() -> World:
    return generate(SEED)


@pytest.fixture(scope="package")
def disjoint() -> World:
    return generate(SEED, disjoint=True)


@pytest.fixture(params=["world", "disjoint"])
def either(request: pytest.FixtureRequest) -> World:
    """Each of the two worlds in turn."""
    return request.getfixturevalue(request.param)
