from __future__ import annotations

import base64
import csv
import hashlib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assets_tests.report.conftest import HOSTILE, LANGUAGES, rows
from factroots_dagster.neurons.schema import (
    INTERVENTION_SUMMARY,
    LAYER_PROFILE,
    NEAREST_LANGUAGE,
    SIMILARITY_PAIRS,
)
from factroots_dagster.probing.schema import CHECKPOINT, MASK_COUNTS, VOLUME_RELATIONS
from factroots_dagster.report import pictures as shown
from factroots_dagster.report.explorer import FactTables
from factroots_dagster.report.html import write_report
from factroots_dagster.report.lineage import Origin
from factroots_dagster.report.planted import WHAT_PLANTED_TRUTH_SHOWS, planted_agreement
from factroots_dagster.report.reference import language_names, paper_results, published_results
from factroots_dagster.report.schema import PREDICTED_TYPES, TYPES
from factroots_dagster.report.types import Typed, fact_types
from factroots_dagster.report.variants import Sensitivity, Setting, statistics_of


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
        if tag not in ("meta", "img", "input"):
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


LINEAGE = [
    Origin("mlama_split", 3, "a" * 64, ()),
    Origin("fact_types", 1, "b" * 64, ("mlama_split",)),
]


def nearest(similarity: pa.Table) -> pa.Table:
    """NEAREST_LANGUAGE by two statistics: the shared facts are near in all languages, the others in none."""
    found = []
    for uuid in sorted(set(similarity["uuid"].to_pylist())):
        near = next(r["cosine"] for r in similarity.to_pylist() if r["uuid"] == uuid) > 0.5
        for language in LANGUAGES:
            other = LANGUAGES[language == LANGUAGES[0]]
            row = {"uuid": uuid, "language": language, "relation": "P36", "nearest_language": other}
            row |= {"partners": 2, "similarity": 3.0 if near else 0.2, "null_q90": 0.9, "null_q95": 1.0}
            row |= {"pairings": 50, "p_value": 0.01 if near else 0.6, "q_value": 0.02 if near else 0.6}
            found += [
                row | {"statistic": "evidence"},
                row | {"statistic": "jaccard", "k": 50, "p_value": 0.3},
            ]
    return rows(NEAREST_LANGUAGE, found)


@pytest.fixture(scope="session")
def typed(world: dict[str, Any]) -> list[Typed]:
    near = nearest(world["similarity"])
    return [
        fact_types(
            world["splits"][x], world["predictions"][x], world["sources"][x], near, easy_rule="relation"
        )
        for x in LANGUAGES
    ]


@pytest.fixture(scope="module")
def types(typed: list[Typed]) -> pa.Table:
    return pa.concat_tables(one.types for one in typed)


@pytest.fixture(scope="module")
def sensitivity(world: dict[str, Any], typed: list[Typed]) -> pa.Table:
    moved = Sensitivity(
        Setting("chunk", "evidence", None, "relation"), statistics_of(nearest(world["similarity"]))
    )
    for language, one in zip(LANGUAGES, typed, strict=True):
        moved.take(language, one.variants)
    return moved.table()


def write(folder: Path, world: dict[str, Any], types: pa.Table, **changed: Any) -> dict[str, Any]:
    folder.mkdir()
    planted = planted_agreement(types, world["truth"], world["sources"].values(), resamples=50)
    arguments = {k: v for k, v in world.items() if k not in ("similarity", "predictions", "truth")}
    facts = FactTables(
        types=types,
        splits=changed.get("splits", world["splits"]),
        predictions=world["predictions"],
        sources=changed.get("sources", world["sources"]),
        similarity=world["similarity"],
        decode=lambda ids: [f"<script>{run}" for run in ids],
        articles={"qaa": 1234},
        links=True,
    )
    arguments |= {"types": types, "planted": planted, "facts": facts, "lineage": LINEAGE}
    return write_report(folder, **(arguments | changed))


