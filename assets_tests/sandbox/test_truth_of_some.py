"""Truth among some of the languages: what only the others state cannot be carried over."""

from __future__ import annotations

from factroots_dagster.sandbox.languages import linked
from factroots_dagster.sandbox.truth import planted_truth
from factroots_dagster.sandbox.world import generate


def test_among_all_languages_the_kinds_are_those_of_the_cells() -> None:
    world = generate(5)
    for row in planted_truth(world).to_pylist():
        cell = world.cells[row["language"]][row["uuid"]]
        assert (row["kind"], row["linked_source"]) == (cell.kind, cell.linked_source)


def test_a_source_that_is_left_out_is_no_source() -> None:
    world, chosen = generate(5), ("qab", "qaf")
    assert "qaf" not in linked("qab")  # nobody here can read the other
    rows = planted_truth(world, chosen).to_pylist()
    assert {row["language"] for row in rows} == set(chosen)
    assert {row["linked_source"] for row in rows} == {None}
    kinds = {row["kind"] for row in rows}
    assert "transferred" not in kinds and "shared" not in kinds
    for row in rows:
        stated = any(world.cells[code][row["uuid"]].stated for code in chosen)
        assert (row["kind"] == "unknown") <= (not stated)
