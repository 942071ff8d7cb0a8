"""A result that changes while its asset's number does not is noticed: stale data would pass for current."""

from __future__ import annotations

import json

import pyarrow as pa

from assets_tests.orchestration.golden.world import CONTENTS, content, contents, is_same
from factroots_dagster.orchestration.catalog import CATALOG
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

RECORD = "python -m assets_tests.orchestration.golden --record"


def test_a_changed_result_has_a_raised_number(tiny_world: tuple[Settings, Store]) -> None:
    recorded, found = json.loads(CONTENTS.read_text("utf-8")), contents(*tiny_world)
    trained = {"sandbox_training", *(name for name, row in CATALOG.items() if row.on_demand)}
    assert recorded.keys() == found.keys() == CATALOG.keys() - trained
    unnoticed = [
        name
        for name in found
        if not is_same(found[name], recorded[name]) and found[name]["number"] == recorded[name]["number"]
    ]
    upstream_changed = [
        name for name in unnoticed if not {*CATALOG[name].reads} & {*unnoticed, *_raised(recorded, found)}
    ]
    assert upstream_changed == [], f"raise their numbers in orchestration/catalog.py and run: {RECORD}"
    changed = [name for name in found if not is_same(found[name], recorded[name])]
    assert not changed and not _raised(recorded, found), (
        f"numbers were raised; record what they stand for: {RECORD}"
    )


def _raised(recorded: dict[str, dict[str, object]], found: dict[str, dict[str, object]]) -> set[str]:
    return {name for name in found if found[name]["number"] != recorded[name]["number"]}


def test_the_tiny_world_has_something_of_everything(tiny_world: tuple[Settings, Store]) -> None:
    """Where nothing is predicted, no change of a statistic would show."""
    _, store = tiny_world
    types = store.read("fact_types", "step-2000")["type"].to_pylist()
    assert {"shared", "independent", "transferred", "not_predicted"} <= set(types)
    nearest = store.read_side("nearest", "neuron_similarity", "step-2000")
    assert nearest["p_value"].null_count < nearest.num_rows


def test_the_last_digits_of_a_number_do_not_count() -> None:
    def of(numbers: list[float], text: str = "p = 0.31", count: int = 1) -> dict[str, object]:
        rows = [{"x": number, "n": count, "text": text} for number in numbers]
        return content([("", pa.Table.from_pylist(rows))])

    recorded = of([0.5, -2.0, 0.123412])
    assert is_same(of([0.5, -2.000001, 0.123408], text="p = 0.32"), recorded)
    assert not is_same(of([0.5, -2.0, 0.1245]), recorded)
    assert not is_same(of([-2.0, 0.5, 0.123412]), recorded)
    assert not is_same(of([0.5, -2.0, 0.123412], count=2), recorded)
    assert not is_same(of([0.5, -2.0, 0.123412], text="q = 0.31"), recorded)
    assert not is_same(of([0.5, -2.0, float("nan")]), recorded)
