"""A small page that compares checkpoints."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from assets_tests.report.small_world import HOSTILE
from assets_tests.roots.tables import fact_types_table, rows, scores_table, split_row
from factroots_dagster.facts.schema import MLAMA_SPLIT
from factroots_dagster.report.comparison_page import write_comparison
from factroots_dagster.roots.comparison import compare_checkpoints
from factroots_dagster.roots.schema import KNOWN_FROM, SENSITIVITY, TYPES, VERDICT_SHARES
from factroots_dagster.roots.timeline.schema import KNOWLEDGE_TIMELINE, TIMELINE_LANGUAGES

NO_TIMELINE = (KNOWLEDGE_TIMELINE.empty_table(), TIMELINE_LANGUAGES.empty_table())
SHARED_FACTS = {"0.01": 3, "0.05": 12, "0.2": 70}
"""Number of shared facts of the second checkpoint by alpha."""


def write_small_comparison(folder: Path) -> None:
    """The page of three checkpoints, one with a name that tries to break out of it, and a hostile label."""
    checkpoints = ["one", "two", "<script>three"]
    types, scores = {}, {}
    for step, checkpoint in enumerate(checkpoints):
        facts = [
            (f"u{i:02}", language, TYPES[(i + step * (i % 3)) % 6])
            for i in range(40)
            for language in ("qaa", "qab")
        ]
        types[checkpoint] = fact_types_table(
            *(
                (uuid, language, type_, type_ in ("shared", "independent"), None)
                for uuid, language, type_ in facts
            )
        )
        scores[checkpoint] = scores_table(qaa=0.2 + 0.1 * step, qab=0.1)
    table, changed = compare_checkpoints(types, scores, checkpoints)
    splits = [
        rows(MLAMA_SPLIT, [split_row(f"u{i:02}", language, subject=HOSTILE[i % 5]) for i in range(40)])
        for language in ("qaa", "qab")
    ]
    sensitivity = dict.fromkeys(checkpoints, SENSITIVITY.empty_table())
    sensitivity["two"] = rows(
        SENSITIVITY,
        [
            {"language": "*", "axis": "alpha", "setting": alpha, "type": "shared", "facts": facts}
            for alpha, facts in SHARED_FACTS.items()
        ],
    )
    write_comparison(
        folder,
        table,
        changed,
        splits,
        {"qaa": "Hubbish"},
        sensitivity,
        NO_TIMELINE,
        shares={"one": shares_table(0.2), "<script>three": shares_table(0.4)},
    )


def shares_table(shared: float) -> pa.Table:
    """VERDICT_SHARES of one language and of all, with an interval of .1 around each share."""
    expected = {"shared": shared, "independent": 0.3} | dict.fromkeys(KNOWN_FROM[2:], 0.1)
    found = [
        {"language": language, "verdict": name, "facts": 2, "share": 0.2, "expected": value}
        | {
            "low": value - 0.05,
            "high": value + 0.05,
            "expected_untrained": 0.04 if name == "shared" else None,
        }
        for language in ("*", "qaa")
        for name, value in (*expected.items(), ("undetermined", 0.1))
    ]
    return pa.Table.from_pylist(found, VERDICT_SHARES)
