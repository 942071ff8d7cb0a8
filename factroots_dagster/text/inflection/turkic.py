"""Turkish and Azerbaijani: suffixes in the order of their slots, in vowel harmony.

Sources: Göksel and Kerslake, Turkish: A Comprehensive Grammar (2005); Öztopçu, Elementary Azerbaijani (2000).
Suffixes are written with symbols: A is a low vowel and I a high one in harmony with the last vowel, D is d or
t, and a letter in brackets is written after vowels only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from factroots_dagster.text.inflection.rules import Inflection, Suffixes, last_of, stem_changes

HIGH_VOWELS = {"a": "ı", "ı": "ı", "o": "u", "u": "u", "e": "i", "ə": "i", "i": "i", "ö": "ü", "ü": "ü"}
"""The high vowel in harmony with each vowel."""

FRONT_VOWELS = {"a": "e", "ı": "i", "o": "ö", "u": "ü"}
"""The front vowel for each back vowel."""

VOICELESS = "çfhkpsşt"
LOWER_CASE = str.maketrans("IİÂÎÛâîû", "ıiaiuaiu")
POSSESSED_CASES = ("", "nI", "nA", "nDA", "nDAki", "nDAn", "nIn", "ylA")
COPULAS = ("", "DIr", "(y)DI", "(y)mIş")


@dataclass(frozen=True)
class TurkicLanguage:
    """What differs between the languages.

    cases: case suffixes after a stem or a plural.
    low_front_vowel: A in harmony with a front vowel.
    devoices_d: whether D is t after a voiceless consonant.
    limited_after_names: whether a capitalized stem takes neither possessive suffixes nor suffixes of
        one letter, which far more often end another name.
    soft_consonants: final consonants that are often soft; a back vowel before them may be followed by front
        suffixes (saatler, golü).
    """

    cases: tuple[str, ...]
    low_front_vowel: str
    devoices_d: bool = False
    limited_after_names: bool = False
    soft_consonants: str = ""


def turkic_suffixes(stem: str, language: TurkicLanguage) -> Suffixes:
    """Suffixes of a Turkish or Azerbaijani stem."""
    lower = stem.translate(LOWER_CASE).lower()
    vowel = last_of("".join(HIGH_VOWELS), lower)
    final = lower[-1] if lower[-1].isalpha() else ""
    is_name = language.limited_after_names and stem[0].isupper()
    vowels = [vowel] if vowel else ["a", "e", "o", "ö"]
    if language.soft_consonants and final in language.soft_consonants and vowel in FRONT_VOWELS:
        vowels.append(FRONT_VOWELS[vowel])
    after_one = "a" if final in HIGH_VOWELS else "t" if final in VOICELESS else "n"
    return _suffixes_of_kind("".join(vowels), after_one if vowel and final else "atn", language, is_name)


@lru_cache
def _suffixes_of_kind(vowels: str, sounds: str, language: TurkicLanguage, is_name: bool) -> Suffixes:
    """Suffixes after any of the last `vowels` and last `sounds`.

    Sounds are a for a vowel, t for a voiceless consonant, n for a voiced one.
    """
    chains: set[str] = set()
    for plural, copula in product(("", "lAr"), COPULAS):
        chains.update(plural + case + copula for case in language.cases)
        if not is_name:
            chains.update(f"{plural}(s)I{case}{copula}" for case in POSSESSED_CASES)
    suffixes = (_in_harmony(*kind, language) for kind in product(chains, vowels, sounds))
    return frozenset(suffix for suffix in suffixes if len(suffix) > (1 if is_name else 0))


def _in_harmony(chain: str, vowel: str, sound: str, language: TurkicLanguage) -> str:
    """A chain of suffixes as it is written after a last vowel and a last sound."""
    written = ""
    for buffer, letter in re.findall(r"\((.)\)|(.)", chain):
        if buffer:
            letter = buffer if sound in HIGH_VOWELS else ""
        elif letter == "A":
            letter = "a" if vowel in FRONT_VOWELS else language.low_front_vowel
        elif letter == "I":
            letter = HIGH_VOWELS[vowel]
        elif letter == "D":
            letter = "t" if sound in VOICELESS and language.devoices_d else "d"
        written += letter
        sound = letter or sound
        vowel = letter if letter in HIGH_VOWELS else vowel
    return written


def turkic_inflection(language: TurkicLanguage, letters: str, softened: dict[str, str]) -> Inflection:
    """The inflection of a language. The last consonant of common nouns becomes soft as in `softened`; names
    keep their spelling. letters: those of the alphabet, as in a pattern."""
    return Inflection(
        suffixes_after=lambda stem: turkic_suffixes(stem, language),
        stem_changes=stem_changes(
            *(rf"(?<=^[{letters}])(.*[{letters}]){old}>\g<1>{new}" for old, new in softened.items())
        ),
    )


AZERBAIJANI = turkic_inflection(
    TurkicLanguage(("", "(n)I", "(y)A", "DA", "DAkI", "DAn", "(n)In", "(y)lA"), low_front_vowel="ə"),
    letters="a-zçəğıöşü",
    softened={"k": "y", "q": "ğ"},
)

TURKISH = turkic_inflection(
    # Left out are -lı, -ca and a lone vowel after a name, which more often make another word than a case.
    TurkicLanguage(
        ("", "(y)I", "(y)A", "DA", "DAki", "DAn", "(n)In", "(y)lA"),
        low_front_vowel="e",
        devoices_d=True,
        limited_after_names=True,
        soft_consonants="ltkfpb",
    ),
    letters="a-zçğıöşü",
    softened={"p": "b", "ç": "c", "t": "d", "k": "ğ"},
)
