"""FACTROOTS_MASK_COUNTS=object through the whole graph: fewer prompts, the same types."""

from __future__ import annotations

import shutil
from pathlib import Path

import dagster as dg
import numpy as np
import pytest

from assets_tests.conftest import CHECKPOINT, MaterializedWorld, make_home
from factroots_dagster.cli.run import StageRunner
from factroots_dagster.orchestration.checks.registry import BY_CELL, BY_CHECKPOINT
from factroots_dagster.orchestration.partitions import checkpoint_set
from factroots_dagster.store.store import Store


@pytest.mark.slow
def test_the_objects_own_mask_counts_give_the_same_types(world: MaterializedWorld, tmp_path: Path) -> None:
    shutil.copytree(world.settings.data_root, tmp_path / "data")
    settings = world.settings.model_copy(update={"data_root": tmp_path / "data", "mask_counts": "object"})
    store = Store(settings.data_root, settings.world)
    languages = settings.active_languages
    with dg.DagsterInstance.from_config(str(make_home(tmp_path / "home"))) as instance:
        instance.add_dynamic_partitions(checkpoint_set(settings), [CHECKPOINT])
        run = StageRunner(settings, instance, print)  # raises where a run or a check fails
        run("ask", BY_CELL, f"{CHECKPOINT}|{languages[0]}", f"{CHECKPOINT}|{languages[-1]}")
        run("conclude", [name for name in BY_CHECKPOINT if name != "checkpoint"], CHECKPOINT)

    for language in languages:
        assert store.digest("predictions", CHECKPOINT, language) != world.store.digest(
            "predictions", CHECKPOINT, language
        )
    before, after = (one.read("fact_types", CHECKPOINT) for one in (world.store, store))
    for name in ("uuid", "language", "source_present", "easy"):
        assert after[name].equals(before[name]), name
    # Other batches round otherwise: what stands at its threshold may fall to the other side.
    names = zip(before["type"].to_pylist(), after["type"].to_pylist(), strict=True)
    changed = [pair for pair in names if pair[0] != pair[1]]
    assert len(changed) <= 3 and not any("not_predicted" in pair for pair in changed), changed
    similarity = (table["similarity"].fill_null(0).to_numpy() for table in (before, after))
    np.testing.assert_allclose(*similarity, rtol=1e-2, atol=0.05)
    scores, full = (one.read("probing_scores", CHECKPOINT) for one in (store, world.store))
    for name in ("n", "full_match", "by_object_low", "multi_answer", "macro_full_match"):
        assert scores[name].equals(full[name]), name
    assert {tuple(asked) for asked in scores["protocols"].to_pylist()} == {("full_match",)}
    assert scores["typed_p1"].null_count == len(scores) and full["typed_p1"].null_count == 0
    assert (store.path("categorization_report", CHECKPOINT) / "index.html").is_file()
