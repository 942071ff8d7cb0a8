"""The generated world: facts, names, and what is planted for every fact in every language.

`generate(seed)` is the entry point. This module writes no files: `release.py` writes the mLAMA release,
`dump.py` the Wikipedia dumps, `truth.py` the table of planted truth. `articles.py` turns planted truth into
sentences and articles.
"""

from __future__ import annotations

import uuid as uuids

import numpy as np

from factroots_dagster.sandbox.articles import write_articles
from factroots_dagster.sandbox.control_world import with_disjoint_alphabets
from factroots_dagster.sandbox.languages import LANGUAGES, linked_languages
from factroots_dagster.sandbox.lexicon import (
    PERSON_RELATIONS,
    RELATIONS,
    STATEMENTS,
    capitalize,
    translate,
    transliterate,
)
from factroots_dagster.sandbox.names import OBJECT_CLASS, OBJECT_COUNTS, NameMaker, make_object_labels
from factroots_dagster.sandbox.records import Fact, PlantedTruth, World

# Facts of each kind in each relation: 59 per relation, 472 in all. Few linked facts are planted in P17, P103
# and P140: the "naming cue" rule applies to these relations and would claim all their transferred facts.
FACT_KINDS = ("shared", "transferred", "independent", "unknown", "easy_token", "easy_name")
FACT_COUNTS = {
    "P17": (12, 6, 22, 5, 8, 6),
    "P19": (21, 22, 9, 7, 0, 0),
    "P36": (16, 17, 8, 6, 12, 0),
    "P103": (13, 7, 23, 5, 0, 11),
    "P127": (16, 17, 8, 6, 12, 0),
    "P140": (13, 8, 22, 5, 0, 11),
    "P159": (16, 17, 8, 6, 12, 0),
    "P176": (16, 17, 8, 6, 12, 0),
}
NAMESPACE = uuids.UUID("6f6e1f0a-52a5-5c3e-9c1d-0fac75002026")
# probability that a language states a shared fact; the hub always does, and qag only if qaf does
SHARED_CHANCE = {"qab": 0.8, "qac": 0.7, "qad": 0.6, "qae": 0.4, "qaf": 0.65, "qah": 0.5}
SHARED_CHANCE_QAG = 0.5  # given that qaf states the fact
SECOND_SOURCE_CHANCE = 0.35
CYRILLIC_SOURCE_CHANCE = 0.45
EASY_CHANCE = 0.5
NEXT_SENTENCE_SHARE = 0.04  # of the stated facts: stated only by a pronoun in the next sentence
PRONOUN_SHARE = 0.03  # of the stated facts: stated only by a pronoun two sentences later
# Of the unstated facts with a linked source: a sentence names subject and object without stating the fact.
# Without a source such a sentence would itself teach the fact, which would then not be unknown.
DISTRACTOR_SHARE = 0.03
_SOURCES = ("qaa", "qab", "qac", "qad", "qae")
_SOURCE_WEIGHTS = np.array([0.3, 0.25, 0.25, 0.12, 0.08])
_COMPANY_SUFFIXES = ("Group", "Media", "Works", "Line", "House")


def generate(seed: int, disjoint_alphabets: bool = False) -> World:
    """Generate the world of `seed`: the same one, letter by letter, every time.

    With `disjoint_alphabets` every language has an alphabet of its own (a block of Hangul syllables), so that
    no two languages share a word or a letter. Everything else, the planted kinds included, stays the same:
    `transferred` then marks the facts that would transfer if there were a link, and must not.
    """
    maker = NameMaker(np.random.default_rng([seed, 1]))
    objects = make_object_labels(maker)
    object_uris = _number_objects()
    facts, labels = _plan_facts(seed, maker, objects, object_uris)
    truth = _plant(seed, facts)
    templates = {
        code: {relation: capitalize(translate(STATEMENTS[relation][0], code)) + "." for relation in RELATIONS}
        for code in LANGUAGES
    }
    articles, redirects = {}, {}
    for code in LANGUAGES:
        articles[code], redirects[code] = write_articles(
            seed, code, facts, truth[code], labels[code], object_uris
        )
    world = World(seed, False, tuple(LANGUAGES), facts, labels, templates, truth, articles, redirects)
    return with_disjoint_alphabets(world) if disjoint_alphabets else world


def _number_objects() -> dict[str, list[str]]:
    """Made-up Q-ids of the objects of each class."""
    uris: dict[str, list[str]] = {}
    for number, (object_class, count) in enumerate(OBJECT_COUNTS.items()):
        first = 990_000_000 + 1000 * number
        uris[object_class] = [f"Q{first + index}" for index in range(count)]
    return uris


