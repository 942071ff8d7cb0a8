"""The generated world: `generate` is the entry point.

This module writes no files: `release.py` writes the mLAMA release, `dump.py` the Wikipedia dumps, `truth.py`
the table of planted truth. A plan says what is stated where (`statements.py`, and `easy.py` for the easy
world), `planted.py` what follows from it, `articles.py` turns it into articles.
"""

from __future__ import annotations

from factroots_dagster.sandbox.articles import write_articles
from factroots_dagster.sandbox.control_world import with_disjoint_alphabets
from factroots_dagster.sandbox.dials import Dials, languages_of
from factroots_dagster.sandbox.easy import plan_easy_facts
from factroots_dagster.sandbox.lexicon import capitalize, translate
from factroots_dagster.sandbox.planted import plant_truth
from factroots_dagster.sandbox.records import World
from factroots_dagster.sandbox.relations import EASY_RELATIONS, RELATIONS, STATEMENTS
from factroots_dagster.sandbox.statements import plan_world


def generate(seed: int, dials: Dials) -> World:
    """Generate the world of `seed` and `dials`: the same one, letter by letter, every time.

    Without `dials.shared_pieces` every language has an alphabet of its own (a block of Hangul syllables), so
    that no two languages share a word or a letter. Everything else, the planted truth included, stays the
    same: `transferred` then marks the facts that would transfer if there were a link, and must not.
    """
    languages = languages_of(dials)
    plan = plan_easy_facts(seed, languages) if dials.invented else plan_world(seed, dials, languages)
    labels = {
        code: {uri: spelling.text for uri, spelling in names.items()}
        for code, names in plan.spellings.items()
    }
    relations = EASY_RELATIONS if dials.invented else RELATIONS[: dials.relations]
    templates = {
        code: {
            relation: capitalize(translate(STATEMENTS[relation][0], language, dials.loanwords)) + "."
            for relation in relations
        }
        for code, language in languages.items()
    }
    articles, redirects = {}, {}
    for code, language in languages.items():
        articles[code], redirects[code] = write_articles(seed, language, plan, labels, dials)
    truth = plant_truth(plan, languages)
    world = World(seed, dials, languages, plan, labels, templates, truth, articles, redirects)
    return world if dials.shared_pieces else with_disjoint_alphabets(world)
