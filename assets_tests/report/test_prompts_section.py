"""The section on further templates: absent without them, and honest about the placebo."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from assets_tests.report.small_world import LANGUAGES, SmallWorld, report_inputs
from assets_tests.roots.tables import rows
from factroots_dagster.probing.schema import PROMPT_CONSISTENCY
from factroots_dagster.report.sections.prompts import build_section

ROW = {
    "relation": "*", "prompts": 4, "facts": 60, "full_match": 0.25, "full_match_mean": 0.2,
    "full_match_spread": 0.05, "full_match_lowest": 0.1, "full_match_highest": 0.3, "compared": 60,
    "consistency": 0.7, "other_facts": 0.6, "beyond": 0.1, "beyond_low": 0.02, "beyond_high": 0.18,
    "known": 20, "consistency_known": 0.9,
}  # fmt: skip


def test_a_release_with_one_template_per_relation_has_no_such_section(
    world: SmallWorld, types: pa.Table
) -> None:
    assert build_section(report_inputs(world, types)) is None


def test_consistency_stands_beside_that_of_other_facts(world: SmallWorld, types: pa.Table) -> None:
    inputs = report_inputs(world, types)

    def section_of(*changes: dict[str, object]) -> tuple[str, list[list[str]]]:
        made = [{"language": code} | ROW | change for code, change in zip(LANGUAGES, changes, strict=False)]
        tables = {**inputs.tables, "prompt_consistency": rows(PROMPT_CONSISTENCY, made)}
        section = build_section(replace(inputs, tables=tables))
        assert section is not None
        return section.finding, [list(row) for row in section.tables[0].rows]

    text, cells = section_of({}, {"beyond": 0.0, "beyond_low": -0.1, "beyond_high": 0.1})
    assert "in 1 of 2 languages (95%" in text and len(cells) == 2
    shown = ["60", "25.0%", "[10.0, 30.0]", "5.0%", "0.70", "0.60", "+0.100 [+0.020, +0.180]", "0.90"]
    assert shown in [row[1:] for row in cells]
    text, _ = section_of({"beyond_low": -0.01})
    assert text.startswith("Answers depend on the fact beyond the placebo in 0 of 1 languages: what looks")
    nothing = dict.fromkeys(("consistency", "other_facts", "beyond", "beyond_low", "beyond_high"))
    text, cells = section_of(nothing)
    assert text.startswith("There are no rankings") and cells[0][5:8] == ["–", "–", "–"]
