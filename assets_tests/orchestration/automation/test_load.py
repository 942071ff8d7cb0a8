"""A hundred checkpoints in 53 languages, and hours of ticks, leave the sensors quick and small."""

from __future__ import annotations

import gc
from pathlib import Path

import dagster as dg
import pytest

from assets_tests.models.folders import checkpoint_folder
from assets_tests.models.hub import serving
from assets_tests.orchestration.automation.lab import Lab, Partition
from assets_tests.orchestration.automation.test_checkpoint_scan import Daemon, age, describe
from factroots_dagster.models import registry
from factroots_dagster.models.files import folder_revision
from factroots_dagster.orchestration.automation import sensors
from factroots_dagster.settings import Settings

MINUTE, HOUR = 60.0, 3600.0
START = 4e9


def resident() -> float:
    """Megabytes of memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


@pytest.mark.slow
def test_hours_of_ticks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """150 ticks, a minute apart, in which things happen: every run once, and no growth of memory."""
    folder = tmp_path / "checkpoints"
    age(checkpoint_folder(folder / "step-1"))
    settings = Settings(
        world="mlama", data_root=tmp_path / "data", languages=("el", "uk"), checkpoints=folder
    )
    clock = [START]
    monkeypatch.setattr(sensors.time, "time", lambda: clock[0])
    described: list[str] = []
    made: list[Partition] = []
    memory = {}
    with dg.instance_for_test() as instance, serving() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        registry.add(settings, "owner/model")
        hub.commits["owner/model"] = "1" * 40
        lab, daemon = Lab(settings, instance), Daemon(settings, instance)
        for minute in range(150):
            clock[0] = START + minute * MINUTE
            if minute == 20:
                age(checkpoint_folder(folder / "step-2", 2.0))
            elif minute == 40:
                lab.content["wikipedia_dump", "el"] = "a new snapshot"
                lab.make("wikipedia_dump", "el")
            elif minute == 60:
                hub.status = 503
            elif minute == 110:
                daemon.cursor = None  # as after a restart that lost everything
            for key in daemon.tick():
                described.append(key)
                revision = "1" * 40 if key.startswith("owner") else folder_revision(folder / key)
                describe(settings, key, revision)
                lab.record("checkpoint", key)
            for asset, partition in sorted(lab.tick(), key=str):
                lab.make(asset, partition)
                made.append((asset, partition))
            if minute in (80, 149):
                gc.collect()
                memory[minute] = resident()
    assert described == ["owner--model", "step-1", "step-2"]
    twice = {partition for partition in made if made.count(partition) > 1}
    changed_by_dump = {"wikipedia_articles", "entity_mentions", "fact_sources", "wikipedia_volume"}
    of_all_checkpoints = {"checkpoint_comparison", "knowledge_timeline"}
    reports = {"fact_types", "name_access", "fact_verdicts", "probing_scores", "categorization_report"}
    reports |= of_all_checkpoints
    # the new dump was published by hand: what comes after it was made for it once more
    assert {asset for asset, _ in twice} <= changed_by_dump | reports
    assert max(made.count(partition) for partition in made if partition[0] not in of_all_checkpoints) == 2
    assert memory[149] - memory[80] < 20  # MB; alone some 10, in a process that ran other tests up to 16
