"""The published numbers beside ours."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from assets_tests.report.pages import read_page, write_new_report
from assets_tests.report.small_world import SmallWorld, report_inputs
from assets_tests.roots.tables import rows
from factroots_dagster.models.schema import CHECKPOINT
from factroots_dagster.report.language_names import language_names
from factroots_dagster.report.reference import paper_results, published_results
from factroots_dagster.settings import MLAMA_LANGUAGES

REAL_CODES = {"qaa": "en", "qab": "fr", "qac": "sq"}


def with_real_codes(table: pa.Table) -> pa.Table:
    columns = {name: table[name] for name in table.column_names}
    for name in {"language", "language_a", "language_b"} & columns.keys():
        codes = [REAL_CODES.get(code, code) for code in table[name].to_pylist()]
        columns[name] = pa.array(codes, pa.string())
    return pa.table(columns, schema=table.schema)


def as_mbert(world: SmallWorld) -> SmallWorld:
    """The world as if it were about three real languages and multilingual BERT."""
    checkpoint = world.tables["checkpoint"].to_pylist()[0] | {
        "source": "google-bert/bert-base-multilingual-cased",
        "corpus": "wikipedia",
    }
    tables = {name: with_real_codes(table) for name, table in world.tables.items()}
    return replace(
        world,
        splits={REAL_CODES[code]: with_real_codes(table) for code, table in world.splits.items()},
        predictions={REAL_CODES[code]: with_real_codes(table) for code, table in world.predictions.items()},
        sources={REAL_CODES[code]: with_real_codes(table) for code, table in world.sources.items()},
        similarity=with_real_codes(world.similarity),
        tables=tables | {"checkpoint": rows(CHECKPOINT, [checkpoint])},
    )


def test_published_numbers_stand_beside_ours(tmp_path: Path, world: SmallWorld, types: pa.Table) -> None:
    folder = tmp_path / "mbert"
    inputs = report_inputs(as_mbert(world), with_real_codes(types), without=("planted_truth",))
    summary = write_new_report(folder, inputs)
    page = read_page(folder)
    scores = next(table for table in page.tables if table[0][-1] == "published partial")
    assert {row[0]: row[-2:] for row in scores[1:]}["en"] == ["19.1%", "22.6%"]
    absence = next(table for table in page.tables if table[0][-1].startswith("published (512"))
    assert {row[0]: row[-1] for row in absence[1:]} == {"en": "6.0%", "fr": "14.0%", "sq": "62.0%"}
    assert summary["published_p_at_1"]["*"]["full_match"] == pytest.approx(0.0885)
    easy = next(table for table in page.tables if table[0] == ["without a source", "here", "published"])
    assert [row[2] for row in easy[1:]] == ["3,783", "3,214", "7,644"]
    by_language = next(table for table in page.tables if table[0][-1] == "transferred: here / published")
    french = next(row for row in by_language[1:] if row[0] == "fr")
    assert [cell.split(" / ")[1] for cell in french[1:]] == ["239", "78", "302"]
    with (folder / "data" / "published_types.csv").open(encoding="utf-8") as file:
        written = {row["language"]: row for row in csv.DictReader(file)}
    assert written["fr"]["transferred_published"] == "302"
    assert int(written["fr"]["transferred_here"]) == summary["types"]["fr"]["transferred"]


def test_the_published_record_is_consistent() -> None:
    record = paper_results()
    totals = record["absent_fact_types_mbert"]["totals"]
    assert sum(totals.values()) == record["source_absence_mbert"]["absent_total"]
    by_language = record["absent_fact_types_mbert"]["by_language"].values()
    for key, total in totals.items():
        assert abs(sum(row[key] for row in by_language) - total) <= 1


def test_results_are_published_for_the_two_models_of_the_paper_only() -> None:
    for source, model in (
        ("bert-base-multilingual-cased@main", "mbert"),
        ("FacebookAI/xlm-roberta-large", "xlmr"),
    ):
        published = published_results(source)
        assert published is not None and len(published.p_at_1) == 54
        assert bool(published.correlations) == (model == "mbert")
        assert all(0 < row["full_match"] <= row["partial_match"] < 1 for row in published.p_at_1.values())
    for other in ("someone/bert-base-uncased", "someone/bert-base-multilingual-cased", "xlm-roberta-base"):
        assert published_results(other) is None


def test_every_mlama_language_has_a_name() -> None:
    names = language_names()
    assert names.keys() >= set(MLAMA_LANGUAGES) and names["ceb"] == "Cebuano"
