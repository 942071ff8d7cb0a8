"""What a name alone reveals: compared with counting by hand, and with chance."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.roots.tables import rows, split_row
from factroots_dagster.errors import InputError
from factroots_dagster.facts.schema import MLAMA_SPLIT
from factroots_dagster.roots.easy import CUE_ALPHA, EASY_RULES, check_easy_rule, find_name_cues, split_name


def split_of(*facts: tuple[str, str, str]) -> pa.Table:
    """MLAMA_SPLIT of one relation; facts: (uuid, subject, object)."""
    return rows(
        MLAMA_SPLIT,
        [
            split_row(uuid, "qaa", subject=subject, subject_uri=f"Q{subject}", object_uri=target)
            for uuid, subject, target in facts
        ],
    )


PLAIN = [(f"o{i}", f"Name{i}", f"z{i % 10}") for i in range(60)]
"""Facts whose names reveal nothing."""


def test_parts_are_words_of_any_script_without_initials() -> None:
    assert split_name("Jean-Luc O. von Grün_Weiß") == {"jean", "luc", "von", "grün", "weiß"}
    assert split_name("约翰·塞巴斯蒂安") == {"约翰", "塞巴斯蒂安"}
    assert split_name("7") == set()


def test_the_p_value_equals_counting_and_is_corrected_for_the_parts() -> None:
    facts = [("u", "Ada Lund", "x"), ("v", "Ada Berg", "x"), ("w", "Ada Dahl", "y")]
    facts += [(f"o{i}", f"Name{i} {'Lund' if i < 2 else 'Vik'}", "x" if i < 1 else "z") for i in range(17)]
    cue = find_name_cues(split_of(*facts), alpha=1.0)["u"]
    # Of 19 others 2 have the object x; 2 others are called Ada (1 hit), 2 others Lund (1 hit).
    at_least_one = 1 - Fraction(comb(17, 2), comb(19, 2))
    assert cue.p_value == pytest.approx(float(2 * at_least_one))
    assert (cue.facts, cue.hits) == (2, 1)
    assert cue.cue == "ada"  # the first of equally significant parts
    assert "u" not in find_name_cues(split_of(*facts))


def test_a_revealing_name_is_recognized_and_the_fact_itself_does_not_count() -> None:
    cues = find_name_cues(split_of(("u", "Sven A", "x"), ("v", "Sven B", "x"), ("w", "Sven C", "x"), *PLAIN))
    assert set(cues) == {"u", "v", "w"} and cues["u"].hits == 2
    assert (cues["u"].rule, cues["u"].type) == ("name_cue", "naming_cue")
    assert "u" not in find_name_cues(split_of(("u", "Sven A", "x"), *PLAIN))  # nobody else has the name
    assert "u" not in find_name_cues(split_of(("u", "Sven A", "x"), ("v", "Sven B", "y"), *PLAIN))


def test_a_subject_listed_twice_does_not_vouch_for_itself() -> None:
    assert find_name_cues(split_of(("u", "Sven A", "x"), ("v", "Sven A", "x"), *PLAIN)) == {}


def test_frequent_objects_and_frequent_words_are_no_cues() -> None:
    all_share = [(f"o{i}", f"Name{i} Group", "x" if i % 2 else "y") for i in range(60)]
    assert find_name_cues(split_of(*all_share)) == {}
    many_share = [
        (f"o{i}", f"Name{i} {'Group' if i % 3 else 'Works'}", "x" if i % 2 else "y") for i in range(60)
    ]
    assert find_name_cues(split_of(*many_share)) == {}


def test_random_names_are_rarely_called_revealing() -> None:
    cues = facts = 0
    for seed in range(20):
        random = np.random.default_rng(seed)
        names = [
            (f"u{i}", f"Given{random.integers(15)} Family{i}", f"o{random.integers(12)}") for i in range(120)
        ]
        cues += len(find_name_cues(split_of(*names)))
        facts += len(names)
    assert cues / facts < CUE_ALPHA


def test_unknown_rules_are_refused() -> None:
    for rule in EASY_RULES:
        check_easy_rule(rule)
    with pytest.raises(InputError, match="choose one of name, relation, none"):
        check_easy_rule("guess")


@given(
    st.lists(st.tuples(st.text(max_size=12), st.sampled_from("xyz")), min_size=1, max_size=25),
    st.sampled_from([0.05, 1.0]),
)
def test_labels_may_be_anything(facts: list[tuple[str, str]], alpha: float) -> None:
    named = [
        split_row(f"u{i}", "qaa", subject=subject, subject_uri=f"S{i}", object_uri=target)
        for i, (subject, target) in enumerate(facts)
    ]
    for uuid, cue in find_name_cues(rows(MLAMA_SPLIT, named), alpha).items():
        subject, target = facts[int(uuid[1:])]
        assert cue.cue in split_name(subject)
        sharing = [t for i, (s, t) in enumerate(facts) if f"u{i}" != uuid and cue.cue in split_name(s)]
        assert (cue.facts, cue.hits) == (len(sharing), sharing.count(target))
        assert cue.p_value is not None and 0 < cue.p_value <= alpha
