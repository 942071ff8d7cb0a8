"""Case endings and prefixes that names take in running text, by language.

A small table of common forms (genitive, locative, dative and the like), from the declension tables of
descriptive grammars (Rounds, Hungarian, 2001; Karlsson, Finnish, 1999; Wade, Russian, 2011; Pugh and Press,
Ukrainian, 1999; Göksel and Kerslake, Turkish, 2005; Glinert, Hebrew, 1989; and others). It is no morphology:
names take the ending that their last letters call for, and nothing inside a name changes.
"""

from __future__ import annotations

import re

# code to (end of the name, what replaces it); the first that fits applies; alternatives are told apart by |
_BACK = "aáoóuúаоу"
_FORMS: dict[str, tuple[tuple[str, str], ...]] = {
    "en": ((r"(?<=s)$", "'"), (r"$", "'s")),
    "de": ((r"(?<=[sßxz])$", ""), (r"$", "s")),
    "nl": ((r"(?<=[aeiou])$", "'s"), (r"$", "s")),
    "sv": ((r"(?<=[sxz])$", ""), (r"$", "s")),
    "da": ((r"(?<=[sxz])$", ""), (r"$", "s")),
    "hu": (
        (rf"(?<=[{_BACK}])$", "ban|ból|nak"), (rf"(?<=[{_BACK}][^aeiouáéíóöőúüű ])$", "ban|ból|nak"),
        (r"$", "ben|ből|nek"),
    ),
    "fi": (
        (r"(?<=[aou])$", "ssa|sta|n"), (r"(?<=[eiyäö])$", "ssä|stä|n"),
        (r"(?<=[aou].)$", "issa|ista|in"), (r"$", "issä|istä|in"),
    ),
    "et": ((r"(?<=[aeiouõäöü])$", "s|st|ga"), (r"$", "is|ist|iga")),
    "tr": ((r"(?<=[aıou])$", "'da|'dan|'nın"), (r"(?<=[aıou].)$", "'da|'dan|'ın"), (r"$", "'de|'den|'in")),
    "az": ((r"(?<=[aıou])$", "da|dan|nın"), (r"(?<=[aıou].)$", "da|dan|ın"), (r"$", "də|dən|in")),
    "ru": ((r"а$", "ы|е|у"), (r"я$", "и|ю"), (r"й$", "я|е|ю"), (r"(?<=[бвгджзклмнпрстфхцчшщ])$", "а|е|у")),
    "uk": ((r"а$", "и|і|у"), (r"я$", "ї|ю"), (r"й$", "я|ї|ю"), (r"(?<=[бвгґджзклмнпрстфхцчшщ])$", "а|і|у")),
    "be": ((r"а$", "ы|е|у"), (r"(?<=[бвгджзклмнпрстфхцчш])$", "а|е|у")),
    "sr": ((r"а$", "е|и|у"), (r"(?<=[бвгджзклмнпрстфхцчш])$", "а|у|ом")),
    "hr": ((r"a$", "e|i|u"), (r"(?<=[^aeiou])$", "a|u|om")),
    "sl": ((r"a$", "e|i|o"), (r"(?<=[^aeiou])$", "a|u|om")),
    "pl": ((r"a$", "y|ie|ę"), (r"(?<=[^aeiouyąęó])$", "u|ie|em")),
    "cs": ((r"a$", "y|ě|u"), (r"(?<=[^aeiouyáéíóúůýě])$", "u|a|em")),
    "sk": ((r"a$", "y|e|u"), (r"(?<=[^aeiouyáéíóúý])$", "u|e|om")),
    "lt": ((r"as$", "o|e|ui"), (r"a$", "os|oje|ą"), (r"is$", "io|yje|iui")),
    "lv": ((r"s$", "a|ā|am"), (r"a$", "as|ā|u")),
    "ro": ((r"a$", "ei"), (r"(?<=[^aeiouăâî])$", "ului")),
    "eu": ((r"(?<=[aeiou])$", "n|ko|ra"), (r"$", "en|eko|era")),
    "la": ((r"a$", "ae|am"), (r"us$", "i|um|o"), (r"(?<=[^aeiou])$", "i|em|e")),
    "hy": ((r"ա$", "այի|այում"), (r"(?<=[^աեիոու])$", "ի|ում|ից")),
    "ka": ((r"ი$", "ში|ის|იდან"), (r"(?<=[აეოუ])$", "ში|ს|დან")),
    "ko": ((r"$", "에서|의|은"),),
    "bn": ((r"(?<=[া-ৌ])$", "য়|র|তে"), (r"$", "ে|ের")),
    "ta": ((r"்$", "ில்|ின்"), (r"$", "வில்|வின்")),
    "el": ((r"ς$", ""), (r"α$", "ας"), (r"η$", "ης")),
    "sq": ((r"(?<=[^aeiouë])$", "i|it"), (r"a$", "ës")),
}  # fmt: skip
_PREFIXES: dict[str, str] = {"he": "ב|ל|מ|ה", "ar": "ب|ل|ال"}


def inflect(name: str, code: str, choice: int) -> str:
    """A name with a case ending or prefix of language `code`, one of several by number `choice`.

    Returns the name itself where the language has none or this name takes none.
    """
    if prefixes := _PREFIXES.get(code, ""):
        options = prefixes.split("|")
        return options[choice % len(options)] + name
    for pattern, endings in _FORMS.get(code, ()):
        if re.search(pattern, name):
            options = endings.split("|")
            return re.sub(pattern, options[choice % len(options)], name, count=1)
    return name


def inflects(code: str) -> bool:
    """Whether names of language `code` take endings or prefixes at all."""
    return bool(_FORMS.get(code) or _PREFIXES.get(code))
