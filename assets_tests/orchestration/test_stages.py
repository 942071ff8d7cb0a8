"""A world is materialized in an order that finds out early what cannot be done."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from assets_tests.models.tiny import save_checkpoint
from factroots_dagster.cli.run import stage_runner
from factroots_dagster.models import registry
from factroots_dagster.orchestration.catalog import rows_in
from factroots_dagster.orchestration.stages import (
    Choice,
    StageFailedError,
    divide,
    materialize_world,
    stages,
)
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


@pytest.mark.parametrize("world", ["sandbox", "mlama"])
def test_what_spans_all_checkpoints_is_made_once_after_them(world: str) -> None:
    rows = [row for row in rows_in(Settings(world=world)) if not row.on_demand]
    before, of_checkpoint, after = divide(stages(rows))
    order = [name for stage in (*before, *of_checkpoint, *after) for name in stage.assets]
    assert sorted(order) == sorted(row.name for row in rows)
    for row in rows:
        read = [parent for parent in row.reads if parent in order]
        assert all(order.index(parent) < order.index(row.name) for parent in read), row.name
    assert [name for stage in after for name in stage.assets] == [
        "knowledge_timeline",
        "checkpoint_comparison",
    ]


def test_a_model_can_be_scored_without_any_text() -> None:
    rows = Choice(until=("probing_scores",)).rows(Settings(world="cldr"))
    facts, asked = {"mlama_release", "mlama_split", "fact_coverage"}, {"checkpoint", "predictions"}
    assert {row.name for row in rows} == {*facts, *asked, "probing_scores"}
    generated = Choice(until=("checkpoint",)).rows(Settings())
    assert {"sandbox_training", "wikipedia_articles"} < {row.name for row in generated}