def _plan_facts(
    seed: int, maker: NameMaker, objects: dict[str, list[dict[str, str]]], object_uris: dict[str, list[str]]
) -> tuple[tuple[Fact, ...], dict[str, dict[str, str]]]:
    """All facts, and every entity's label in every language."""
    random = np.random.default_rng([seed, 2])
    labels: dict[str, dict[str, str]] = {
        code: {
            uri: translations[code]
            for object_class, uris in object_uris.items()
            for uri, translations in zip(uris, objects[object_class], strict=True)
        }
        for code in LANGUAGES
    }
    first_names = [maker.make_word() for _ in range(40)]
    facts: list[Fact] = []
    for relation in RELATIONS:
        relation_objects = objects[OBJECT_CLASS[relation]]
        counts = zip(FACT_KINDS, FACT_COUNTS[relation], strict=True)
        kinds = [kind for kind, count in counts for _ in range(count)]
        # every object is used equally often, so that none is a good guess
        object_indices = [index % len(relation_objects) for index in range(len(kinds))]
        random.shuffle(object_indices)
        cued_objects = random.choice(len(relation_objects), size=4, replace=False).tolist()
        cues = {index: maker.make_word() for index in cued_objects}
        order = random.permutation(len(kinds)).tolist()
        for line, position in enumerate(order):
            kind, index = kinds[position], object_indices[position]
            if kind == "easy_name":
                index = list(cues)[position % len(cues)]
            subject = f"Q{991_000_000 + len(facts)}"
            names = _subject_names(
                maker, random, relation, kind, first_names, cues.get(index), relation_objects[index]
            )
            for code in LANGUAGES:
                labels[code][subject] = names[code]
            uuid = str(uuids.uuid5(NAMESPACE, f"{seed}/{relation}/{line}"))
            facts.append(
                Fact(uuid, relation, kind, subject, object_uris[OBJECT_CLASS[relation]][index], line)
            )
    return tuple(facts), labels


def _subject_names(
    maker: NameMaker,
    random: np.random.Generator,
    relation: str,
    kind: str,
    first_names: list[str],
    cue: str | None,
    object_labels: dict[str, str],
) -> dict[str, str]:
    """One subject's label in every language; `cue` is the first name that gives the object away."""
    first_name = first_names[int(random.integers(len(first_names)))]
    suffix = _COMPANY_SUFFIXES[int(random.integers(len(_COMPANY_SUFFIXES)))]
    word = maker.make_word()
    names = {}
    for code, language in LANGUAGES.items():
        if kind == "independent" and code != "qaa":
            word = maker.make_word()
        if kind == "easy_name":
            name = f"{cue} {word}"
        elif relation in PERSON_RELATIONS:
            name = f"{first_name} {word}"
        elif relation in ("P127", "P159"):
            name = f"{word} {suffix}"
        else:
            name = word
        name = transliterate(name, language.script)
        names[code] = f"{object_labels[code]} {name}" if kind == "easy_token" else name
    return names


def _plant(seed: int, facts: tuple[Fact, ...]) -> dict[str, dict[str, PlantedTruth]]:
    """Decide which languages state each fact, and how: language code to {uuid: planted truth}."""
    random = np.random.default_rng([seed, 3])
    truth: dict[str, dict[str, PlantedTruth]] = {code: {} for code in LANGUAGES}
    for fact in facts:
        stating = _stating_languages(random, fact.kind)
        for code in LANGUAGES:
            partners = linked_languages(code) if fact.kind != "independent" else ()
            sources = [other for other in partners if other in stating]
            stated = code in stating
            how_draw, distractor_draw = float(random.random()), float(random.random())
            truth[code][fact.uuid] = PlantedTruth(
                kind=planted_kind(
                    fact.kind,
                    stated=stated,
                    has_link=bool(partners),
                    has_source=bool(sources),
                    stated_anywhere=bool(stating),
                ),
                stated=stated,
                linked_source=sources[0] if sources else None,
                stated_how=_stated_how(how_draw) if stated else None,
                distractor=distractor_draw < DISTRACTOR_SHARE and not stated and bool(sources),
            )
    return truth


def _stated_how(draw: float) -> str:
    """One of schema.STATED_HOW, from a uniform draw."""
    if draw < NEXT_SENTENCE_SHARE:
        return "next_sentence"
    return "pronoun" if draw < NEXT_SENTENCE_SHARE + PRONOUN_SHARE else "sentence"


def planted_kind(
    fact_kind: str, *, stated: bool, has_link: bool, has_source: bool, stated_anywhere: bool
) -> str:
    """The kind (schema.PLANTED_KINDS) of a fact in one language.

    `stated`: the language states the fact; `has_link`: another language spells its names alike; `has_source`:
    such a language states it; `stated_anywhere`: any language does.
    """
    if fact_kind in ("easy_token", "easy_name"):
        return fact_kind
    if stated:
        return "shared" if has_link else "independent"
    if has_source:
        return "transferred"
    return "unlinked" if stated_anywhere else "unknown"


def _stating_languages(random: np.random.Generator, kind: str) -> frozenset[str]:
    """The languages that state a fact of this kind."""
    draws = {code: float(random.random()) for code in LANGUAGES}
    if kind == "unknown":
        return frozenset()
    if kind in ("easy_token", "easy_name"):
        chosen = {code for code in LANGUAGES if draws[code] < EASY_CHANCE}
    elif kind == "independent":
        chosen = {code for code, language in LANGUAGES.items() if draws[code] < language.stated}
    elif kind == "shared":
        chosen = {"qaa"} | {code for code, chance in SHARED_CHANCE.items() if draws[code] < chance}
        if "qaf" in chosen and draws["qag"] < SHARED_CHANCE_QAG:
            chosen.add("qag")
        if len(chosen & set(_SOURCES)) < 2:
            chosen.add("qab")
    else:  # transferred: one source, sometimes a second, sometimes one of the other script
        order = random.choice(len(_SOURCES), size=2, replace=False, p=_SOURCE_WEIGHTS).tolist()
        chosen = {_SOURCES[order[0]]}
        if draws["qab"] < SECOND_SOURCE_CHANCE:
            chosen.add(_SOURCES[order[1]])
        if draws["qaf"] < CYRILLIC_SOURCE_CHANCE:
            chosen.add("qaf")
    return frozenset(chosen)
