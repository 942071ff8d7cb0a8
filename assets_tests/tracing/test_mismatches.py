"""Mismatched pairs: no facts, the same subjects and objects, and the same each time."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from factroots_dagster.facts.schema import MLAMA_SPLIT
from factroots_dagster.tracing.mismatches import PERMUTATIONS, add_mismatches

Pair = tuple[str, str, str]


def split_of_pairs(pairs: list[Pair]) -> pa.Table:
    rows = [
        dict.fromkeys(MLAMA_SPLIT.names)
        | {"relation": relation, "template": f"[X] {relation} [Y]"}
        | {"subject_uri": subject, "subject": subject, "object_uri": object_, "object": object_}
        for relation, subject, object_ in pairs
    ]
    return pa.Table.from_pylist(rows, MLAMA_SPLIT)


def keys_of(table: pa.Table) -> list[Pair]:
    columns = (table[name].to_pylist() for name in ("relation", "subject_uri", "object_uri"))
    return list(zip(*columns, strict=True))


uris = st.sampled_from("abcdefgh")


@given(st.lists(st.tuples(st.sampled_from(["P1", "P2"]), uris, uris), max_size=40))
def test_mismatched_pairs_are_no_facts_of_the_relation_in_either_direction(pairs: list[Pair]) -> None:
    split = split_of_pairs(pairs)
    every = keys_of(add_mismatches(split))
    assert every[: len(pairs)] == pairs
    mismatched, facts = every[len(pairs) :], set(pairs)
    assert len(mismatched) <= PERMUTATIONS * len(pairs)
    for relation, subject, object_ in mismatched:
        assert (relation, subject, object_) not in facts and (relation, object_, subject) not in facts
    for side in (1, 2):
        named = Counter((pair[0], pair[side]) for pair in pairs)
        chosen = Counter((pair[0], pair[side]) for pair in mismatched)
        assert all(chosen[key] <= PERMUTATIONS * named[key] for key in chosen)
    assert add_mismatches(split).equals(add_mismatches(split))


def test_a_common_object_leaves_the_pairs_that_there_can_be() -> None:
    """Of 300 facts 200 have one object, so that at most 200 can be paired with another."""
    pairs = [("P30", f"s{number}", "Europe" if number % 3 else f"o{number % 5}") for number in range(300)]
    assert add_mismatches(split_of_pairs(pairs)).num_rows - 300 > 0.55 * PERMUTATIONS * 300


def test_a_relation_with_one_object_has_none() -> None:
    assert add_mismatches(split_of_pairs([("P1", "a", "x"), ("P1", "b", "x")])).num_rows == 2
