"""The report of the small world: what the page shows, and that it agrees with the tables."""

from __future__ import annotations

import base64
import csv
import dataclasses
import hashlib
import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from assets_tests.formulas import FORMULAS
from assets_tests.report.pages import Page, read_page, write_new_report
from assets_tests.report.small_world import COVERAGE, HOSTILE, LANGUAGES, SmallWorld, report_inputs
from assets_tests.roots.tables import rows, source_row
from factroots_dagster.models.schema import CHECKPOINT
from factroots_dagster.report.asking import describe_facts
from factroots_dagster.report.page import write_figures_and_data, write_report
from factroots_dagster.report.sections.model import Section
from factroots_dagster.report.sections.verdicts import HEADINGS
from factroots_dagster.report.sections.verdicts import HOW_TO_READ_IT as HOW_SHARES_ARE_READ
from factroots_dagster.report.sections.yardstick import HOW_TO_READ_IT, METHODS, WHAT_IT_MEASURES
from factroots_dagster.roots.schema import PREDICTED_TYPES, TYPES
from factroots_dagster.tracing.schema import FACT_SOURCES
from factroots_dagster.yardstick.table import tabulate

NAMES = {"qaa": "Hubb<b>ish"}
LABELS = {"Hubb<b>ish · qaa": "qaa", "all languages": "*"}
"""What stands in the first column to the language."""


