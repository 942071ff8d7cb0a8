"""The order in which languages were read is given back by the checkpoints, and by nothing else."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from assets_tests.roots.tables import rows
from assets_tests.roots.timeline.answers import language_answers
from assets_tests.yardstick.timed import answers_by, timed_world, trained_answers
from factroots_dagster.roots.timeline.answers import LanguageAnswers
from factroots_dagster.roots.timeline.timeline import trace_knowledge
from factroots_dagster.sandbox.schema import PLANTED_TRUTH
from factroots_dagster.sandbox.truth import planted_truth_table
from factroots_dagster.tables import zip_columns
from factroots_dagster.yardstick.order import (
    FirstLanguages,
    RecoveredOrder,
    first_steps,
    recover_first_languages,
    recover_order,
    shuffle_checkpoints,
    shuffle_languages,
)

STEPS = tuple(range(100, 700, 100))


def relabelled(languages: Sequence[LanguageAnswers]) -> list[list[LanguageAnswers]]:
    """The answers with their languages' labels in every order."""
    return [
        [replace(answers, known=other.known) for answers, other in zip(languages, order, strict=True)]
        for order in permutations(languages)
    ]


def first_languages(languages: Sequence[LanguageAnswers]) -> dict[tuple[str, str], list[str]]:
    facts = trace_knowledge("run", languages).facts
    return {
        (uuid, code): said for uuid, code, said in zip_columns(facts, "uuid", "language", "first_languages")
    }


def truth_table(*cells: tuple[str, str, int | None, list[str]]) -> pa.Table:
    """PLANTED_TRUTH of (uuid, language, read after, first read in)."""
    names = ("uuid", "language", "read_after", "first_read_in")
    return rows(
        PLANTED_TRUTH,
        [dict(zip(names, cell, strict=True)) | {"stated": cell[2] is not None} for cell in cells],
    )


def test_ranks_and_pairs_counted_by_hand() -> None:
    truth = truth_table(
        ("f", "de", 0, []),
        ("f", "fr", 50, []),
        ("f", "id", 90, []),
        ("g", "de", 0, []),
        ("g", "fr", None, []),
    )
    values = {("f", "de"): 1.0, ("f", "fr"): 3.0, ("f", "id"): 2.0, ("g", "de"): 2.0, ("g", "fr"): 0.0}
    found = recover_order(values, truth)
    # planted ranks 1.5, 3, 4, 1.5 and found ranks 1, 4, 2.5, 2.5
    assert found.own == pytest.approx(np.corrcoef([1.5, 3, 4, 1.5], [1, 4, 2.5, 2.5])[0, 1])
    # de before fr twice, right twice; de before id twice, right once and tied once; fr before id, wrong
    assert found.own_concordance == pytest.approx(3.5 / 5)
    assert found.source_concordance == pytest.approx(2 / 3)  # the same within f
    assert recover_order(values, truth_table(("f", "de", 0, []))) == RecoveredOrder(None, None, None)


def test_first_languages_counted_by_hand() -> None:
    truth = truth_table(
        ("f", "de", None, ["fr"]), ("f", "fr", 0, ["id"]), ("f", "id", 50, ["fr"]), ("f", "ru", 70, ["fr"])
    )
    said = {("f", "de"): ["fr", "id"], ("f", "fr"): [], ("f", "id"): ["ru"]}
    # of de half is right, by chance one of three; of id nothing, by chance one of two; of fr nothing is said
    assert recover_first_languages(said, truth) == FirstLanguages(2, 0.25, pytest.approx((1 / 3 + 1 / 2) / 2))
    assert recover_first_languages({}, truth) == FirstLanguages(0, None, None)


