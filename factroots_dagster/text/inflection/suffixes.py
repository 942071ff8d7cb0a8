"""Suffixes that inflect a label without a word border before them, in the languages of INFLECTIONS.

Tables hold what an encyclopedia says of its subjects: third persons, no first or second. They leave out
suffixes that turn a name into another word, though they look alike (Hungarian -i "of Paris", Turkish -lı and
-ca, Korean -어 and -인 for languages and persons, Bengali -ীয়, Armenian -երեն), and suffixes that far more
often end another name than a case (a lone -a, -e or -é in Hungarian: Ann-a, Ren-é; a lone vowel in Turkish).

Foreign names may break vowel harmony; where they do, both kinds of suffixes are accepted, and everywhere
after a label without vowels (BBC). A Turkish apostrophe and a Hungarian hyphen are word borders already and
need no table.
"""

from __future__ import annotations

from functools import lru_cache

from factroots_dagster.text.inflection import armenian, bengali, estonian, finnish, hungarian, korean, turkic
from factroots_dagster.text.inflection.rules import Inflection, Suffixes

INFLECTIONS: dict[str, Inflection] = {
    "az": turkic.AZERBAIJANI,
    "bn": bengali.INFLECTION,
    "et": estonian.INFLECTION,
    "fi": finnish.INFLECTION,
    "hu": hungarian.INFLECTION,
    "hy": armenian.INFLECTION,
    "ko": korean.INFLECTION,
    "tr": turkic.TURKISH,
}
"""Inflections by language code."""

SUFFIX_LANGUAGES = frozenset(INFLECTIONS)

MAX_SUFFIX = 16
"""Characters of the longest suffix."""


def is_suffix(rest: str, stem: str, language: str) -> bool:
    """Whether `rest`, the end of a word that begins with `stem`, inflects it in `language`.

    `stem` is a label or one of its `stems`; both are compared as `normalization.normalize` writes them.
    """
    return rest in suffixes_after(stem, language)


@lru_cache(maxsize=1 << 16)
def suffixes_after(stem: str, language: str) -> Suffixes:
    """All suffixes that a stem takes; none if the language has no table."""
    inflection = INFLECTIONS.get(language)
    return inflection.suffixes_after(stem) if inflection and stem else frozenset()


def stems(label: str, language: str) -> list[str]:
    """Other stems of a label, which occur only before suffixes; without the label itself."""
    inflection = INFLECTIONS.get(language)
    return [
        label[: match.start()] + match.expand(replacement)
        for pattern, replacement in (inflection.stem_changes if inflection else ())
        if (match := pattern.search(label))
    ]
