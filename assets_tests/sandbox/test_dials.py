"""Every dial has a range, and turning it shows in the generated world."""

from __future__ import annotations

import collections
import dataclasses
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.sandbox.small_worlds import (
    PLAIN,
    articles_of,
    mentions_of,
    sentences_of,
    small_world,
    statements_of,
)
from factroots_dagster.errors import InputError
from factroots_dagster.sandbox.dials import PRESETS, Dials, languages_of, parse_dials
from factroots_dagster.sandbox.endings import inflects
from factroots_dagster.sandbox.lexicon import lexicon
from factroots_dagster.sandbox.records import World
from factroots_dagster.sandbox.relations import NATURAL_RELATIONS, PERSON_RELATIONS, RELATIONS

FIELDS = dataclasses.fields(Dials)
BOUNDED = [field for field in FIELDS if field.metadata["low"] is not None]


def latin_names(world: World, *, natural: bool = False) -> list[list[str]]:
    """Per subject of a made-up (or natural) relation: its Latin-script names, the hub's first."""
    codes = [code for code, language in world.languages.items() if language.script == "Latn"]
    facts = [fact for fact in world.facts if (fact.relation in NATURAL_RELATIONS) == natural]
    return [[world.labels[code][fact.subject_uri] for code in codes] for fact in facts]


def share(flags: list[bool]) -> float:
    return sum(flags) / len(flags)


def test_every_dial_says_what_it_does() -> None:
    assert all(len(field.metadata["about"]) > 10 for field in FIELDS)


@pytest.mark.parametrize("field", BOUNDED, ids=lambda field: field.name)
def test_a_dial_out_of_its_range_is_refused_by_name(field: dataclasses.Field) -> None:
    low, high = field.metadata["low"], field.metadata["high"]
    for value in (low - 1, high + 1, float("nan")):
        with pytest.raises(InputError, match=field.name) as caught:
            dataclasses.replace(PLAIN, **{field.name: value})
        assert str(low) in caught.value.remedy


def test_dials_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(InputError, match="cognates"):
        dataclasses.replace(PLAIN, cognates=0.7, unrelated=0.7)
    with pytest.raises(InputError, match="hidden"):
        dataclasses.replace(PLAIN, hidden=100)
    with pytest.raises(InputError, match="namesakes"):
        dataclasses.replace(PRESETS["easy"], namesakes=0.2)
    with pytest.raises(InputError, match="zu:5"):
        dataclasses.replace(PLAIN, learned_after=(("zu", 5),))


def test_presets_are_parsed_and_changed() -> None:
    assert parse_dials("demo") == Dials() == PRESETS["demo"]
    dials = parse_dials(
        "mbert_like", " languages = 5, namesakes=0.5,shared_pieces=off,learned_after=de:60+fr:90 "
    )
    assert (dials.languages, dials.namesakes, dials.shared_pieces) == (5, 0.5, False)
    assert dials.learned_after == (("de", 60), ("fr", 90))
    assert dials.facts_per_relation == PRESETS["mbert_like"].facts_per_relation
    assert dataclasses.replace(PRESETS["disjoint"], shared_pieces=True) == PRESETS["demo"]


@pytest.mark.parametrize(
    ("preset", "overrides", "named"),
    [
        ("none", "", "none"), ("demo", "colour=1", "colour"), ("demo", "languages", "languages"),
        ("demo", "languages=many", "many"), ("demo", "shared_pieces=1", "shared_pieces"),
        ("demo", "learned_after=de", "learned_after"),
    ],
)  # fmt: skip
def test_what_sets_no_dial_is_refused(preset: str, overrides: str, named: str) -> None:
    with pytest.raises(InputError, match=named) as caught:
        parse_dials(preset, overrides)
    assert caught.value.remedy


@given(st.text(alphabet="abcdegilnst=,.:+_ 0123456789-"))
def test_any_text_gives_dials_or_a_remedy(overrides: str) -> None:
    try:
        assert isinstance(parse_dials("demo", overrides), Dials)
    except InputError as error:
        assert error.remedy


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


def test_a_local_fact_is_stated_in_one_language() -> None:
    for fact in (world := small_world(local_facts=1.0)).facts:
        assert sum(world.truth[code][fact.uuid].stated for code in world.languages) == 1
    spread = small_world()
    assert any(sum(spread.truth[c][f.uuid].stated for c in spread.languages) > 2 for f in spread.facts)


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


