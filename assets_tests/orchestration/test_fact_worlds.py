"""Worlds of imported facts and of CLDR, from their release to the scores of a tiny model."""

from __future__ import annotations

from pathlib import Path

import pytest

from assets_tests.facts.imports.samples import SAMPLES
from assets_tests.models.tiny import save_checkpoint
from assets_tests.orchestration.bodies import write_scores
from assets_tests.orchestration.runs import materialize
from factroots_dagster.facts.imports.write import import_facts
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store


@pytest.mark.parametrize(
    ("world", "rows", "asked"), [("mine", 1, {("P36", 1), ("P36", 2)}), ("cldr", 6, set())]
)
def test_a_tiny_model_is_asked_the_facts(
    tmp_path: Path, world: str, rows: int, asked: set[tuple[str, int]]
) -> None:
    if world == "mine":
        import_facts("table", SAMPLES["table"](tmp_path / "source"), tmp_path / "data", world)
    save_checkpoint(tmp_path / "checkpoints" / "tiny")
    settings = Settings(
        world=world, data_root=tmp_path / "data", languages=("cy",), sample=2,
        checkpoints=tmp_path / "checkpoints",
    )  # fmt: skip
    write_scores(settings, "tiny", "cy")
    store = Store(settings.data_root, world)
    assert store.read("predictions", "tiny", "cy").num_rows == rows
    assert "cy" in store.read("probing_scores", "tiny")["language"].to_pylist()
    assert store.has_side("prompts", "predictions", "tiny", "cy") == bool(asked)
    if asked:
        answers = store.read_side("prompts", "predictions", "tiny", "cy").to_pylist()
        assert {(row["relation"], row["prompt"]) for row in answers} == asked


@pytest.mark.parametrize("world", ["mine", "cldr"])
def test_the_assets_of_facts_pass_their_checks(tmp_path: Path, world: str) -> None:
    if world == "mine":
        import_facts("klar", SAMPLES["klar"](tmp_path / "source"), tmp_path / "data", world)
    settings = Settings(world=world, data_root=tmp_path / "data", languages=("el",))
    materialize(settings, "mlama_release")
    materialize(settings, "mlama_split", partition="el")
    split = Store(settings.data_root, world).read("mlama_split", "el")
    assert split.num_rows == (3 if world == "mine" else 277 + 257 + 187)
