from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa
import pytest

from assets_tests.report.conftest import HOSTILE, rows, split_row
from assets_tests.report.pages import Page
from assets_tests.roots.test_counts import types
from factroots_dagster.errors import InputError
from factroots_dagster.facts.schema import MLAMA_SPLIT
from factroots_dagster.probing.schema import PROBING_SCORES
from factroots_dagster.report.comparison_page import write_comparison
from factroots_dagster.roots.comparison import checkpoint_comparison, overall_p1
from factroots_dagster.roots.schema import CHANGED_FACTS, CHECKPOINT_COMPARISON, SENSITIVITY


def scores(**values: float) -> pa.Table:
    return rows(
        PROBING_SCORES,
        [
            {"language": x, "relation": relation, "n": 10, "full_match": v}
            for x, v in values.items()
            for relation in ("*", "P1")
        ],
    )


def test_what_moves_from_one_checkpoint_to_the_next() -> None:
    tables = {
        "late": types(
            ("a", "qaa", "shared", True, None),
            ("b", "qaa", "transferred", False, None),
            ("c", "qaa", "shared", True, None),
        ),
        "early": types(("b", "qaa", "not_predicted", False, None), ("a", "qaa", "shared", True, None)),
        "unused": types(("a", "qaa", "independent", True, None)),
    }
    points = {"early": scores(qaa=0.5), "late": scores(qaa=0.75, qab=0.25)}
    table, changed = checkpoint_comparison(tables, points, ["early", "late"])
    assert table.schema.equals(CHECKPOINT_COMPARISON) and changed.schema.equals(CHANGED_FACTS)
    assert [tuple(row.values()) for row in changed.to_pylist()] == [
        ("b", "qaa", "early", "late", "not_predicted", "transferred")
    ]
    found = {(r["checkpoint"], r["language"], r["type"]): r for r in table.to_pylist()}
    assert found["early", "qaa", "shared"]["share"] == 0.5 and found["early", "qaa", "shared"]["order"] == 0
    assert (
        found["late", "qaa", "shared"]["facts"] == 2 and found["late", "qaa", "shared"]["full_match"] == 0.75
    )
    assert found["late", "*", "shared"]["full_match"] == 0.5
    for checkpoint in ("early", "late"):
        shares = [r["share"] for k, r in found.items() if k[:2] == (checkpoint, "*")]
        assert sum(shares) == pytest.approx(1)


def test_a_missing_checkpoint_is_named_and_one_alone_has_no_changes() -> None:
    tables, points = {"one": types(("a", "qaa", "shared", True, None))}, {"one": scores(qaa=1.0)}
    with pytest.raises(InputError, match="checkpoint two"):
        checkpoint_comparison(tables, points, ["one", "two"])
    assert checkpoint_comparison(tables, points, ["one"])[1].num_rows == 0


def test_a_decoder_weighs_by_the_rows_it_was_asked() -> None:
    """A language of which only some relations end in [Y] counts by those, and one with none not at all."""
    asked = [("qaa", "P1", 10, 1.0), ("qaa", "P2", 90, None), ("qab", "P1", 30, 0.0), ("qac", "P2", 50, None)]
    cells = [dict(zip(("language", "relation", "n", "full_match"), cell, strict=True)) for cell in asked]
    whole = [
        {"language": "qaa", "relation": "*", "n": 100, "full_match": 1.0},
        {"language": "qab", "relation": "*", "n": 30, "full_match": 0.0},
        {"language": "qac", "relation": "*", "n": 50, "full_match": None},
    ]
    assert overall_p1(rows(PROBING_SCORES, [*cells, *whole])) == {"qaa": 1.0, "qab": 0.0, "*": 0.25}
    assert overall_p1(rows(PROBING_SCORES, [cells[3], whole[2]])) == {}


BAND = {"0.01": 3, "0.05": 12, "0.2": 70}


@pytest.fixture
def compared(tmp_path: Path) -> Path:
    """The page of three checkpoints, one named to break out of it, and a hostile label."""
    kinds = ("shared", "independent", "transferred", "naming_cue", "shared_tokens", "not_predicted")
    order = ["one", "two", "<script>three"]
    tables, points = {}, {}
    for step, key in enumerate(order):
        cells = [(f"u{i:02}", x, kinds[(i + step * (i % 3)) % 6]) for i in range(40) for x in ("qaa", "qab")]
        tables[key] = types(*((u, x, kind, kind in ("shared", "independent"), None) for u, x, kind in cells))
        points[key] = scores(qaa=0.2 + 0.1 * step, qab=0.1)
    table, changed = checkpoint_comparison(tables, points, order)
    labels = [
        rows(MLAMA_SPLIT, [split_row(f"u{i:02}", x, subject=HOSTILE[i % 5]) for i in range(40)])
        for x in ("qaa", "qab")
    ]
    moved = {key: SENSITIVITY.empty_table() for key in order}
    moved["two"] = rows(
        SENSITIVITY,
        [
            {"language": "*", "axis": "alpha", "setting": s, "type": "shared", "facts": n}
            for s, n in BAND.items()
        ],
    )
    write_comparison(tmp_path, table, changed, labels, {"qaa": "Hubbish"}, moved)
    return tmp_path


def test_the_comparison_is_a_page_with_its_numbers(compared: Path) -> None:
    raw = (compared / "index.html").read_text("utf-8")
    page = Page(raw)
    assert "<script" not in raw
    links = {a["href"] for tag, a in page.tags if tag == "a"}
    assert {link for link in links if link and link.startswith("data/")} == {
        f"data/{file.name}" for file in (compared / "data").iterdir()
    }
    overall = page.tables[0]
    assert [row[0] for row in overall[1:]] == ["one", "two", "<script>three"]
    assert [row[1] for row in overall[1:]] == ["15.0%", "20.0%", "25.0%"]
    assert overall[2][2].endswith(" [3–70]") and "[" not in overall[1][2]
    for row in overall[1:]:
        assert sum(int(cell.split(" ")[0]) for cell in row[2:8]) == int(row[8]) == 80
    with (compared / "data" / "changes_1.csv").open(encoding="utf-8") as file:
        moves = list(csv.DictReader(file))
    with (compared / "data" / "changed_facts_1.csv").open(encoding="utf-8") as file:
        changed = list(csv.DictReader(file))
    assert sum(int(row["facts"]) for row in moves) == len(changed) > 0
    assert any(text.startswith(f"{len(changed)} facts changed their type") for _, text in page.texts)
    shown = "".join(text for tag, text in page.texts if tag == "bdi")
    assert all(label.strip() in shown for label in HOSTILE)


def test_one_checkpoint_is_a_page_too(tmp_path: Path) -> None:
    tables = {"one": types(("a", "qaa", "shared", True, None))}
    table, changed = checkpoint_comparison(tables, {"one": scores(qaa=1.0)}, ["one"])
    write_comparison(tmp_path, table, changed, [], {}, {})
    page = Page((tmp_path / "index.html").read_text("utf-8"))
    assert {a["id"] for tag, a in page.tags if tag == "section"} == {"overall", "languages"}
