"""What a checkpoint was asked, and how, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_PRECISIONS = {"float32": "in 32 bits", "bfloat16": "in bfloat16"}
_OBJECTS = {"label": "objects as their labels alone", "sentence": "objects as in the sentence"}


def describe_asking(checkpoint: Mapping[str, Any]) -> str:
    """What the driving test found and decided, as a list in words. checkpoint: a row of CHECKPOINT."""
    if checkpoint["family"] == "masked":
        parts = ["at masks"]
    else:
        kind = "a decoder" if checkpoint["family"] == "causal" else "an encoder-decoder"
        parts = [f"as {kind}, after {checkpoint['start']}"]
    parts += [_OBJECTS[checkpoint["objects"]], _PRECISIONS[checkpoint["precision"]]]
    if checkpoint["batches"] != "padded":
        parts.append("equal lengths only")
    if checkpoint["family"] == "causal" and not checkpoint["continued"]:
        parts.append("every sentence whole")
    if not checkpoint["fast_head"]:
        parts.append("by the whole model")
    return ", ".join(parts)


def describe_facts(
    relations: Sequence[str], sample: int, seed: int, *, questions: bool = False
) -> str | None:
    """Which facts of the release were asked; None for all of them as they are. Arguments: as the settings.

    questions: whether those of relations that have a question template were asked by it.
    """
    parts = [f"at most {sample:,} of a relation (seed {seed})"] if sample else []
    parts += [f"of {', '.join(relations)} only"] if relations else []
    parts += ["by questions where a relation has one"] if questions else []
    return ", ".join(parts) or None
