from __future__ import annotations

import base64
import csv
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assets_tests.report.conftest import HOSTILE, LANGUAGES
from assets_tests.report.pages import Page, write
from factroots_dagster.neurons.schema import INTERVENTION_SUMMARY, LAYER_PROFILE, SIMILARITY_PAIRS
from factroots_dagster.probing.schema import MASK_COUNTS, VOLUME_RELATIONS
from factroots_dagster.roots.planted import THREE, WHAT_PLANTED_TRUTH_SHOWS, planted_agreement
from factroots_dagster.roots.schema import PREDICTED_TYPES, TYPES


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
        **{f"transferred_rate{end}": 2 / 3 for end in ENDS},
        "shared_rate": 0.052,
        "shared_rate_low": 0.041,
        "shared_rate_high": 0.063,
    }
    numbers = {f"{name}{end}": v for name in ("accuracy", "balanced_accuracy") for end, v in ENDS.items()}
    one = {f"{name}{end}": None for name in ("accuracy", "balanced_accuracy") for end in ENDS if end}
    both = {"paper": pooled | numbers | {"seeds": [5, 6]}, "ours": pooled | numbers | {"seeds": [5, 6]}}
    alone = {m: row | one | {"seeds": [0]} for m, row in both.items()}
    method = {"statistic": "evidence", "k": None, "easy_rule": "name", "alpha": 0.05, "matcher": "chunk"}
    return {
        "command": "factroots planted-scores",
        "methods": {"paper": method | {"statistic": "jaccard", "k": 20}, "ours": method},
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
    table = next(t for t in page.tables if t[0][:2] == ["method", "seeds"])
    assert [row[0] for row in table[1:]] == ["the paper’s statistic", "ours"]
    assert table[2][1:5] == ["2", f"{2 * agreement['cells']}", *["91.5% [90.0, 93.0]"] * 2]
    assert table[2][5:] == [f"{100 * agreement['recall'][kind]:.1f}%" for kind in THREE]
    control = next(t for t in page.tables if t[0][2:3] == ["called shared"])
    guessed = f"{100 * agreement['luck_rate']:.1f}%"
    assert control[2] == ["ours", "1", "5.2% [4.1, 6.3]", "66.7% [66.7, 66.7]", guessed]
    every = next(t for t in page.tables if t[0][:3] == ["world", "seed", "role"])
    assert len(every) == 1 + 3 * 2 and every[1][5].startswith("70.0%")
    said = " ".join(text for _, text in page.texts)
    assert "Ours: evidence at alpha 0.05" in said and "jaccard of the top 20 neurons" in said
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
