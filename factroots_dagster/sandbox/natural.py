"""Natural facts and names from CLDR (Unicode licence), read through Babel.

Cities and their countries, countries and their official languages and currencies, each with the names of
every language of a world. A name in another script than its language's is CLDR's fallback to English and no
name: such an entity is left out. Latin-script languages that lack an entry do write the English name, as
CLDR prescribes for cities; that it also happens to Latin and Cebuano, whose data are thin, is a limit.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Sequence

from babel import Locale
from babel.core import get_global
from babel.languages import get_official_languages
from babel.numbers import get_territory_currencies

from factroots_dagster.sandbox.languages import Language
from factroots_dagster.sandbox.lexicon import capitalize
from factroots_dagster.sandbox.scripts import has_letters_of

CURRENCY_DAY = datetime.date(2026, 1, 1)
_NO_COUNTRIES = frozenset({"001", "ZZ", "AQ"})  # the world, unknown, Antarctica
_OBJECT_CLASS = {"P17": "country", "P37": "language", "P38": "currency"}

Named = tuple[str, str]
"""A class ("city", "country", "language" or "currency") and CLDR's code of an entity."""


@functools.cache
def _locale(code: str) -> Locale:
    return Locale.parse(code)


def natural_pairs(relation: str, day: datetime.date = CURRENCY_DAY) -> dict[Named, list[Named]]:
    """All subjects of P17, P37 or P38 and their objects, in the order of CLDR's codes.

    day: of which the currencies are.
    """
    zones = {zone: country for zone, country in get_global("zone_territories").items() if "/" in zone}
    countries = sorted(set(zones.values()) - _NO_COUNTRIES)
    if relation == "P17":
        return {
            ("city", zone): [("country", zones[zone])] for zone in sorted(zones) if zones[zone] in countries
        }
    objects: Callable[[str], Sequence[str]] = (
        get_official_languages
        if relation == "P37"
        else lambda country: get_territory_currencies(country, day, day)
    )
    object_class = _OBJECT_CLASS[relation]
    pairs = {
        ("country", country): [(object_class, code.split("_")[0]) for code in objects(country)]
        for country in countries
    }
    return {subject: list(dict.fromkeys(found)) for subject, found in pairs.items() if found}


def natural_name(entity: Named, language: Language) -> str | None:
    """The name of an entity in a language, capitalized as a title; None where CLDR has none."""
    kind, code = entity
    locale, english = _locale(language.code), _locale("en")
    if kind == "city":
        names = [found.time_zones.get(code, {}).get("city") for found in (locale, english)]
        names.append(code.rpartition("/")[2].replace("_", " "))
    else:
        field = {"country": "territories", "language": "languages", "currency": "currencies"}[kind]
        names = [getattr(found, field).get(code) for found in (locale, english)]
    name = next((name for name in names if name), None)
    if name is None or not has_letters_of(name, language.script):
        return None
    return capitalize(name)
