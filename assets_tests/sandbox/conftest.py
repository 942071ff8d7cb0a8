"""Worlds shared by the sandbox's tests."""

from __future__ import annotations

import dataclasses

import pytest

from factroots_dagster.sandbox.dials import PRESETS
from factroots_dagster.sandbox.records import World
from factroots_dagster.sandbox.world import generate

SEED = 3


@pytest.fixture(scope="package")
def world() -> World:
    return generate(SEED, PRESETS["easy"])


@pytest.fixture(scope="package")
def control_world() -> World:
    return generate(SEED, dataclasses.replace(PRESETS["easy"], shared_pieces=False))


@pytest.fixture(params=["world", "control_world"])
def any_world(request: pytest.FixtureRequest) -> World:
    """The world and its control, in turn."""
    return request.getfixturevalue(request.param)
