"""The damage that `benchmarks.source_errors` does to a world's text."""

from __future__ import annotations

from collections import Counter

import pytest

from assets_tests.sandbox.small_worlds import small_world
from benchmarks.damaged_worlds import FACTS, SENTENCES, Damage, damage_world
from factroots_dagster.sandbox.leave_out import stating_languages
from factroots_dagster.sandbox.records import Sentence, World


def sentences(world: World, language: str) -> Counter[Sentence]:
    return Counter(sentence for article in world.articles[language] for sentence in article.sentences)


@pytest.fixture(scope="module")
def world() -> World:
    return small_world(languages=4, facts_per_relation=40)


def test_single_statements_or_all_of_a_fact_are_taken_out(world: World) -> None:
    before = {uuid: set(languages) for uuid, languages in stating_languages(world).items()}
    of_facts = damage_world(world, Damage(0.2, FACTS, 0.0, 1))
    of_sentences = damage_world(world, Damage(0.2, SENTENCES, 0.0, 1))
    lost = {FACTS: 0, SENTENCES: 0}
    for language in world.languages:
        all_ = sentences(world, language)
        statements = sum(count for sentence, count in all_.items() if sentence.fact)
        for name, damaged in ((FACTS, of_facts), (SENTENCES, of_sentences)):
            kept = sentences(damaged, language)
            gone = all_ - kept
            assert not kept - all_ and all(sentence.fact for sentence in gone)
            assert 0.05 < gone.total() / statements < 0.4
            lost[name] += gone.total()
        facts_gone = {sentence.fact for sentence in all_ - sentences(of_facts, language)}
        assert not facts_gone & {sentence.fact for sentence in sentences(of_facts, language)}
    total = sum(len(languages) for languages in before.values())
    left = sum(len(languages) for languages in stating_languages(of_facts).values())
    assert left / total == pytest.approx(0.8, abs=0.06)
    still = sum(len(languages) for languages in stating_languages(of_sentences).values())
    assert left < still  # most facts are stated more than once
    assert lost[SENTENCES] / lost[FACTS] == pytest.approx(1, abs=0.3)


def test_subject_and_object_of_unstated_facts_meet_and_nothing_is_stated(world: World) -> None:
    stating = stating_languages(world)
    damaged = damage_world(world, Damage(0.0, SENTENCES, 0.5, 1))
    unstated = [(fact, code) for fact in world.facts for code in world.languages
                if code not in stating[fact.uuid]]  # fmt: skip
    assert stating_languages(damaged) == stating
    meeting = 0
    for fact, code in unstated:
        pair = {world.labels[code][uri] for uri in (fact.subject_uri, fact.object_uri)}
        for before, after in zip(world.articles[code], damaged.articles[code], strict=True):
            added = after.sections[len(before.sections) :]
            texts = [" ".join(s.text for p in section.paragraphs for s in p) for section in added]
            meeting += sum(all(name in text for name in pair) for text in texts)
    assert meeting >= 0.35 * len(unstated) > 10


def test_the_same_seed_damages_alike(world: World) -> None:
    damage = Damage(0.2, SENTENCES, 0.3, 4)
    assert damage_world(world, damage) == damage_world(world, damage)
    assert damage_world(world, damage) != damage_world(world, Damage(0.2, SENTENCES, 0.3, 5))
