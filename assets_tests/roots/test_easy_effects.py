"""What each rule for easy facts is worth: by hand, and on planted facts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from assets_tests.roots.tables import prediction_row, rows, source_row, split_row
from factroots_dagster.facts.schema import MLAMA_SPLIT
from factroots_dagster.neurons.schema import NEAREST_LANGUAGE
from factroots_dagster.probing.schema import PREDICTIONS
from factroots_dagster.roots.easy_effects import EasyEffects
from factroots_dagster.roots.schema import EASY_EFFECTS, EFFECT_RULES, UNSOURCED
from factroots_dagster.roots.types import categorize_facts
from factroots_dagster.tracing.schema import FACT_SOURCES

Fact = tuple[str, str, bool, str | None]
"""relation, object, predicted, rule."""


def unsourced(*facts: Fact, language: str = "qaa") -> pa.Table:
    listed = [
        {"uuid": f"u{i}", "language": language, "relation": relation, "object_uri": target,
         "full_match": predicted, "rule": rule}
        for i, (relation, target, predicted, rule) in enumerate(facts)
    ]  # fmt: skip
    return rows(UNSOURCED, listed)


def effects_of(**by_language: pa.Table) -> dict[tuple[str, str], dict[str, Any]]:
    effects = EasyEffects()
    for language, table in by_language.items():
        effects.add(language, table)
    table = effects.table()
    assert table.schema.equals(EASY_EFFECTS)
    return {(row["language"], row["rule"]): row for row in table.to_pylist()}


def test_a_small_table_by_hand() -> None:
    found = effects_of(
        qaa=unsourced(
            ("P176", "x", True, "object_in_subject"),
            ("P176", "x", False, "object_in_subject"),
            ("P176", "x", True, "object_in_subject"),
            ("P176", "y", True, "object_in_subject"),
            ("P176", "z", True, "object_in_subject"),  # nothing to compare it with
            ("P176", "x", True, None),
            ("P176", "x", False, None),
            ("P176", "x", False, "relation_cue"),  # nothing in its name
            ("P176", "y", False, None),
            ("P36", "x", True, None),  # another relation
            ("P176", "x", True, "name_cue"),
        )
    )
    row = found["qaa", "object_in_subject"]
    assert (row["facts"], row["compared"]) == (5, 4)
    assert row["full_match"] == pytest.approx(4 / 5)
    assert row["compared_full_match"] == pytest.approx(3 / 4)
    assert row["alike_full_match"] == pytest.approx((3 * 1 / 3 + 0) / 4)
    assert row["effect"] == pytest.approx(3 / 4 - 1 / 4)
    # Two objects: x with (2 - 3/3) / 3 on average, y with 1; a draw has one of them or both.
    assert (row["effect_low"], row["effect_high"]) == pytest.approx((1 / 3, 1))
    assert found["qaa", "name_cue"]["effect"] == pytest.approx(1 - 1 / 3)
    # The rule of relations: with x in other relations or in facts to which no rule applies: 1, 0, 1.
    assert found["qaa", "relation_cue"]["effect"] == pytest.approx(0 - 2 / 3)
    empty = found["qaa", "shared_wordpiece"]
    assert (empty["facts"], empty["full_match"], empty["effect"], empty["effect_low"]) == (
        0,
        None,
        None,
        None,
    )
    for rule in EFFECT_RULES:
        whole = found["*", rule] | {"language": "qaa"}
        assert {k: v for k, v in whole.items() if k[-4:] not in ("_low", "high")} == {
            k: v for k, v in found["qaa", rule].items() if k[-4:] not in ("_low", "high")
        }


def test_facts_are_compared_within_their_language_only() -> None:
    found = effects_of(
        qab=unsourced(("P36", "x", True, None), language="qab"),
        qaa=unsourced(("P36", "x", True, "name_cue")),
    )
    assert [language for language, rule in found if rule == "name_cue"] == ["qaa", "qab", "*"]
    assert found["qaa", "name_cue"]["compared"] == 0 and found["*", "name_cue"]["facts"] == 1


@pytest.mark.parametrize(("lift", "low", "high"), [(0.0, -0.05, 0.05), (0.3, 0.25, 0.35)])
def test_a_planted_effect_is_recovered_whatever_the_objects_frequency(
    lift: float, low: float, high: float
) -> None:
    """P@1 follows the object, and the rule applies mostly to objects that are often predicted."""
    random = np.random.default_rng(11)
    facts: list[Fact] = []
    for _ in range(12_000):
        number = int(random.integers(40))
        base = number / 60
        rule = "object_in_subject" if random.random() < number / 50 else None
        predicted = bool(random.random() < base + (lift if rule else 0.0))
        facts.append(("P176", f"Q{number}", predicted, rule))
    row = effects_of(qaa=unsourced(*facts))["qaa", "object_in_subject"]
    raw = row["full_match"] - np.mean([fact[2] for fact in facts if fact[3] is None])
    assert raw > lift + 0.1  # without matching the frequent objects would pass for an effect
    assert low < row["effect"] < high
    assert row["effect_low"] < lift < row["effect_high"]


def test_the_facts_without_a_source_are_listed_with_the_first_rule_that_applies() -> None:
    plain = {"relation": "P19", "subject": "Ada", "object": "Oslo"}
    facts = {
        "inside": plain | {"subject": "Oslo Bank", "object_in_subject": True},
        "piece": plain | {"subject": "Ost", "subject_uri": "Q5"},
        "relation": plain | {"relation": "P17", "subject": "Bo", "subject_uri": "Q6"},
        "nothing": plain | {"subject": "Cy", "subject_uri": "Q7"},
        "stated": plain | {"subject": "Di", "subject_uri": "Q8"},
        "not_asked": plain | {"subject": "Ed", "subject_uri": "Q9"},
    }
    predictions = [
        prediction_row(uuid, "qaa", right=uuid != "nothing", relation=fact["relation"])
        for uuid, fact in facts.items()
    ]
    predictions[-1] |= {"full_match": None, "matched_mask_count": 0}
    result = categorize_facts(
        rows(MLAMA_SPLIT, [split_row(uuid, "qaa", **fact) for uuid, fact in facts.items()]),
        rows(PREDICTIONS, predictions),
        rows(FACT_SOURCES, [source_row(uuid, "qaa", int(uuid == "stated")) for uuid in facts]),
        NEAREST_LANGUAGE.empty_table(),
        tokenize=lambda labels: [[7] if label == "Ost" else [1] for label in labels],
    )
    assert result.unsourced.schema.equals(UNSOURCED)
    listed = {row["uuid"]: (row["rule"], row["full_match"]) for row in result.unsourced.to_pylist()}
    assert listed == {
        "inside": ("object_in_subject", True),
        "piece": ("shared_wordpiece", True),
        "relation": ("relation_cue", True),
        "nothing": (None, False),
    }
