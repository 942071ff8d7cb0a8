"""The negative control: if no two languages share a token, nothing can be transferred."""

from __future__ import annotations

import dataclasses
import itertools

import dagster as dg
import pandas as pd
import pytest

from assets_tests.project import SEED, make_home
from factroots_dagster.cli.run import stage_runner
from factroots_dagster.models.registry import registered
from factroots_dagster.orchestration.partitions import checkpoint_set
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def predictions(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Planted truth joined with what the control world's last checkpoint predicts."""
    folder = tmp_path_factory.mktemp("disjoint")
    settings = Settings(world="disjoint", data_root=folder / "data", sandbox_seed=SEED)
    languages = settings.active_languages
    with dg.DagsterInstance.local_temp(str(make_home(folder / "home"))) as instance:
        run = stage_runner(settings, instance, print).run
        run("release", ["mlama_release", "planted_truth"])
        run("text", ["mlama_split", "wikipedia_dump", "wikipedia_articles"], languages[0], languages[-1])
        run("training", ["sandbox_training"])
        last = list(registered(settings))[-1]
        instance.add_dynamic_partitions(checkpoint_set(settings.world), [last])
        run("checkpoint", ["checkpoint"], last)
        run("probing", ["predictions"], f"{last}|{languages[0]}", f"{last}|{languages[-1]}")
    store = Store(settings.data_root, "disjoint")
    predicted = pd.concat(
        store.read("predictions", last, language, columns=["uuid", "language", "full_match"]).to_pandas()
        for language in languages
    )
    return store.read("planted_truth").to_pandas().merge(predicted, on=["uuid", "language"], validate="1:1")


@pytest.mark.parametrize("kind", ["transferred", "unlinked", "unknown"])
def test_what_is_not_stated_is_not_known(predictions: pd.DataFrame, kind: str) -> None:
    assert predictions.loc[predictions["kind"] == kind, "full_match"].mean() <= 0.10


@pytest.mark.parametrize("kind", ["shared", "independent"])
def test_what_is_stated_is_known(predictions: pd.DataFrame, kind: str) -> None:
    assert predictions.loc[predictions["kind"] == kind, "full_match"].mean() >= 0.60


def test_no_two_languages_share_a_letter() -> None:
    from factroots_dagster.sandbox.dials import PRESETS
    from factroots_dagster.sandbox.world import generate

    world = generate(SEED, dataclasses.replace(PRESETS["easy"], shared_pieces=False))
    letters = {
        language: {letter for label in labels.values() for letter in label if letter.isalpha()}
        for language, labels in world.labels.items()
    }
    for first, second in itertools.combinations(letters.values(), 2):
        assert first.isdisjoint(second)
