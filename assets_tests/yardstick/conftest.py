"""A study of the tiny checkpoint that lies beside the golden test: three languages, no Spark, seconds."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from assets_tests.orchestration.golden.world import CHECKPOINTS, KEY, LANGUAGES, SEED
from factroots_dagster.facts.mlama.split import read_split
from factroots_dagster.models.checkpoint import load
from factroots_dagster.neurons.probeless import active_neurons
from factroots_dagster.neurons.similarity import compare_languages
from factroots_dagster.probing.probe import probe
from factroots_dagster.roots.types import DEFAULT_MATCHER, categorize_facts
from factroots_dagster.sandbox.dials import PRESETS
from factroots_dagster.sandbox.leave_out import stating_languages
from factroots_dagster.sandbox.records import World
from factroots_dagster.sandbox.release import write_release
from factroots_dagster.sandbox.world import generate
from factroots_dagster.yardstick.study import Study


@pytest.fixture(scope="session")
def golden_world() -> World:
    return generate(SEED, PRESETS["easy"])


@pytest.fixture(scope="session")
def golden_splits(golden_world: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.Table]:
    release = tmp_path_factory.mktemp("release")
    write_release(golden_world, release)
    return {language: read_split(release, language) for language in LANGUAGES}


@pytest.fixture(scope="session")
def study(
    golden_world: World, golden_splits: dict[str, pa.Table], tmp_path_factory: pytest.TempPathFactory
) -> Study:
    """What the graph makes of the checkpoint; a source is found exactly where a fact is stated."""
    model = load(str(CHECKPOINTS / KEY), device="cpu")
    folder: Path = tmp_path_factory.mktemp("activations")
    activations = {language: folder / language for language in LANGUAGES}
    predictions = {}
    for language, split in golden_splits.items():
        activations[language].mkdir()
        predictions[language] = probe(model, split, activations[language])
    active = {language: active_neurons(activations[language]) for language in LANGUAGES}
    nearest = compare_languages(active, activations, golden_splits, seed=SEED).nearest
    stating = stating_languages(golden_world)
    results = [
        categorize_facts(split, predictions[language], _sources(split, stating, language), nearest)
        for language, split in golden_splits.items()
    ]
    return Study(
        world=golden_world,
        model=model,
        splits=golden_splits,
        predictions=predictions,
        activations=activations,
        nearest=nearest,
        types=pa.concat_tables(result.types for result in results),
    )


def _sources(split: pa.Table, stating: dict[str, list[str]], language: str) -> pa.Table:
    uuids = split["uuid"].to_pylist()
    return pa.table(
        {
            "uuid": uuids,
            "language": split["language"],
            "relation": split["relation"],
            "corpus": ["wikipedia"] * len(uuids),
            "matcher": [DEFAULT_MATCHER] * len(uuids),
            "windows": [int(language in stating[uuid]) for uuid in uuids],
            "stated_probability": [float(language in stating[uuid]) for uuid in uuids],
        }
    )
