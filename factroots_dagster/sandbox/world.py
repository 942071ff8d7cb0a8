"""The generated world: facts, names, and what is planted for every fact in every language.

`generate(seed)` is the one entry point. Nothing is written here: `release.py` writes the mLAMA files,
`dump.py` the Wikipedia dumps, `truth.py` the table of planted truth; `articles.py` turns plans into sentences
and articles.
"""

from __future__ import annotations

import uuid as uuids

import numpy as np

from factroots_dagster.sandbox.articles import write_articles
from factroots_dagster.sandbox.control_world import disjoint_alphabets
from factroots_dagster.sandbox.languages import LANGUAGES, linked
from factroots_dagster.sandbox.lexicon import CORE, PERSONS, RELATIONS, capitalized, translate, transliterate
from factroots_dagster.sandbox.model import Cell, Fact, World
from factroots_dagster.sandbox.names import OBJECT_CLASS, OBJECT_COUNTS, NameMaker, object_labels

# facts of each kind in each relation: 59 a relation, 472 in all. P17, P103 and P140 are asked about by name
# ("naming cue"), so few linked facts are planted there: that rule would take all their transfers.
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
# chance that a language states a shared fact; the hub always does, and qag only after qaf
SHARED_CHANCE = {"qab": 0.8, "qac": 0.7, "qad": 0.6, "qae": 0.4, "qaf": 0.65, "qah": 0.5}
SHARED_AFTER = 0.5  # qag, given that qaf states it
SECOND_SOURCE = 0.35
OTHER_SCRIPT_SOURCE = 0.45
EASY_CHANCE = 0.5
ACROSS_SENTENCES = 0.04  # of the stated cells: only by "X .... It is in Y."
BY_PRONOUN = 0.03  # of the stated cells: only by a pronoun two sentences away
# of the unstated cells that have a linked source: a sentence names both without stating the fact; elsewhere
# such a sentence would itself teach the fact, and nobody could call it stated nowhere
RIGHT_DISTRACTOR = 0.03
_SOURCES = ("qaa", "qab", "qac", "qad", "qae")
_SOURCE_WEIGHTS = np.array([0.3, 0.25, 0.25, 0.12, 0.08])
_COMPANY_WORDS = ("Group", "Media", "Works", "Line", "House")


def generate(seed: int, disjoint: bool = False) -> World:
    """The world of `seed`: the same one, to the letter, every time.

    With `disjoint` every language is written in an alphabet of its own (blocks of Hangul syllables), so that
    no two languages share a word or a letter. Everything else, the planted kinds included, stays as in the
    joint world: `transferred` then names the facts that would transfer if there were a link, and must not.
    """
    maker = NameMaker(np.random.default_rng([seed, 1]))
    objects = object_labels(maker)
    object_uris = _number_objects()
    facts, labels = _plan_facts(seed, maker, objects, object_uris)
    cells = _plan_cells(seed, facts)
    templates = {
        code: {relation: capitalized(translate(CORE[relation][0], code)) + "." for relation in RELATIONS}
        for code in LANGUAGES
    }
    articles, redirects = {}, {}
    for code in LANGUAGES:
        articles[code], redirects[code] = write_articles(
            seed, code, facts, cells[code], labels[code], object_uris
        )
    world = World(seed, disjoint, tuple(LANGUAGES), facts, labels, templates, cells, articles, redirects)
    return disjoint_alphabets(world) if disjoint else world


def _number_objects() -> dict[str, list[str]]:
    uris: dict[str, list[str]] = {}
    number = 990_000_000
    for name, count in OBJECT_COUNTS.items():
        uris[name] = [f"Q{number + index}" for index in range(count)]
        number += 1000
    return uris


