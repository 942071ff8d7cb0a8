"""A change goes downstream once, as far as it changes anything, and no further."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from assets_tests.models.folders import checkpoint_folder
from assets_tests.orchestration.automation.lab import CHECKPOINTS, LANGUAGES, Lab, Partition
from factroots_dagster.orchestration import versions
from factroots_dagster.orchestration.catalog import CATALOG
from factroots_dagster.orchestration.versions import code_version, row_version
from factroots_dagster.store.versions import MANIFEST

BY_CHECKPOINT_ALONE = {
    "probing_scores",
    "language_clusters",
    "language_consistency",
    "neuron_similarity",
    "neuron_interventions",
    "untrained_twins",
    "fact_types",
    "name_access",
    "fact_verdicts",
    "categorization_report",
}


def changed(lab: Lab, asset: str, partition: str | None) -> list[Partition]:
    """What a new content of one partition makes the automation do."""
    lab.content[asset, partition] = "changed"
    lab.make(asset, partition)
    return lab.settle()


def test_everything_is_made_once_and_in_order(settled_world: tuple[Path, list[Partition]]) -> None:
    made = settled_world[1]
    expected = {
        (name, key)
        for name, row in CATALOG.items()
        if name not in ("checkpoint", "planted_truth", "sandbox_training") and not row.on_demand
        for key in {
            (): [None],
            ("language",): LANGUAGES,
            ("checkpoint",): CHECKPOINTS,
            ("checkpoint", "language"): [f"{c}|{lang}" for c in CHECKPOINTS for lang in LANGUAGES],
        }[row.partitioned_by]
    }
    assert sorted(made, key=str) == sorted(expected, key=str)  # nothing twice
    place = {each: number for number, each in enumerate(made)}
    assert place["fact_types", "step-1"] > place["fact_sources", "uk"]
    assert place["checkpoint_comparison", None] > place["fact_types", "step-2"]


def test_a_new_dump_of_one_language_goes_down_to_every_report(lab: Lab) -> None:
    made = changed(lab, "wikipedia_dump", "el")
    language = ["wikipedia_articles", "entity_mentions", "fact_sources", "wikipedia_volume"]
    reports = ["fact_types", "name_access", "fact_verdicts", "probing_scores", "categorization_report"]
    assert sorted(made, key=str) == sorted(
        [(name, "el") for name in language]
        + [(name, key) for name in reports for key in CHECKPOINTS]
        + [("checkpoint_comparison", None), ("knowledge_timeline", None)],
        key=str,
    )


def test_new_dumps_of_two_languages_make_one_report(lab: Lab) -> None:
    """The report waits for the slower one, however far down the faster one is."""
    for language in ("el", "uk"):
        lab.content["wikipedia_dump", language] = "changed"
        lab.make("wikipedia_dump", language)
    both = {("wikipedia_articles", "el"), ("wikipedia_articles", "uk")}
    assert lab.tick() == both
    with underway(lab, "wikipedia_articles", "uk"):
        lab.make("wikipedia_articles", "el")
        made = lab.settle()
        assert {partition for _, partition in made} == {"el"}
        lab.make("wikipedia_articles", "uk")
    made += lab.settle()
    assert made.count(("categorization_report", "step-1")) == 1
    assert made.count(("checkpoint_comparison", None)) == made.count(("knowledge_timeline", None)) == 1
    assert len(made) == len(set(made))


@contextmanager
def underway(lab: Lab, asset: str, partition: str) -> Iterator[None]:
    """A run of a partition that has started and not come to it yet."""
    job = lab.definitions.resolve_implicit_global_asset_job_def()
    run = lab.instance.create_run_for_job(
        job,
        asset_selection=frozenset({dg.AssetKey(asset)}),
        tags={"dagster/partition": partition},
        status=dg.DagsterRunStatus.STARTED,
    )
    yield
    lab.instance.report_run_canceled(run)


def test_what_comes_out_the_same_ends_the_change(lab: Lab) -> None:
    """A dump of the same articles: the volume counts its bytes, and no mention is looked for again."""
    lab.content["wikipedia_articles", "el"] = "the same text"
    lab.make("wikipedia_articles", "el")
    lab.settle()
    made = changed(lab, "wikipedia_dump", "el")
    names = {name for name, _ in made}
    assert names == {
        "wikipedia_articles",
        "wikipedia_volume",
        "probing_scores",
        "categorization_report",
        "checkpoint_comparison",
    }


def test_a_checkpoint_changed_in_place_is_asked_again_in_every_language(lab: Lab) -> None:
    made = changed(lab, "checkpoint", "step-2")
    cells = {(name, f"step-2|{lang}") for name in ("predictions", "neuron_activations") for lang in LANGUAGES}
    cells |= {("active_neurons", f"step-2|{lang}") for lang in LANGUAGES}
    expected = cells | {(name, "step-2") for name in BY_CHECKPOINT_ALONE}
    expected |= {("checkpoint_comparison", None), ("knowledge_timeline", None)}
    assert set(made) == expected and len(made) == len(expected)


def test_a_new_checkpoint_is_asked_alone(lab: Lab) -> None:
    checkpoint_folder(lab.settings.checkpoints / "step-3")
    lab.register("step-3")
    made = lab.settle()
    assert {partition for _, partition in made if partition} == {
        "step-3",
        *(f"step-3|{language}" for language in LANGUAGES),
    }


def test_a_deleted_checkpoint_is_not_asked_any_more(lab: Lab) -> None:
    for file in (lab.settings.checkpoints / "step-2").iterdir():
        file.unlink()
    made = changed(lab, "mlama_split", "el")
    assert not [partition for _, partition in made if partition and "step-2" in partition]
    assert ("predictions", "step-1|el") in made and ("predictions", "step-1|bn") not in made


@pytest.mark.parametrize(
    ("change", "first"),
    [
        (
            {"precision": "bf16"},
            {
                *("checkpoint", "predictions", "neuron_activations", "neuron_interventions"),
                *("untrained_twins", "name_access"),
            },
        ),
        ({"start_token": "<s>"}, {"checkpoint"}),
        ({"protocols": ("pll",)}, {"predictions"}),
        ({"mask_counts": "object"}, {"predictions"}),
        ({"activations": "bf16"}, {"neuron_activations"}),
        ({"ranked_by": "object"}, {"predictions", "neuron_activations", "untrained_twins"}),
        (
            {"questions": "shipped"},
            {
                *("predictions", "neuron_activations", "neuron_similarity", "neuron_interventions"),
                *("untrained_twins", "name_access", "categorization_report"),
            },
        ),
        ({"wikipedia_lists": False}, {"wikipedia_articles"}),
        ({"wordpiece_checkpoint": "step-1"}, {"entity_mentions"}),
        ({"wikipedia_snapshot": "20230501"}, {"wikipedia_dump"}),
        ({"mlama_source": "elsewhere"}, {"mlama_release"}),
        ({"device": "cpu"}, set()),
        ({"spark_master": "local[1]"}, set()),
        ({"spark_memory": "1g"}, set()),
    ],
)
def test_a_setting_makes_stale_what_reads_it(lab: Lab, change: dict[str, object], first: set[str]) -> None:
    before = {name: code_version(name, lab.settings) for name in CATALOG}
    settings = lab.settings.model_copy(update=change)
    assert {name for name in CATALOG if code_version(name, settings) != before[name]} == first
    lab.use(settings)
    asked = {name for name, _ in lab.tick()}
    waiting = {"neuron_similarity", "neuron_interventions", "untrained_twins", "name_access"}
    # These and the report wait for predictions; checkpoint_sensor asks for checkpoints.
    assert asked == first - waiting - {"checkpoint", "categorization_report"}


@pytest.mark.parametrize(("library", "first"), [("torch", {"checkpoint"}), ("numpy", set())])
def test_another_version_of_a_library_describes_checkpoints_anew(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, library: str, first: set[str]
) -> None:
    """What reads the description follows only where the model answers otherwise."""
    before = {name: code_version(name, lab.settings) for name in CATALOG}
    installed = versions.version
    monkeypatch.setattr(versions, "version", lambda name: "99" if name == library else installed(name))
    assert {name for name in CATALOG if code_version(name, lab.settings) != before[name]} == first


def test_which_device_a_library_was_built_for_changes_nothing(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    code_versions = set()
    for build in ("2.13.0", "2.13.0+cpu", "2.13.0+cu130"):
        monkeypatch.setattr(versions, "version", lambda name, build=build: build)
        code_versions.add(code_version("checkpoint", lab.settings))
    assert len(code_versions) == 1


def test_a_setting_that_is_added_makes_nothing_stale(lab: Lab) -> None:
    row = CATALOG["predictions"]
    assert "mask_counts" in row.settings
    before = replace(row, settings=("precision", "protocols", "ranked_by"))
    assert row_version(before, lab.settings) == row_version(row, lab.settings)


def test_what_failed_is_asked_again_only_after_a_change_and_nothing_waits_for_it(lab: Lab) -> None:
    for language in ("el", "uk"):
        lab.content["wikipedia_dump", language] = "changed"
        lab.make("wikipedia_dump", language)
    assert lab.tick() == {("wikipedia_articles", "el"), ("wikipedia_articles", "uk")}
    lab.make("wikipedia_articles", "uk")  # and that of el fails
    made = lab.settle()
    assert ("wikipedia_articles", "el") not in made and ("categorization_report", "step-1") in made
    assert lab.tick() == set()
    lab.content["wikipedia_dump", "el"] = "corrected"
    lab.make("wikipedia_dump", "el")
    assert ("wikipedia_articles", "el") in lab.tick()


def test_the_memory_outlives_the_daemon(lab: Lab) -> None:
    from dagster import deserialize_value, serialize_value

    lab.content["wikipedia_dump", "el"] = "changed"
    lab.make("wikipedia_dump", "el")
    assert lab.tick() == {("wikipedia_articles", "el")}
    lab.cursor = deserialize_value(serialize_value(lab.cursor))
    lab.use(lab.settings)
    assert ("wikipedia_articles", "el") not in lab.tick()  # it was asked for, and failed


def described(lab: Lab, key: str, content: str, tokenizer: str) -> list[Partition]:
    """What a new description of a checkpoint makes the automation do."""
    lab.content["checkpoint", key], lab.tokenizers[key] = content, tokenizer
    lab.make("checkpoint", key)
    return lab.settle()


def test_a_manifest_that_cannot_be_read_stops_nothing_and_is_made_again(lab: Lab) -> None:
    """Nor does a folder that is no key; what comes out the same ends the change."""
    (lab.platform.store.path("mlama_split", "el") / MANIFEST).write_text("{")
    (lab.platform.store.path("mlama_split") / "a b").mkdir()
    assert lab.settle() == [("mlama_split", "el")]


def test_mentions_are_made_again_for_another_tokenizer_and_not_for_other_weights(lab: Lab) -> None:
    """The setting names a checkpoint; what its key stands for may change."""
    lab.use(lab.settings.model_copy(update={"wordpiece_checkpoint": "step-2"}))
    lab.settle()
    mentions = {("entity_mentions", language) for language in LANGUAGES}
    assert not mentions & set(described(lab, "step-2", "trained further", "one tokenizer"))
    assert not mentions & set(described(lab, "step-1", "another", "its tokenizer"))
    made = described(lab, "step-2", "with another tokenizer", "another tokenizer")
    assert mentions <= set(made) and ("fact_sources", "el") in made
    assert all(made.count(place) == 1 for place in mentions)


def test_mentions_wait_until_the_checkpoint_of_their_wordpieces_is_described(lab: Lab) -> None:
    shutil.rmtree(lab.platform.store.path("checkpoint", "step-2"))
    lab.use(lab.settings.model_copy(update={"wordpiece_checkpoint": "step-2"}))
    assert "entity_mentions" not in {name for name, _ in lab.settle()}
    lab.make("checkpoint", "step-2")
    assert {("entity_mentions", language) for language in LANGUAGES} <= set(lab.settle())
