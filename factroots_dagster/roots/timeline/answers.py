"""What one run's checkpoints know of the facts of a language."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from factroots_dagster.errors import InputError
from factroots_dagster.roots.markup import pool_sources, reads_markup
from factroots_dagster.roots.types import DEFAULT_MATCHER
from factroots_dagster.tables import zip_columns

NEVER = np.iinfo(np.int64).max
"""The step of what did not happen until the last checkpoint."""

Steps = NDArray[np.int64]


@dataclass(frozen=True)
class LanguageAnswers:
    """The facts of a language and the checkpoints that know them.

    steps: of the checkpoints, ascending, [checkpoints]. uuids, relations: [facts]. known: full matches,
    [facts, checkpoints]. windows: number of own sources, [facts]. same_object: other facts of the relation
    with the same object, [facts].
    """

    language: str
    steps: Steps
    uuids: list[str]
    relations: list[str]
    known: NDArray[np.bool_]
    windows: NDArray[np.int64]
    same_object: NDArray[np.int64]

    @property
    def learnt(self) -> NDArray[np.bool_]:
        """Whether any checkpoint knows a fact, [facts]."""
        learnt: NDArray[np.bool_] = np.any(self.known, axis=1)
        return learnt

    @property
    def first(self) -> NDArray[np.intp]:
        """Position of the first checkpoint that knows a fact; the number of checkpoints if none does."""
        return np.where(self.learnt, self.known.argmax(axis=1), len(self.steps))

    @property
    def first_known(self) -> Steps:
        """Step of the first checkpoint that knows a fact, or NEVER, [facts]."""
        return np.append(self.steps, NEVER)[self.first]

    @property
    def learnt_after(self) -> Steps:
        """Step of the checkpoint before; 0, where training begins, if there is none, [facts]."""
        return np.append(0, self.steps)[self.first]

    @property
    def last_known(self) -> Steps:
        """Step of the last checkpoint that knows a fact, or NEVER, [facts]."""
        last = len(self.steps) - 1 - self.known[:, ::-1].argmax(axis=1)
        return np.where(self.learnt, self.steps[last], NEVER)

    @property
    def known_since(self) -> Steps:
        """First step from which all checkpoints know a fact, or NEVER, [facts]."""
        kept = np.logical_and.accumulate(self.known[:, ::-1], axis=1).sum(axis=1)
        since: Steps = np.append(self.steps, NEVER)[len(self.steps) - kept]
        return since

    @property
    def forgettings(self) -> NDArray[np.int64]:
        """How often a fact is known and at the next checkpoint not (Toneva et al., ICLR 2019), [facts]."""
        forgotten: NDArray[np.int64] = (self.known[:, :-1] & ~self.known[:, 1:]).sum(axis=1)
        return forgotten


def collect_answers(
    language: str,
    split: pa.Table,
    predictions: Mapping[int, pa.Table],
    sources: pa.Table,
    *,
    corpora: Collection[str] | None = None,
    trained_on: str | None = None,
) -> LanguageAnswers:
    """The answers of a run's checkpoints in one language, with what may explain them.

    split: MLAMA_SPLIT. predictions: training step to PREDICTIONS, at least one; facts that one of them was
    not asked are left out. sources: FACT_SOURCES, whose windows count as for the types (`roots.types`).
    corpora, trained_on: columns corpora and corpus of CHECKPOINT. Raises InputError where a fact has no
    sources or labels, and where a corpus that the checkpoint names is not there.
    """
    steps = sorted(predictions)
    asked = [
        {
            uuid: right
            for uuid, right in zip_columns(predictions[step], "uuid", "full_match")
            if right is not None
        }
        for step in steps
    ]
    objects = list(zip_columns(split, "uuid", "relation", "object_uri"))
    uuids = [uuid for uuid, _, _ in objects if all(uuid in answers for answers in asked)]
    windows = _own_windows(sources, corpora, trained_on)
    lost = sorted({uuid for answers in asked for uuid in answers} - {uuid for uuid, _, _ in objects})
    lost += [uuid for uuid in uuids if uuid not in windows]
    if lost:
        raise InputError(
            f"fact {lost[0]} is predicted but has no row in mlama_split or fact_sources of {language}",
            "materialize mlama_split and fact_sources of the language again",
        )
    chosen, kinds = set(uuids), [(relation, uri) for _, relation, uri in objects]
    _, kind_of, sizes = np.unique(
        np.array(["\t".join(kind) for kind in kinds], str), return_inverse=True, return_counts=True
    )
    rows = [row for row, (uuid, _, _) in enumerate(objects) if uuid in chosen]
    known = np.array([[answers[uuid] for answers in asked] for uuid in uuids], bool)
    return LanguageAnswers(
        language,
        np.array(steps, np.int64),
        uuids,
        [objects[row][1] for row in rows],
        known.reshape(len(uuids), len(steps)),
        np.array([windows[uuid] for uuid in uuids], np.int64),
        (sizes[kind_of] - 1)[rows].astype(np.int64),
    )


def _own_windows(
    sources: pa.Table, corpora: Collection[str] | None, trained_on: str | None
) -> dict[str, int]:
    """Uuid to the windows of the default matcher."""
    pooled = pool_sources(sources, corpora, with_markup=reads_markup(corpora, trained_on))
    return dict(zip_columns(pooled.filter(pc.equal(pooled["matcher"], DEFAULT_MATCHER)), "uuid", "windows"))
