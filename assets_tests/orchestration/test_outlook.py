"""How much longer a making takes."""

from __future__ import annotations

import pytest

from factroots_dagster.orchestration.catalog import CATALOG
from factroots_dagster.orchestration.outlook import CHECKED, SECONDS, Outlook

READ, ASKED, COMPARED = ("fact_sources",), ("predictions", "neuron_activations"), ("neuron_similarity",)


def typical(*stages: tuple[str, ...]) -> float:
    return sum(SECONDS[name] + CHECKED for stage in stages for name in stage)


def test_all_that_is_listed_is_an_asset() -> None:
    assert SECONDS.keys() <= CATALOG.keys()


def test_before_anything_is_known_it_takes_what_the_demo_does() -> None:
    outlook = Outlook([READ, ASKED, COMPARED])
    assert outlook.left(1, 2.0) == pytest.approx(typical(READ, ASKED, COMPARED) - 2)
    assert outlook.left(1, 1000.0) == pytest.approx(typical(ASKED, COMPARED))


def test_a_machine_that_was_slow_is_expected_to_be_slow() -> None:
    outlook = Outlook([READ, ASKED, COMPARED])
    outlook.note(READ, 3 * typical(READ))
    assert outlook.left(2, 1.0) == pytest.approx(3 * typical(ASKED, COMPARED) - 1)


def test_a_second_checkpoint_takes_what_the_first_did() -> None:
    outlook = Outlook([READ, ASKED, COMPARED, ASKED, COMPARED])
    for stage, seconds in ((READ, typical(READ)), (ASKED, 500.0), (COMPARED, 20.0)):
        outlook.note(stage, seconds)
    assert outlook.left(4, 100.0) == pytest.approx(420)
    assert outlook.left(4, 100.0, own=300.0) == pytest.approx(320)
    assert outlook.left(5, 30.0) == 0


def test_stages_that_nobody_expected_have_only_their_own_time() -> None:
    assert Outlook([READ]).left(2, 5.0, own=7.0) == 7
    assert Outlook().left(1, 5.0) == 0
