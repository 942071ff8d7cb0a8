"""What follows from a plan for every fact and language: the planted truth."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from factroots_dagster.sandbox.entities import name_link
from factroots_dagster.sandbox.languages import Language, linked_languages
from factroots_dagster.sandbox.records import Fact, Plan, PlantedTruth
from factroots_dagster.sandbox.schema import NAME_LINKS

SPELT_ALIKE = frozenset({"identical", "cognate"})
SHORTEST_OBJECT = 4  # letters of an object that gives itself away in a subject's name


def plant_truth(
    plan: Plan, languages: Mapping[str, Language], among: Collection[str] | None = None
) -> dict[str, dict[str, PlantedTruth]]:
    """The planted truth, language code to {uuid: truth}, for a model that reads `among`, by default all."""
    chosen = {code: language for code, language in languages.items() if among is None or code in among}
    bearers: dict[str, set[str]] = {}
    for code in chosen:
        for uri, spelling in plan.spellings[code].items():
            bearers.setdefault(spelling.text, set()).add(uri)
    return {
        code: {fact.uuid: _plant_cell(plan, chosen, code, fact, bearers) for fact in plan.facts}
        for code in chosen
    }


def _plant_cell(
    plan: Plan, languages: Mapping[str, Language], code: str, fact: Fact, bearers: Mapping[str, set[str]]
) -> PlantedTruth:
    cell, spelling = plan.cells[code][fact.uuid], plan.spellings[code][fact.subject_uri]
    links = {
        other: name_link(
            spelling, plan.spellings[other][fact.subject_uri],
            same_script=languages[other].script == languages[code].script,
        )
        for other in languages
        if other != code
    }  # fmt: skip
    stating = {other for other in languages if plan.cells[other][fact.uuid].stated_how}
    partners = [other for other in linked_languages(code, languages) if links[other] in SPELT_ALIKE]
    sources = [other for other in partners if other in stating]
    object_name = plan.spellings[code][fact.object_uri].text
    gives_away = len(object_name) >= SHORTEST_OBJECT and object_name.casefold() in spelling.text.casefold()
    return PlantedTruth(
        kind=planted_kind(
            "easy_token" if gives_away else fact.kind,
            stated=code in stating,
            has_link=bool(partners),
            has_source=bool(sources),
            stated_anywhere=bool(stating),
        ),
        stated=code in stating,
        linked_source=sources[0] if sources else None,
        stated_how=cell.stated_how,
        distractor=cell.distractor,
        name_link=min((links[other] for other in stating - {code}), key=NAME_LINKS.index, default=None),
        namesake=len(bearers[spelling.text]) > 1,
        contradicted=cell.contradiction is not None,
    )


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
