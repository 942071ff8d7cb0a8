"""What a checkpoint answers to facts, and what type that makes them: read from the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import exp
from typing import Any

import pyarrow.compute as pc
import pyarrow.dataset as ds

from factroots_dagster.errors import InputError
from factroots_dagster.store.store import Store, main_files

Decode = Callable[[Sequence[int]], str]


@dataclass(frozen=True)
class Answer:
    """A checkpoint's answer to one fact in one language.

    `prediction` is its text, or where no tokenizer is at hand its token ids; None where nothing was asked.
    `probability` is the right object's, a geometric mean over its tokens.
    """

    checkpoint: str
    prediction: str | None
    right: bool
    probability: float | None
    type: str
    reason: str


def categorized(store: Store, wanted: str | None) -> str | None:
    """The checkpoint whose answers are shown: `wanted`, or the only one that has types; None without one.

    Raises InputError when the wanted one has no types.
    """
    known = store.keys("fact_types")
    if wanted is None:
        return known[0] if len(known) == 1 else None
    if wanted not in known:
        raise InputError(
            f"checkpoint {wanted!r} has no fact_types; those that have: {', '.join(known) or 'none'}. "
            f"Remedy: name one of these, or materialize fact_types of {wanted!r}."
        )
    return wanted


def answers(
    store: Store, checkpoint: str, wanted: Iterable[tuple[str, str]], decode: Decode | None
) -> dict[tuple[str, str], Answer]:
    """(language, uuid) to the checkpoint's answer, for those of `wanted` that it was asked."""
    by_language: dict[str, list[str]] = {}
    for language, uuid in wanted:
        by_language.setdefault(language, []).append(uuid)
    found = {}
    for language, uuids in by_language.items():
        if not store.exists("predictions", checkpoint, language):
            continue
        asked = _rows(store, ("predictions", checkpoint, language), _PREDICTION, uuids)
        types = _rows(store, ("fact_types", checkpoint), _TYPE, uuids)
        typed = {row["uuid"]: row for row in types if row["language"] == language}
        for row in asked:
            if kind := typed.get(row["uuid"]):
                found[language, row["uuid"]] = Answer(
                    checkpoint=checkpoint,
                    prediction=_text(written(row), decode),
                    right=bool(row["full_match"]),
                    probability=None if row["object_logprob"] is None else exp(row["object_logprob"]),
                    type=kind["type"],
                    reason=kind["reason"],
                )
    return found


_PREDICTION = ["uuid", "object_ids", "predicted_ids", "full_match", "matched_mask_count", "object_logprob"]
_TYPE = ["uuid", "language", "type", "reason"]


def written(row: dict[str, Any]) -> list[int] | None:
    """The tokens that are shown for a row of PREDICTIONS: those that matched, else those at the object's own
    number of masks, else the first that there are."""
    runs = row["predicted_ids"] or []
    count = row["matched_mask_count"] or len(row["object_ids"])
    own = runs[count - 1] if 0 < count <= len(runs) else None
    return own or next((run for run in runs if run), None)


def _text(ids: list[int] | None, decode: Decode | None) -> str | None:
    if ids is None:
        return None
    return decode(ids) if decode is not None else f"token ids {' '.join(map(str, ids))}"


def _rows(store: Store, key: tuple[str, ...], names: list[str], uuids: list[str]) -> list[dict[str, Any]]:
    paths = [str(path) for path in main_files(store.require(*key))]
    table = ds.dataset(paths).to_table(columns=names, filter=pc.field("uuid").isin(uuids))
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows
