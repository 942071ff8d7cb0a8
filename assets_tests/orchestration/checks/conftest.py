"""The materialized world with what is otherwise made on demand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assets_tests.project import MaterializedWorld
from assets_tests.yardstick.simulated import simulated_answers
from factroots_dagster.orchestration.assets.step import generated_world
from factroots_dagster.sandbox.blocks import COMPLETE, block_names
from factroots_dagster.store.store import Store
from factroots_dagster.yardstick.counterfactual import counterfactual_truth
from factroots_dagster.yardstick.schema import COUNTERFACTUAL_TRUTH, RETRAINED_ANSWERS


@pytest.fixture(scope="session")
def whole_world(world: MaterializedWorld, tmp_path_factory: pytest.TempPathFactory) -> MaterializedWorld:
    """A store that shows the world's, and holds the answers of simulated models beside it."""
    store = Store(tmp_path_factory.mktemp("whole"), world.settings.world)
    store.root.mkdir()
    for folder in world.store.root.iterdir():
        (store.root / folder.name).symlink_to(folder)
    generated = generated_world(world.settings)
    tables = {name: simulated_answers(generated, name) for name in block_names()}
    for name, table in tables.items():
        with store.write_partition("retrained_answers", name, code_version="1") as writer:
            writer.write(table, RETRAINED_ANSWERS)
    truth = counterfactual_truth(tables.pop(COMPLETE), tables.values())
    with store.write_partition("counterfactual_truth", code_version="1") as writer:
        writer.write(truth, COUNTERFACTUAL_TRUTH)
    return replace(world, store=store)
