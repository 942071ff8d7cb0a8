"""How much longer a making takes."""

from __future__ import annotations

import pytest

from factroots_dagster.orchestration.catalog import CATALOG
from factroots_dagster.orchestration.outlook import CHECKED, SECONDS, Outlook

READ, ASKED, COMPARED = ("fact_sources",), ("predictions", "neuron_activations"), ("neuron_similarity",)


def typical(*stages: tuple[str, ...]) -> float:
    return sum(SECONDS.get(name, 0) + CHECKED for stage in stages for name in stage)


def test_all_that_is_listed_is_an_asset() -> None:
    assert SECONDS.keys() <= CATALOG.keys()


def test_before_anything_is_known_it_takes_what_the_demo_does() -> None:
    outlook = Outlook([READ, ASKED, COMPARED])
    assert outlook.estimate_later(1) == pytest.approx(typical(ASKED, COMPARED))
    assert outlook.estimate_stage(READ, 2.0, {}) == pytest.approx(typical(READ) - 2)
    assert outlook.estimate_stage(READ, 1000.0, {}) == 0


def test_a_machine_that_was_slow_is_expected_to_be_slow() -> None:
    outlook = Outlook([READ, ASKED, COMPARED])
    outlook.note(READ, 3 * typical(READ))
    assert outlook.estimate_stage(ASKED, 1.0, {}) == pytest.approx(3 * typical(ASKED) - 1)
    assert outlook.estimate_later(2) == pytest.approx(3 * typical(COMPARED))


def test_a_second_checkpoint_takes_what_the_first_did() -> None:
    outlook = Outlook([READ, ASKED, COMPARED, ASKED, COMPARED])
    for stage, seconds in ((READ, typical(READ)), (ASKED, 500.0), (COMPARED, 20.0)):
        outlook.note(stage, seconds)
    assert outlook.estimate_later(3) == pytest.approx(520)
    assert outlook.estimate_stage(ASKED, 100.0, {}) == pytest.approx(400)


def test_a_stage_goes_on_at_its_own_speed_and_counts_work_not_pieces() -> None:
    training = ("fact_coverage", "sandbox_training")
    outlook = Outlook([training])
    assert outlook.estimate_stage(training, 5.0, {"fact_coverage": 1.0}) == pytest.approx(
        typical(training) - 5
    )
    quarter = dict.fromkeys(ASKED, 0.25)
    assert outlook.estimate_stage(ASKED, 30.0, quarter, until=30.0) == pytest.approx(90)
    assert outlook.estimate_stage(ASKED, 50.0, quarter, until=30.0) == pytest.approx(70)
    assert outlook.estimate_stage(ASKED, 30.0, dict.fromkeys(ASKED, 1.0), until=29.0) == 0


def test_nothing_is_expected_after_the_plan() -> None:
    assert Outlook([READ]).estimate_later(2) == 0
