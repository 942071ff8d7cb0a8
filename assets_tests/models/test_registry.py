"""The checkpoint registry: what is registered, under which key, and what is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from assets_tests.orchestration.automation.lab import checkpoint_folder
from factroots_dagster.errors import InputError
from factroots_dagster.models import registry
from factroots_dagster.settings import Settings


def settings(tmp_path: Path, **more: object) -> Settings:
    return Settings(world="mlama", data_root=tmp_path / "data", **more)


def test_a_hub_id_and_a_folder_are_registered_and_found(tmp_path: Path) -> None:
    here = settings(tmp_path)
    hub = registry.add(here, "google-bert/bert-base-multilingual-cased")
    local = registry.add(here, str(checkpoint_folder(tmp_path / "my model")))
    assert hub.key == "google-bert--bert-base-multilingual-cased" and local.key == "my-model"
    assert list(registry.registered(here)) == [hub.key, local.key]
    assert registry.lookup(here, local.key).source == str((tmp_path / "my model").resolve())


def test_adding_twice_changes_nothing_and_another_source_is_refused(tmp_path: Path) -> None:
    here = settings(tmp_path)
    folder = checkpoint_folder(tmp_path / "a" / "model")
    assert registry.add(here, str(folder)) == registry.add(here, str(folder))
    with pytest.raises(InputError, match="already stands for"):
        registry.add(here, str(checkpoint_folder(tmp_path / "b" / "model")))


def test_a_revision_is_part_of_the_key(tmp_path: Path) -> None:
    here = settings(tmp_path)
    entry = registry.add(here, "owner/model", "0123456789abcdef")
    assert entry.key == "owner--model-0123456789ab" and entry.revision == "0123456789abcdef"


def test_a_folder_of_checkpoints_lists_the_complete_ones(tmp_path: Path) -> None:
    folder = tmp_path / "all"
    checkpoint_folder(folder / "step-2")
    checkpoint_folder(folder / "step-1")
    (checkpoint_folder(folder / "half-copied") / "model.safetensors").unlink()
    checkpoint_folder(folder / ".partial")
    here = settings(tmp_path, checkpoints=folder)
    assert list(registry.registered(here)) == ["step-1", "step-2"]
    assert registry.left_out(here) == {"half-copied": "model.safetensors is missing"}


def test_many_writers_lose_no_entry(tmp_path: Path) -> None:
    """The command line and the sensor write the same file."""
    here = settings(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: registry.add(here, f"owner/model-{number}"), range(40)))
    assert len(registry.registered(here)) == 40


@pytest.mark.parametrize("source", ["", "/no/such/folder", "../x", "a b", "owner/model/deep", "a|b"])
def test_what_is_no_checkpoint_is_refused(tmp_path: Path, source: str) -> None:
    with pytest.raises(InputError):
        registry.add(settings(tmp_path), source)


@pytest.mark.parametrize("text", ["not json", "[]", '{"k": {"nope": 1}}', '{"../k": {"source": "a/b"}}'])
def test_a_broken_registry_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "registry.json"
    path.write_text(text)
    with pytest.raises(InputError):
        registry.registered(settings(tmp_path, checkpoints=path))


def test_an_unknown_key_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="factroots checkpoints add"):
        registry.lookup(settings(tmp_path), "nobody")
