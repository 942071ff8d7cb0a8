"""The section on when facts were learnt, from small runs counted by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assets_tests.report.pages import read_page
from assets_tests.roots.tables import fact_types_table, scores_table
from assets_tests.roots.timeline.answers import language_answers
from factroots_dagster.report.comparison_page import write_comparison
from factroots_dagster.report.sections.model import Section
from factroots_dagster.report.timeline_section import build_timeline_sections, trace_curve
from factroots_dagster.roots.comparison import compare_checkpoints
from factroots_dagster.roots.timeline.schema import TIMELINE_LANGUAGES
from factroots_dagster.roots.timeline.timeline import Timeline, join_timelines, trace_knowledge

NAMES = {"qaa": "Hubbish"}
HUB = {"a": "xxxx", "b": ".xxx", "c": "..x.", "d": "...."}
OTHER = {"a": "...x", "b": "..xx", "c": "..xx", "d": "...."}


def hub_and_other() -> Timeline:
    """The hub states all facts; the other language learns a and b after it, and c with it."""
    hub, other = (
        language_answers("qaa", HUB, dict.fromkeys(HUB, 3)),
        language_answers("qab", OTHER, {"b": 1}),
    )
    return trace_knowledge("step-400", [hub, other])


def sections(timeline: Timeline) -> list[Section]:
    return list(build_timeline_sections(timeline.facts, timeline.languages, NAMES))


def test_the_curve_counts_what_is_learnt_by_each_step() -> None:
    rows = [tuple(row.values()) for row in trace_curve(hub_and_other().facts).to_pylist()]
    assert [row[:3] for row in rows] == [
        ("*", 100, 1), ("*", 200, 2), ("*", 300, 5), ("*", 400, 6),
        ("qaa", 100, 1), ("qaa", 200, 2), ("qaa", 300, 3), ("qaa", 400, 3),
        ("qab", 100, 0), ("qab", 200, 0), ("qab", 300, 2), ("qab", 400, 3),
    ]  # fmt: skip
    assert [row[3] for row in rows[2:4]] == [5 / 8, 6 / 8]


def test_a_run_is_told_in_words_and_numbers() -> None:
    (section,) = sections(hub_and_other())
    when, lag, *_ = section.text
    assert when == (
        "Some of the 4 checkpoints answer 6 of 8 questions (75.0%), half of these by step 300; in single "
        "languages by step 200 to 300. Lost again at the last checkpoint: 1. "
        "Forgettings, from one checkpoint to the next: 1; in a random order of the checkpoints: 4."
    )
    # a comes 300 steps and b 100 after the hub, c with it; exchanged, qab states b alone and had it first
    assert lag == (
        "Cases in which a language learnt a fact after another that states it: 2, by a median of 200 steps "
        "behind the first; with languages shuffled: 1, by a median of 100 steps."
    )
    table = section.tables[0]
    assert [row[0] for row in table.rows] == ["Hubbish · qaa", "qab", "all languages"]
    by_heading = dict(zip(table.columns, table.rows[1], strict=True))
    assert (by_heading["learnt"], by_heading["behind (shuffled)"]) == ("3", "2 (0)")
    assert by_heading["median lag (shuffled)"] == "200"
    assert set(section.data) == {"learning_1", "timeline_languages_1"}
    # a and b were known first by the hub, which learnt its own facts before any other language
    assert section.tables[1].rows == [
        ["Hubbish · qaa", "0", "–"],
        ["qab", "2", "Hubbish · qaa (2)"],
    ]
    assert section.finding == "Half of the 6 facts that are learnt are known by step 300"


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [
        (30, 60, "That is more than the placebo explains."),
        (5, 60, "That is no more than the placebo: it is no evidence"),
        (-5, 6, "which is none that can be told from 0"),
        (-9, 6, "That is less than the placebo"),
    ],
)
def test_transfer_is_read_beside_the_placebo(low: float, high: float, says: str) -> None:
    timeline = hub_and_other()
    values: dict[str, Any] = {"transfer": (low + high) / 2, "transfer_low": low, "transfer_high": high}
    shuffled = {"transfer_shuffled": 15.0, "transfer_shuffled_low": 8.0, "transfer_shuffled_high": 22.0}
    rows = [row | values | shuffled for row in timeline.languages.to_pylist()]
    languages = pa.Table.from_pylist(rows, schema=TIMELINE_LANGUAGES)
    (section,) = sections(timeline._replace(languages=languages))
    assert says in section.text[2]
    assert [figure.name for figure in section.figures] == ["learning_1", "transfer_1"]


def test_runs_without_an_order_have_no_section() -> None:
    two = trace_knowledge("step-200", [language_answers("qaa", {"a": ".x"}, {"a": 1}, (100, 200))])
    one = trace_knowledge("step-9", [language_answers("qaa", {"a": "x"}, {"a": 1}, (9,))])
    assert sections(two) == sections(one) == sections(join_timelines([])) == []


def test_a_run_that_learns_nothing_or_has_one_language_reads_well() -> None:
    nothing = trace_knowledge("step-400", [language_answers("qaa", {"a": "...."}, {"a": 1})])
    (section,) = sections(nothing)
    assert section.text[0] == "None of the 1 questions is answered at any of the 4 checkpoints."
    assert section.text[1].startswith("No language learnt") and section.text[2].startswith(
        "There are too few"
    )
    alone = trace_knowledge("step-400", [language_answers("qaa", HUB, dict.fromkeys(HUB, 3))])
    text = " ".join(sections(alone)[0].text[:3])
    assert "shuffled" not in text and "single languages" not in text and "95% interval" in text


def test_the_page_has_the_section_of_every_run(tmp_path: Path) -> None:
    timeline = join_timelines([hub_and_other(), hub_and_other()])
    runs = ["step-400"] * 3 + ["<b>other"] * 3
    languages = timeline.languages.set_column(0, TIMELINE_LANGUAGES.field("run"), pa.array(runs))
    facts = timeline.facts.set_column(
        0, timeline.facts.schema.field("run"), pa.array(runs[:1] * 8 + runs[3:4] * 8)
    )
    types = {"one": fact_types_table(("a", "qaa", "shared", True, None))}
    comparison, changed = compare_checkpoints(types, {"one": scores_table(qaa=1.0)}, ["one"])
    write_comparison(tmp_path, comparison, changed, [], NAMES, {}, (facts, languages))
    page = read_page(tmp_path)
    ids = {a["id"] for tag, a in page.tags if tag == "section"}
    assert ids == {"overall", "languages", "timeline-1", "timeline-2"}
    assert "<b>other" not in (tmp_path / "index.html").read_text("utf-8")
    assert {path.name for path in (tmp_path / "figures").iterdir()} >= {"learning_1.svg", "transfer_2.svg"}
