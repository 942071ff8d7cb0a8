"""Every expectation of every suite holds for a real world, and fails for data that break it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assets_tests.files import publish_changed
from assets_tests.orchestration.checks.breaking import BETWEEN, PARTS, Broken
from assets_tests.orchestration.checks.cases import CASES
from assets_tests.project import MaterializedWorld
from factroots_dagster.orchestration.catalog import CATALOG
from factroots_dagster.orchestration.checks.bridge import CHECKS, outcome, validate
from factroots_dagster.orchestration.checks.suite import Suite
from factroots_dagster.store.store import Store


def suite_of(whole_world: MaterializedWorld, asset: str) -> Suite:
    return CATALOG[asset].suite(whole_world.settings)


def expectation_names(results: Any) -> set[str]:
    """`<type>:<columns>` of expectation results, without the words that all types share."""
    names = set()
    for result in results:
        kwargs = result.expectation_config.kwargs
        columns = kwargs.get("column_list") or [
            kwargs[key] for key in ("column", "column_A", "column_B") if key in kwargs
        ]
        kind = result.expectation_config.type
        for word in ("expect_", "column_values_to_", "column_", "table_"):
            kind = kind.removeprefix(word) if kind.startswith(word) else kind
        kind = {"be_between": BETWEEN}.get(kind, kind)
        names.add(f"{kind}:{','.join(columns) or 'table'}")
    return names


@pytest.mark.parametrize("asset", sorted(CATALOG))
def test_the_real_world_meets_every_expectation(whole_world: MaterializedWorld, asset: str) -> None:
    suite = suite_of(whole_world, asset)
    validation = validate(
        suite.frame(whole_world.store, *PARTS[asset]), suite.expectations(*PARTS[asset]), asset
    )
    unmet = [result.expectation_config.type for result in validation.results if not result.success]
    assert validation.success, unmet


def overlay(whole_world: MaterializedWorld, case: Broken, folder: Path) -> Store:
    """A store that shows the world, with a copy of one partition that is broken."""
    asset = case.asset
    store = Store(folder, whole_world.settings.world)
    target = store.path(asset, *PARTS[asset])
    below = store.root
    for part in ("", asset, *PARTS[asset])[: 1 + len(PARTS[asset])]:
        below = below / part if part else below
        below.mkdir(parents=True, exist_ok=True)
        for sibling in (whole_world.store.root / below.relative_to(store.root)).iterdir():
            link = below / sibling.name
            if link not in (target, *target.parents):
                link.symlink_to(sibling)
    publish_changed(whole_world.store, store, case.breaks, asset, *PARTS[asset])
    return store


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_broken_data_are_noticed(whole_world: MaterializedWorld, tmp_path: Path, case: Broken) -> None:
    suite = suite_of(whole_world, case.asset)
    store = overlay(whole_world, case, tmp_path)
    parts = PARTS[case.asset]
    validation = validate(suite.frame(store, *parts), suite.expectations(*parts), case.asset)
    unmet = expectation_names(result for result in validation.results if not result.success)
    assert set(case.noticed) <= unmet
    outcomes = [outcome(validation, check) for check in CHECKS]
    assert not all(found.passed for found in outcomes)
    failed = [result for result in validation.results if not result.success]
    assert sum(found.metadata["not_met"] for found in outcomes) == len(failed)


@pytest.mark.parametrize("asset", sorted(CATALOG))
def test_no_expectation_is_without_data_that_break_it(whole_world: MaterializedWorld, asset: str) -> None:
    suite = suite_of(whole_world, asset)
    validation = validate(
        suite.frame(whole_world.store, *PARTS[asset]), suite.expectations(*PARTS[asset]), asset
    )
    proved = {name for case in CASES if case.asset == asset for name in case.noticed}
    assert expectation_names(validation.results) - proved == set()


@pytest.mark.parametrize("asset", sorted(CATALOG))
def test_every_expectation_says_in_words_what_it_means(whole_world: MaterializedWorld, asset: str) -> None:
    notes = [expectation.notes for expectation in suite_of(whole_world, asset).expectations(*PARTS[asset])]
    assert all(isinstance(text, str) and " " in text and "\n" not in text for text in notes)
