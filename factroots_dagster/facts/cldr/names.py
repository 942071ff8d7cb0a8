"""What CLDR calls an entity in a language, where that can stand in a sentence."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache

from babel import Locale
from babel.numbers import get_currency_name

from factroots_dagster.languages.geography import MLAMA_PLACES
from factroots_dagster.sandbox.natural import Named

FIELDS = {"country": "territories", "language": "languages", "currency": "currencies"}
LETTERS = {
    "Latn": ("LATIN",), "Cyrl": ("CYRILLIC",), "Grek": ("GREEK",), "Armn": ("ARMENIAN",),
    "Geor": ("GEORGIAN",), "Hebr": ("HEBREW",), "Arab": ("ARABIC",), "Deva": ("DEVANAGARI",),
    "Beng": ("BENGALI",), "Taml": ("TAMIL",), "Thai": ("THAI",), "Kore": ("HANGUL",), "Hans": ("CJK",),
    "Jpan": ("HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "CJK"),
}  # fmt: skip
"""By script, how Unicode's names of its letters begin."""
OWN_CITIES_ONLY = frozenset(["la"])
"""Languages in Latin script that write cities otherwise than in English, and of which CLDR has no cities."""
_BRACKETS = re.compile(r"\s*[(（\[].*[)）\]]")
_DIRECTION_MARKS = re.compile("[\u200e\u200f]")


def name_entities(entities: Iterable[Named], language: str) -> dict[Named, str]:
    """The names of entities in a language; without those that have none, or share theirs with another.

    Brackets are left out (`Myanmar (Burma)`); a name with a dash between spaces (`Congo - Kinshasa`) tells
    entities apart for lists and is none for sentences, nor is one in another script than the language's.
    """
    names = {entity: name for entity in entities if (name := _name(entity, language))}
    counts = Counter((kind, name) for (kind, _), name in names.items())
    return {entity: name for entity, name in names.items() if counts[entity[0], name] == 1}


def _name(entity: Named, language: str) -> str | None:
    kind, code = entity
    name = _city(code, language) if kind == "city" else getattr(_locale(language), FIELDS[kind]).get(code)
    if not name:
        return None
    if kind == "currency":
        name = _within_sentences(name, code, language)
    name = _DIRECTION_MARKS.sub("", _BRACKETS.sub("", name)).strip()
    if not name or re.search(r"\s[-–]\s", name) or not _is_in_script(name, MLAMA_PLACES[language].script):
        return None
    return name


def _within_sentences(name: str, currency: str, language: str) -> str:
    """A currency's name with the capitals that it has beside an amount; alone it may be a title."""
    counted = get_currency_name(currency, 1, _locale(language))
    return counted if counted.casefold() == name.casefold() else name


def _city(zone: str, language: str) -> str | None:
    """The city of a time zone; where CLDR has no entry, it prescribes the last part of the zone's id.

    In other scripts than Latin that is no name, and neither is it in OWN_CITIES_ONLY.
    """
    if own := _locale(language).time_zones.get(zone, {}).get("city"):
        return None if language in OWN_CITIES_ONLY else str(own)
    if language in OWN_CITIES_ONLY:
        return None
    english = _locale("en").time_zones.get(zone, {}).get("city")
    return str(english or zone.rpartition("/")[2].replace("_", " "))


def _is_in_script(name: str, script: str) -> bool:
    """Whether all letters of a name, apart from marks and modifiers, belong to a script."""
    letters = [letter for letter in name if unicodedata.category(letter) in ("Lu", "Ll", "Lt", "Lo")]
    return bool(letters) and all(unicodedata.name(letter).split()[0] in LETTERS[script] for letter in letters)


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(language)
