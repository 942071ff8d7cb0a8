"""An interrupt ends a step wherever it strikes."""

from __future__ import annotations

import signal
import sys
import time
import weakref
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets_tests.orchestration.stand_ins import StandIn, good_rows
from factroots_dagster.orchestration.interrupts import repeat_dropped_interrupts


class Watched:
    """Something that can be referred to weakly."""


def drop_an_interrupt() -> None:
    """Be interrupted where Python drops exceptions: in the callback of a weak reference."""
    watched = Watched()
    reference = weakref.ref(watched, lambda _: signal.raise_signal(signal.SIGTERM))
    del watched
    assert reference() is None


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What reaches the hook that was there before; ours goes away with the test."""
    passed: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", passed.append)
    return passed


def test_an_interrupt_that_python_drops_ends_the_step(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hook: list[Any]
) -> None:
    outcomes: list[str] = []

    def make_rows(language: str) -> list[dict[str, Any]]:
        drop_an_interrupt()
        outcomes.append("went on")
        time.sleep(60)
        outcomes.append("ended by itself")
        return good_rows(language)

    world = StandIn(monkeypatch, tmp_path, make_rows, attempts=3)
    with dg.DagsterInstance.ephemeral() as instance:
        result = world.run(instance, partition_key="el")
    assert not result.success and outcomes == ["went on"] and hook == []
    assert world.store.keys("mlama_split") == []


def test_other_dropped_exceptions_go_where_they_went(hook: list[Any]) -> None:
    repeat_dropped_interrupts()
    repeat_dropped_interrupts()  # once is enough
    watched = Watched()
    reference = weakref.ref(watched, lambda _: int("no number"))
    del watched
    assert reference() is None
    assert [dropped.exc_type for dropped in hook] == [ValueError]
