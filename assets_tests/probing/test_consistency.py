"""RankC of languages and its controls: by hand, on planted tables, and of a real model."""

from __future__ import annotations

from collections.abc import Callable
from math import e
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from assets_tests.models import tiny
from assets_tests.probing.rankings import Fact, asked
from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.probing.consistency import PARTNERS, fact_consistency, language_consistency
from factroots_dagster.probing.probe import probe
from factroots_dagster.probing.schema import CONSISTENCY_CONTROLS as CONTROLS
from factroots_dagster.probing.schema import LANGUAGE_CONSISTENCY

OBJECTS = "abcdefgh"


def compare(*languages: tuple[str, pa.Table, pa.Table]) -> dict[str, Any]:
    """The only row of two languages."""
    table = language_consistency(languages)
    assert table.schema.equals(LANGUAGE_CONSISTENCY)
    (row,) = table.to_pylist()
    return dict(row)


def test_a_small_table_computed_on_paper() -> None:
    # Three candidates x, y, z with three facts, two facts and one, half of them asked in one language only.
    facts = [("u", "S1", "x"), ("v", "S2", "x"), ("w", "S3", "y")]
    others = [("o1", "S4", "x"), ("o2", "S5", "y"), ("o3", "S6", "z")]
    row = compare(
        asked("qaa", [*facts, *others], {"u": "xyz", "v": "xyz", "w": "yxz", "o1": "zyx"}),
        asked("qab", [*facts, *others], {"u": "xyz", "v": "yxz", "w": "yzx", "o2": "zyx"}),
    )
    total = e**2 + e + 1
    second, third = (e + 1) / total, (e / 2 + 1) / total  # of xyz with yxz, and with zxy or yzx
    last = (e**2 + e / 2 + 1) / total  # of xyz with xzy
    assert (row["language_a"], row["language_b"], row["facts"], row["relations"]) == ("qaa", "qab", 3, 1)
    assert row["rankc"] == pytest.approx((1 + second + last) / 3)
    # Same object: u with v's ranking in qab, v with u's; w has no other fact with y that both are asked.
    assert row["same_object_facts"] == 2
    assert row["same_object"] == pytest.approx((second + 1) / 2)
    assert row["beyond_same_object"] == pytest.approx((1 + second) / 2 - (second + 1) / 2)
    # Another object: u and v with w's ranking, w with u's or v's as they are drawn.
    assert row["other_object_facts"] == 3
    drawn = [(n * second + (PARTNERS - n)) / PARTNERS for n in range(PARTNERS + 1)]
    assert any(row["other_object"] == pytest.approx((2 * third + of_w) / 3) for of_w in drawn)
    # Popularity: x, y, z. Either language of each fact: u 1, 1; v 1, second; w second, third.
    assert row["popularity"] == pytest.approx((1 + (1 + second) / 2 + (second + third) / 2) / 3)
    assert row["beyond_popularity"] == pytest.approx(row["rankc"] - row["popularity"])


def plant(
    order_in: Callable[[np.random.Generator, int, str], str], facts: int = 400, seed: int = 3
) -> dict[str, Any]:
    """The row of two languages. order_in: the order of OBJECTS for a fact (number, object), per language."""
    random = np.random.default_rng(seed)
    # The first objects are the most frequent.
    shares = 1 / np.arange(1, len(OBJECTS) + 1)
    drawn = random.choice(list(OBJECTS), facts, p=shares / shares.sum())
    rows: list[Fact] = [(f"u{i}", f"S{i}", str(target)) for i, target in enumerate(drawn)]
    orders = [
        {uuid: order_in(np.random.default_rng([seed, language, i]), i, target) for i, (uuid, _, target) in
         enumerate(rows)}
        for language in (1, 2)
    ]  # fmt: skip
    return compare(asked("qaa", rows, orders[0]), asked("qab", rows, orders[1]))


def shuffled(random: np.random.Generator) -> str:
    return "".join(random.permutation(list(OBJECTS)))


def with_first(target: str, order: str) -> str:
    return target + order.replace(target, "")


def by_noisy_popularity(random: np.random.Generator) -> str:
    return "".join(sorted(OBJECTS, key=lambda name: OBJECTS.index(name) + random.normal(0, 1.5)))


def test_what_both_languages_prefer_whatever_is_asked_is_no_consistency() -> None:
    row = plant(lambda random, number, target: by_noisy_popularity(random))
    assert row["rankc"] > 0.35
    for control in ("same_object", "other_object"):
        assert row[f"beyond_{control}_low"] < 0 < row[f"beyond_{control}_high"]
        assert abs(row[f"beyond_{control}"]) < 0.03
    # Both follow the popular order more closely than each other.
    assert row["beyond_popularity_high"] < 0


def test_equal_popular_rankings_are_consistent_and_nothing_beyond() -> None:
    row = plant(lambda random, number, target: OBJECTS)
    assert row["rankc"] == pytest.approx(1)
    assert [row[f"beyond_{control}"] for control in CONTROLS] == pytest.approx([0, 0, 0])


def test_what_the_object_explains_is_beyond_other_objects_only() -> None:
    row = plant(lambda random, number, target: with_first(target, shuffled(random)))
    assert row["rankc"] > 0.6
    assert row["beyond_other_object_low"] > 0.3 and row["beyond_popularity_low"] > 0.2
    assert row["beyond_same_object_low"] < 0 < row["beyond_same_object_high"]
    assert abs(row["beyond_same_object"]) < 0.02


def test_what_the_fact_explains_is_beyond_every_control() -> None:
    row = plant(lambda random, number, target: shuffled(np.random.default_rng([9, number])))
    assert row["rankc"] == pytest.approx(1)
    for control in CONTROLS:
        assert row[f"beyond_{control}_low"] > 0.5


