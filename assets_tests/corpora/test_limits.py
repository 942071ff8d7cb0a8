"""The time limit on cleaning a page."""

from __future__ import annotations

import signal
import time

import pytest

from factroots_dagster.corpora.wikipedia.limits import TimeLimitExceeded, time_limit


def test_a_time_limit_stops_endless_work() -> None:
    with pytest.raises(TimeLimitExceeded), time_limit(0.05):
        while True:
            pass


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_alarm_lost_in_a_destructor_is_repeated() -> None:
    def work(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pass

    class SlowToDelete:
        def __del__(self) -> None:
            work(2)  # an exception raised in here is lost

    with pytest.raises(TimeLimitExceeded), time_limit(0.05):
        SlowToDelete()
        work(5)
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_work_within_the_limit_leaves_no_alarm_behind() -> None:
    with time_limit(5):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
