"""What a checkpoint answers to facts, and of which type that makes them: read from the store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from math import exp
from typing import Any

from factroots_dagster.errors import InputError
from factroots_dagster.lookup.subjects import Fact
from factroots_dagster.probing.predictions import prediction_to_show
from factroots_dagster.store.pointers import in_parallel
from factroots_dagster.store.store import Store

Decode = Callable[[Sequence[int]], str]
"""Token ids to text."""


@dataclass(frozen=True)
class Answer:
    """A checkpoint's answer to one fact in one language.

    prediction: text, or without a tokenizer token ids; None without a prediction. predicted: whether it is
    correct. probability: of the correct object, a geometric mean over its tokens; None where it was not
    measured. type, reason: as in FACT_TYPES. verdict, verdict_reason: as in FACT_VERDICTS, None where there
    is none.
    """

    checkpoint: str
    prediction: str | None
    predicted: bool
    probability: float | None
    type: str
    reason: str
    verdict: str | None = None
    verdict_reason: str | None = None


def choose_checkpoint(store: Store, requested: str | None) -> str | None:
    """The checkpoint whose answers are shown: the requested one, or else the only one with fact types.

    None when none was requested and the choice is not clear. Raises InputError when the requested one has no
    fact types.
    """
    available = store.keys("fact_types")
    if requested is None:
        return available[0] if len(available) == 1 else None
    if requested not in available:
        raise InputError(
            f"{store.location}: checkpoint {requested!r} has no fact_types; those that have: "
            f"{', '.join(available) or 'none'}",
            f"choose one of these, or materialize fact_types of {requested!r}",
        )
    return requested


def read_answers(
    store: Store, checkpoint: str, languages: Iterable[str], facts: Collection[Fact], decode: Decode | None
) -> dict[tuple[str, str], Answer]:
    """The checkpoint's answers to facts by language and uuid, where it was asked."""
    columns = ("object_ids", "predicted_ids", "full_match", "matched_mask_count", "object_logprob")
    types = {
        (row["language"], row["uuid"]): row
        for row in read_rows(store, ("fact_types", checkpoint), ("language", "type", "reason"), facts)
    }
    verdicts = {}
    if store.exists("fact_verdicts", checkpoint):
        verdicts = {
            (row["language"], row["uuid"]): (row["verdict"], row["reason"])
            for row in read_rows(
                store, ("fact_verdicts", checkpoint), ("language", "verdict", "reason"), facts
            )
        }
    asked_in = [language for language in languages if store.exists("predictions", checkpoint, language)]
    tables = in_parallel(
        lambda language: read_rows(store, ("predictions", checkpoint, language), columns, facts), asked_in
    )
    answers = {}
    for language, rows in zip(asked_in, tables, strict=True):
        for row in rows:
            if typed := types.get((language, row["uuid"])):
                verdict, why = verdicts.get((language, row["uuid"]), (None, None))
                answers[language, row["uuid"]] = Answer(
                    checkpoint=checkpoint,
                    prediction=_prediction_text(row, decode),
                    predicted=bool(row["full_match"]),
                    probability=None if row["object_logprob"] is None else exp(row["object_logprob"]),
                    type=typed["type"],
                    reason=typed["reason"],
                    verdict=verdict,
                    verdict_reason=why,
                )
    return answers


def _prediction_text(row: dict[str, Any], decode: Decode | None) -> str | None:
    """What is shown of a row of PREDICTIONS."""
    ids = prediction_to_show(row["predicted_ids"], row["matched_mask_count"], row["object_ids"])
    if ids is None:
        return None
    return decode(ids) if decode is not None else f"token ids {' '.join(map(str, ids))}"


def read_rows(
    store: Store, partition: tuple[str, ...], columns: Iterable[str], facts: Collection[Fact]
) -> list[dict[str, Any]]:
    """The uuid and some other columns of the rows of facts in a partition's main table."""
    values = {"uuid": {fact.uuid for fact in facts}, "relation": {fact.relation for fact in facts}}
    return list(store.version(*partition).find_rows(values, ["uuid", *columns]).to_pylist())
