"""What a fact is known from, with probabilities: a verdict where one type is more probable than all others.

For a predicted fact with s = P(the language's text states it), by its source, or without one by how often
sources are missed (`missed`), and t = P(it would be known without its own source, see `transfer`):

- shared: s t, independent: s (1 - t);
- easy: 1 - s where its name or a cue gives the object away (`easy`), and then nothing of the next two;
- transferred: (1 - s) t, if another language has a source and knows it, and luck: the rest. A fact that is
  not stated here and would not be known in another training either was guessed.

The untrained twin's t stands beside it: what it also reaches is not read from the model.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from factroots_dagster.roots.missed import SEEN, UNSEEN, Coverage, expect_missed, sees_most
from factroots_dagster.roots.schema import FACT_VERDICTS, KNOWN_FROM
from factroots_dagster.roots.transfer import Cells, Transfer
from factroots_dagster.tables import zip_columns

LEVEL = 0.5
"""Probability that a verdict needs at least."""
UNDETERMINED = "undetermined"
TOO_FEW = "Too few facts without a source, or too few of them known, to tell what would be known without one."
UNSEEN_FORMS = (
    "No source was found, but too few forms of names are known in this language to find most of them."
)
UNCLEAR = "No type reaches a probability of one half."

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class PredictedFacts(NamedTuple):
    """The predicted facts of FACT_TYPES that are among some cells, arrays over them.

    uuids, languages, relations: of each. sourced: P(its source states it), 0 without a source. windows: in
    which it was found. easy: whether its name or a cue gives the object away. cells: their rows among the
    cells. codes: the distinct languages, sorted. language_numbers: of each fact's among these. coverage: beta
    parameters of each of these, [languages, 2].
    """

    uuids: list[str]
    languages: list[str]
    relations: list[str]
    sourced: Floats
    windows: npt.NDArray[np.int64]
    easy: Mask
    cells: npt.NDArray[np.int64]
    codes: npt.NDArray[np.str_]
    language_numbers: npt.NDArray[np.int64]
    coverage: Floats

    def stated(self, sourced: Floats, coverage: Floats, ratio_to_found: float = 0.0) -> Floats:
        """P(stated) of every fact, also of those without a source.

        coverage: of each language. ratio_to_found: see `expect_missed`.
        """
        missed = expect_missed(sourced, self.windows, self.language_numbers, coverage, ratio_to_found)
        return np.where(self.windows > 0, sourced, missed[self.language_numbers])

    def expected_coverage(self) -> Floats:
        """The mean coverage of each language."""
        means: Floats = self.coverage[:, 0] / self.coverage.sum(axis=1)
        return means


def find_predicted(types: pa.Table, cells: Cells, coverage: Coverage) -> PredictedFacts:
    """The predicted facts of FACT_TYPES. coverage: see `missed.read_coverage`.

    A source whose probability was not estimated counts as a statement.
    """
    number_of = {key: number for number, key in enumerate(cells.keys)}
    columns = ("uuid", "language", "relation", "type", "source_present", "windows")
    rows = [
        (uuid, language, relation, windows if source else 0, 1.0 if stated is None else stated,
         easy is not None, number_of[uuid, language])
        for uuid, language, relation, type_, source, windows, stated, easy in zip_columns(
            types, *columns, "stated_probability", "easy"
        )
        if type_ != "not_predicted" and (uuid, language) in number_of
    ]  # fmt: skip
    uuids, languages, relations, windows, stated, easy, numbers = map(
        list, zip(*rows, strict=True) if rows else [()] * 7
    )
    codes, language_numbers = np.unique(np.array(languages, str), return_inverse=True)
    found = np.array(windows, np.int64)
    return PredictedFacts(
        uuids, languages, relations, np.where(found > 0, np.array(stated, np.float64), 0.0), found,
        np.array(easy, np.bool_), np.array(numbers, np.int64), codes, language_numbers,
        np.array([coverage.get(str(code), (SEEN, UNSEEN)) for code in codes]).reshape(-1, 2),
    )  # fmt: skip


def type_probabilities(stated: Floats, easy: Mask, without_source: Floats, has_partner: Mask) -> Floats:
    """P of each of KNOWN_FROM, [facts, types], all arguments [facts]; NaN where without_source is.

    has_partner: whether another language that has a source knows the fact.
    """
    unstated = 1 - stated
    by_name = np.where(easy, unstated, 0.0)
    transferred = np.where(has_partner & ~easy, unstated * without_source, 0.0)
    luck = np.maximum(0.0, unstated - transferred - by_name)
    columns = [stated * without_source, stated * (1 - without_source), transferred, by_name, luck]
    probabilities = np.stack(columns, axis=1)
    return np.where(np.isnan(without_source)[:, None], np.nan, probabilities)


def probabilities_of(facts: PredictedFacts, transfer: Transfer, stated: Floats) -> Floats:
    """`type_probabilities` of facts, whose cells are those of `transfer`."""
    has_partner = np.isfinite(transfer.from_others[facts.cells])
    return type_probabilities(stated, facts.easy, transfer.without_own_source()[facts.cells], has_partner)


def judge_facts(facts: PredictedFacts, transfer: Transfer, untrained: Transfer) -> pa.Table:
    """FACT_VERDICTS; transfer: of the checkpoint, untrained: of its twin, both over the cells."""
    stated = facts.stated(facts.sourced, facts.expected_coverage())
    probabilities = probabilities_of(facts, transfer, stated)
    without_source = transfer.without_own_source()[facts.cells]
    has_partner = np.isfinite(transfer.from_others[facts.cells])
    too_few_forms = (facts.windows == 0) & ~sees_most(facts.expected_coverage())[facts.language_numbers]
    decided = [
        (UNDETERMINED, UNSEEN_FORMS)
        if hidden and not np.isnan(expected)
        else _decide(row, stated_here, windows > 0, expected, partner)
        for row, stated_here, windows, expected, partner, hidden in zip(
            probabilities, stated, facts.windows, without_source, has_partner, too_few_forms, strict=True
        )
    ]
    columns = {
        "uuid": facts.uuids,
        "language": facts.languages,
        "relation": facts.relations,
        "stated": stated,
        "without_source": without_source,
        "without_source_untrained": untrained.without_own_source()[facts.cells],
        **dict(zip(KNOWN_FROM, probabilities.T, strict=True)),
        "verdict": [verdict for verdict, _ in decided],
        "reason": [reason for _, reason in decided],
    }
    arrays = [pa.array(columns[field.name], field.type, from_pandas=True) for field in FACT_VERDICTS]
    return pa.table(arrays, schema=FACT_VERDICTS)


def _decide(
    probabilities: Floats, stated: float, sourced: bool, without_source: float, partner: bool
) -> tuple[str, str]:
    """The verdict and its reason."""
    if np.isnan(without_source):
        return UNDETERMINED, TOO_FEW
    largest = int(np.argmax(probabilities))
    if probabilities[largest] < LEVEL:
        return UNDETERMINED, UNCLEAR
    source = f"P(stated here) = {stated:.2f}" + ("" if sourced else " though no source was found")
    others = "" if partner else "; no other language that has a source knows it"
    return KNOWN_FROM[largest], f"{source}; P(known without it) = {without_source:.2f}{others}."
