"""The paper's rules on facts of the three groups into which it divides facts without a source."""

from __future__ import annotations

import pytest

from assets_tests.roots.tables import prediction_row, rows, source_row, split_row
from factroots_dagster.facts.schema import MLAMA_SPLIT
from factroots_dagster.neurons.schema import NEAREST_LANGUAGE
from factroots_dagster.probing.schema import PREDICTIONS
from factroots_dagster.report.reference import paper_results
from factroots_dagster.roots.types import categorize_facts
from factroots_dagster.tracing.schema import FACT_SOURCES

TOKEN_IDS: dict[str, int] = {}


def tokenize(labels: list[str]) -> list[list[int]]:
    """Whole words as wordpieces, case-sensitive."""
    return [[TOKEN_IDS.setdefault(word, len(TOKEN_IDS)) for word in label.split()] for label in labels]


def type_of(relation: str, subject: str, answer: str, *, windows: int = 0, right: bool = True) -> str:
    split = split_row(
        "u",
        "en",
        relation=relation,
        subject=subject,
        object=answer,
        object_in_subject=answer.lower() in subject.lower(),
    )
    prediction = prediction_row("u", "en", right, relation=relation, object_ids=tokenize([answer])[0])
    types = categorize_facts(
        rows(MLAMA_SPLIT, [split]),
        rows(PREDICTIONS, [prediction]),
        rows(FACT_SOURCES, [source_row("u", "en", windows)]),
        NEAREST_LANGUAGE.empty_table(),
        easy_rule="relation",
        tokenize=tokenize,
    ).types
    return str(types["type"][0])


@pytest.mark.parametrize(
    ("relation", "subject", "answer", "type_"),
    [
        ("P127", "Sega Sports R&D", "Sega", "shared_tokens"),
        ("P127", "sega sports", "Sega", "shared_tokens"),  # lower-cased on both sides
        ("P138", "Rio de la Plata", "Mar del Plata", "shared_tokens"),  # a wordpiece in common
        ("P103", "Go Hyeon-jeong", "Korean", "naming_cue"),
        ("P17", "Rennes", "France", "naming_cue"),
        ("P449", "Crime & Punishment", "NBC", "transferred"),
        ("P36", "France", "Paris", "transferred"),
    ],
)
def test_facts_without_a_source(relation: str, subject: str, answer: str, type_: str) -> None:
    assert type_of(relation, subject, answer) == type_
    assert type_of(relation, subject, answer, windows=1) == "independent"  # the source explains it
    assert type_of(relation, subject, answer, right=False) == "not_predicted"


def test_shared_tokens_come_before_naming_cues() -> None:
    assert paper_results()["absent_fact_types_mbert"]["rules_in_order"][0].startswith("shared_tokens")
    assert type_of("P17", "France Télévisions", "France") == "shared_tokens"
