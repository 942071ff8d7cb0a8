"""The job `everything` and the monthly look for dumps, executed against a server on loopback."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg
import pytest

from assets_tests.models.tiny import save_checkpoint, split
from assets_tests.orchestration.automation.site import Site, serving
from factroots_dagster.models import registry
from factroots_dagster.orchestration.build import build_defs
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

LANGUAGES = ("hu", "nl")  # a mixed world: only Hungarian inflects by suffixes that are known
FIRST, SECOND = "20260101", "20260201"
CHECKPOINT = "tiny"


@dataclass
class Made:
    """A world in which the job `everything` was executed, and its site."""

    settings: Settings
    definitions: dg.Definitions
    instance: dg.DagsterInstance
    site: Site
    store: Store
    texts: dict[str, dict[str, str]]


def texts_of(table) -> dict[str, str]:  # type: ignore[no-untyped-def]
    """An article for every second subject, which names its objects."""
    told: dict[str, list[str]] = {}
    for row in table.to_pylist():
        if row["line"] % 2:
            told.setdefault(row["subject"], []).append(f"Of {row['subject']} they say {row['object']}.")
    return {subject.capitalize(): " ".join(lines) for subject, lines in told.items()}


@pytest.fixture(scope="module")
def made(spark: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("everything")
    checkpoint = save_checkpoint(folder / CHECKPOINT)
    splits = {language: split(checkpoint, language) for language in LANGUAGES}
    texts = {language: texts_of(table) for language, table in splits.items()}
    with serving(folder / "site") as site, dg.instance_for_test() as instance:
        for language in LANGUAGES:
            site.snapshot(language, FIRST, texts[language])
        settings = Settings(
            world="mlama",
            data_root=folder / "data",
            languages=LANGUAGES,
            mlama_source=site.release(splits),
            wikipedia_source=site.url,
            wordpiece_checkpoint=CHECKPOINT,
            spark_master="local[2]",
            device="cpu",
        )
        assert registry.add(settings, str(checkpoint)).key == CHECKPOINT
        definitions = build_defs(settings)
        job = definitions.resolve_job_def("everything")
        assert job.execute_in_process(instance=instance).success
        store = Store(settings.data_root, settings.world)
        yield Made(settings, definitions, instance, site, store, texts)


def test_everything_comes_from_the_server_and_goes_to_the_report(made: Made) -> None:
    release = made.store.read("mlama_release").to_pylist()
    assert {row["language"] for row in release} == set(LANGUAGES)
    for language in LANGUAGES:
        dump = made.store.read("wikipedia_dump", language).to_pylist()
        assert [row["snapshot"] for row in dump] == [FIRST]
        articles = made.store.read("wikipedia_articles", language)["title"].to_pylist()
        assert articles == list(made.texts[language])
    folder = made.store.require("categorization_report", CHECKPOINT)
    summary = json.loads((folder / "summary.json").read_text())
    assert set(summary["p_at_1"]) == {*LANGUAGES, "overall"} and summary["predicted"] > 0
    assert made.store.exists("checkpoint_comparison")


def test_mentions_say_which_tokenizer_they_were_made_with(made: Made) -> None:
    tokenizer = made.store.read("checkpoint", CHECKPOINT)["tokenizer_sha256"][0].as_py()
    for language in LANGUAGES:
        upstream = made.store.manifest("entity_mentions", language)["upstream"]
        assert upstream[f"checkpoint/{CHECKPOINT}"] == tokenizer


def test_after_everything_nothing_is_due(made: Made) -> None:
    assert asked(made) == set()


def asked(made: Made) -> set[tuple[str, str | None]]:
    """What the automation would make now."""
    result = dg.evaluate_automation_conditions(made.definitions, made.instance)
    keys = made.definitions.resolve_asset_graph().get_all_asset_keys()
    return {(key.to_user_string(), part) for key in keys for part in result.get_requested_partitions(key)}


def monthly(made: Made) -> tuple[list[dg.RunRequest], str]:
    """A tick of the schedule: what it asks for, or why it asks for nothing."""
    schedule = next(each for each in made.definitions.schedules or () if each.name == "snapshot_schedule")
    # closed here: a context that lives on puts its instance back in Dagster's globals when it is collected
    with dg.build_schedule_context(
        instance=made.instance, repository_def=made.definitions.get_repository_def()
    ) as context:
        tick = schedule.evaluate_tick(context)  # type: ignore[union-attr]
    return list(tick.run_requests or []), tick.skip_message or ""


def test_a_new_snapshot_is_fetched_once(made: Made) -> None:
    assert monthly(made) == ([], "no newer snapshot")
    unfinished = made.site.folder / "huwiki" / "20260301"
    unfinished.mkdir()
    assert monthly(made)[0] == []  # its list is not there yet
    made.site.snapshot("nl", SECOND, made.texts["nl"] | {"Nieuw": "Een nieuw artikel."})
    ((request,), _) = monthly(made)
    assert (request.partition_key, request.run_key) == ("nl", f"mlama:nl:{SECOND}")
    job = made.definitions.resolve_job_def("fetch_dump")
    done = job.execute_in_process(instance=made.instance, partition_key=request.partition_key)
    assert done.success and all(check.passed for check in done.get_asset_check_evaluations())
    (dump,) = made.store.read("wikipedia_dump", "nl").to_pylist()
    assert dump["snapshot"] == SECOND
    folder = made.store.require("wikipedia_dump", "nl") / "_dump"
    assert [path.name for path in folder.iterdir()] == [f"nlwiki-{SECOND}-pages-articles.xml.bz2"]
    assert monthly(made) == ([], "no newer snapshot")
    assert asked(made) == {("wikipedia_articles", "nl")}  # and the rest in its turn


def test_a_server_that_is_gone_is_told_and_asks_for_nothing(made: Made) -> None:
    shutil.rmtree(made.site.folder / "huwiki")
    assert monthly(made) == ([], "no newer snapshot; no answer for hu")