def test_what_is_learnt_in_the_order_of_reading_gives_the_order_back() -> None:
    """Facts that are learnt some steps after they are read, or never."""
    late = {"de": 0, "fr": 200, "en": 0, "id": 400}
    world = timed_world(fr=200, id=400)
    truth = planted_truth_table(world)
    stated = {(uuid, code) for uuid, code, is_so in zip_columns(truth, "uuid", "language", "stated") if is_so}
    delays = {cell: random.Random(str(cell)).choice([50, 150, 250, 10**6]) for cell in sorted(stated)}

    def knows(uuid: str, code: str, step: int) -> bool:
        return (uuid, code) in stated and late[code] + delays[uuid, code] <= step

    languages = answers_by(world, range(100, 1000, 100), knows)
    found = recover_order(first_steps(languages), truth)
    assert found.own and found.own > 0.4 and found.own_concordance and found.own_concordance > 0.7
    named = recover_first_languages(first_languages(languages), truth)
    assert named.precision and named.chance and named.precision > named.chance + 0.2
    assert _share_as_good(languages, truth) <= 1 / 6


def test_a_trained_model_gives_the_order_back_and_its_placebos_do_not(tmp_path: Path) -> None:
    world = timed_world(fr=300, id=300)
    languages, truth = trained_answers(world, tmp_path, STEPS), planted_truth_table(world)
    found = recover_order(first_steps(languages), truth)
    assert found.own and found.own > 0.35
    assert found.own_concordance and found.own_concordance > 0.65
    assert found.source_concordance and found.source_concordance > 0.65
    named = recover_first_languages(first_languages(languages), truth)
    assert named.precision and named.chance and named.precision > named.chance + 0.2
    assert _share_as_good(languages, truth) <= 1 / 6
    forgettings = sum(int(answers.forgettings.sum()) for answers in languages)
    shuffled = trace_knowledge("run", languages).languages["forgettings_shuffled"].to_pylist()[-1]
    assert forgettings < shuffled / 2


def _share_as_good(languages: Sequence[LanguageAnswers], truth: pa.Table) -> float:
    """The share of all orders of the languages' labels that give the planted order back as well.

    Over all of them the rank correlation is about 0, and the concordance about one half.
    """
    found = recover_order(first_steps(languages), truth)
    placebos = [recover_order(first_steps(each), truth) for each in relabelled(languages)]
    means = np.mean(np.array(placebos, float), axis=0)
    assert abs(means[0]) < 0.15 and abs(means[1] - 0.5) < 0.1
    as_good = [
        placebo.own is not None and found.own is not None and placebo.own >= found.own for placebo in placebos
    ]
    return sum(as_good) / len(as_good)


def test_shuffled_languages_keep_their_sources_and_exchange_their_answers() -> None:
    languages = [
        language_answers("de", {"f": "x...", "g": ".x.."}, {"f": 1}),
        language_answers("fr", {"g": "...x", "f": "..x."}, {"g": 7}),
        language_answers("id", {"f": "xxxx"}, {"f": 9}),
    ]
    by_answer = {"x...": "de", "..x.": "fr", "xxxx": "id"}
    origins = set()
    for seed in range(30):
        shuffled = shuffle_languages(languages, np.random.default_rng(seed))
        origin = []
        for answers, before in zip(shuffled, languages, strict=True):
            word = {
                uuid: "".join(".x"[known] for known in row)
                for uuid, row in zip(answers.uuids, answers.known.tolist(), strict=True)
            }
            origin.append(by_answer[word["f"]])
            windows = dict(zip(before.uuids, before.windows.tolist(), strict=True))
            assert answers.windows.tolist() == [windows[uuid] for uuid in answers.uuids]
            if "g" in word:
                assert word["g"] == {"de": ".x..", "fr": "...x"}[origin[-1]]
        assert sorted(origin) == ["de", "fr", "id"]
        origins.add(tuple(origin))
    assert len(origins) == 6


def test_shuffled_checkpoints_keep_how_often_a_fact_is_known() -> None:
    languages = [language_answers("de", {"f": "x.x.", "g": "...x"}), language_answers("fr", {"f": ".xxx"})]
    shuffled = shuffle_checkpoints(languages, np.random.default_rng(1))
    for before, after in zip(languages, shuffled, strict=True):
        assert after.known.sum(axis=1).tolist() == before.known.sum(axis=1).tolist()
    columns = np.vstack([answers.known for answers in languages]).T.tolist()
    assert sorted(np.vstack([answers.known for answers in shuffled]).T.tolist()) == sorted(columns)
