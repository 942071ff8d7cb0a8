"""The checkpoint registry: what is registered, under which key, and what is rejected."""

from __future__ import annotations

import json
import multiprocessing
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from assets_tests.models.folders import checkpoint_folder
from factroots_dagster.errors import InputError
from factroots_dagster.models import registry
from factroots_dagster.settings import Settings


def make_settings(tmp_path: Path, **overrides: object) -> Settings:
    return Settings(world="mlama", data_root=tmp_path / "data", **overrides)


def test_a_hub_id_and_a_folder_can_be_registered_and_looked_up(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    hub = registry.add(settings, "google-bert/bert-base-multilingual-cased")
    local = registry.add(settings, str(checkpoint_folder(tmp_path / "my model")))
    assert hub.key == "google-bert--bert-base-multilingual-cased" and local.key == "my-model"
    assert list(registry.registered(settings)) == [hub.key, local.key]
    assert registry.lookup(settings, local.key).source == str((tmp_path / "my model").resolve())


def test_adding_twice_changes_nothing_and_another_source_is_rejected(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    folder = checkpoint_folder(tmp_path / "a" / "model")
    entry = registry.add(settings, str(folder))
    before = registry.registry_file(settings).stat()
    assert registry.add(settings, str(folder)) == entry
    assert registry.registry_file(settings).stat().st_mtime_ns == before.st_mtime_ns
    with pytest.raises(InputError, match="already stands for"):
        registry.add(settings, str(checkpoint_folder(tmp_path / "b" / "model")))


def test_the_corpora_of_a_checkpoint_are_kept_until_others_are_named(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    assert registry.add(settings, "owner/model").corpora is None
    for named, kept in ((["web", "books"], ("web", "books")), (None, ("web", "books")), (["web"], ("web",))):
        registry.add(settings, "owner/model", corpora=named)
        assert registry.lookup(settings, "owner--model").corpora == kept


def test_a_corpus_that_the_world_lacks_is_refused() -> None:
    entry = registry.CheckpointSource("m", "owner/m", corpora=("web", "wikipedia"))
    registry.check_corpora(entry, ["wikipedia", "web", "books"])
    registry.check_corpora(registry.CheckpointSource("m", "owner/m"), [])
    with pytest.raises(InputError, match="named web; there are wikipedia, books"):
        registry.check_corpora(entry, ["wikipedia", "books"])
    with pytest.raises(InputError, match="nothing"):
        registry.check_corpora(registry.CheckpointSource("m", "owner/m", corpora=()), ["wikipedia"])


def test_a_revision_is_part_of_the_key(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    entry = registry.add(settings, "owner/model", "0123456789abcdef")
    assert entry.key == "owner--model-0123456789ab" and entry.revision == "0123456789abcdef"


@pytest.mark.parametrize(
    "revisions",
    [
        ["stage1-step1000-tokens5B", "stage1-step10000-tokens42B", "stage1-step101000-tokens424B"],
        ["global_step1000", "global_step10000", "global_step100000"],
        ["step512", "step1000", "step143000"],
    ],
)
def test_every_revision_of_a_training_has_a_key_of_its_own_in_the_order_of_steps(
    tmp_path: Path, revisions: list[str]
) -> None:
    settings = make_settings(tmp_path)
    keys = [registry.add(settings, "owner/model", revision).key for revision in reversed(revisions)]
    assert keys == [f"owner--model-{revision}" for revision in reversed(revisions)]
    assert list(registry.registered(settings)) == keys[::-1]


def test_watched_folders_of_a_training_are_in_the_order_of_their_steps(tmp_path: Path) -> None:
    for step in (500, 1000, 2000, 10000, 20000, 100000):
        checkpoint_folder(tmp_path / "run" / f"step-{step}")
    registered = registry.registered(make_settings(tmp_path, checkpoints=tmp_path / "run"))
    assert list(registered) == [f"step-{step}" for step in (500, 1000, 2000, 10000, 20000, 100000)]


def test_a_key_of_an_earlier_release_stays(tmp_path: Path) -> None:
    """It cut every revision at 12 characters; results are stored under its keys."""
    settings = make_settings(tmp_path)
    path = registry.registry_file(settings)
    path.parent.mkdir(parents=True)
    entry = '{"source": "owner/model", "revision": "step1000-tokens4B"}'
    path.write_text(f'{{"owner--model-step1000-tok": {entry}}}')
    assert registry.add(settings, "owner/model", "step1000-tokens4B").key == "owner--model-step1000-tok"


def test_folders_of_two_trainings_that_have_one_name_get_keys_of_their_own(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    folders = [checkpoint_folder(tmp_path / run / "checkpoint-500") for run in ("one", "two")]
    assert [registry.add(settings, str(folder)).key for folder in folders] == [
        "checkpoint-500",
        "two-checkpoint-500",
    ]
    assert registry.add(settings, str(folders[1])).key == "two-checkpoint-500"


def test_a_checkpoint_can_be_taken_out_again(tmp_path: Path) -> None:
    watched = checkpoint_folder(tmp_path / "watched" / "model").parent
    settings = make_settings(tmp_path, checkpoints=watched)
    registry.add(settings, "owner/model")
    assert registry.remove(settings, "owner--model").source == "owner/model"
    assert list(registry.registered(settings)) == ["model"]
    with pytest.raises(InputError, match="move the folder away"):
        registry.remove(settings, "model")
    with pytest.raises(InputError, match="'nobody' is not registered"):
        registry.remove(settings, "nobody")


def test_a_folder_of_checkpoints_lists_the_complete_ones(tmp_path: Path) -> None:
    folder = tmp_path / "all"
    checkpoint_folder(folder / "step-2")
    checkpoint_folder(folder / "step-1")
    (checkpoint_folder(folder / "half-copied") / "model.safetensors").unlink()
    checkpoint_folder(folder / ".partial")
    settings = make_settings(tmp_path, checkpoints=folder)
    assert list(registry.registered(settings)) == ["step-1", "step-2"]
    assert registry.find_unusable(settings) == {"half-copied": "model.safetensors is missing"}


def test_what_cannot_be_used_is_passed_over_and_named(tmp_path: Path) -> None:
    """Names without a key, two names of one key, a config that no parser follows, a link to itself."""
    folder = tmp_path / "all"
    for name in ("good", "a b", "a-b", "модель", "run..2", "n" * 130, "deep"):
        checkpoint_folder(folder / name)
    (folder / "deep" / "config.json").write_text("[" * 100_000)
    (folder / "loop").symlink_to(folder / "loop")
    settings = make_settings(tmp_path, checkpoints=folder)
    assert list(registry.registered(settings)) == ["a-b", "good"]
    unusable = registry.find_unusable(settings)
    assert unusable.keys() == {"a-b", "модель", "run..2", "n" * 130, "deep"}
    assert unusable["a-b"] == "its checkpoint key would be a-b, as that of a b"
    assert "nested too deeply" in unusable["deep"]
    assert registry.lookup(settings, "good").source == str(folder / "good")


@pytest.mark.parametrize(
    ("key", "entry"),
    [
        ("odd", "owner/model"),
        ("odd", None),
        ("odd", {"revision": "main"}),
        ("odd", {"source": 7}),
        ("odd", {"source": ["owner/model"]}),
        ("odd", {"source": "owner/model", "revision": 3}),
        ("odd", {"source": "owner/model", "corpora": "wikipedia"}),
        ("odd", {"source": "owner/model", "corpora": [1]}),
        ("odd", {"source": "owner/model", "license": "mit"}),
        ("../odd", {"source": "owner/model"}),
    ],
)
def test_an_odd_entry_is_named_kept_and_stops_no_other(tmp_path: Path, key: str, entry: object) -> None:
    settings = make_settings(tmp_path)
    path = registry.registry_file(settings)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({key: entry, "good": {"source": "owner/good", "revision": None}}))
    assert list(registry.registered(settings)) == ["good"]
    assert registry.find_unusable(settings).keys() == {key}
    assert str(path) in registry.find_unusable(settings)[key]
    registry.add(settings, "owner/another")
    assert json.loads(path.read_text())[key] == entry
    assert list(registry.registered(settings)) == ["good", "owner--another"]


def add_many(settings: Settings, writer: int) -> None:
    for number in range(10):
        registry.add(settings, f"owner/model-{writer}-{number}")


def test_processes_that_add_at_once_lose_no_entry(tmp_path: Path) -> None:
    """The command line and the sensor write the same file."""
    settings = make_settings(tmp_path)
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(partial(add_many, settings), range(4)))
    assert len(registry.registered(settings)) == 40


def test_threads_that_add_at_once_lose_no_entry(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(partial(add_many, settings), range(4)))
    assert len(registry.registered(settings)) == 40


def test_a_writer_waits_for_the_one_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second writer reads the file only after the first has written it."""
    settings = make_settings(tmp_path)
    writing, finish = threading.Event(), threading.Event()
    atomic_file = registry.atomic_file

    def slow_atomic_file(path: Path) -> object:
        if not writing.is_set():
            writing.set()
            assert finish.wait(60)
        return atomic_file(path)

    monkeypatch.setattr(registry, "atomic_file", slow_atomic_file)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(registry.add, settings, "owner/first")
        assert writing.wait(60)
        second = pool.submit(registry.add, settings, "owner/second")
        with pytest.raises(TimeoutError):
            second.result(timeout=0.5)
        finish.set()
        first.result(timeout=60)
        second.result(timeout=60)
    assert set(registry.registered(settings)) == {"owner--first", "owner--second"}


@pytest.mark.parametrize("source", ["", "/no/such/folder", "../x", "a b", "owner/model/deep", "a|b"])
def test_what_is_neither_a_folder_nor_a_hub_id_is_rejected(tmp_path: Path, source: str) -> None:
    with pytest.raises(InputError, match="neither an existing folder nor a hub id"):
        registry.add(make_settings(tmp_path), source)


@pytest.mark.parametrize("text", ["not json", "[]", "[" * 100_000])
def test_the_error_about_a_broken_registry_names_its_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "registry.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"registry\.json is not a checkpoint registry"):
        registry.registered(make_settings(tmp_path, checkpoints=path))


def test_the_error_about_an_unknown_key_says_how_to_register_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="factroots checkpoints add"):
        registry.lookup(make_settings(tmp_path), "nobody")
