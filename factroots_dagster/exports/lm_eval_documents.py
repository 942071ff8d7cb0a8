"""The documents of an exported fact set, for lm-evaluation-harness: a copy of this lies in every export.

A document is a fact with all sentences that its question could become: the relation's template with the
subject, and one of the relation's objects. The model's answer is the sentence that it finds most probable.
"""

import json
import re
from pathlib import Path
from typing import Any


def load(language: str, **other: Any) -> dict[str, Any]:
    """The split `test` of one language, as lm-evaluation-harness asks for it. other: its metadata."""
    import datasets

    return {"test": datasets.Dataset.from_list(documents(Path(__file__).parent, language))}


def documents(folder: Path, language: str) -> list[dict[str, Any]]:
    """The documents of one language of an export, in the order of its facts."""
    candidates = json.loads((folder / language / "candidates.json").read_text(encoding="utf-8"))
    listed = []
    with (folder / language / "facts.jsonl").open(encoding="utf-8") as lines:
        for fact in map(json.loads, lines):
            labels = candidates[fact["relation"]]
            choices = [fill(fact["template"], fact["subject"], label) for label in labels]
            listed.append({**fact, "choices": choices, "answer": labels.index(fact["object"])})
    return listed


def fill(template: str, subject: str, label: str) -> str:
    """The template with both slots filled in one pass: a label that contains "[Y]" stays a label."""
    return re.sub(r"\[([XY])\]", lambda slot: subject if slot[1] == "X" else label, template)
