"""The facts of a generated world with dials: subjects, objects and their names.

Natural relations (P17, P37, P38) take their facts from CLDR, the others have made-up subjects. How often each
object is right follows the dial `object_skew`. `statements.py` decides who states what.
"""

from __future__ import annotations

import uuid as uuids
from collections.abc import Iterator, Mapping

import numpy as np

from factroots_dagster.sandbox.dials import Dials
from factroots_dagster.sandbox.entities import Entities
from factroots_dagster.sandbox.languages import Language
from factroots_dagster.sandbox.names import COMPANY_SUFFIXES, NameMaker
from factroots_dagster.sandbox.natural import Named, natural_pairs
from factroots_dagster.sandbox.records import Fact
from factroots_dagster.sandbox.relations import (
    COMPANY_RELATIONS,
    FACT_NAMESPACE,
    NATURAL_RELATIONS,
    OBJECT_CLASS,
    ONE_TO_MANY,
    PERSON_RELATIONS,
    RELATIONS,
)

OBJECTS = 20
"""Objects of a made-up class, and most cities and languages that made-up subjects have as objects."""
FIRST_NAMES = 30


def plan_facts(
    seed: int, dials: Dials, languages: Mapping[str, Language]
) -> tuple[list[Fact], dict[str, list[str]], Entities]:
    """Plan the facts (all of kind "unknown" so far), the entities of each object class, and all names."""
    random = np.random.default_rng([seed, 2])
    entities = Entities(languages, dials, NameMaker(np.random.default_rng([seed, 1])), random)
    planner = _FactPlanner(dials, entities, random)
    facts: list[Fact] = []
    object_uris: dict[str, list[str]] = {}
    # natural names first: made-up ones give way to them
    order = sorted(RELATIONS[: dials.relations], key=lambda relation: relation not in NATURAL_RELATIONS)
    for relation in order:
        pairs = (
            planner.natural_pairs(relation) if relation in NATURAL_RELATIONS else planner.made_pairs(relation)
        )
        for line, (subject, object_) in enumerate(pairs):
            uuid = str(uuids.uuid5(FACT_NAMESPACE, f"{seed}/{relation}/{line}"))
            facts.append(Fact(uuid, relation, "unknown", subject, object_, line))
            known = object_uris.setdefault(OBJECT_CLASS[relation], [])
            if object_ not in known:
                known.append(object_)
    _exchange_names(random, facts, entities, dials.namesakes)
    return facts, object_uris, entities


class _FactPlanner:
    """Chooses subjects and objects, relation by relation."""

    def __init__(self, dials: Dials, entities: Entities, random: np.random.Generator) -> None:
        self.dials, self.entities, self.random = dials, entities, random
        self.first_names = [entities.maker.make_word() for _ in range(FIRST_NAMES)]
        self.objects: dict[str, list[str]] = {}

    def natural_pairs(self, relation: str) -> list[tuple[str, str]]:
        """(subject, object) uris of CLDR's facts; the commonest object is as common as CLDR allows."""
        found = natural_pairs(relation)
        by_object: dict[Named, list[Named]] = {}
        in_order = list(found)
        for index in self.random.permutation(len(in_order)).tolist():
            by_object.setdefault(found[in_order[index]][0], []).append(in_order[index])
        majority = max(by_object, key=lambda object_: (len(by_object[object_]), object_))
        wanted = self.dials.facts_per_relation
        common = round(self.dials.object_skew * wanted)
        others = [object_ for object_ in by_object if object_ != majority or not common]
        pairs: list[tuple[str, str]] = []
        for subjects, count in ((by_object[majority], common), (_in_turns(others, by_object), wanted)):
            for subject in subjects:
                if len(pairs) >= count:
                    break
                answers = found[subject][: self.dials.answers if relation in ONE_TO_MANY else 1]
                uris = [self.entities.add_natural(entity) for entity in (subject, *answers)]
                pairs += [(str(uris[0]), str(uri)) for uri in uris[1:] if None not in uris]
        return pairs[:wanted]

    def made_pairs(self, relation: str) -> list[tuple[str, str]]:
        """(subject, object) uris with made-up subjects."""
        objects = self._objects_of(OBJECT_CLASS[relation])
        most_answers = self.dials.answers if relation in ONE_TO_MANY else 1
        count = self.dials.facts_per_relation
        common = round(self.dials.object_skew * count)
        others = list(range(1 if common else 0, len(objects)))
        chosen = [0] * common + [others[index % len(others)] for index in range(count - common)]
        self.random.shuffle(chosen)
        pairs: list[tuple[str, str]] = []
        while len(pairs) < count:
            subject = self._make_subject(relation)
            first = chosen[len(pairs)]
            answers = 1 + int(self.random.integers(most_answers))
            own = [(first + step) % len(objects) for step in range(answers)]
            pairs += [(subject, objects[index]) for index in own]
        return pairs[:count]

    def _objects_of(self, object_class: str) -> list[str]:
        if object_class not in self.objects:
            if object_class == "city":
                natural = [("city", code) for _, code in natural_pairs("P17")]
            elif object_class == "language":
                natural = sorted({found for objects in natural_pairs("P37").values() for found in objects})
            else:
                natural = []
            uris: list[str] = []
            for index in self.random.permutation(len(natural)).tolist():
                uri = self.entities.add_natural(natural[index]) if len(uris) < OBJECTS else None
                uris += [uri] if uri else []
            uris += [self.entities.add_made(is_object=True) for _ in range(OBJECTS if not natural else 0)]
            self.objects[object_class] = uris
        return self.objects[object_class]

    def _make_subject(self, relation: str) -> str:
        if relation in PERSON_RELATIONS:
            return self.entities.add_made(first=str(self.random.choice(self.first_names)))
        if relation in COMPANY_RELATIONS:
            return self.entities.add_made(last=str(self.random.choice(COMPANY_SUFFIXES)))
        return self.entities.add_made()


def _in_turns(objects: list[Named], by_object: dict[Named, list[Named]]) -> Iterator[Named]:
    """The subjects of all objects, one of each in turn."""
    for turn in range(max((len(by_object[object_]) for object_ in objects), default=0)):
        yield from (by_object[object_][turn] for object_ in objects if turn < len(by_object[object_]))


def _exchange_names(random: np.random.Generator, facts: list[Fact], entities: Entities, share: float) -> None:
    """Let pairs of made-up subjects of a relation exchange their names in about half of the languages.

    Each string then belongs to either subject somewhere, with another object: it is a namesake.
    """
    codes = list(entities.languages)
    for relation in dict.fromkeys(fact.relation for fact in facts):
        own = [fact for fact in facts if fact.relation == relation and relation not in NATURAL_RELATIONS]
        objects: dict[str, set[str]] = {}
        for fact in own:
            objects.setdefault(fact.subject_uri, set()).add(fact.object_uri)
        subjects = list(objects)
        random.shuffle(subjects)
        subjects = subjects[: round(share * len(subjects))]
        while len(subjects) > 1:
            one = subjects.pop()
            partner = next((other for other in subjects if objects[one].isdisjoint(objects[other])), None)
            if partner is None:
                continue
            subjects.remove(partner)
            where = [code for code in codes if random.random() < 0.5] or codes[1:2]
            entities.exchange_names(one, partner, where if len(where) < len(codes) else where[1:])
