"""The dials of languages, relations and names show in the generated world."""

from __future__ import annotations

import collections
import dataclasses
import itertools

from assets_tests.sandbox.small_worlds import (
    PLAIN,
    share,
    small_world,
)
from factroots_dagster.sandbox.dials import PRESETS, languages_of
from factroots_dagster.sandbox.lexicon import lexicon
from factroots_dagster.sandbox.records import World
from factroots_dagster.sandbox.relations import NATURAL_RELATIONS, PERSON_RELATIONS, RELATIONS


def latin_names(world: World, *, natural: bool = False) -> list[list[str]]:
    """Per subject of a made-up (or natural) relation: its Latin-script names, the hub's first."""
    codes = [code for code, language in world.languages.items() if language.script == "Latn"]
    facts = [fact for fact in world.facts if (fact.relation in NATURAL_RELATIONS) == natural]
    return [[world.labels[code][fact.subject_uri] for code in codes] for fact in facts]


def test_languages_scripts_and_relations() -> None:
    world = small_world(languages=3, relations=2, facts_per_relation=5)
    assert list(world.languages) == ["en", "de", "fr"]
    assert [fact.relation for fact in world.facts] == sorted(fact.relation for fact in world.facts)
    assert collections.Counter(fact.relation for fact in world.facts) == dict.fromkeys(RELATIONS[:2], 5)
    assert len(languages_of(dataclasses.replace(PLAIN, languages=53))) == 53
    assert list(languages_of(PRESETS["easy"])) == [f"qa{letter}" for letter in "abcdefgh"]


def test_cognates_share_a_stem_and_unrelated_names_do_not() -> None:
    alike = [name == names[0] for names in latin_names(small_world()) for name in names[1:]]
    assert all(alike)
    for names in latin_names(small_world(cognates=1.0)):
        for name in names[1:]:
            last, own = names[0].split()[0], name.split()[0]
            assert name != names[0] and own[:2] == last[:2]
    for names in latin_names(small_world(unrelated=1.0)):
        assert len({tuple(name.split()) for name in names}) == len(names)
    some = [name != names[0] for names in latin_names(small_world(cognates=0.5)) for name in names[1:]]
    assert 0.3 < share(some) < 0.7


def test_exonyms_are_names_of_objects_alone() -> None:
    world = small_world(exonyms=1.0, relations=5)
    owners = {fact.object_uri for fact in world.facts if fact.relation in ("P127", "P176")}
    for uri in owners:
        assert len({world.labels[code][uri] for code in ("en", "de", "fr", "id", "hu")}) == 5
    assert all(len(set(names)) == 1 for names in latin_names(world))
    plain = small_world(relations=5)
    owners = {fact.object_uri for fact in plain.facts if fact.relation in ("P127", "P176")}
    assert all(plain.labels["en"][uri] == plain.labels["hu"][uri] for uri in owners)


def test_natural_names_are_cldrs() -> None:
    world = small_world()
    names = {names[0]: names for names in latin_names(world, natural=True)}
    assert names and all(len(set(names)) <= 5 for names in names.values())
    countries = {world.labels["en"][fact.object_uri] for fact in world.facts if fact.relation == "P17"}
    assert countries & {"Brazil", "Canada", "Mexico", "Australia", "Argentina", "Russia", "Germany", "Chile"}


def test_namesakes_belong_to_two_subjects_with_different_objects() -> None:
    assert not any(cell.namesake for cells in small_world().truth.values() for cell in cells.values())
    world = small_world(namesakes=1.0)
    bearers = collections.defaultdict(set)
    for fact in world.facts:
        for code in world.languages:
            bearers[world.labels[code][fact.subject_uri]].add((fact.subject_uri, fact.object_uri))
    doubled = {name: found for name, found in bearers.items() if len(found) > 1}
    assert len(doubled) >= 12
    assert all(len({object_ for _, object_ in found}) == len(found) for found in doubled.values())
    for fact in world.facts:
        for code in world.languages:
            assert world.truth[code][fact.uuid].namesake == (world.labels[code][fact.subject_uri] in doubled)


def test_without_shared_pieces_no_two_languages_share_a_letter() -> None:
    world, plain = small_world(shared_pieces=False, inflection=0.5), small_world(inflection=0.5)
    letters = {
        code: {letter for article in world.articles[code] for letter in article.text if letter.isalpha()}
        for code in world.languages
    }
    assert all(one.isdisjoint(other) for one, other in itertools.combinations(letters.values(), 2))
    assert plain.facts == world.facts and plain.truth == world.truth


def test_loanwords_are_common_to_languages() -> None:
    languages = languages_of(PLAIN)

    def common(loanwords: float) -> float:
        words = [lexicon(languages[code], loanwords) for code in ("de", "fr")]
        return share([words[0][gloss] == words[1][gloss] for gloss in words[0]])

    assert common(0.0) < 0.05
    assert 0.3 < common(0.5) < 0.7
    assert common(1.0) == 1
    assert (
        small_world(loanwords=1.0).templates["de"]["P19"] == small_world(loanwords=1.0).templates["fr"]["P19"]
    )


def test_persons_and_companies_have_two_words() -> None:
    world = small_world()
    for fact in world.facts:
        if fact.relation in PERSON_RELATIONS:
            assert all(len(world.labels[code][fact.subject_uri].split()) == 2 for code in world.languages)