@pytest.fixture(scope="module")
def report(
    world: dict[str, Any],
    types: pa.Table,
    sensitivity: pa.Table,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    folder = tmp_path_factory.mktemp("reports") / "one"
    write(folder, world, types, language_names={"qaa": "Hubb<b>ish"}, sensitivity=sensitivity)
    return folder


@pytest.fixture(scope="module")
def page(report: Path) -> Page:
    return Page((report / "index.html").read_text("utf-8"))


def test_the_page_needs_nothing_but_itself(report: Path, page: Page) -> None:
    names = [tag for tag, _ in page.tags]
    assert not {"link", "iframe", "object", "base"} & set(names)
    links = set()
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            if name in ("src", "href"):
                assert value and (value.startswith(("data:image/svg+xml;base64,", "#", "data/")))
                links.add(value)
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) == len(list((report / "figures").iterdir())) == 13
    assert all(len(image["alt"] or "") > 60 for image in images)
    downloads = {link for link in links if link.startswith("data/")}
    assert {report / link for link in downloads} == set((report / "data").iterdir())
    anchors = {link[1:] for link in links if link.startswith("#")}
    ids = {a["id"] for _, a in page.tags if a.get("id")}
    assert anchors <= ids and {a["id"] for tag, a in page.tags if tag == "section"} <= anchors