def test_parallel_articles_state_a_fact_in_the_same_words() -> None:
    world = small_world(parallel_articles=1.0)
    statements = statements_of(world)
    for fact in world.facts:
        counts = {code: len(statements.get((fact.uuid, code), ())) for code in ("en", "de", "fr", "id", "hu")}
        assert len(set(counts.values())) == 1
    plain = statements_of(small_world())
    differing = [len({len(plain.get((f.uuid, code), ())) for code in ("en", "de")}) > 1 for f in world.facts]
    assert share(differing) > 0.5


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


def test_coverage_and_popularity_say_how_much_is_stated() -> None:
    stated = [
        sum(cell.stated for cells in small_world(coverage=coverage).truth.values() for cell in cells.values())
        for coverage in (0.2, 1.0, 2.0)
    ]
    assert stated[0] < 0.5 * stated[1] < stated[1] < stated[2]

    def most(popularity: float) -> float:
        counts = collections.Counter(uuid for uuid, _ in statements_of(small_world(popularity=popularity)))
        return max(counts.values()) / (sum(counts.values()) / 32)

    assert most(1.5) > most(0.0)


def test_passing_statements_stand_alone() -> None:
    assert {len(found) for found in statements_of(small_world(passing_statements=1.0)).values()} == {1}
    assert share([len(found) == 1 for found in statements_of(small_world()).values()]) < 0.2


def test_skewed_objects_have_a_majority() -> None:
    def majority(skew: float) -> dict[str, float]:
        world = small_world(object_skew=skew, facts_per_relation=20, relations=2)
        return {
            relation: collections.Counter(
                fact.object_uri for fact in world.facts if fact.relation == relation
            ).most_common(1)[0][1] / 20
            for relation in world.templates["en"]
        }  # fmt: skip

    assert all(top <= 0.1 for top in majority(0.0).values())
    assert majority(0.5) == {"P17": 0.5, "P19": 0.5}


def test_a_subject_has_several_answers_in_one_to_many_relations() -> None:
    for answers in (1, 3):
        world = small_world(answers=answers, relations=10)
        objects = collections.defaultdict(set)
        for fact in world.facts:
            objects[fact.relation, fact.subject_uri].add(fact.object_uri)
        most = collections.defaultdict(int)
        for (relation, _), found in objects.items():
            most[relation] = max(most[relation], len(found))
        assert most["P127"] == answers
        assert 1 <= most["P37"] <= answers
        assert {most[relation] for relation in RELATIONS if relation not in ("P127", "P37")} == {1}


def test_contradicting_languages_give_another_object() -> None:
    world = small_world(contradictions=1.0, coverage=2.0)
    contradicted = 0
    for code in world.languages:
        for fact in world.facts:
            cell = world.plan.cells[code][fact.uuid]
            if cell.contradiction is None:
                continue
            contradicted += 1
            assert cell.contradiction != fact.object_uri
            assert world.truth[code][fact.uuid].contradicted and not world.truth[code][fact.uuid].stated
            together = [
                sentence
                for _, sentence in sentences_of(world, code)
                if {fact.subject_uri, cell.contradiction} <= {found.uri for found in sentence.mentions}
            ]
            assert together and not any(sentence.fact for sentence in together)
            assert (fact.uuid, code) not in statements_of(world)
    assert contradicted > 10


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


def test_names_meet_by_chance_in_unstated_facts_alone() -> None:
    def together(world: World) -> set[tuple[str, str]]:
        return {
            (fact.uuid, code)
            for code, sentence in sentences_of(world)
            for fact in world.facts
            if not sentence.fact
            and {fact.subject_uri, fact.object_uri} <= {found.uri for found in sentence.mentions}
        }

    assert not together(small_world())
    world = small_world(chance_cooccurrence=1.0)
    stated = {uuid for uuid, _ in statements_of(world)}
    assert together(world) == {
        (fact.uuid, code)
        for code in world.languages
        for fact in world.facts
        if fact.uuid in stated and not world.truth[code][fact.uuid].stated
    }


def test_dials_of_the_training_are_passed_on() -> None:
    dials = parse_dials("demo", "vocabulary_share=0.5,layers=3,hidden=64,steps=7,learned_after=de:5")
    given = (dials.vocabulary_share, dials.layers, dials.hidden, dials.steps, dials.learned_after)
    assert given == (0.5, 3, 64, 7, (("de", 5),))
    assert small_world(layers=3).articles == small_world().articles


def test_persons_and_companies_have_two_words() -> None:
    world = small_world()
    for fact in world.facts:
        if fact.relation in PERSON_RELATIONS:
            assert all(len(world.labels[code][fact.subject_uri].split()) == 2 for code in world.languages)
