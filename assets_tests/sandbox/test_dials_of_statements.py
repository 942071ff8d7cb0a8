"""The dials that say which language states which fact show in the generated world."""

from __future__ import annotations

import collections

from assets_tests.sandbox.small_worlds import (
    sentences_of,
    share,
    small_world,
    statements_of,
)
from factroots_dagster.sandbox.dials import PRESETS
from factroots_dagster.sandbox.records import World
from factroots_dagster.sandbox.relations import RELATIONS
from factroots_dagster.sandbox.world import generate


def test_a_local_fact_is_stated_in_one_language() -> None:
    for fact in (world := small_world(local_facts=1.0)).facts:
        assert sum(world.truth[code][fact.uuid].stated for code in world.languages) == 1
    spread = small_world()
    assert any(sum(spread.truth[c][f.uuid].stated for c in spread.languages) > 2 for f in spread.facts)


def test_parallel_articles_state_a_fact_in_the_same_words() -> None:
    world = small_world(parallel_articles=1.0)
    statements = statements_of(world)
    for fact in world.facts:
        counts = {code: len(statements.get((fact.uuid, code), ())) for code in ("en", "de", "fr", "id", "hu")}
        assert len(set(counts.values())) == 1
    plain = statements_of(small_world())
    differing = [len({len(plain.get((f.uuid, code), ())) for code in ("en", "de")}) > 1 for f in world.facts]
    assert share(differing) > 0.5


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


def test_the_mbert_like_preset_is_scarce_and_skewed() -> None:
    """What a language can know of a relation: few statements, most of them of facts that many others lack."""
    world = generate(3, PRESETS["mbert_like"])
    assert len(world.languages) == 24
    stated = collections.Counter(
        (code, fact.relation)
        for code in world.languages
        for fact in world.facts
        if world.truth[code][fact.uuid].stated
    )
    for relation in world.templates["en"]:
        of_relation = [fact for fact in world.facts if fact.relation == relation]
        assert len(of_relation) == 200
        counts = [stated[code, relation] for code in world.languages]
        assert 10 <= sorted(counts)[12] <= 30
        (_, commonest), (_, second) = collections.Counter(f.object_uri for f in of_relation).most_common(2)
        assert commonest >= (2 * second if relation != "P17" else second)
    languages = collections.Counter(
        sum(world.truth[code][fact.uuid].stated for code in world.languages) for fact in world.facts
    )
    assert sum(languages[count] for count in range(1, 6)) > 0.4 * len(world.facts)
    assert sum(languages[count] for count in range(12, 25)) > 0.02 * len(world.facts)
