"""How P@1 and the types change between checkpoints."""

from __future__ import annotations

import pytest

from assets_tests.roots.tables import fact_types_table, rows, scores_table
from factroots_dagster.errors import InputError
from factroots_dagster.probing.schema import PROBING_SCORES
from factroots_dagster.roots.comparison import compare_checkpoints, p_at_1_by_language
from factroots_dagster.roots.schema import CHANGED_FACTS, CHECKPOINT_COMPARISON


def test_what_changes_from_one_checkpoint_to_the_next() -> None:
    types = {
        "late": fact_types_table(
            ("a", "qaa", "shared", True, None),
            ("b", "qaa", "transferred", False, None),
            ("c", "qaa", "shared", True, None),
        ),
        "early": fact_types_table(
            ("b", "qaa", "not_predicted", False, None), ("a", "qaa", "shared", True, None)
        ),
        "unused": fact_types_table(("a", "qaa", "independent", True, None)),
    }
    scores = {"early": scores_table(qaa=0.5), "late": scores_table(qaa=0.75, qab=0.25)}
    comparison, changed = compare_checkpoints(types, scores, ["early", "late"])
    assert comparison.schema.equals(CHECKPOINT_COMPARISON) and changed.schema.equals(CHANGED_FACTS)
    assert [tuple(row.values()) for row in changed.to_pylist()] == [
        ("b", "qaa", "early", "late", "not_predicted", "transferred")
    ]
    by_key = {(r["checkpoint"], r["language"], r["type"]): r for r in comparison.to_pylist()}
    early, late = by_key["early", "qaa", "shared"], by_key["late", "qaa", "shared"]
    assert (early["share"], early["order"]) == (0.5, 0)
    assert (late["facts"], late["full_match"]) == (2, 0.75)
    assert by_key["late", "*", "shared"]["full_match"] == 0.5
    for checkpoint in ("early", "late"):
        shares = [row["share"] for key, row in by_key.items() if key[:2] == (checkpoint, "*")]
        assert sum(shares) == pytest.approx(1)


def test_a_missing_checkpoint_is_named_and_a_single_one_has_no_changes() -> None:
    types = {"one": fact_types_table(("a", "qaa", "shared", True, None))}
    scores = {"one": scores_table(qaa=1.0)}
    with pytest.raises(InputError, match="checkpoint two has no fact_types"):
        compare_checkpoints(types, scores, ["one", "two"])
    assert compare_checkpoints(types, scores, ["one"])[1].num_rows == 0


def test_a_causal_model_weighs_languages_by_the_rows_it_was_asked() -> None:
    """A language of which only some relations end in [Y] counts by those, and one with none not at all."""
    relations = [("qaa", "P1", 10, 1.0), ("qaa", "P2", 90, None), ("qab", "P1", 30, 0.0)]
    relations.append(("qac", "P2", 50, None))
    names = ("language", "relation", "n", "full_match")
    of_relations = [dict(zip(names, row, strict=True)) for row in relations]
    of_languages = [
        {"language": "qaa", "relation": "*", "n": 100, "full_match": 1.0},
        {"language": "qab", "relation": "*", "n": 30, "full_match": 0.0},
        {"language": "qac", "relation": "*", "n": 50, "full_match": None},
    ]
    scores = rows(PROBING_SCORES, [*of_relations, *of_languages])
    assert p_at_1_by_language(scores) == {"qaa": 1.0, "qab": 0.0, "*": 0.25}
    assert p_at_1_by_language(rows(PROBING_SCORES, [of_relations[3], of_languages[2]])) == {}
