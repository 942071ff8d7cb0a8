"""What the page opens with, also where there is little to say."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from assets_tests.report.pages import read_page, write_new_report
from assets_tests.report.small_world import SmallWorld, report_inputs
from assets_tests.roots.tables import rows
from factroots_dagster.models.schema import CHECKPOINT
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections import build_sections
from factroots_dagster.report.sections.glance import build_glance, mean_baseline


def only(table: pa.Table, language: str) -> pa.Table:
    """The rows of a language, and of all."""
    return table.filter(pc.is_in(table["language"], pa.array([language, "*"])))


@pytest.fixture
def one_language(world: SmallWorld, types: pa.Table) -> ReportInputs:
    names = ("probing_scores", "mask_counts", "wikipedia_volume", "name_coverage", "cluster_members")
    tables = {name: only(world.tables[name], "qaa") for name in (*names, "verdict_shares", "easy_effects")}
    empty = {
        name: world.tables[name].slice(0, 0)
        for name in ("language_clusters", "mantel", "language_consistency", "similarity_pairs")
    }
    return report_inputs(world, only(types, "qaa"), **tables, **empty)


def test_the_answer_is_a_sentence_with_numbers_and_intervals(world: SmallWorld, types: pa.Table) -> None:
    glance = build_glance(report_inputs(world, types))
    predicted = 18  # three with each of the six verdicts
    assert glance.lead == (
        f"The model answers {predicted} of 180 questions in 3 languages correctly. It is expected to share "
        "40.0% [35.0, 45.0] of them with other languages, to know 30.0% [25.0, 35.0] from the language’s own "
        "Wikipedia alone, and to have 15.0% [10.0, 20.0] from other languages only. The rest is easy or "
        "luck; no type reaches one half for 3 facts."
    )
    assert [number for _, number, _ in glance.numbers][1:] == ["40.0%", "30.0%", "15.0%"]
    assert glance.numbers[0][2] == "commonest answer: 20.0%"


@pytest.mark.parametrize(
    ("trained_on", "corpora", "said"),
    [
        ("commoncrawl", None, True),
        ("wikipedia", None, False),
        ("unknown", None, False),
        ("commoncrawl", ["web"], False),
    ],
)
def test_what_a_model_of_web_pages_may_have_read_elsewhere_is_said(
    world: SmallWorld, types: pa.Table, trained_on: str, corpora: list[str] | None, said: bool
) -> None:
    row = world.tables["checkpoint"].to_pylist()[0] | {"corpus": trained_on, "corpora": corpora}
    volumes = [volume | {"corpora": corpora} for volume in world.tables["wikipedia_volume"].to_pylist()]
    luck = {"luck": 0.9, "undetermined": None}
    shares = [
        share | {"expected": luck.get(share["verdict"], 0.025)}
        for share in world.tables["verdict_shares"].to_pylist()
    ]
    inputs = report_inputs(
        world,
        types,
        checkpoint=rows(CHECKPOINT, [row]),
        wikipedia_volume=rows(world.tables["wikipedia_volume"].schema, volumes),
        verdict_shares=rows(world.tables["verdict_shares"].schema, shares),
    )
    assert ("only Wikipedia was searched" in build_glance(inputs).lead) == said
    findings = {section.id: section.finding for section in build_sections(inputs)}
    assert findings["answer"].startswith("Most of what it knows was guessed")
    assert (", or read in what was not searched" in findings["answer"]) == said


def test_the_baseline_counts_every_question_once(world: SmallWorld, types: pa.Table) -> None:
    scores = world.tables["probing_scores"].to_pylist()
    for row, questions, majority in zip(
        [row for row in scores if row["relation"] == "*"], (100, 300, 0), (0.5, 0.1, 0.9), strict=True
    ):
        row |= {"n": questions, "majority": majority}
    table = rows(world.tables["probing_scores"].schema, scores)
    assert mean_baseline(report_inputs(world, types, probing_scores=table)) == pytest.approx(0.2)


def test_one_language_reads_well(tmp_path: Path, one_language: ReportInputs) -> None:
    write_new_report(tmp_path / "one", one_language)
    text = read_page(tmp_path / "one").text
    assert "questions in 1 language correctly" in text
    assert not re.search(r"\b1 (languages|facts|questions|groups)\b", text.partition("use strict")[0])
    assert {"clusters", "consistency", "neurons"}.isdisjoint({s.id for s in build_sections(one_language)})


def test_where_nothing_is_predicted_the_page_says_so(
    tmp_path: Path, world: SmallWorld, types: pa.Table
) -> None:
    nothing = pa.array(["not_predicted"] * types.num_rows)
    position = types.column_names.index("type")
    unpredicted = types.set_column(position, types.schema.field(position), nothing)
    shares = pa.Table.from_pylist(
        [row | {"facts": 0, "share": None} for row in world.tables["verdict_shares"].to_pylist()],
        world.tables["verdict_shares"].schema,
    )
    inputs = report_inputs(world, unpredicted, verdict_shares=shares)
    write_new_report(tmp_path / "none", inputs)
    text = read_page(tmp_path / "none").text
    assert "answers none of 180 questions in 3 languages correctly" in text
    assert "Most of what it knows" not in text and "about 0" not in text
    findings = {section.id: section.finding for section in build_sections(inputs)}
    assert findings["answer"] == "No question is answered, so nothing is known from anywhere"
    assert findings["absence"] == "No fact is predicted, so none lacks a source"


def test_a_decoder_and_a_model_without_verdicts_have_a_lead(world: SmallWorld, types: pa.Table) -> None:
    checkpoint = world.tables["checkpoint"].to_pylist()[0] | {"family": "causal"}
    inputs = report_inputs(
        world, types, checkpoint=rows(CHECKPOINT, [checkpoint]), without=("verdict_shares",)
    )
    glance = build_glance(inputs)
    assert glance.lead.endswith(" of 180 questions correctly.")
    assert len(glance.numbers) == 4
    assert any("ranks sentences" in " ".join(section.method) for section in build_sections(inputs))


def test_headings_are_findings(world: SmallWorld, types: pa.Table, sensitivity: pa.Table) -> None:
    sections = build_sections(report_inputs(world, types, sensitivity=sensitivity))
    without = {section.id for section in sections if not section.finding}
    assert without <= {"examples", "yardstick"}
    for section in sections:
        assert not section.finding.endswith(".") and len(section.finding) < 140, section.id
        assert not re.search(r"\b(nan|None)\b", section.finding)