def test_the_policy_lets_only_our_script_run(report: Path, page: Page) -> None:
    policy = next(a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy and policy.startswith(
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src "
    )
    raw = (report / "index.html").read_text("utf-8")
    code = raw[raw.rindex("<script>") + 8 : raw.rindex("</script>")]
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy
    kinds = [a.get("type") for tag, a in page.tags if tag == "script"]
    assert kinds[-1] is None and set(kinds[:-1]) == {"application/octet-stream"}


def test_every_figure_and_section_says_where_it_is_from(page: Page, report: Path) -> None:
    raw = (report / "index.html").read_text("utf-8")
    captions = re.findall(r"<figcaption>.*?</figcaption>", raw)
    assert len(captions) == 13 and all('href="data/' in caption for caption in captions)
    sources = [text for tag, text in page.texts if text.startswith("From the asset ")]
    assert len(sources) == raw.count("<section ") - 3  # all but facts, limits and the lineage itself
    assert 'href="#lineage-fact_types"' in raw and 'id="lineage-fact_types"' in raw and "b" * 12 in raw


def test_hostile_labels_are_shown_as_text(page: Page, report: Path) -> None:
    shown = "".join(text for tag, text in page.texts if tag == "bdi")
    for label in HOSTILE:
        assert label.strip() in shown
    assert "Hubb<b>ish" in shown and "tiny-<i>1</i>" in shown
    assert not {"i", "b"} & {tag for tag, _ in page.tags}
    raw = (report / "index.html").read_text("utf-8")
    assert raw.count("<script") == raw.count("</script>") == raw.count("<script type=") + 1
    assert "49" not in "".join(re.findall(r"\{\{.{0,20}", raw))
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
    names = {"Hubb<b>ish · qaa": "qaa", "all languages": "*"}
    for row in body:
        counts = [int(cell.split(" [")[0].replace(",", "")) for cell in row[1:]]
        language = names.get(row[0], row[0])
        assert counts[:5] == [expected[language][t] for t in PREDICTED_TYPES]
        assert counts[5] == sum(counts[:5]) and counts[7] == counts[5] + counts[6]
    assert len(header) == len(body[0])
    with (report / "data" / "types_by_language.csv").open(encoding="utf-8") as file:
        written = {row["language"]: {t: int(row[t]) for t in TYPES} for row in csv.DictReader(file)}
    assert written == expected


def test_every_count_has_its_band(page: Page, report: Path, sensitivity: pa.Table) -> None:
    bands: dict[tuple[str, str], list[int]] = {}
    for row in sensitivity.to_pylist():
        bands.setdefault((row["language"], row["type"]), []).append(row["facts"])
    names = {"Hubb<b>ish · qaa": "qaa", "all languages": "*"}
    wide = 0
    for row in page.tables[0][1:]:
        for kind, cell in zip(PREDICTED_TYPES, row[1:6], strict=True):
            values = bands[names.get(row[0], row[0]), kind]
            count, band = cell.split(" ", 1)
            assert band == f"[{min(values)}–{max(values)}]" and min(values) <= int(count) <= max(values)
            wide += min(values) < max(values)
    assert wide  # the bands are not all points
    with (report / "data" / "types_by_language.csv").open(encoding="utf-8") as file:
        for line in csv.DictReader(file):
            for kind in PREDICTED_TYPES:
                values = bands[line["language"], kind]
                assert (int(line[f"{kind}_least"]), int(line[f"{kind}_most"])) == (min(values), max(values))
    table = next(t for t in page.tables if t[0][0] == "setting")
    settings = {(r["axis"], r["setting"], r["is_default"]) for r in sensitivity.to_pylist()}
    assert len(table) == 1 + len(settings)
    predicted = sum(int(cell) for cell in table[1][1:])
    assert all(sum(int(cell) for cell in row[1:]) == predicted for row in table[1:])


def test_numbers_are_those_of_the_scores(page: Page, world: dict[str, Any], report: Path) -> None:
    summary = json.loads((report / "summary.json").read_text("utf-8"))
    scores = {r["language"]: r for r in world["scores"].to_pylist() if r["relation"] == "*"}
    for language, row in scores.items():
        assert summary["p_at_1"][language]["full_match"] == row["full_match"]
    overall = sum(r["full_match"] for r in scores.values()) / 3  # equal numbers of rows
    assert summary["p_at_1"]["overall"] == pytest.approx(overall)
    assert f"Over all rows P@1 is {100 * overall:.1f}%." in {text for _, text in page.texts}
    table = next(t for t in page.tables if "typed P@1" in t[0])
    cells = {row[0]: row for row in table[1:]}
    assert cells["qab"][2].startswith(f"{100 * scores['qab']['full_match']:.1f}% [")
    for place, by in ((3, "subject"), (4, "object")):
        low, high = (100 * scores["qab"][f"by_{by}_{end}"] for end in ("low", "high"))
        assert cells["qab"][place] == f"[{low:.1f}, {high:.1f}]"
    assert summary["planted_agreement"]["accuracy"] == 1.0
    masks = next(t for t in page.tables if t[0] == ["tokens", "facts", "P@1"])
    assert [row[:2] for row in masks[1:]] == [["1", "60"], ["2", "60"], ["3", "60"]]  # 20 in each language
    assert masks[1][2].startswith("60.0% [")


def test_the_same_tables_give_the_same_bytes(
    report: Path, world: dict[str, Any], types: pa.Table, sensitivity: pa.Table
) -> None:
    again = report.parent / "again"
    write(again, world, types, language_names={"qaa": "Hubb<b>ish"}, sensitivity=sensitivity)
    first = {p.relative_to(report): p.read_bytes() for p in report.rglob("*") if p.is_file()}
    assert first == {p.relative_to(again): p.read_bytes() for p in again.rglob("*") if p.is_file()}


def scores_over_seeds(agreement: dict[str, Any]) -> dict[str, Any]:
    """As `planted_scores.json`: two unseen seeds and a control world, each by both methods."""
    transferred = {"cells": 30, "predicted": 20, "share": 2 / 3, "low": 0.5, "high": 0.8}
    own = agreement | {"transferred_rate": transferred, "tracing": {}}
    unseen = [("sandbox", 5, "unseen"), ("sandbox", 6, "unseen")]
    runs = [
        {"world": world, "seed": seed, "checkpoint": "last", "role": role, "predicted": 100}
        | {"methods": {"paper": own | {"accuracy": 0.7}, "ours": own}}
        for world, seed, role in [*unseen, ("disjoint", 0, "control")]
    ]
    pooled = {
        "cells": 2 * own["cells"],
        "confusion": {kind: {t: 2 * n for t, n in row.items()} for kind, row in own["confusion"].items()},
        "luck_rate": own["luck_rate"],
        "recall": own["recall"],
        "transferred_rate": 2 / 3,
    }
    numbers = {f"{name}{end}": v for name in ("accuracy", "balanced_accuracy") for end, v in ENDS.items()}
    one = {f"{name}{end}": None for name in ("accuracy", "balanced_accuracy") for end in ENDS if end}
    both = {"paper": pooled | numbers | {"seeds": [5, 6]}, "ours": pooled | numbers | {"seeds": [5, 6]}}
    alone = {m: row | one | {"seeds": [0]} for m, row in both.items()}
    return {
        "command": "factroots planted-scores",
        "runs": runs,
        "pooled": {"sandbox": both, "disjoint": alone},
    }


ENDS = {"": 0.915, "_low": 0.9, "_high": 0.93}


def test_agreement_over_seeds_is_told_for_both_methods(
    tmp_path: Path, world: dict[str, Any], types: pa.Table
) -> None:
    agreement = planted_agreement(types, world["truth"], resamples=50)
    shipped = scores_over_seeds(agreement)
    write(tmp_path / "seeds", world, types, planted_scores=shipped, facts=None)
    page = Page((tmp_path / "seeds" / "index.html").read_text("utf-8"))
    table = next(t for t in page.tables if t[0][0] == "world and method")
    rows_by_name = {row[0]: row for row in table[1:]}
    assert list(rows_by_name) == [
        "sandbox, unseen seeds: the paper’s statistic",
        "sandbox, unseen seeds: ours",
        "disjoint world (control): the paper’s statistic",
        "disjoint world (control): ours",
    ]
    ours = rows_by_name["sandbox, unseen seeds: ours"]
    assert ours[1:5] == ["2", f"{2 * agreement['cells']}", *["91.5% [90.0, 93.0]"] * 2]
    assert rows_by_name["disjoint world (control): ours"][4] == "91.5%"  # one seed has no interval
    assert ours[8] == "66.7%"
    every = next(t for t in page.tables if t[0][:3] == ["world", "seed", "role"])
    assert len(every) == 1 + 3 * 2 and every[1][5].startswith("70.0%")
    said = " ".join(text for _, text in page.texts)
    assert WHAT_PLANTED_TRUTH_SHOWS in said and "factroots planted-scores" in said
    assert {"confusion_paper.svg", "confusion_ours.svg", "planted_agreement.svg"} <= {
        file.name for file in (tmp_path / "seeds" / "figures").iterdir()
    }
    with (tmp_path / "seeds" / "data" / "planted_confusion.csv").open(encoding="utf-8") as file:
        counts = {(r["world"], r["method"], r["planted"]): r for r in csv.DictReader(file)}
    for kind, row in agreement["confusion"].items():
        for given, n in row.items():
            assert int(counts["sandbox", "ours", kind][given]) == 2 * n


def test_missing_tables_leave_out_sections_and_nothing_breaks(
    tmp_path: Path, world: dict[str, Any], types: pa.Table
) -> None:
    bare = {
        "volume_relations": VOLUME_RELATIONS.empty_table(),
        "mask_counts": MASK_COUNTS.empty_table(),
        "similarity_pairs": SIMILARITY_PAIRS.empty_table(),
        "intervention_summary": INTERVENTION_SUMMARY.empty_table(),
        "stability": None,
        "facts": None,
        "lineage": (),
        "layer_profile": LAYER_PROFILE.empty_table(),
        "volume": None,
        "planted": None,
    }
    summary = write(tmp_path / "bare", world, types, **bare)
    page = Page((tmp_path / "bare" / "index.html").read_text("utf-8"))
    ids = {a["id"] for tag, a in page.tags if tag == "section"}
    assert not {"script"} & {tag for tag, _ in page.tags}
    policy = next(a["content"] for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy and "script-src 'none';" in policy
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


def test_pictures_are_small_and_the_same_every_time(world: dict[str, Any], types: pa.Table) -> None:
    from factroots_dagster.mlama.languages import MLAMA_LANGUAGES

    score = world["scores"].to_pylist()[0]
    many = rows(world["scores"].schema, [score | {"language": x} for x in MLAMA_LANGUAGES])
    pairs = [
        {"language_a": a, "language_b": b, "facts": 1, "jaccard": 0.1}
        for a in MLAMA_LANGUAGES
        for b in MLAMA_LANGUAGES
        if a < b
    ]
    counts = pa.table({"language": list(MLAMA_LANGUAGES) * 3, "uuid": ["u"] * 159, "rows": [5] * 159})
    active = pa.table({"neurons": [[1, 2, 3], [2, 3], [3]]})
    pages = {"pages": 10, "articles": 8, "redirects": 2, "words": 10**9, "entities": None, "damaged_pages": 0}
    drawn: list[Callable[[], bytes]] = [
        lambda: shown.scores_picture(many),
        lambda: shown.types_picture(types),
        lambda: shown.coverage_picture(counts),
        lambda: shown.release_picture(counts),
        lambda: shown.relations_picture(world["splits"]["qaa"]),
        lambda: shown.relations_picture(world["splits"]["qaa"].slice(0, 0)),
        lambda: shown.predictions_picture(world["predictions"]["qaa"]),
        lambda: shown.sources_picture(world["sources"]["qaa"]),
        lambda: shown.volume_picture(pa.Table.from_pylist([pages])),
        lambda: shown.counts_picture({"pages": 0, "snapshot": "latest"}, "count"),
        lambda: shown.neurons_picture(active),
        lambda: shown.interventions_picture(world["intervention_summary"]),
        lambda: shown.planted_picture(world["truth"]),
        lambda: shown.checkpoint_picture(world["checkpoint"]),
        lambda: shown.similarity_picture(rows(SIMILARITY_PAIRS, pairs)),
        lambda: shown.similarity_picture(world["clusters"], "corrected", "overlap"),
        lambda: shown.similarity_picture(SIMILARITY_PAIRS.empty_table()),
        lambda: shown.loss_picture(pa.table({"step": [1, 2], "loss": [8.0, 3.0]})),
    ]
    for draw in drawn:
        picture = draw()
        assert picture.startswith(b"\x89PNG") and 1_000 < len(picture) <= 100_000
        assert picture == draw()
