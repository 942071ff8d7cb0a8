"""The dials that say how articles state a fact show in the generated world."""

from __future__ import annotations

import collections
import itertools

import pytest

from assets_tests.sandbox.small_worlds import (
    articles_of,
    mentions_of,
    sentences_of,
    share,
    small_world,
    statements_of,
)
from factroots_dagster.sandbox.endings import inflects
from factroots_dagster.sandbox.records import World


def test_a_bilingual_lead_adds_another_language_s_spelling() -> None:
    world = small_world(bilingual_leads=1.0, unrelated=0.5)
    for _, article in articles_of(world):
        names = article.sections[0].paragraphs[0][0].mentions
        if article.uri:
            assert names[0].label == article.title
            assert [name.label for name in names[1:]] != [article.title]
            assert all(name.uri == article.uri for name in names)
            spellings = {world.labels[other][article.uri] for other in world.languages}
            assert len(names) == 2 if len(spellings) > 1 else 1
            assert {name.label for name in names} <= spellings
    stated = [sentence for found in statements_of(world).values() for sentence in found]
    assert any(len(sentence.mentions) == 3 for sentence in stated)
    assert all(
        len(sentence.mentions) == 2 for found in statements_of(small_world()).values() for sentence in found
    )


def test_code_switched_statements_name_an_entity_as_another_language_does() -> None:
    def foreign(world: World) -> list[bool]:
        return [
            any(found.label != world.labels[code][found.uri] for found in sentence.mentions)
            for code, sentence in sentences_of(world)
            if sentence.fact
        ]

    assert not any(foreign(small_world()))
    world = small_world(code_switching=1.0, unrelated=0.5)
    assert share(foreign(world)) > 0.7
    for code, found in mentions_of(world):
        assert found.label in {world.labels[other][found.uri] for other in world.languages}
        assert found.title in (None, world.labels[code][found.uri])


def test_wordings_are_used() -> None:
    for wordings in (1, 4):
        world = small_world(wordings=wordings, coverage=2.0)
        patterns = collections.defaultdict(set)
        for _, sentence in sentences_of(world, "en"):
            if sentence.fact:
                (relation,) = [fact.relation for fact in world.facts if fact.uuid == sentence.fact]
                words = [part.strip(" .").lower() for part in sentence.parts if isinstance(part, str)]
                patterns[relation].add(max(words, key=len).split()[-1])
        assert max(map(len, patterns.values())) == pytest.approx(wordings, abs=wordings // 2)


def test_bare_statements_are_in_the_words_of_the_template() -> None:
    def bare(share: float) -> list[bool]:
        world = small_world(bare_statements=share)
        facts = {fact.uuid: fact for fact in world.facts}
        found = []
        for (uuid, code), sentences in statements_of(world).items():
            fact, labels = facts[uuid], world.labels[code]
            template = world.templates[code][fact.relation]
            text = template.replace("[X]", labels[fact.subject_uri]).replace("[Y]", labels[fact.object_uri])
            found.append(text in [sentence.text for sentence in sentences])
        return found

    assert not any(bare(0.0))
    assert all(bare(1.0))


def test_inflection_changes_mentions_in_languages_with_cases() -> None:
    world = small_world(inflection=0.5)
    inflected = collections.defaultdict(list)
    for code, found in mentions_of(world):
        inflected[code].append(found.label != world.labels[code][found.uri])
        assert found.title == (world.labels[code][found.uri] if inflected[code][-1] else None)
    for code, flags in inflected.items():
        assert (0.1 < share(flags) < 0.6) if inflects(code) else not any(flags)


def test_hidden_statements_stand_outside_the_prose() -> None:
    world = small_world(hidden_statements=1.0)
    ways = collections.Counter(cell.stated_how for cells in world.truth.values() for cell in cells.values())
    assert set(ways) == {None, "infobox", "table", "list"}
    for code, article in articles_of(world):
        for section in article.sections:
            for sentence in itertools.chain(*section.paragraphs):
                if sentence.fact:
                    how = world.truth[code][sentence.fact].stated_how
                    assert section.markup == (None if how == "list" else how)
                    assert section.listed == (how == "list")
                    assert (sentence.text in article.text) == (how == "list")
    assert set(statements_of(world)) == {
        (fact.uuid, code)
        for code in world.languages
        for fact in world.facts
        if world.truth[code][fact.uuid].stated
    }


def test_missed_statements_do_not_name_the_subject_by_its_label() -> None:
    world = small_world(missed_statements=1.0)
    ways = collections.Counter(cell.stated_how for cells in world.truth.values() for cell in cells.values())
    assert set(ways) == {None, "pronoun", "next_sentence", "alias"}
    facts = {fact.uuid: fact for fact in world.facts}
    for (uuid, code), found in statements_of(world).items():
        label = world.labels[code][facts[uuid].subject_uri]
        assert all(label not in sentence.text for sentence in found)
