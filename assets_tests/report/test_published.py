"""The published numbers beside ours."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assets_tests.report.conftest import rows
from assets_tests.report.pages import Page, write
from factroots_dagster.models.schema import CHECKPOINT
from factroots_dagster.report.reference import language_names, paper_results, published_results


def test_published_numbers_stand_beside_ours(tmp_path: Path, world: dict[str, Any], types: pa.Table) -> None:
    names = {"qaa": "en", "qab": "fr", "qac": "sq"}

    def renamed(table: pa.Table) -> pa.Table:
        columns = {c: table[c] for c in table.column_names}
        for column in {"language", "language_a", "language_b"} & columns.keys():
            columns[column] = pa.array([names.get(x, x) for x in table[column].to_pylist()], pa.string())
        return pa.table(columns, schema=table.schema)

    about = world["checkpoint"].to_pylist()[0] | {
        "source": "google-bert/bert-base-multilingual-cased",
        "corpus": "wikipedia",
    }
    changed = {
        k: renamed(world[k]) for k in ("scores", "clusters", "members", "mask_counts", "similarity_pairs")
    }
    for key in ("splits", "sources"):
        changed[key] = {names[x]: renamed(t) for x, t in world[key].items()}
    changed |= {"checkpoint": rows(CHECKPOINT, [about]), "planted": None, "volume": None}
    changed |= {"sensitivity": None, "intervention_summary": None, "layer_profile": None, "facts": None}
    summary = write(tmp_path / "mbert", world, renamed(types), **changed)
    page = Page((tmp_path / "mbert" / "index.html").read_text("utf-8"))
    table = next(t for t in page.tables if t[0][-2:] == ["published P@1", "published partial"])
    assert {row[0]: row[-2:] for row in table[1:]}["en"] == ["19.1%", "22.6%"]
    absence = next(t for t in page.tables if t[0][-1].startswith("published (512"))
    assert {row[0]: row[-1] for row in absence[1:]} == {"en": "6.0%", "fr": "14.0%", "sq": "62.0%"}
    assert summary["published_p_at_1"]["*"]["full_match"] == pytest.approx(0.0885)
    easy = next(t for t in page.tables if t[0] == ["without a source", "here", "published"])
    assert [row[2] for row in easy[1:]] == ["3,783", "3,214", "7,644"]
    beside = next(t for t in page.tables if "transferred: here / published" in t[0][-1])
    french = next(row for row in beside[1:] if row[0] == "fr")
    assert [cell.split(" / ")[1] for cell in french[1:]] == ["239", "78", "302"]
    with (tmp_path / "mbert" / "data" / "published_types.csv").open(encoding="utf-8") as file:
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
    for source, model in (
        ("bert-base-multilingual-cased@main", "mbert"),
        ("FacebookAI/xlm-roberta-large", "xlmr"),
    ):
        found = published_results(source)
        assert found is not None and found.model == model and len(found.p_at_1) == 54
        assert all(0 < row["full_match"] <= row["partial_match"] < 1 for row in found.p_at_1.values())
    for other in ("someone/bert-base-uncased", "someone/bert-base-multilingual-cased", "xlm-roberta-base"):
        assert published_results(other) is None
    assert len(language_names()) == 53 and language_names()["ceb"] == "Cebuano"