def test_independent_rankings_have_the_expected_consistency_and_nothing_beyond() -> None:
    row = plant(lambda random, number, target: shuffled(random), facts=3000)
    n = len(OBJECTS)
    weights = np.exp(-np.arange(1, n + 1))
    expected = float(weights / weights.sum() @ (np.arange(1, n + 1) / n))  # P@j is j / N on average
    assert row["rankc_low"] < expected < row["rankc_high"]
    assert row["rankc"] == pytest.approx(expected, abs=0.02)
    for control in CONTROLS:
        assert abs(row[f"beyond_{control}"]) < 0.03


def test_only_common_facts_and_common_candidates_count() -> None:
    facts: list[Fact] = [("u", "S1", "x"), ("v", "S2", "y"), ("w", "S3", "x")]
    alone: list[Fact] = [("p", "S4", "m"), ("q", "S5", "n")]
    one, other = {"u": "xy", "v": "xy", "w": "yx"}, {"u": "xy", "v": "yx", "w": "yx"}
    plain = compare(asked("qaa", facts, one), asked("qab", facts, other))
    # In qaa two more facts are asked, whose objects are candidates there, ranked among the others.
    wide = {"u": "mxny", "v": "xmny", "w": "nymx", "p": "mxny", "q": "nmxy"}
    assert compare(asked("qaa", [*facts, *alone], wide), asked("qab", facts, other)) == plain
    assert plain["facts"] == 3


def test_facts_without_a_ranking_and_relations_with_one_common_candidate_do_not_count() -> None:
    facts: list[Fact] = [("u", "S1", "x"), ("v", "S2", "y")]
    a = asked("qaa", facts, {"u": "xy", "v": None})
    row = compare(a, asked("qab", facts, {"u": None, "v": "xy"}))
    assert (row["facts"], row["rankc"], row["rankc_low"]) == (0, None, None)
    row = compare(a, asked("qab", facts[:1], {"u": "x"}))
    assert (row["facts"], row["relations"], row["rankc"]) == (0, 0, None)


def test_another_fact_of_the_same_subject_is_no_control() -> None:
    facts: list[Fact] = [("u", "S1", "x"), ("v", "S1", "x"), ("w", "S1", "y")]
    orders = {"u": "xy", "v": "xy", "w": "yx"}
    row = compare(asked("qaa", facts, orders), asked("qab", facts, orders))
    assert row["rankc"] == pytest.approx(1)
    assert (row["same_object_facts"], row["other_object_facts"]) == (0, 0)
    assert (row["same_object"], row["beyond_other_object"], row["rankc_low"]) == (None, None, None)


def test_every_pair_has_a_row_whatever_the_order_of_the_languages() -> None:
    facts: list[Fact] = [(f"u{i}", f"S{i}", "xyz"[i % 3]) for i in range(30)]
    random = np.random.default_rng(5)
    tables = [
        asked(language, facts, {uuid: "".join(random.permutation(list("xyz"))) for uuid, _, _ in facts})
        for language in ("qaa", "qab", "qac")
    ]
    rows = language_consistency(tables).to_pylist()
    assert [(row["language_a"], row["language_b"]) for row in rows] == [
        ("qaa", "qab"), ("qaa", "qac"), ("qab", "qac"),
    ]  # fmt: skip
    again = language_consistency(tables[::-1]).to_pylist()
    for one, other in zip(rows, again, strict=True):
        assert one["rankc"] == pytest.approx(other["rankc"])
    assert language_consistency(tables).equals(language_consistency(tables))
    assert language_consistency([]).num_rows == 0


def test_a_real_model_agrees_with_itself_and_less_with_another_language(
    bert: LoadedModel, split_of: Callable[..., pa.Table], tmp_path: Path
) -> None:
    """The same questions under two codes are answered alike; with another template less so."""
    split = split_of("bert", subjects=20)
    other = split.set_column(
        split.schema.get_field_index("template"),
        "template",
        pa.array([f"riga and {text}" for text in split["template"].to_pylist()]),
    )
    languages = {"qaa": split, "qab": split, "qac": other}
    read = []
    for language, table in languages.items():
        (tmp_path / language).mkdir()
        read.append((language, probe(bert, table, tmp_path / language), table))
    same, different, _ = language_consistency(read).to_pylist()
    assert same["facts"] == len(split) and same["relations"] == len(tiny.TEMPLATES)
    assert same["rankc"] == pytest.approx(1)
    assert same["beyond_other_object_low"] > 0
    assert 0 < different["rankc"] < 1


def test_single_facts_average_to_what_their_languages_have() -> None:
    facts = [("u", "S1", "x"), ("v", "S2", "x"), ("w", "S3", "y"), ("alone", "S4", "z")]
    a = asked("qaa", facts, {"u": "xyz", "v": "xyz", "w": "yxz", "alone": "zyx"})
    b = asked("qab", facts, {"u": "xyz", "v": "yxz", "w": "yzx"})
    table = fact_consistency([b, a]).to_pandas().set_index("uuid")
    total = e**2 + e + 1
    expected = {"u": 1.0, "v": (e + 1) / total, "w": (e**2 + e / 2 + 1) / total}  # as on paper above
    assert table["rankc"].to_dict() == pytest.approx(expected)
    assert {*zip(table["language_a"], table["language_b"], strict=True)} == {("qaa", "qab")}
    row = compare(a, b)
    for control in CONTROLS:
        assert row[control] == pytest.approx(table[control].mean())
        assert row[f"beyond_{control}"] == pytest.approx((table["rankc"] - table[control]).mean())
        assert row[f"{control}_facts"] == table[control].notna().sum()
    assert fact_consistency([a]).num_rows == 0
