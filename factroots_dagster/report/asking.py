"""What a checkpoint was asked, and how, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_OBJECTS = {"label": "objects as their labels alone", "sentence": "objects as in the sentence"}


def describe_asking(checkpoint: Mapping[str, Any]) -> str:
    """What the driving test found and decided, as a list in words. checkpoint: a row of CHECKPOINT."""
    if checkpoint["family"] == "causal":
        parts = [f"as a decoder, after {checkpoint['start']}"]
    else:
        parts = ["at masks"]
    parts.append(_OBJECTS[checkpoint["objects"]])
    if checkpoint["batches"] != "padded":
        parts.append("equal lengths only")
    if not checkpoint["fast_head"]:
        parts.append("by the whole model")
    return ", ".join(parts)


def describe_facts(relations: Sequence[str], sample: int, seed: int) -> str | None:
    """Which facts of the release were asked; None for all of them. As the settings of these names."""
    parts = [f"at most {sample:,} of a relation (seed {seed})"] if sample else []
    parts += [f"of {', '.join(relations)} only"] if relations else []
    return ", ".join(parts) or None
