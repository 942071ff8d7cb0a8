"""What a name alone tells: against counting by hand, and against chance."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.report.conftest import rows, split_row
from factroots_dagster.errors import InputError
from factroots_dagster.facts.schema import MLAMA_SPLIT
from factroots_dagster.roots.easy import CUE_ALPHA, known_rule, name_cues, name_parts


def split(*facts: tuple[str, str, str]) -> object:
    """Facts of one relation: uuid, subject, object."""
    return rows(
        MLAMA_SPLIT,
        [split_row(u, "qaa", subject=s, subject_uri=f"Q{s}", object_uri=o) for u, s, o in facts],
    )


def test_parts_are_words_of_any_script_without_initials() -> None:
    assert name_parts("Jean-Luc O. von Grün_Weiß") == {"jean", "luc", "von", "grün", "weiß"}
    assert name_parts("约翰·塞巴斯蒂安") == {"约翰", "塞巴斯蒂安"}
    assert name_parts("7") == set()


def test_p_equals_counting_and_is_corrected_for_the_parts() -> None:
    facts = [("u", "Ada Lund", "x"), ("v", "Ada Berg", "x"), ("w", "Ada Dahl", "y")]
    facts += [(f"o{i}", f"Name{i} {'Lund' if i < 2 else 'Vik'}", "x" if i < 1 else "z") for i in range(17)]
    found = name_cues(split(*facts), alpha=1.0)
    # Of 19 others 2 have the object x; 2 others are called Ada (1 hit), 2 others Lund (1 hit).
    at_least_one = 1 - Fraction(comb(17, 2), comb(19, 2))
    assert found["u"].p_value == pytest.approx(float(2 * at_least_one))
    assert (found["u"].facts, found["u"].hits) == (2, 1)
    assert found["u"].cue == "ada"  # of equal parts the first
    assert "u" not in name_cues(split(*facts))


def test_a_telling_name_is_found_and_the_fact_itself_does_not_count() -> None:
    plain = [(f"o{i}", f"Name{i}", f"z{i % 10}") for i in range(60)]
    twice = name_cues(split(("u", "Sven A", "x"), ("v", "Sven B", "x"), ("w", "Sven C", "x"), *plain))
    assert set(twice) == {"u", "v", "w"} and twice["u"].hits == 2
    assert twice["u"].rule == "name_cue" and twice["u"].kind == "naming_cue"
    assert "u" not in name_cues(split(("u", "Sven A", "x"), *plain))  # nobody else is called so
    assert "u" not in name_cues(split(("u", "Sven A", "x"), ("v", "Sven B", "y"), *plain))


def test_the_same_subject_twice_is_one_name() -> None:
    """A subject with two objects, or listed twice, does not vouch for itself."""
    plain = [(f"o{i}", f"Name{i}", f"z{i % 10}") for i in range(60)]
    assert name_cues(split(("u", "Sven A", "x"), ("v", "Sven A", "x"), *plain)) == {}


def test_frequent_objects_and_frequent_words_are_no_cues() -> None:
    common = [(f"o{i}", f"Name{i} Group", "x" if i % 2 else "y") for i in range(60)]
    assert name_cues(split(*common)) == {}  # everybody has the word
    half = [(f"o{i}", f"Name{i} {'Group' if i % 3 else 'Works'}", "x" if i % 2 else "y") for i in range(60)]
    assert name_cues(split(*half)) == {}


def test_random_names_are_rarely_called_telling() -> None:
    called = facts = 0
    for seed in range(20):
        random = np.random.default_rng(seed)
        made = [
            (f"u{i}", f"Given{random.integers(15)} Family{i}", f"o{random.integers(12)}") for i in range(120)
        ]
        called += len(name_cues(split(*made)))
        facts += len(made)
    assert called / facts < CUE_ALPHA


def test_unknown_rules_are_refused() -> None:
    assert known_rule("name") == "name"
    with pytest.raises(InputError, match="choose one of name, relation, none"):
        known_rule("guess")


@given(
    st.lists(st.tuples(st.text(max_size=12), st.sampled_from("xyz")), min_size=1, max_size=25),
    st.sampled_from([0.05, 1.0]),
)
def test_labels_may_be_anything(facts: list[tuple[str, str]], alpha: float) -> None:
    named = [
        split_row(f"u{i}", "qaa", subject=subject, subject_uri=f"S{i}", object_uri=target)
        for i, (subject, target) in enumerate(facts)
    ]
    for uuid, cue in name_cues(rows(MLAMA_SPLIT, named), alpha).items():
        subject, target = facts[int(uuid[1:])]
        assert cue.cue in name_parts(subject)
        sharing = [t for i, (s, t) in enumerate(facts) if f"u{i}" != uuid and cue.cue in name_parts(s)]
        assert (cue.facts, cue.hits) == (len(sharing), sharing.count(target))
        assert cue.p_value is not None and 0 < cue.p_value <= alpha
