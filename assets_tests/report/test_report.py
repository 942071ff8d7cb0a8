from __future__ import annotations

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assets_tests.report.conftest import HOSTILE, LANGUAGES, rows
from factroots_dagster.neurons.schema import LAYER_PROFILE, NEURON_INTERVENTIONS, SIMILARITY_PAIRS
from factroots_dagster.probing.schema import CHECKPOINT, MASK_COUNTS, VOLUME_RELATIONS
from factroots_dagster.report import pictures as shown
from factroots_dagster.report.html import write_report
from factroots_dagster.report.planted import planted_agreement
from factroots_dagster.report.reference import paper_results, published_results
from factroots_dagster.report.schema import PREDICTED_TYPES, TYPES
from factroots_dagster.report.types import fact_types


class Page(HTMLParser):
    """Tags, attributes and text of a page, as a browser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []  # (innermost open tag, text)
        self.open: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts.append((self.open[-1], data))
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += data


@pytest.fixture(scope="module")
def types(world: dict[str, Any]) -> pa.Table:
    return pa.concat_tables(
        fact_types(
            world["splits"][x],
            world["predictions"][x],
            world["sources"][x],
            world["similarity"],
            world["similarity_pairs"],
        )
        for x in LANGUAGES
    )


def write(folder: Path, world: dict[str, Any], types: pa.Table, **changed: Any) -> dict[str, Any]:
    folder.mkdir()
    planted = planted_agreement(types, world["truth"], world["sources"].values(), resamples=50)
    arguments = {k: v for k, v in world.items() if k not in ("similarity", "predictions", "truth")}
    return write_report(folder, **(arguments | {"types": types, "planted": planted} | changed))


@pytest.fixture(scope="module")
def report(world: dict[str, Any], types: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports") / "one"
    write(folder, world, types, language_names={"qaa": "Hubb<b>ish"})
    return folder


@pytest.fixture(scope="module")
def page(report: Path) -> Page:
    return Page((report / "index.html").read_text("utf-8"))


def test_the_page_needs_nothing_but_itself(report: Path, page: Page) -> None:
    names = [tag for tag, _ in page.tags]
    assert not {"script", "link", "iframe", "object", "form"} & set(names)
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            if name in ("src", "href"):
                assert value and (value.startswith(("data:image/svg+xml;base64,", "#")))
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) == len(list((report / "figures").iterdir())) == 11
    assert all(image["alt"] for image in images)
    anchors = {a["href"][1:] for tag, a in page.tags if tag == "a" and a["href"]}
    assert anchors == {a["id"] for tag, a in page.tags if tag == "section"}


def test_hostile_labels_are_shown_as_text(page: Page, report: Path) -> None:
    shown = "".join(text for tag, text in page.texts if tag == "bdi")
    for label in HOSTILE:
        assert label.strip() in shown
    assert "Hubb<b>ish" in shown and "tiny-<i>1</i>" in shown
    assert not {"i", "b"} & {tag for tag, _ in page.tags}
    raw = (report / "index.html").read_text("utf-8")
    assert "<script" not in raw and "49" not in "".join(re.findall(r"\{\{.{0,20}", raw))
    # Text from the data always stands in a bdi, so that right-to-left letters cannot turn their surroundings.
    assert all(tag in ("bdi", "title") for tag, text in page.texts if "\u202e" in text or "tiny-<i>" in text)


def test_totals_add_up_and_equal_the_tables(page: Page, report: Path, types: pa.Table) -> None:
    summary = json.loads((report / "summary.json").read_text("utf-8"))
    expected = {x: dict.fromkeys(TYPES, 0) for x in (*LANGUAGES, "*")}
    for language, kind in zip(types["language"].to_pylist(), types["type"].to_pylist(), strict=True):
        expected[language][kind] += 1
        expected["*"][kind] += 1
    assert summary["types"] == expected
    assert summary["facts"] == types.num_rows
    assert summary["predicted"] == sum(expected["*"][t] for t in PREDICTED_TYPES)
    header, *body = page.tables[0]
    assert len(body) == 4
    names = {"qaa · Hubb<b>ish": "qaa", "all languages": "*"}
    for row in body:
        counts = [int(cell.replace(",", "")) for cell in row[1:]]
        language = names.get(row[0], row[0])
        assert counts[:5] == [expected[language][t] for t in PREDICTED_TYPES]
        assert counts[5] == sum(counts[:5]) and counts[7] == counts[5] + counts[6]
    assert len(header) == len(body[0])
    with (report / "data" / "types_by_language.csv").open(encoding="utf-8") as file:
        written = {row["language"]: {t: int(row[t]) for t in TYPES} for row in csv.DictReader(file)}
    assert written == expected


def test_numbers_are_those_of_the_scores(page: Page, world: dict[str, Any], report: Path) -> None:
    summary = json.loads((report / "summary.json").read_text("utf-8"))
    scores = {r["language"]: r for r in world["scores"].to_pylist() if r["relation"] == "*"}
    for language, row in scores.items():
        assert summary["p_at_1"][language]["full_match"] == row["full_match"]
    overall = sum(r["full_match"] for r in scores.values()) / 3  # equal numbers of rows
    assert summary["p_at_1"]["overall"] == pytest.approx(overall)
    assert f"Over all rows P@1 is {100 * overall:.1f}%." in {text for _, text in page.texts}
    table = next(t for t in page.tables if "typed P@1" in t[0])
    cells = {row[0].split(" ")[0]: row for row in table[1:]}
    assert cells["qab"][2].startswith(f"{100 * scores['qab']['full_match']:.1f}% [")
    assert summary["planted_agreement"]["accuracy"] == 1.0
    masks = next(t for t in page.tables if t[0] == ["tokens", "facts", "P@1"])
    assert [row[:2] for row in masks[1:]] == [["1", "60"], ["2", "60"], ["3", "60"]]  # 20 in each language
    assert masks[1][2].startswith("60.0% [")


def test_the_same_tables_give_the_same_bytes(report: Path, world: dict[str, Any], types: pa.Table) -> None:
    again = report.parent / "again"
    write(again, world, types, language_names={"qaa": "Hubb<b>ish"})
    first = {p.relative_to(report): p.read_bytes() for p in report.rglob("*") if p.is_file()}
    assert first == {p.relative_to(again): p.read_bytes() for p in again.rglob("*") if p.is_file()}


def test_missing_tables_leave_out_sections_and_nothing_breaks(
    tmp_path: Path, world: dict[str, Any], types: pa.Table
) -> None:
    bare = {
        "volume_relations": VOLUME_RELATIONS.empty_table(),
        "mask_counts": MASK_COUNTS.empty_table(),
        "similarity_pairs": SIMILARITY_PAIRS.empty_table(),
        "interventions": NEURON_INTERVENTIONS.empty_table(),
        "layer_profile": LAYER_PROFILE.empty_table(),
        "volume": None,
        "planted": None,
    }
    summary = write(tmp_path / "bare", world, types, **bare)
    page = Page((tmp_path / "bare" / "index.html").read_text("utf-8"))
    ids = {a["id"] for tag, a in page.tags if tag == "section"}
    assert {"volume", "masks", "neurons", "layers", "interventions", "planted"}.isdisjoint(ids)
    assert {"answer", "probing", "clusters", "absence", "easy", "examples", "limits"} == ids
    assert summary["planted_agreement"] is None
    assert "generated world" not in " ".join(text for _, text in page.texts)


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
    changed |= {"interventions": None, "layer_profile": None}
    summary = write(tmp_path / "mbert", world, renamed(types), **changed)
    page = Page((tmp_path / "mbert" / "index.html").read_text("utf-8"))
    table = next(t for t in page.tables if t[0][-1] == "published P@1")
    assert {row[0]: row[-1] for row in table[1:]}["en"] == "19.1%"
    assert summary["published_p_at_1"]["*"]["full_match"] == pytest.approx(0.0885)
    easy = next(t for t in page.tables if t[0] == ["without a source", "here", "published"])
    assert [row[2] for row in easy[1:]] == ["3,783", "3,214", "7,644"]


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
    assert published_results("someone/bert-base-uncased") is None


def test_every_asset_has_a_small_picture(world: dict[str, Any], types: pa.Table) -> None:
    from factroots_dagster.mlama.languages import MLAMA_LANGUAGES

    score = world["scores"].to_pylist()[0]
    many = rows(world["scores"].schema, [score | {"language": x} for x in MLAMA_LANGUAGES])
    pairs = rows(
        SIMILARITY_PAIRS,
        [
            {"language_a": a, "language_b": b, "facts": 1, "jaccard": 0.1}
            for a in MLAMA_LANGUAGES
            for b in MLAMA_LANGUAGES
            if a < b
        ],
    )
    counts = pa.table({"language": list(MLAMA_LANGUAGES) * 3, "uuid": ["u"] * 159})
    pictures = [
        shown.scores_picture(many),
        shown.types_picture(types),
        shown.coverage_picture(counts),
        shown.similarity_picture(pairs),
        shown.similarity_picture(world["clusters"], "corrected", "overlap"),
        shown.similarity_picture(SIMILARITY_PAIRS.empty_table()),
        shown.loss_picture(pa.table({"step": [1, 2], "loss": [8.0, 3.0]})),
    ]
    for picture in pictures:
        assert picture.startswith(b"\x89PNG") and 1_000 < len(picture) <= 100_000
    assert shown.types_picture(types) == pictures[1]
