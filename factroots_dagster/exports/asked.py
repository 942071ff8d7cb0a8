"""The facts of a language with the templates by which models are asked."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from factroots_dagster.facts.mlama.release import read_provenance
from factroots_dagster.facts.questions import QuestionSource, ask_with_questions, find_questions
from factroots_dagster.store.store import Store


def read_facts(
    store: Store, language: str, columns: Sequence[str], questions: QuestionSource = "none"
) -> pa.Table:
    """Columns of MLAMA_SPLIT, the relation and template among them, in their order.

    questions: those that stand in place of templates, as decoders are asked them.
    """

    def read_own() -> pa.Table | None:
        has_own = store.has_side("question_templates", "mlama_split", language)
        return store.read_side("question_templates", "mlama_split", language) if has_own else None

    split = store.read("mlama_split", language, columns=list(columns))
    return ask_with_questions(split, find_questions(questions, language, read_own))


def recorded_licence(store: Store) -> str:
    """The licence of a world's facts, as it is recorded with them; empty where none is."""
    release = store.read("mlama_release")
    if b"mlama_release" not in (release.schema.metadata or {}):
        return ""
    return str(read_provenance(release)["licence"])


def family_of(store: Store, checkpoint: str) -> str:
    """How a checkpoint is asked, as in CHECKPOINT; raises InputError where it has not been described."""
    (family,) = store.read("checkpoint", checkpoint, columns=["family"])["family"].to_pylist()
    return str(family)
