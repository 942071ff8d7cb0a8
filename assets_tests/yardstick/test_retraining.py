"""A retraining is the sandbox's training but for its block, and what was left out is lost."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from factroots_dagster.facts.mlama.split import read_split
from factroots_dagster.models.checkpoint import load
from factroots_dagster.probing.probe import probe
from factroots_dagster.sandbox.alignment import aligned_vectors
from factroots_dagster.sandbox.dials import parse_dials
from factroots_dagster.sandbox.leave_out import plan_block, stating_languages
from factroots_dagster.sandbox.records import World
from factroots_dagster.sandbox.release import write_release
from factroots_dagster.sandbox.training import train, training_config
from factroots_dagster.sandbox.world import generate
from factroots_dagster.yardstick.retraining import answer_without

pytestmark = pytest.mark.slow

DIALS = (
    "languages=2,relations=2,facts_per_relation=15,hidden=64,steps=500,missed_statements=0,"
    "hidden_statements=0"
)


@pytest.fixture(scope="module")
def tiny() -> World:
    return generate(1, parse_dials("demo", DIALS))


@pytest.fixture(scope="module")
def splits(tiny: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.Table]:
    release = tmp_path_factory.mktemp("release")
    write_release(tiny, release)
    return {language: read_split(release, language) for language in tiny.languages}


@pytest.fixture(scope="module")
def complete(tiny: World, splits: dict[str, pa.Table]) -> pa.Table:
    return answer_without(tiny, "complete", splits, seed=tiny.seed)


def test_the_complete_block_is_the_sandboxs_own_training(
    tiny: World, splits: dict[str, pa.Table], complete: pa.Table, tmp_path: Path
) -> None:
    dials = tiny.dials
    train(
        {code: [article.text for article in tiny.articles[code]] for code in tiny.languages},
        tmp_path,
        seed=tiny.seed,
        steps=dials.steps,
        save_at=[dials.steps],
        entities={
            code: [*(article.title for article in tiny.articles[code]), *tiny.redirects[code]]
            for code in tiny.languages
        },
        held_vectors=aligned_vectors(tiny),
        config=training_config(dials),
    )
    model = load(str(tmp_path / f"step-{dials.steps:04d}"), device="cpu")
    answers = iter(complete.to_pylist())
    for language, split in splits.items():
        folder = tmp_path / language
        folder.mkdir()
        for row in probe(model, split, folder).to_pylist():
            answer = next(answers)
            assert (answer["uuid"], answer["language"]) == (row["uuid"], row["language"])
            assert answer["full_match"] == bool(row["full_match"])
    assert sum(complete["full_match"].to_pylist()) > 5


def test_what_was_left_out_is_named_and_mostly_lost(
    tiny: World, splits: dict[str, pa.Table], complete: pa.Table
) -> None:
    name = "everywhere-1"
    block, stating = plan_block(tiny, name), stating_languages(tiny)
    table = answer_without(tiny, name, splits, seed=tiny.seed)
    known = dict(zip(zip(*(complete[c].to_pylist() for c in ("uuid", "language")), strict=True),
                     complete["full_match"].to_pylist(), strict=True))  # fmt: skip
    left_out = []
    for row in table.to_pylist():
        assert row["stated_in"] == stating[row["uuid"]]
        assert set(row["left_out_in"]) == {code for uuid, code in block.cells if uuid == row["uuid"]}
        if row["left_out_in"] and known[row["uuid"], row["language"]]:
            left_out.append(row["full_match"])
    assert left_out and sum(left_out) < len(left_out)


def test_the_same_block_gives_the_same_answers(tiny: World, splits: dict[str, pa.Table]) -> None:
    first, second = (answer_without(tiny, "own-1", splits, seed=7) for _ in range(2))
    assert first.equals(second)