def _plan_facts(
    seed: int, maker: NameMaker, objects: dict[str, list[dict[str, str]]], object_uris: dict[str, list[str]]
) -> tuple[tuple[Fact, ...], dict[str, dict[str, str]]]:
    """All facts, and every entity's label in every language."""
    random = np.random.default_rng([seed, 2])
    labels: dict[str, dict[str, str]] = {
        code: {
            uri: row[code]
            for name, uris in object_uris.items()
            for uri, row in zip(uris, objects[name], strict=True)
        }
        for code in LANGUAGES
    }
    given = [maker.word() for _ in range(40)]
    facts: list[Fact] = []
    for relation in RELATIONS:
        pool = objects[OBJECT_CLASS[relation]]
        counts = zip(FACT_KINDS, FACT_COUNTS[relation], strict=True)
        planted = [kind for kind, count in counts for _ in range(count)]
        # objects in turn, so that no object is a good guess
        turn = [index % len(pool) for index in range(len(planted))]
        random.shuffle(turn)
        cues = {index: maker.word() for index in random.choice(len(pool), size=4, replace=False).tolist()}
        order = random.permutation(len(planted)).tolist()
        for line, position in enumerate(order):
            kind, index = planted[position], turn[position]
            if kind == "easy_name":
                index = list(cues)[position % len(cues)]
            subject = f"Q{991_000_000 + len(facts)}"
            names = _subject_names(maker, random, relation, kind, given, cues.get(index), pool[index])
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
    given: list[str],
    cue: str | None,
    row: dict[str, str],
) -> dict[str, str]:
    """One subject's label in every language; `row` has the object's labels, `cue` is a telling first name."""
    first = given[int(random.integers(len(given)))]
    company = _COMPANY_WORDS[int(random.integers(len(_COMPANY_WORDS)))]
    word = maker.word()
    names = {}
    for code, language in LANGUAGES.items():
        if kind == "independent" and code != "qaa":
            word = maker.word()
        if kind == "easy_name":
            name = f"{cue} {word}"
        elif relation in PERSONS:
            name = f"{first} {word}"
        elif relation in ("P127", "P159"):
            name = f"{word} {company}"
        else:
            name = word
        name = transliterate(name, language.script)
        names[code] = f"{row[code]} {name}" if kind == "easy_token" else name
    return names


def _plan_cells(seed: int, facts: tuple[Fact, ...]) -> dict[str, dict[str, Cell]]:
    """What each language says about each fact."""
    random = np.random.default_rng([seed, 3])
    cells: dict[str, dict[str, Cell]] = {code: {} for code in LANGUAGES}
    for fact in facts:
        stating = _stating_languages(random, fact.kind)
        has_link = fact.kind != "independent"
        for code in LANGUAGES:
            sources = [other for other in linked(code) if other in stating] if has_link else []
            stated = code in stating
            draw, distractor = float(random.random()), float(random.random()) < RIGHT_DISTRACTOR
            how = None
            if stated:
                how = "sentence"
                if draw < ACROSS_SENTENCES:
                    how = "next_sentence"
                elif draw < ACROSS_SENTENCES + BY_PRONOUN:
                    how = "pronoun"
            cells[code][fact.uuid] = Cell(
                kind=cell_kind(
                    fact.kind, stated, bool(has_link and linked(code)), bool(sources), bool(stating)
                ),
                stated=stated,
                linked_source=sources[0] if sources else None,
                stated_how=how,
                distractor=distractor and not stated and bool(sources),
            )
    return cells


def cell_kind(fact_kind: str, stated: bool, has_link: bool, sourced: bool, stated_anywhere: bool) -> str:
    """Kind of a cell (schema.KINDS) of a fact of `fact_kind`, from who is linked and who states it."""
    if fact_kind in ("easy_token", "easy_name"):
        return fact_kind
    if stated:
        return "shared" if has_link else "independent"
    if sourced:
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
        if "qaf" in chosen and draws["qag"] < SHARED_AFTER:
            chosen.add("qag")
        if len(chosen & set(_SOURCES)) < 2:
            chosen.add("qab")
    else:  # transferred: one source, sometimes a second, sometimes one of the other script
        order = random.choice(len(_SOURCES), size=2, replace=False, p=_SOURCE_WEIGHTS).tolist()
        chosen = {_SOURCES[order[0]]}
        if draws["qab"] < SECOND_SOURCE:
            chosen.add(_SOURCES[order[1]])
        if draws["qaf"] < OTHER_SCRIPT_SOURCE:
            chosen.add("qaf")
    return frozenset(chosen)
