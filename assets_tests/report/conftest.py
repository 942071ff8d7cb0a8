"""Fixtures of the report's tests: the small world, its types and how they depend on the settings."""

from __future__ import annotations

import pyarrow as pa
import pytest

from assets_tests.report.small_world import LANGUAGES, SmallWorld, make_world
from factroots_dagster.roots.evidence import list_statistics
from factroots_dagster.roots.sensitivity import Sensitivity, Setting
from factroots_dagster.roots.types import DEFAULT_MATCHER, TypingResult, categorize_facts


@pytest.fixture(scope="session")
def world() -> SmallWorld:
    return make_world()


@pytest.fixture(scope="session")
def results(world: SmallWorld) -> dict[str, TypingResult]:
    return {
        language: categorize_facts(
            world.splits[language],
            world.predictions[language],
            world.sources[language],
            world.nearest,
            easy_rule="relation",
        )
        for language in LANGUAGES
    }


@pytest.fixture(scope="session")
def types(results: dict[str, TypingResult]) -> pa.Table:
    return pa.concat_tables(result.types for result in results.values())


@pytest.fixture(scope="session")
def sensitivity(world: SmallWorld, results: dict[str, TypingResult]) -> pa.Table:
    default = Setting(DEFAULT_MATCHER, "evidence", None, "relation")
    counts = Sensitivity(list_statistics(world.nearest), default)
    for language, result in results.items():
        counts.add(language, result.variants)
    return counts.table()
