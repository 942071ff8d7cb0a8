"""`factroots verify` finds what is damaged, `factroots gc` removes what was replaced."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner, Result

from factroots_dagster.cli.doctor import check_store
from factroots_dagster.cli.main import main
from factroots_dagster.facts.schema import MLAMA_SPLIT
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store
from factroots_dagster.store.versions import MANIFEST

SCHEMA = pa.schema([("n", pa.int64())])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path, "sandbox")
    for key in ("de", "en", "fr"):
        with store.write_partition("mlama_split", key, code_version="1") as writer:
            writer.write(MLAMA_SPLIT.empty_table(), MLAMA_SPLIT)
            (writer.folder / "note").write_text(key)
    return store


def factroots(store: Store, *arguments: str) -> Result:
    environment = {"FACTROOTS_DATA_ROOT": str(store.root.parent), "FACTROOTS_WORLD": store.root.name}
    return CliRunner().invoke(main, arguments, env=environment)


def doctor(store: Store) -> tuple[str, str]:
    result = check_store(Settings(world="sandbox", data_root=store.root.parent))
    return result.status, result.message


def test_a_whole_world_is_verified(store: Store) -> None:
    result = factroots(store, "verify")
    assert result.exit_code == 0 and result.output.startswith("3 of 3 partitions are whole")
    assert doctor(store) == ("ok", "3 partitions; factroots verify reads all their files")


def test_what_is_damaged_missing_or_of_another_release_is_named(store: Store) -> None:
    (store.require("mlama_split", "de") / "note").write_text("xx")
    (store.path("mlama_split", "en") / MANIFEST).write_text("{")
    with store.write_partition("mlama_split", "fr", code_version="1") as writer:
        writer.write(pa.table({"n": [1]}, SCHEMA), SCHEMA)
    result = factroots(store, "verify")
    assert result.exit_code == 1
    first, second, third, last = result.output.splitlines()
    assert "mlama_split/de" in first and "note: damaged" in first and "materialize" in first
    assert f"mlama_split/en: its {MANIFEST} is damaged" in second
    assert "mlama_split/fr" in third and "has no column uuid" in third
    assert last.startswith("0 of 3 partitions are whole")
    lines = [json.loads(line) for line in factroots(store, "verify", "--json").output.splitlines()]
    assert [line["partition"] for line in lines] == ["mlama_split/de", "mlama_split/en", "mlama_split/fr"]
    assert all(line["problem"] and line["remedy"] for line in lines)
    status, message = doctor(store)
    assert status == "problem" and "mlama_split/en" in message


def test_an_empty_data_root_is_said_to_be_one(tmp_path: Path) -> None:
    result = factroots(Store(tmp_path, "sandbox"), "verify")
    assert result.exit_code == 1 and "does not exist" in result.output
    assert factroots(Store(tmp_path, "sandbox"), "gc").output == "0.000 GB freed\n"


def test_replaced_versions_are_shown_and_removed(store: Store) -> None:
    replaced = store.require("mlama_split", "de")
    with store.write_partition("mlama_split", "de", code_version="2") as writer:
        (writer.folder / "note").write_text("new")
    assert factroots(store, "gc").output == "0.000 GB freed\n"
    shown = factroots(store, "gc", "--older-than", "0", "--dry-run")
    assert str(replaced) in shown.output and "would be freed" in shown.output and replaced.exists()
    done = factroots(store, "gc", "--older-than", "0")
    assert str(replaced) in done.output and not replaced.exists()
    assert (store.require("mlama_split", "de") / "note").read_text() == "new"