@pytest.fixture(scope="module")
def report(
    world: SmallWorld,
    types: pa.Table,
    sensitivity: pa.Table,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    folder = tmp_path_factory.mktemp("reports") / "one"
    write_new_report(folder, report_inputs(world, types, language_names=NAMES, sensitivity=sensitivity))
    return folder


@pytest.fixture(scope="module")
def page(report: Path) -> Page:
    return read_page(report)


def read_csv(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / "data" / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_page_needs_no_other_file_to_be_shown(report: Path, page: Page) -> None:
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
    assert len(images) == len(list((report / "figures").iterdir())) == 15
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
    html = (report / "index.html").read_text("utf-8")
    scripts = re.findall(r"<script>(.*?)</script>", html, re.S)
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    sources = " ".join(f"'sha256-{digest}'" for digest in digests)
    assert f"script-src {sources};" in policy
    types = [a.get("type") for tag, a in page.tags if tag == "script"]
    assert types[-2:] == [None, None] and set(types[:-2]) == {"application/octet-stream"}


def test_every_figure_and_section_names_its_source(page: Page, report: Path) -> None:
    html = (report / "index.html").read_text("utf-8")
    captions = re.findall(r"<figcaption>.*?</figcaption>", html)
    assert len(captions) == 15 and all('href="data/' in caption for caption in captions)
    sources = [text for tag, text in page.texts if text.startswith("From the asset ")]
    assert len(sources) == html.count("<section ") - 3  # all but the explorer, the limits and the lineage
    assert 'href="#lineage-fact_types"' in html and 'id="lineage-fact_types"' in html and "b" * 12 in html


def test_hostile_labels_are_shown_as_text(page: Page, report: Path) -> None:
    shown = "".join(text for tag, text in page.texts if tag == "bdi")
    for label in HOSTILE:
        assert label.strip() in shown
    assert "Hubb<b>ish" in shown and "tiny-<i>1</i>" in shown
    assert not {"i", "b"} & {tag for tag, _ in page.tags}
    html = (report / "index.html").read_text("utf-8")
    assert html.count("<script") == html.count("</script>") == html.count("<script type=") + 2
    assert "49" not in "".join(re.findall(r"\{\{.{0,20}", html))
    # Text from the data always stands in a bdi, so that right-to-left letters cannot turn their surroundings.
    assert all(tag in ("bdi", "title") for tag, text in page.texts if "\u202e" in text or "tiny-<i>" in text)


def _types_table(page: Page) -> list[list[str]]:
    return next(table for table in page.tables if "Asked" in table[0])


def test_totals_add_up_and_equal_the_tables(page: Page, report: Path, types: pa.Table) -> None:
    summary = json.loads((report / "summary.json").read_text("utf-8"))
    expected = {language: dict.fromkeys(TYPES, 0) for language in (*LANGUAGES, "*")}
    for language, type_ in zip(types["language"].to_pylist(), types["type"].to_pylist(), strict=True):
        expected[language][type_] += 1
        expected["*"][type_] += 1
    assert summary["types"] == expected
    assert summary["expected_shares"]["*"]["shared"] == pytest.approx(
        {"expected": 0.4, "low": 0.35, "high": 0.45}
    )
    assert summary["facts"] == types.num_rows
    assert summary["predicted"] == sum(expected["*"][type_] for type_ in PREDICTED_TYPES)
    header, *body = _types_table(page)
    assert len(body) == 4
    for row in body:
        counts = [int(cell.split(" [")[0].replace(",", "")) for cell in row[1:9]]
        language = LABELS.get(row[0], row[0])
        assert counts[:5] == [expected[language][type_] for type_ in PREDICTED_TYPES]
        assert counts[5] == sum(counts[:5]) and counts[7] == counts[5] + counts[6]
    assert len(header) == len(body[0])
    written = {
        row["language"]: {type_: int(row[type_]) for type_ in TYPES}
        for row in read_csv(report, "types_by_language")
    }
    assert written == expected


def test_every_count_has_its_range(page: Page, report: Path, sensitivity: pa.Table) -> None:
    counts: dict[tuple[str, str], list[int]] = {}
    for row in sensitivity.to_pylist():
        counts.setdefault((row["language"], row["type"]), []).append(row["facts"])
    ranges = {key: (min(values), max(values)) for key, values in counts.items()}
    assert any(low < high for low, high in ranges.values())
    for row in _types_table(page)[1:]:
        for type_, cell in zip(PREDICTED_TYPES, row[1:6], strict=True):
            low, high = ranges[LABELS.get(row[0], row[0]), type_]
            count, shown = cell.split(" ", 1)
            assert shown == f"[{low}–{high}]" and low <= int(count) <= high
    for line in read_csv(report, "types_by_language"):
        for type_ in PREDICTED_TYPES:
            assert (int(line[f"{type_}_least"]), int(line[f"{type_}_most"])) == ranges[
                line["language"], type_
            ]
    table = next(table for table in page.tables if table[0][0] == "setting")
    settings = {(row["axis"], row["setting"], row["is_default"]) for row in sensitivity.to_pylist()}
    assert len(table) == 1 + len(settings)
    predicted = sum(int(cell) for cell in table[1][1:])
    assert all(sum(int(cell) for cell in row[1:]) == predicted for row in table[1:])


def test_numbers_are_those_of_the_scores(page: Page, world: SmallWorld, report: Path) -> None:
    summary = json.loads((report / "summary.json").read_text("utf-8"))
    score_rows = world.tables["probing_scores"].to_pylist()
    scores = {row["language"]: row for row in score_rows if row["relation"] == "*"}
    for language, row in scores.items():
        assert summary["p_at_1"][language]["full_match"] == row["full_match"]
    overall = sum(row["full_match"] for row in scores.values()) / 3  # equal numbers of rows
    assert summary["p_at_1"]["overall"] == pytest.approx(overall)
    assert (
        f"The model answers {100 * overall:.1f}% of the questions; the commonest answer would give 20.0%"
        in page.text
    )
    table = next(table for table in page.tables if "typed P@1" in table[0])
    cells = {row[0]: row for row in table[1:]}["qab"]
    assert cells[2] == "0"
    assert cells[3].startswith(f"{100 * scores['qab']['full_match']:.1f}% [")
    for column, by in ((4, "subject"), (5, "object")):
        low, high = (100 * scores["qab"][f"by_{by}_{end}"] for end in ("low", "high"))
        assert cells[column] == f"[{low:.1f}, {high:.1f}]"
    assert summary["planted_agreement"]["accuracy"] == 1.0
    masks = next(table for table in page.tables if table[0] == ["tokens", "facts", "P@1"])
    assert [row[:2] for row in masks[1:]] == [["1", "60"], ["2", "60"], ["3", "60"]]  # 20 in each language
    assert masks[1][2].startswith("60.0% [")


def test_the_same_tables_give_the_same_bytes(
    report: Path, world: SmallWorld, types: pa.Table, sensitivity: pa.Table
) -> None:
    again = report.parent / "again"
    write_new_report(again, report_inputs(world, types, language_names=NAMES, sensitivity=sensitivity))
    first = {path.relative_to(report): path.read_bytes() for path in report.rglob("*") if path.is_file()}
    second = {path.relative_to(again): path.read_bytes() for path in again.rglob("*") if path.is_file()}
    assert first == second


def yardstick_of(scores: dict[str, float], seed: int) -> pa.Table:
    """The AUC of some methods in one world, each with an interval of +- .1."""
    metric = "auc_within_linked"
    rows = [
        {"method": method, "metric": metric, "value": value, "low": value - 0.1, "high": value + 0.1}
        for method, value in scores.items()
    ]
    return tabulate("easy", seed, rows)


def test_the_yardstick_shows_every_method_beside_its_placebo(
    tmp_path: Path, world: SmallWorld, types: pa.Table
) -> None:
    seeds = [yardstick_of({"ours": 0.8, "random_weights": 0.6}, seed) for seed in (100, 101)]
    write_new_report(tmp_path / "seeds", report_inputs(world, types, yardstick=pa.concat_tables(seeds)))
    page = read_page(tmp_path / "seeds")
    table = next(table for table in page.tables if table[0][:2] == ["method", "AUC, names alike"])
    by_method = {row[0]: row[1] for row in table[1:]}
    assert list(by_method) == list(METHODS.values())
    # two seeds of the same value halve the variance within them
    assert by_method["ours"] == "80.0% [72.9, 87.1]"
    assert by_method["ours, on random weights"].startswith("60.0%")
    assert by_method["equal strings"] == "–"
    assert WHAT_IT_MEASURES in page.text and HOW_TO_READ_IT in page.text
    assert (tmp_path / "seeds" / "figures" / "yardstick_easy.svg").is_file()
    written = read_csv(tmp_path / "seeds", "yardstick")
    assert [(row["seed"], row["method"]) for row in written] == [
        ("100", "ours"), ("100", "random_weights"), ("101", "ours"), ("101", "random_weights")
    ]  # fmt: skip


def test_expected_shares_stand_beside_those_of_an_untrained_model(page: Page, report: Path) -> None:
    table = next(table for table in page.tables if table[0][-1] == "shared, untrained")
    assert table[0] == list(HEADINGS)
    assert table[-1][0] == "all languages" and len(table) == 2 + len(LANGUAGES)
    assert (report / "figures" / "expected_shares.svg").is_file()
    assert "expected to share 40.0% [35.0, 45.0] with other languages" in page.text
    assert "a model that was never trained: 4.0%" in page.text
    for row in table[1:]:
        assert row[1] == "18" and row[2] == "40% [35, 45]" and row[-2:] == ["3", "4.0%"]
    written = read_csv(report, "verdict_shares")
    assert len(written) == 6 * (1 + len(LANGUAGES)) and HOW_SHARES_ARE_READ in page.text


def test_the_share_of_a_names_forms_that_is_seen_stands_beside_what_is_transferred(
    page: Page, report: Path, types: pa.Table
) -> None:
    """And a language in which few are seen is named."""
    shown = {language: f"{share:.1%}" if share else "–" for language, share in COVERAGE.items()}
    overview = next(table for table in page.tables if "Transferred" in table[0] and "Asked" in table[0])
    assert overview[0][-1] == "Name forms seen"
    by_language = {LABELS.get(row[0], row[0]): row[-1] for row in overview[1:]}
    assert by_language == shown | {"*": "–"}
    absence = next(table for table in page.tables if "name forms seen" in table[0])
    columns = {name: position for position, name in enumerate(absence[0])}
    for row in absence[1:]:
        language = LABELS.get(row[0], row[0])
        own = [fact["type"] for fact in types.to_pylist() if fact["language"] == language]
        predicted = [type_ for type_ in own if type_ in PREDICTED_TYPES]
        assert row[columns["name forms seen"]] == shown[language]
        assert row[columns["transferred"]] == f"{predicted.count('transferred') / len(predicted):.1%}"
    assert "Below 90.0% transferred is overstated: qab (50.0%)." in page.text
    assert {row["language"] for row in read_csv(report, "name_coverage")} == set(LANGUAGES)


@pytest.mark.parametrize("corpus", ["wikipedia", "commoncrawl"])
def test_what_stands_outside_running_text_is_shown_by_language(
    tmp_path: Path, world: SmallWorld, types: pa.Table, corpus: str
) -> None:
    predicted = types.filter(pc.not_equal(types["type"], "not_predicted"))
    found = predicted.slice(0, 1).to_pylist()[0]
    sources = {
        language: pa.concat_tables(
            [
                table,
                rows(
                    FACT_SOURCES,
                    [
                        source_row(
                            uuid, language, int((uuid, language) == (found["uuid"], found["language"])), name
                        )
                        for uuid in dict.fromkeys(table["uuid"].to_pylist())
                        for name in ("infobox", "by_title")
                    ],
                ),
            ]
        )
        for language, table in world.sources.items()
    }
    checkpoint = world.tables["checkpoint"].to_pylist()[0] | {"corpus": corpus}
    changed = dataclasses.replace(world, sources=sources)
    inputs = report_inputs(changed, types, checkpoint=rows(CHECKPOINT, [checkpoint]))
    write_new_report(tmp_path / "one", inputs)
    page = read_page(tmp_path / "one")
    shown = next(table for table in page.tables if table[0] == ["language", "infobox", "by title"])
    own = predicted.filter(pc.equal(predicted["language"], found["language"])).num_rows
    shares = {row[0]: row[1].partition(" ")[0] for row in shown[1:]}
    assert shares == dict.fromkeys(LANGUAGES, "0.0%") | {found["language"]: f"{1 / own:.1%}"}
    assert ("They count as sources here" in page.text) == (corpus == "commoncrawl")
    assert len(read_csv(tmp_path / "one", "markup_sources")) == 2 * len(LANGUAGES)


def test_consistency_is_shown_as_means_over_a_languages_pairs_beside_its_controls(page: Page) -> None:
    table = next(table for table in page.tables if "RankC" in table[0])
    cells = {LABELS.get(row[0], row[0]): row[1:] for row in table[1:]}
    # RankC .5 (qaa, qab), .3 (qaa, qac), .1 (qab, qac); the last has no fact of the same object.
    assert cells["all pairs"] == ["0.30", "0.30", "0.10", "0.20", "0.08", "0.20"]
    assert cells["qaa"] == ["0.40", "0.30", "0.10", "0.20", "0.08", "0.30"]
    assert cells["qac"] == ["0.20", "0.20", "0.10", "0.20", "0.05", "0.10"]


def test_what_each_rule_for_easy_facts_is_worth_is_shown(page: Page) -> None:
    table = next(table for table in page.tables if "P@1 without the rule" in table[0])
    assert table[1] == [
        "object inside the subject’s name", "40", "30", "60.0%", "25.0%", "35.0% [20.0, 50.0]",
    ]  # fmt: skip
    assert [row[1:] for row in table[2:]] == [["0", "0", "–", "–", "–"]] * 3


def test_missing_tables_leave_out_their_sections_and_nothing_else(
    tmp_path: Path, world: SmallWorld, types: pa.Table
) -> None:
    missing = (
        "wikipedia_volume",
        "name_coverage",
        "volume_relations",
        "mask_counts",
        "verdict_shares",
        "language_consistency",
        "easy_effects",
        "similarity_pairs",
        "neuron_stability",
        "layer_profile",
        "intervention_summary",
        "untrained_twins",
        "untrained_sample",
        "planted_truth",
    )
    empty = {name: world.tables[name].slice(0, 0) for name in missing if name != "planted_truth"}
    for name, inputs in {
        "absent": report_inputs(world, types, without=missing),
        "empty": report_inputs(world, types, without=("planted_truth",), **empty),
    }.items():
        folder = tmp_path / name
        folder.mkdir()
        summary = write_report(folder, inputs)
        page = read_page(folder)
        ids = {a["id"] for tag, a in page.tags if tag == "section"}
        always = {"types", "probing", "clusters", "absence", "easy", "examples"}
        assert ids == always | {"explorer-section", "limits"}
        assert summary["planted_agreement"] is None
        assert "generated world" not in page.text and "made-up world" not in page.text


def test_a_page_about_a_made_up_world_says_so_at_the_top(page: Page) -> None:
    assert 0 < page.text.index("A made-up world") < page.text.index("What the model knows from where")


def test_a_page_about_a_part_of_the_facts_says_which(
    tmp_path: Path, world: SmallWorld, types: pa.Table
) -> None:
    words = describe_facts(["P36", "P103"], 50, 7)
    assert words == "at most 50 of a relation (seed 7), of P36, P103 only"
    assert describe_facts([], 0, 7) is None
    write_report(tmp_path, report_inputs(world, types), asked_facts=words)
    assert f"Facts {words}" in read_page(tmp_path).text


def test_a_model_that_predicts_nothing_has_a_page_without_an_explorer(
    tmp_path: Path, world: SmallWorld, types: pa.Table
) -> None:
    position = types.column_names.index("type")
    nothing = pa.array(["not_predicted"] * types.num_rows)
    unpredicted = types.set_column(position, types.schema.field("type"), nothing)
    summary = write_new_report(tmp_path / "nothing", report_inputs(world, unpredicted))
    page = read_page(tmp_path / "nothing")
    assert summary["predicted"] == 0
    assert [a for tag, a in page.tags if tag == "script"] == [{}]
    policy = next(a["content"] for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy and policy.count("'sha256-") == 1
    assert "explorer-section" not in {a.get("id") for _, a in page.tags}


def test_texts_of_the_data_beside_the_page_are_no_formulas(tmp_path: Path) -> None:
    texts, written = zip(*FORMULAS, strict=True)
    section = Section("names", "Names", text=[], data={"names": pa.table({"name": pa.array(texts)})})
    write_figures_and_data(tmp_path, [section])
    with (tmp_path / "data" / "names.csv").open(encoding="utf-8", newline="") as file:
        assert [row["name"] for row in csv.DictReader(file)] == list(written)
