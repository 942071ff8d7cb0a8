"""The page that compares checkpoints."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa
import pytest

from assets_tests.report.comparisons import NO_TIMELINE, shares_table, write_small_comparison
from assets_tests.report.pages import read_page
from assets_tests.report.small_world import HOSTILE
from assets_tests.roots.tables import fact_types_table, scores_table
from factroots_dagster.report.comparison_page import write_comparison
from factroots_dagster.report.shares_section import build_shares_section
from factroots_dagster.roots.comparison import compare_checkpoints


@pytest.fixture
def comparison(tmp_path: Path) -> Path:
    write_small_comparison(tmp_path)
    return tmp_path


def test_the_comparison_is_a_page_with_its_numbers(comparison: Path) -> None:
    page = read_page(comparison)
    assert [a for tag, a in page.tags if tag == "script"] == [{}]
    links = {a["href"] for tag, a in page.tags if tag == "a"}
    assert {link for link in links if link and link.startswith("data/")} == {
        f"data/{file.name}" for file in (comparison / "data").iterdir()
    }
    overall = page.tables[0]
    assert [row[0] for row in overall[1:]] == ["one", "two", "<script>three"]
    assert [row[1].split(" ")[0] for row in overall[1:]] == ["15.0%", "20.0%", "25.0%"]
    assert overall[2][1] == "20.0% [12.7, 30.0]"  # Wilson, 16 of 80
    assert overall[2][2].endswith(" [3–70]") and "[" not in overall[1][2]
    for row in overall[1:]:
        assert sum(int(cell.split(" ")[0]) for cell in row[2:8]) == int(row[8]) == 80
    with (comparison / "data" / "changes_1.csv").open(encoding="utf-8") as file:
        changes = list(csv.DictReader(file))
    with (comparison / "data" / "changed_facts_1.csv").open(encoding="utf-8") as file:
        changed = list(csv.DictReader(file))
    assert sum(int(row["facts"]) for row in changes) == len(changed) > 0
    by_language = next(table for table in page.tables if table[0][1:3] == ["gained", "lost"])
    for language, label in (("qaa", "Hubbish · qaa"), ("qab", "qab")):
        own = [row for row in changed if row["language"] == language]
        gained = sum(row["type_from"] == "not_predicted" for row in own)
        lost = sum(row["type_to"] == "not_predicted" for row in own)
        cells = [str(gained), str(lost), f"{gained - lost:+}", str(len(own) - gained - lost)]
        assert [label, *cells] in by_language
    assert by_language[-1][0] == "all languages"
    assert any(text.startswith(f"{len(changed)} facts changed their type") for _, text in page.texts)
    shown = "".join(text for tag, text in page.texts if tag == "bdi")
    assert all(label.strip() in shown for label in HOSTILE)


def test_expected_shares_stand_beside_their_intervals(comparison: Path) -> None:
    """A checkpoint without them is left out."""
    page = read_page(comparison)
    table = next(table for table in page.tables if table[0][-1] == "shared, untrained")
    assert [row[0] for row in table[1:]] == ["one", "<script>three"]
    assert [row[2] for row in table[1:]] == ["20.0% [15.0, 25.0]", "40.0% [35.0, 45.0]"]
    assert all(row[1] == "12" and row[-2:] == ["2", "4.0%"] for row in table[1:])
    said = "20.0% [15.0, 25.0] and 40.0% [35.0, 45.0] of what the first and the last checkpoint know are"
    assert said in page.text
    with (comparison / "data" / "shares_by_checkpoint.csv").open(encoding="utf-8") as file:
        listed = list(csv.DictReader(file))
    assert {(row["checkpoint"], row["language"]) for row in listed} == {
        (key, language) for key in ("one", "<script>three") for language in ("*", "qaa")
    }


def test_shares_go_from_one_to_another_only_within_a_run() -> None:
    shares, keys = {"one": shares_table(0.2), "two": shares_table(0.4)}, ["one", "two"]
    of_a_run = build_shares_section(shares, keys, {"one": 100, "two": 200})
    assert of_a_run is not None and of_a_run.finding == (
        "The expected share of shared facts goes from 20.0% [15.0, 25.0] to 40.0% [35.0, 45.0]"
    )
    of_two_models = build_shares_section(shares, keys, None)
    assert of_two_models is not None and "goes" not in of_two_models.finding


def test_where_nothing_is_known_from_anywhere_there_is_no_section_of_shares() -> None:
    unknown = shares_table(0.2)
    position = unknown.column_names.index("expected")
    unknown = unknown.set_column(
        position, unknown.schema.field(position), pa.nulls(unknown.num_rows, pa.float64())
    )
    assert build_shares_section({}, ["one"], None) is None
    assert build_shares_section({"one": unknown}, ["one"], None) is None
    section = build_shares_section({"one": shares_table(0.2), "two": unknown}, ["one", "two"], None)
    assert section is not None and len(section.tables[0].rows) == 1


def test_a_single_checkpoint_has_a_page_too(tmp_path: Path) -> None:
    types = {"one": fact_types_table(("a", "qaa", "shared", True, None))}
    comparison, changed = compare_checkpoints(types, {"one": scores_table(qaa=1.0)}, ["one"])
    write_comparison(tmp_path, comparison, changed, [], {}, {}, NO_TIMELINE)
    page = read_page(tmp_path)
    assert {a["id"] for tag, a in page.tags if tag == "section"} == {"overall", "languages"}
