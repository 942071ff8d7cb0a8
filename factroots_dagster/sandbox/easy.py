"""The facts of the easy world: fixed numbers of facts of each kind, in eight made-up languages.

It is the world of the first release, letter by letter, kept for comparison. In it "shared" means "written
alike": languages of a script spell all names alike, except those of independent facts.
"""

from __future__ import annotations

import uuid as uuids

import numpy as np

from factroots_dagster.sandbox.languages import Language
from factroots_dagster.sandbox.names import COMPANY_SUFFIXES, NameMaker
from factroots_dagster.sandbox.records import CellPlan, Fact, Plan, Spelling
from factroots_dagster.sandbox.relations import (
    COMPANY_RELATIONS,
    EASY_RELATIONS,
    FACT_NAMESPACE,
    OBJECT_CLASS,
    PERSON_RELATIONS,
)
from factroots_dagster.sandbox.scripts import transliterate

Languages = dict[str, Language]

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

COUNTRY_ENDINGS = {"qaa": "land", "qab": "ia", "qac": "ica", "qad": "stan", "qae": "rike",
                   "qaf": "iya", "qag": "shina", "qah": "ada"}  # fmt: skip
LANGUAGE_ENDINGS = {"qaa": "ish", "qab": "es", "qac": "ano", "qad": "asa", "qae": "taal",
                    "qaf": "ski", "qag": "ska", "qah": "ika"}  # fmt: skip
OBJECT_COUNTS = {"country": 20, "city": 30, "language": 20, "owner": 24, "religion": 12, "maker": 20}
EXONYMS = ("city", "owner", "maker")


def plan_easy_facts(seed: int, languages: Languages) -> Plan:
    """Plan the facts, names and statements of the easy world."""
    maker = NameMaker(np.random.default_rng([seed, 1]))
    objects = make_object_labels(maker, languages)
    object_uris = _number_objects()
    random = np.random.default_rng([seed, 2])
    spellings: dict[str, dict[str, Spelling]] = {
        code: {
            uri: Spelling("", translations[code])
            for object_class, uris in object_uris.items()
            for uri, translations in zip(uris, objects[object_class], strict=True)
        }
        for code in languages
    }
    first_names = [maker.make_word() for _ in range(40)]
    facts: list[Fact] = []
    for relation in EASY_RELATIONS:
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
                maker,
                random,
                relation,
                kind,
                first_names,
                cues.get(index),
                relation_objects[index],
                languages,
            )
            for code, spelling in names.items():
                spellings[code][subject] = spelling
            uuid = str(uuids.uuid5(FACT_NAMESPACE, f"{seed}/{relation}/{line}"))
            facts.append(
                Fact(uuid, relation, kind, subject, object_uris[OBJECT_CLASS[relation]][index], line)
            )
    return Plan(tuple(facts), object_uris, spellings, _plan_cells(seed, facts, languages))


def make_object_labels(maker: NameMaker, languages: Languages) -> dict[str, list[dict[str, str]]]:
    """Make the labels of all objects: object class to a list of {language code: label}.

    Cities, owners and makers are spelled alike within a script (a quarter of them with two words), except for
    another quarter with a different name in every language, as exonyms have; so has every second religion. A
    country and its language share a stem, to which each language adds its own endings.
    """
    labels: dict[str, list[dict[str, str]]] = {name: [] for name in OBJECT_COUNTS}
    country_stems = [maker.make_word() for _ in range(OBJECT_COUNTS["country"])]
    for name, count in OBJECT_COUNTS.items():
        for index in range(count):
            stem = country_stems[index] if name in ("country", "language") else maker.make_word()
            if name == "city" and index % 4 == 0:
                stem = f"Port {stem}"
            elif name in ("owner", "maker") and index % 4 == 0:
                stem = f"{stem} Holding" if name == "owner" else f"{stem} Motors"
            exonym = (name == "religion" and index % 2 == 1) or (name in EXONYMS and index % 4 == 3)
            translations = {}
            for code, language in languages.items():
                label = stem
                if name == "country":
                    label = stem + COUNTRY_ENDINGS[code]
                elif name == "language":
                    label = stem + LANGUAGE_ENDINGS[code]
                elif exonym and code != "qaa":
                    label = maker.make_word()
                translations[code] = transliterate(label, language)
            labels[name].append(translations)
    return labels


def _number_objects() -> dict[str, list[str]]:
    """Made-up Q-ids of the objects of each class."""
    uris: dict[str, list[str]] = {}
    for number, (object_class, count) in enumerate(OBJECT_COUNTS.items()):
        first = 990_000_000 + 1000 * number
        uris[object_class] = [f"Q{first + index}" for index in range(count)]
    return uris


def _subject_names(
    maker: NameMaker,
    random: np.random.Generator,
    relation: str,
    kind: str,
    first_names: list[str],
    cue: str | None,
    object_labels: dict[str, str],
    languages: Languages,
) -> dict[str, Spelling]:
    """One subject's name in every language; `cue` is the first name that gives the object away."""
    first_name = first_names[int(random.integers(len(first_names)))]
    suffix = COMPANY_SUFFIXES[int(random.integers(len(COMPANY_SUFFIXES)))]
    word = maker.make_word()
    names = {}
    for code, language in languages.items():
        if kind == "independent" and code != "qaa":
            word = maker.make_word()
        if kind == "easy_name":
            name = f"{cue} {word}"
        elif relation in PERSON_RELATIONS:
            name = f"{first_name} {word}"
        elif relation in COMPANY_RELATIONS:
            name = f"{word} {suffix}"
        else:
            name = word
        name = transliterate(name, language)
        names[code] = Spelling(word, f"{object_labels[code]} {name}" if kind == "easy_token" else name)
    return names


def _plan_cells(seed: int, facts: list[Fact], languages: Languages) -> dict[str, dict[str, CellPlan]]:
    """Decide which languages state each fact, and how."""
    random = np.random.default_rng([seed, 3])
    cells: dict[str, dict[str, CellPlan]] = {code: {} for code in languages}
    for fact in facts:
        stating = _stating_languages(random, fact.kind, languages)
        for code, language in languages.items():
            how_draw, distractor_draw = float(random.random()), float(random.random())
            has_source = fact.kind != "independent" and any(
                other != code and languages[other].script == language.script for other in stating
            )
            cells[code][fact.uuid] = CellPlan(
                stated_how=_stated_how(how_draw) if code in stating else None,
                distractor=distractor_draw < DISTRACTOR_SHARE and code not in stating and has_source,
            )
    return cells


def _stated_how(draw: float) -> str:
    """One of schema.STATED_HOW, from a uniform draw."""
    if draw < NEXT_SENTENCE_SHARE:
        return "next_sentence"
    return "pronoun" if draw < NEXT_SENTENCE_SHARE + PRONOUN_SHARE else "sentence"


def _stating_languages(random: np.random.Generator, kind: str, languages: Languages) -> frozenset[str]:
    """The languages that state a fact of this kind."""
    draws = {code: float(random.random()) for code in languages}
    if kind == "unknown":
        return frozenset()
    if kind in ("easy_token", "easy_name"):
        chosen = {code for code in languages if draws[code] < EASY_CHANCE}
    elif kind == "independent":
        chosen = {code for code, language in languages.items() if draws[code] < language.stated}
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
