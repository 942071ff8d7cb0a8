"""Who states which fact, how often and how: the plan of a generated world with dials."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from factroots_dagster.sandbox.dials import Dials
from factroots_dagster.sandbox.entities import name_link
from factroots_dagster.sandbox.facts import plan_facts
from factroots_dagster.sandbox.languages import Language
from factroots_dagster.sandbox.records import CellPlan, Fact, Plan, Spelling
from factroots_dagster.sandbox.relations import OBJECT_CLASS

HIDDEN = ("infobox", "table", "list")
MISSED = ("pronoun", "next_sentence", "alias")
MOST_STATEMENTS = 2  # times a language's volume, however popular the fact


def plan_world(seed: int, dials: Dials, languages: Mapping[str, Language]) -> Plan:
    """Plan facts, names and statements."""
    facts, object_uris, entities = plan_facts(seed, dials, languages)
    random = np.random.default_rng([seed, 3])
    weights = popularities(random, facts, dials.popularity)
    cells: dict[str, dict[str, CellPlan]] = {code: {} for code in languages}
    answers: dict[tuple[str, str], set[str]] = {}
    for fact in facts:
        answers.setdefault((fact.relation, fact.subject_uri), set()).add(fact.object_uri)
    planned = []
    for fact in facts:
        right = answers[fact.relation, fact.subject_uri]
        others = [uri for uri in object_uris[OBJECT_CLASS[fact.relation]] if uri not in right]
        own_cells = _plan_cells(random, dials, languages, weights[fact.uuid], others)
        for code, cell in own_cells.items():
            cells[code][fact.uuid] = cell
        stating = [code for code, cell in own_cells.items() if cell.stated_how]
        kind = fact_kind(fact, stating, languages, entities.spellings)
        planned.append(dataclasses.replace(fact, kind=kind))
    return Plan(tuple(planned), object_uris, entities.spellings, cells)


def popularities(random: np.random.Generator, facts: list[Fact], exponent: float) -> dict[str, float]:
    """Popularity by uuid, mean 1 in each relation: a rank, drawn at random, to minus `exponent`."""
    weights = {}
    for relation in dict.fromkeys(fact.relation for fact in facts):
        own = [fact for fact in facts if fact.relation == relation]
        law = np.arange(1, len(own) + 1, dtype=np.float64) ** -exponent
        for fact, rank in zip(own, random.permutation(len(own)).tolist(), strict=True):
            weights[fact.uuid] = float(law[rank] / law.mean())
    return weights


def fact_kind(
    fact: Fact,
    stating: list[str],
    languages: Mapping[str, Language],
    spellings: Mapping[str, Mapping[str, Spelling]],
) -> str:
    """The kind of a fact as a whole: unknown (stated nowhere) or transferred (in one language).

    Otherwise it is shared if two languages that state it spell its subject alike or as cognates, else
    independent.
    """
    if len(stating) < 2:
        return "transferred" if stating else "unknown"
    links = {
        name_link(
            spellings[one][fact.subject_uri], spellings[other][fact.subject_uri],
            same_script=languages[one].script == languages[other].script,
        )
        for one in stating
        for other in stating
        if one != other
    }  # fmt: skip
    return "shared" if links & {"identical", "cognate"} else "independent"


def _plan_cells(
    random: np.random.Generator,
    dials: Dials,
    languages: Mapping[str, Language],
    popularity: float,
    other_objects: list[str],
) -> dict[str, CellPlan]:
    """How each language treats one fact."""
    chances = {
        code: 1 - (1 - min(0.999, dials.coverage * language.stated)) ** popularity
        for code, language in languages.items()
    }
    stating = {code for code, chance in chances.items() if random.random() < chance}
    codes = list(languages)
    if random.random() < dials.local_facts:
        shares = np.array([language.stated for language in languages.values()])
        stating = {codes[int(random.choice(len(codes), p=shares / shares.sum()))]}
    parallel: set[str] = set()
    if stating and random.random() < dials.parallel_articles:
        script = languages[min(stating, key=codes.index)].script
        parallel = {code for code, language in languages.items() if language.script == script}
    contradicted: set[str] = set()
    if other_objects and random.random() < dials.contradictions:
        contradicted = {code for code in sorted(stating - {codes[0]} - parallel) if random.random() < 0.5}
    wrong = other_objects[int(random.integers(len(other_objects)))] if contradicted else None
    common_count = int(random.integers(2, 6))
    cells = {}
    for code, language in languages.items():
        count = 1 + int(random.poisson(max(0.0, language.volume * popularity - 1)))
        count = min(count, MOST_STATEMENTS * language.volume)
        if random.random() < dials.passing_statements:
            count = 1
        if code in contradicted:
            cells[code] = CellPlan(contradiction=wrong, statements=count)
        elif code in parallel:
            cells[code] = CellPlan(_draw_how(random, dials), statements=common_count, parallel=True)
        elif code in stating:
            cells[code] = CellPlan(_draw_how(random, dials), statements=count)
        else:
            meets = bool(stating | parallel) and random.random() < dials.chance_cooccurrence
            cells[code] = CellPlan(distractor=meets)
    return cells


def _draw_how(random: np.random.Generator, dials: Dials) -> str:
    """One of schema.STATED_HOW."""
    draw = random.random()
    if draw < dials.hidden_statements:
        return str(random.choice(HIDDEN))
    if draw < dials.hidden_statements + dials.missed_statements:
        return str(random.choice(MISSED))
    return "sentence"
