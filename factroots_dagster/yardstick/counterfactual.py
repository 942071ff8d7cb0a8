"""What a fact was known from, by the answers of models that were trained without some of its statements.

A cell is a fact in a language that the complete model predicts. It is stable when at least two thirds of the
replicates, trainings that left out other facts only, predict it too. The first rule that applies decides:

- unstable: not stable, but stated here; luck: not stable and not stated here.
- easy: most trainings in which no language states the fact predict it: its name or object gives it away.
- shared: stated here, and most trainings without its statements here still predict it.
- independent: stated here, and they do not.
- transferred: not stated here.

Leave-one-out retraining as the truth about memorization: Feldman and Zhang (NeurIPS 2020).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from factroots_dagster.errors import InputError
from factroots_dagster.tables import zip_columns
from factroots_dagster.yardstick.schema import (
    COUNTERFACTUAL_TRUTH,
    EASY,
    INDEPENDENT,
    LUCK,
    NOT_PREDICTED,
    SHARED,
    TRANSFERRED,
    UNSTABLE,
)

STABLE_SHARE = 2 / 3
"""Share of the replicates that have to predict a stable cell."""


@dataclass
class _Tests:
    """How often retrained models were asked a cell, and what they knew: [asked, known]."""

    replicates: list[int] = field(default_factory=lambda: [0, 0])
    own: list[int] = field(default_factory=lambda: [0, 0])
    bare: list[int] = field(default_factory=lambda: [0, 0])
    by_language: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))

    def add(self, language: str, stated_in: list[str], left_out_in: list[str], known: bool) -> None:
        """Adds the answer of one retrained model."""
        if not left_out_in:
            _count(self.replicates, known)
        elif language in left_out_in and len(left_out_in) < len(stated_in):
            _count(self.own, known)
        if len(left_out_in) == len(stated_in):  # also of a fact that is stated nowhere
            _count(self.bare, known)
        if len(left_out_in) == 1:
            _count(self.by_language[left_out_in[0]], known)

    def causal_type(self, stated: bool, predicted: bool) -> str:
        """The type of the cell by the rules of this module."""
        if not predicted:
            return NOT_PREDICTED
        asked, known = self.replicates
        if known < STABLE_SHARE * asked:
            return UNSTABLE if stated else LUCK
        if _mostly_known(self.bare):
            return EASY
        if not stated:
            return TRANSFERRED
        return SHARED if _mostly_known(self.own) else INDEPENDENT


def _count(tests: list[int], known: bool) -> None:
    tests[0] += 1
    tests[1] += known


def _mostly_known(tests: list[int]) -> bool:
    asked, known = tests
    return 2 * known > asked


def counterfactual_truth(complete: pa.Table, retrained: Iterable[pa.Table]) -> pa.Table:
    """COUNTERFACTUAL_TRUTH of every fact and language, in the order of `complete`.

    complete: RETRAINED_ANSWERS of the block `complete`; retrained: those of the other blocks. Raises
    InputError where a stated, predicted cell was never asked without its statements.
    """
    tests: Mapping[tuple[str, str], _Tests] = defaultdict(_Tests)
    columns = ("uuid", "language", "stated_in", "left_out_in", "full_match")
    for table in retrained:
        for uuid, language, *answer in zip_columns(table, *columns):
            tests[uuid, language].add(language, *answer)
    rows = []
    for row in complete.to_pylist():
        cell = tests[row["uuid"], row["language"]]
        stated = row["language"] in row["stated_in"]
        if row["full_match"] and stated and not (cell.own[0] or cell.bare[0]):
            raise InputError(
                f"no training left out the statements of {row['uuid']} in {row['language']}",
                "materialize every block of retrained_answers",
            )
        needed = [code for code, (asked, known) in cell.by_language.items() if 2 * known <= asked]
        rows.append(
            {
                "uuid": row["uuid"],
                "language": row["language"],
                "relation": row["relation"],
                "causal_type": cell.causal_type(stated, row["full_match"]),
                "stated": stated,
                "replicates": cell.replicates[0],
                "replicates_known": cell.replicates[1],
                "own_tests": cell.own[0],
                "own_known": cell.own[1],
                "bare_tests": cell.bare[0],
                "bare_known": cell.bare[1],
                "needed_languages": sorted(needed) if row["full_match"] else [],
            }
        )
    return pa.Table.from_pylist(rows, schema=COUNTERFACTUAL_TRUTH)
