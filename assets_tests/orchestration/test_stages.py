"""A world is materialized in an order that finds out early what cannot be done."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from assets_tests.models.tiny import save_checkpoint
from factroots_dagster.cli.run import stage_runner
from factroots_dagster.models import registry
from factroots_dagster.orchestration.stages import StageFailedError, materialize_world
from factroots_dagster.settings import Settings


def test_a_model_that_cannot_be_asked_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    settings = Settings(world="mlama", data_root=tmp_path / "data", wordpiece_checkpoint="")
    good = registry.add(settings, str(save_checkpoint(tmp_path / "good")))
    bad = save_checkpoint(tmp_path / "bad")
    registry.add(settings, str(bad))
    (bad / "model.safetensors").unlink()
    said: list[str] = []
    with dg.DagsterInstance.ephemeral() as instance:
        runner = stage_runner(settings, instance, said.append)
        with pytest.raises(StageFailedError, match=r"checkpoint of bad: .*model\.safetensors is missing"):
            materialize_world(runner)
    assert [line for line in said if not line.startswith("  ")] == [
        f"checkpoint of {good.key}",
        "checkpoint of bad",
    ]
    assert not runner.platform.store.exists("mlama_release")
