"""`factroots data` writes what the store holds, in every format."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from assets_tests.formulas import FORMULAS
from assets_tests.orchestration.golden.world import KEY, LANGUAGES
from factroots_dagster.cli.main import main
from factroots_dagster.cli.tables import write_csv
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

World = tuple[Settings, Store]


@pytest.fixture
def data(tiny_world: World, tiny_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Store:
    for name, value in tiny_environment.items():
        monkeypatch.setenv(name, value)
    return tiny_world[1]


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["data", *arguments])


def expected(store: Store) -> pa.Table:
    """Predictions of all cells, with the key of the checkpoint, which their rows do not have."""
    tables = [store.read("predictions", KEY, language) for language in LANGUAGES]
    table = pa.concat_tables(tables)
    return table.add_column(0, "checkpoint", pa.repeat(KEY, len(table)))


def test_parquet_is_the_stored_table_with_its_keys(data: Store, tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    result = invoke("predictions", "--output", str(path))
    assert result.exit_code == 0, result.output
    assert pq.read_table(path).equals(expected(data))
    assert list(tmp_path.glob(".*")) == []


def test_json_lines_hold_the_same_rows(data: Store) -> None:
    result = invoke("predictions", "--format", "jsonl")
    rows = [json.loads(line) for line in result.output.splitlines()]
    assert rows == expected(data).to_pylist()


def test_csv_holds_the_same_rows_with_nested_columns_as_json(data: Store, tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    assert invoke("predictions", "-o", str(path)).exit_code == 0
    frame, table = pd.read_csv(path), expected(data)
    assert list(frame.columns) == table.column_names and len(frame) == len(table)
    assert [json.loads(text) for text in frame["predicted_ids"]] == table["predicted_ids"].to_pylist()
    assert frame["object_logprob"].tolist() == pytest.approx(table["object_logprob"].to_pylist(), nan_ok=True)
    assert frame["uuid"].tolist() == table["uuid"].to_pylist()


def test_texts_of_csv_are_no_formulas_and_numbers_stay_numbers() -> None:
    texts, written = zip(*FORMULAS, strict=True)
    table = pa.table({"text": pa.array(texts), "number": [-1.5] * len(texts)})
    stream = io.BytesIO()
    assert write_csv(iter([table]), stream) == len(texts)
    rows = csv.reader(io.StringIO(stream.getvalue().decode(), newline=""))
    assert list(rows) == [["text", "number"], *([text, "-1.5"] for text in written)]


@pytest.mark.parametrize("table", ["predictions", "fact_verdicts", "fact_verdicts.shares"])
def test_a_language_is_chosen_by_partition_or_by_row(data: Store, table: str) -> None:
    printed = invoke(table, "--language", "qab").output
    frame = pd.read_csv(io.StringIO(printed))
    assert len(frame) and set(frame["language"]) == {"qab"}


def test_without_a_name_all_tables_are_listed(data: Store) -> None:
    lines = invoke().output.splitlines()
    assert any(line.split()[:3] == ["predictions", "3", "partitions"] for line in lines)
    assert any(line.startswith("fact_verdicts.shares") for line in lines)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prediction"], "no table 'prediction'. To fix it, write predictions"),
        (["predictions", "--language", "xx"], "predictions of xx is not there; partitions of predictions: "),
        (["fact_coverage", "--checkpoint", KEY], "does not tell checkpoints apart"),
        (["predictions", "--format", "parquet"], "name a file with --output"),
        (["predictions", "-o", "/nowhere/p.csv"], "/nowhere/p.csv cannot be written"),
        (["predictions", "-o", "/dev/null/p.csv"], "/dev/null/p.csv cannot be written"),
        (["sandbox_training"], "factroots run --until sandbox_training"),
    ],
)
def test_what_cannot_be_written_is_refused_with_advice(
    data: Store, arguments: list[str], message: str
) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 1 and message in result.output


def test_what_is_not_found_names_the_folder_that_was_read(data: Store) -> None:
    assert str(data.root) in invoke("sandbox_training").output
