"""Consistency over prompts and the spread of P@1: counted by hand, and against plain loops."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factroots_dagster.probing.prompt_consistency import measure_prompt_consistency
from factroots_dagster.probing.schema import PROMPT_ANSWERS, PROMPT_CONSISTENCY

Answers = dict[str, list[str | None]]


def prompt_answers(answers: Answers, right: dict[str, list[bool | None]], relation: str = "P36") -> pa.Table:
    """PROMPT_ANSWERS from the answers by each prompt, by uuid."""
    rows = [
        {"uuid": uuid, "language": "qaa", "relation": relation, "prompt": number, "answer": answer,
         "full_match": right[uuid][number - 1]}
        for uuid, of_fact in answers.items()
        for number, answer in enumerate(of_fact, start=1)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=PROMPT_ANSWERS)


ANSWERS: Answers = {"a": ["Q1", "Q1", "Q2"], "b": ["Q1", "Q1", "Q1"], "c": ["Q2", None, "Q3"]}
RIGHT = {"a": [True, True, False], "b": [False, False, False], "c": [False, None, True]}


def test_three_facts_by_hand() -> None:
    table = measure_prompt_consistency([prompt_answers(ANSWERS, RIGHT)])
    assert table.schema.equals(PROMPT_CONSISTENCY)
    total, relation = table.to_pylist()
    assert {**total, "relation": "P36"} == relation and total["relation"] == "*"
    assert (total["prompts"], total["facts"], total["compared"], total["known"]) == (3, 3, 3, 2)
    # a: of three pairs the first agrees; b: all three; c: of the one that is asked, none
    assert total["consistency"] == pytest.approx((1 / 3 + 1 + 0) / 3)
    assert total["consistency_known"] == pytest.approx((1 / 3 + 0) / 2)
    # with another fact, by pairs of prompts: a 1, 1/2, 1/2; b 1, 1/4, 1/2; c 1/4
    assert total["other_facts"] == pytest.approx((2 / 3 + 7 / 12 + 1 / 4) / 3)
    p_at_1 = np.array([1 / 3, 1 / 2, 1 / 3])
    assert [total[f"full_match{name}"] for name in ("", "_mean", "_spread", "_lowest", "_highest")] == (
        pytest.approx([1 / 3, p_at_1.mean(), p_at_1.std(ddof=1), 1 / 3, 1 / 2])
    )


def by_loops(answers: Answers) -> dict[str, tuple[float, float]]:
    """By uuid the share of pairs of prompts that agree, on the fact and with other facts."""
    shares = {}
    for uuid, own in answers.items():
        same, others = [], []
        for one, other in combinations(range(len(own)), 2):
            asked = [each for each in answers.values() if None not in (each[one], each[other])]
            if own not in asked:
                continue
            rest = [each for name, each in answers.items() if name != uuid and each in asked]
            same.append(own[one] == own[other])
            hits = [(own[one] == each[other]) + (own[other] == each[one]) for each in rest]
            others.append(np.mean(hits) / 2 if rest else np.nan)
        shares[uuid] = (np.mean(same), np.mean(others)) if same else (np.nan, np.nan)
    return shares


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from(["Q1", "Q2", "Q3", None]), min_size=3, max_size=3), min_size=1, max_size=6
    )
)
def test_any_answers_are_counted_as_by_loops(lists: list[list[str | None]]) -> None:
    answers = {f"u{number}": of_fact for number, of_fact in enumerate(lists)}
    right = {uuid: [False] * 3 for uuid in answers}
    row: dict[str, Any] = measure_prompt_consistency([prompt_answers(answers, right)]).to_pylist()[0]
    loops = np.array(list(by_loops(answers).values()), float)
    for name, column in (("consistency", loops[:, 0]), ("other_facts", loops[:, 1])):
        known = column[np.isfinite(column)]
        assert row[name] == (pytest.approx(known.mean()) if len(known) else None)
    assert row["compared"] == np.isfinite(loops[:, 0]).sum()


def test_always_the_same_object_is_consistent_and_nothing_beyond_the_placebo() -> None:
    answers: Answers = {f"u{number}": ["Q1", "Q1"] for number in range(20)}
    right: dict[str, list[bool | None]] = {uuid: [False, False] for uuid in answers}
    row = measure_prompt_consistency([prompt_answers(answers, right)]).to_pylist()[0]
    assert (row["consistency"], row["other_facts"], row["beyond"]) == (1, 1, 0)
    assert (row["beyond_low"], row["beyond_high"], row["consistency_known"]) == (0, 0, None)
    own = {f"u{number}": [f"Q{number}"] * 2 for number in range(20)}
    row = measure_prompt_consistency([prompt_answers(own, right)]).to_pylist()[0]
    assert (row["consistency"], row["other_facts"], row["beyond"]) == (1, 0, 1)


def test_relations_count_by_their_facts_and_each_takes_its_own_best_prompt() -> None:
    many = prompt_answers(
        {f"u{n}": ["Q1", "Q2"] for n in range(3)}, {f"u{n}": [True, False] for n in range(3)}
    )
    few = prompt_answers({"v": ["Q1", "Q1", "Q1"]}, {"v": [False, False, True]}, "P19")
    total, *of_relations = measure_prompt_consistency([pa.concat_tables([many, few])]).to_pylist()
    assert [row["relation"] for row in of_relations] == ["P19", "P36"]
    assert (total["prompts"], total["facts"]) == (3, 4)
    assert total["full_match"] == pytest.approx(3 / 4)
    assert (total["full_match_lowest"], total["full_match_highest"]) == (0, 1)
    assert total["full_match_mean"] == pytest.approx((3 * 0.5 + 1 / 3) / 4)
    assert total["consistency"] == pytest.approx(1 / 4)
    assert measure_prompt_consistency([]).num_rows == 0
