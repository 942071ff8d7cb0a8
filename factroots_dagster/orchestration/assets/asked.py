"""The facts of a language with the templates by which a checkpoint is asked."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from factroots_dagster.facts.questions import ask_with_questions, find_questions
from factroots_dagster.orchestration.assets.step import Step


def read_asked(step: Step, checkpoint: str, language: str, columns: Sequence[str] | None = None) -> pa.Table:
    """MLAMA_SPLIT of a language: by questions, where the setting asks decoders so and the checkpoint is one.

    columns: those that are read, the template and relation among them; None for all.
    """
    split = step.read("mlama_split", language, columns=columns)
    if not asks_questions(step, checkpoint):
        return split
    questions = find_questions(
        step.settings.questions,
        language,
        lambda: step.find_side("question_templates", "mlama_split", language),
    )
    return ask_with_questions(split, questions)


def asks_questions(step: Step, checkpoint: str) -> bool:
    """Whether a checkpoint is asked in the form of questions."""
    if step.settings.questions == "none":
        return False
    (described,) = step.read("checkpoint", checkpoint).to_pylist()
    return bool(described["family"] != "masked")
