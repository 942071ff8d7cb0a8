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
from factroots_dagster.report.sections import verdicts as verdicts_section
from factroots_dagster.report.sections import volume as volume_section
from factroots_dagster.report.sections.answer import state_answer
from factroots_dagster.report.sections.glance import build_glance, mean_baseline
from factroots_dagster.report.sections.model import Section
from factroots_dagster.report.sections.reading import describe_reading


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
        f"Of the {predicted} facts that the model knows, it is expected to share 40.0% [35.0, 45.0] with "
        "other languages, to have 30.0% [25.0, 35.0] from the language’s own Wikipedia alone and 15.0% "
        "[10.0, 20.0] from other languages only; 3 remain undetermined."
    )
    assert glance.beside.startswith(
        f"The model answers {predicted} of 180 questions in 3 languages correctly."
    )
    assert [number for _, number, _ in glance.numbers][1:] == ["40.0%", "30.0%", "15.0%"]
    assert glance.numbers[0][2] == "commonest answer: 20.0%"


@pytest.mark.parametrize(
    ("undetermined", "said"), [(0, "none remains"), (1, "1 remains"), (2, "2 remain"), (18, "all remain")]
)
def test_the_answer_tells_how_many_facts_are_undetermined(
    world: SmallWorld, undetermined: int, said: str
) -> None:
    shares = [row for row in world.tables["verdict_shares"].to_pylist() if row["language"] == "*"]
    for row in shares:
        row["facts"] = {"undetermined": undetermined, "shared": 18 - undetermined}.get(row["verdict"], 0)
    sentence, _ = state_answer(shares, 180, 3, "text")
    assert sentence.endswith(f"; {said} undetermined.") and sentence.count(". ") == 0


def test_without_facts_that_lack_a_source_the_answer_says_so(world: SmallWorld, types: pa.Table) -> None:
    shares = [row | {"expected": None} for row in world.tables["verdict_shares"].to_pylist()]
    assert state_answer(shares, 180, 1, "text") == [
        "The model answers 18 of 180 questions in 1 language correctly, but too few facts lack a source to "
        "tell what it knows from where."
    ]
    table = pa.Table.from_pylist(shares, world.tables["verdict_shares"].schema)
    section = verdicts_section.build_section(report_inputs(world, types, verdict_shares=table))
    assert section is not None and section.figures == [] and section.tables


def corpora_of(named: list[str] | None, trained_on: str, *searched: str) -> dict[str, pa.Table]:
    """Tables of a checkpoint that was trained on some corpora, where some were searched."""
    return {
        "checkpoint": pa.table({"corpora": [named], "corpus": [trained_on]}),
        "wikipedia_volume": pa.table(
            {"language": ["qaa"], "corpora": [list(searched)], "wikitext_bytes": [1000]}
        ),
    }


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        (corpora_of(None, "wikipedia", "wikipedia"), ""),
        (corpora_of(None, "sandbox", "wikipedia"), ""),
        (
            corpora_of(None, "commoncrawl", "wikipedia"),
            "The model was trained on text from the web, and sources were looked for in Wikipedia: a fact "
            "without a source there may have one elsewhere.",
        ),
        (
            corpora_of(None, "unknown", "fineweb", "wikipedia"),
            "It is not known what the model was trained on, and sources were looked for in fineweb and "
            "Wikipedia: a fact without a source there may have one elsewhere.",
        ),
        (
            corpora_of(None, "wikipedia", "fineweb", "wikipedia"),
            "The model was trained on Wikipedia, and sources were looked for in fineweb and Wikipedia: some "
            "that were found it has not read.",
        ),
        (
            corpora_of(["fineweb"], "unknown", "fineweb", "wikipedia"),
            "Sources count in the corpora that the model is registered as trained on: fineweb.",
        ),
        (
            corpora_of(["fineweb", "hplt"], "unknown", "fineweb"),
            "Sources count in the corpora that the model is registered as trained on: fineweb. It is "
            "also registered as trained on hplt, which could not be searched: a fact without a source there "
            "may have one elsewhere.",
        ),
    ],
)
def test_what_the_model_read_and_what_was_searched_are_compared(
    world: SmallWorld, types: pa.Table, tables: dict[str, pa.Table], said: str
) -> None:
    assert describe_reading(report_inputs(world, types, **tables)) == said


def test_sizes_are_of_the_texts_that_were_searched(world: SmallWorld, types: pa.Table) -> None:
    def section_of(corpus: str) -> Section:
        volume = pa.table({"language": ["qaa"], "corpora": [[corpus]], "wikitext_bytes": [1000]})
        section = volume_section.build_section(report_inputs(world, types, wikipedia_volume=volume))
        assert section is not None
        return section

    assert section_of("wikipedia").title == "Size of the Wikipedias"
    other = section_of("fineweb")
    assert other.title == "Size of the texts" and "fineweb" in other.method[-1]
    said = " ".join([*other.method, *(f"{figure.caption} {figure.alt}" for figure in other.figures)])
    assert "Wikipedia" not in said and "wikitext" not in said


@pytest.mark.parametrize(
    ("trained_on", "corpora", "said"),
    [
        ("commoncrawl", None, True),
        ("wikipedia", None, False),
        ("unknown", None, True),
        ("commoncrawl", ["web"], False),
    ],
)
def test_what_a_model_may_have_read_elsewhere_is_not_called_guessed(
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
    assert not (tmp_path / "none" / "figures" / "expected_shares.svg").exists()
    findings = {section.id: section.finding for section in build_sections(inputs)}
    assert findings["answer"] == "No question is answered, so nothing is known from anywhere"
    assert findings["absence"] == "No fact is predicted, so none lacks a source"


def test_a_decoder_and_a_model_without_verdicts_have_a_lead(world: SmallWorld, types: pa.Table) -> None:
    checkpoint = world.tables["checkpoint"].to_pylist()[0] | {"family": "causal"}
    inputs = report_inputs(
        world, types, checkpoint=rows(CHECKPOINT, [checkpoint]), without=("verdict_shares",)
    )
    glance = build_glance(inputs)
    assert glance.lead.endswith(" of 180 questions in 3 languages correctly.") and not glance.beside
    assert len(glance.numbers) == 4
    assert any("ranks sentences" in " ".join(section.method) for section in build_sections(inputs))


def test_headings_are_findings(world: SmallWorld, types: pa.Table, sensitivity: pa.Table) -> None:
    sections = build_sections(report_inputs(world, types, sensitivity=sensitivity))
    without = {section.id for section in sections if not section.finding}
    assert without <= {"examples", "yardstick"}
    for section in sections:
        assert not section.finding.endswith(".") and len(section.finding) < 140, section.id
        assert not re.search(r"\b(nan|None)\b", section.finding)
