"""Facts whose object stands in the subject's name: they have no source of their own and get the easy type."""

from __future__ import annotations

import numpy as np
import pytest

from assets_tests.roots.tables import prediction_row, rows, source_row, split_row
from factroots_dagster.facts.schema import MLAMA_SPLIT
from factroots_dagster.neurons.schema import NEAREST_LANGUAGE
from factroots_dagster.probing.schema import PREDICTIONS
from factroots_dagster.roots.easy import find_shared_tokens
from factroots_dagster.roots.types import categorize_facts
from factroots_dagster.sandbox.dials import PRESETS
from factroots_dagster.sandbox.world import generate
from factroots_dagster.tracing.candidates import build_fact_table
from factroots_dagster.tracing.forms import EntityForms, entities_of_split
from factroots_dagster.tracing.mentions import ArticleBatch, find_mentions
from factroots_dagster.tracing.passages import find_passages
from factroots_dagster.tracing.schema import FACT_SOURCES
from factroots_dagster.tracing.stored_mentions import encode_strings, mentions_as_numbers


@pytest.mark.parametrize(
    ("language", "subject", "object_"),
    [
        ("en", "Microsoft SQL Server", "Microsoft"),
        ("en", "bank of SCOTLAND", "Scotland"),
        ("it", "aeroporto di Kazan'", "Kazan’"),
        ("sr", "Narodni mudžahedini Irana", "Иран"),
        ("zh", "加利福尼亞州州長", "加利福尼亚州"),
        ("zh_TW", "加利福尼亞州州長", "加利福尼亚州"),
        ("ro", "Carnavalul de la Veneţia", "Veneția"),
        ("ar", "أمين صندوق استراليا", "أستراليا"),
        ("fa", "بیبیسی وان", "بی\u200cبی\u200cسی"),
        ("vi", "Cafe\u0301 Kim", "caf\u00e9"),
    ],
)
def test_an_object_in_the_name_is_seen_in_any_spelling(language: str, subject: str, object_: str) -> None:
    contained = object_.lower() in subject.lower()
    row = split_row("u", language, subject=subject, object=object_, object_in_subject=contained)
    found = find_shared_tokens([row], [[7]], None)
    assert found["u"].rule == "object_in_subject"
    other = split_row("u", language, subject=subject, object="Wien")
    assert find_shared_tokens([other], [[7]], None) == {}


def test_no_facts_share_nothing() -> None:
    assert find_shared_tokens([], [], None) == {}


def test_unstated_facts_with_the_object_in_the_name_are_shared_tokens_in_a_generated_world() -> None:
    """Planted truth as the oracle: naming such a subject names its object, too, and states nothing."""
    world, code = generate(3, PRESETS["easy"]), "qac"
    labels = world.labels[code]
    facts = [fact for fact in world.facts if world.truth[code][fact.uuid].kind == "easy_token"]
    listed = [
        split_row(
            fact.uuid, code, relation=fact.relation, subject=labels[fact.subject_uri],
            object=labels[fact.object_uri], subject_uri=fact.subject_uri, object_uri=fact.object_uri,
            object_in_subject=labels[fact.object_uri].lower() in labels[fact.subject_uri].lower(),
        )
        for fact in facts
    ]  # fmt: skip
    split = rows(MLAMA_SPLIT, listed)
    entities = entities_of_split(split)
    texts = [article.text for article in world.articles[code]]
    batch = ArticleBatch(np.arange(1, len(texts) + 1), texts, [[] for _ in texts])
    mentions = find_mentions(batch, EntityForms.build(entities, code, {}), None).combine_chunks()
    numbers = mentions_as_numbers(mentions, encode_strings(entities))
    passages = find_passages(numbers, build_fact_table(split, entities), ("chunk",))
    windows = np.bincount(passages["fact"], minlength=len(facts))
    sources = [source_row(fact.uuid, code, int(count)) for fact, count in zip(facts, windows, strict=True)]
    result = categorize_facts(
        split,
        rows(PREDICTIONS, [prediction_row(fact.uuid, code, relation=fact.relation) for fact in facts]),
        rows(FACT_SOURCES, sources),
        NEAREST_LANGUAGE.empty_table(),
    )
    types = dict(zip(result.types["uuid"].to_pylist(), result.types["type"].to_pylist(), strict=True))
    stated = [types[fact.uuid] for fact in facts if world.truth[code][fact.uuid].stated]
    unstated = [types[fact.uuid] for fact in facts if not world.truth[code][fact.uuid].stated]
    assert len(stated) > 10 and len(unstated) > 10
    assert unstated.count("shared_tokens") >= 0.9 * len(unstated)  # the rest: both are named by chance
    assert "shared_tokens" not in stated
