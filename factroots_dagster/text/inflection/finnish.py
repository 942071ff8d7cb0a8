"""Finnish. Source: Karlsson, Finnish: An Essential Grammar (2008).

Where a name holds vowels of both kinds, back and front suffixes are both accepted.
"""

from __future__ import annotations

import re
from functools import lru_cache

from factroots_dagster.text.inflection.rules import (
    Inflection,
    Suffixes,
    last_of,
    stem_changes,
    union_of_suffixes,
)

BACK_VOWELS, FRONT_VOWELS = "aouå", "äöy"
VOWELS = BACK_VOWELS + FRONT_VOWELS + "ei"
LONG_VOWEL_OR_DIPHTHONG = re.compile(r"(?!i[aäoö]|e[aäo])[aouåäöyei]{2}$")


def finnish_suffixes(stem: str) -> Suffixes:
    """Suffixes of a Finnish stem; names that end in a consonant take i before them."""
    lower = stem.lower()
    has_back, has_front = bool(last_of(BACK_VOWELS, lower)), bool(last_of(FRONT_VOWELS, lower))
    lows = ("a" if has_back else "") + ("ä" if has_front or not has_back else "")
    if not last_of(VOWELS, lower):
        lows = "aä"
    final = lower[-1] if lower[-1] in VOWELS or lower[-1] == "s" else ""
    is_long = LONG_VOWEL_OR_DIPHTHONG.search(lower) is not None
    return union_of_suffixes(_suffixes_of_kind, *((low, final, is_long) for low in lows))


@lru_cache
def _suffixes_of_kind(low: str, final: str, is_long: bool) -> Suffixes:
    """Suffixes with the low vowel `low` after a final vowel, s or another consonant (empty)."""
    if final in ("", "s"):
        suffixes = {"i" + suffix for suffix in _suffixes_of_kind(low, "i", False) - {"kin", "kaan", "kään"}}
        suffixes |= {"e" + suffix for suffix in _plural_suffixes(low)}
        return frozenset(suffixes | ({f"t{low}", "ten"} if final else set()))
    cases_before_owner = [f"ss{low}", f"st{low}", f"ll{low}", f"lt{low}", f"n{low}", "lle", "kse"]
    suffixes = {"n", "t", "ksi", f"tt{low}", f"ns{low}", *cases_before_owner[:-1]}
    suffixes |= {case + owner for case in cases_before_owner for owner in (f"{case[-1]}n", f"ns{low}")}
    suffixes |= {f"t{low}", f"h{final}n", "seen"} if is_long else {low, f"{final}n"}
    if final in "oöuy":
        suffixes |= _plural_suffixes(low)
    if final == "i":
        suffixes.add("en")
    clitics = ("", "kin", f"k{low}{low}n")
    return frozenset(suffix + clitic for suffix in ("", *suffixes) for clitic in clitics if suffix + clitic)


def _plural_suffixes(low: str) -> set[str]:
    cases = ("ss", "st", "ll", "lt", "n", "tt")
    return {f"j{low}", "jen", "ihin", "ille", "iksi"} | {f"i{case}{low}" for case in cases}


INFLECTION = Inflection(
    suffixes_after=finnish_suffixes,
    # Consonant gradation, -nen, -us, e-stems, and the old i-stems that place names consist of.
    stem_changes=stem_changes(
        *(
            rf"(?<=[aeiouyäölnr]){old}([aeiouyäö])>{new}\1"
            for old, new in (("kk", "k"), ("pp", "p"), ("tt", "t"))
        ),
        *(
            rf"{old}([aeiouyäö])>{new}\1"
            for old, new in (("nk", "ng"), ("nt", "nn"), ("mp", "mm"), ("lt", "ll"), ("rt", "rr"))
        ),
        *("nen>se", "nen>s", "us>ukse", "ys>ykse", "(?<=[^e])e>ee"),
        *("([Ss])uomi>\\1uome", "([Tt])urku>\\1uru"),
        *("järvi>järve", "saari>saare", "niemi>nieme", "vuori>vuore", "koski>koske", "joki>joe", "meri>mere"),
        *("lahti>lahde", "lampi>lamme", "kieli>kiele"),
    ),
)
