"""Estonian. Source: Erelt (ed.), Estonian Language (2003)."""

from __future__ import annotations

from functools import lru_cache

from factroots_dagster.text.inflection.rules import Inflection, Suffixes, stem_changes

VOWELS = "aeiouõäöü"
CASES = ("sse", "s", "st", "le", "l", "lt", "ks", "ni", "na", "ta", "ga")
PLURALS = ("d", "id", "sid", "de", *(f"de{case}" for case in CASES))


def estonian_suffixes(stem: str) -> Suffixes:
    """Suffixes of an Estonian stem; after a final consonant they follow the vowel of the genitive."""
    final = stem[-1].lower()
    genitive_vowels = "aei" if stem[0].isupper() else "aeiu"
    return _suffixes_of_kind(final if final in VOWELS + "s" else "", genitive_vowels)


@lru_cache
def _suffixes_of_kind(final: str, genitive_vowels: str) -> Suffixes:
    """Suffixes after a final vowel, s or another consonant (empty)."""
    if final not in ("", "s"):
        return frozenset((*CASES, *PLURALS, "t"))
    after_genitive = {"", "t", *CASES, *PLURALS} - {"id"}
    suffixes = {vowel + suffix for vowel in genitive_vowels for suffix in after_genitive} | {"eid", "aid"}
    if final == "s":
        suffixes |= {"t", "te", *(f"te{case}" for case in CASES)}
    return frozenset(suffixes)


INFLECTION = Inflection(estonian_suffixes, stem_changes("ne>se", "ne>s"))
