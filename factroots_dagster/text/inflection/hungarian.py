"""Hungarian. Source: Rounds, Hungarian: An Essential Grammar (2001).

Left out are -i ("of Paris") and, after names, a lone -a, -e or -é, which far more often end another name than
a case (Ann-a, Ren-é). After a back vowel followed by e, é, i or í both kinds of suffixes are accepted.
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

BACK_VOWELS, FRONT_ROUND_VOWELS, NEUTRAL_VOWELS = "aáoóuú", "öőüű", "eéií"
VOWELS = BACK_VOWELS + FRONT_ROUND_VOWELS + NEUTRAL_VOWELS
BACK_CASES = ("ban", "ba", "ból", "ra", "ról", "nál", "tól", "nak", "hoz", "ig", "ért", "kor", "ként")
FRONT_CASES = ("ben", "be", "ből", "re", "ről", "nél", "től", "nek", "hez", "höz", "ig", "ért", "kor", "ként")
DIGRAPHS = ("sz", "zs", "cs", "gy", "ly", "ny", "ty")
DOUBLED_DIGRAPH = re.compile(r"(ssz|zzs|ccs|ggy|lly|nny|tty)$")


def hungarian_suffixes(stem: str) -> Suffixes:
    """Suffixes of a Hungarian stem; -val and -vá double the stem's last consonant."""
    lower = stem.lower()
    vowel = last_of(VOWELS, lower)
    is_back = bool(last_of(BACK_VOWELS, lower)) if vowel in NEUTRAL_VOWELS else vowel in BACK_VOWELS
    if vowel == "í" and sum(letter in VOWELS for letter in lower) == 1:
        is_back = True  # híd, hídon, but víz, vízen
    fronts = ([False] if is_back else []) + ([True] if vowel not in BACK_VOWELS or not vowel else [])
    final = lower[-1]
    if final == "y" and lower[-2:-1] not in set("glnt"):
        final = "i"
    is_doubled = DOUBLED_DIGRAPH.search(lower) is not None
    kinds = ((is_front, final, stem[0].isupper(), is_doubled) for is_front in fronts)
    return union_of_suffixes(_suffixes_of_kind, *kinds)


@lru_cache
def _suffixes_of_kind(is_front: bool, final: str, is_name: bool, is_doubled: bool) -> Suffixes:
    """Suffixes after a stem with front or back vowels that ends in the letter `final`.

    is_doubled: whether the stem is one that ends in a doubled digraph and takes -val and -vá.
    """
    if final in "aeoö":
        # These vowels are long before other suffixes: see the stem changes.
        return frozenset(("ként", "kor"))
    ends_in_vowel = final in VOWELS
    suffixes = set(_case_suffixes(is_front, final))
    for plural in ("k",) if ends_in_vowel else (("ek", "ök") if is_front else ("ok", "ak")):
        suffixes.update(plural + case for case in ("", *_case_suffixes(is_front, "k")))
    if is_doubled:
        suffixes.update(("el", "é") if is_front else ("al", "á"))
    if not is_name:
        suffixes.update(_possessive_suffixes(is_front, final))
    return frozenset(suffixes)


def _possessive_suffixes(is_front: bool, final: str) -> set[str]:
    """Suffixes of a possessor in the third person, with cases."""
    ends_in_vowel = final in VOWELS
    low, long, high = ("e", "é", "ü") if is_front else ("a", "á", "u")
    suffixes: set[str] = set()
    for glide in ("j",) if ends_in_vowel else ("", "j"):
        suffixes.update((glide + low, f"{glide}{high}k"))
        suffixes.update(glide + long + case for case in _case_suffixes(is_front, "á"))
        suffixes.update(f"{glide}{high}k{case}" for case in _case_suffixes(is_front, "k"))
        if not ends_in_vowel or final in "áéóő":
            plural = "i" if ends_in_vowel else f"{glide}{low}i"
            suffixes.update(plural + case for case in ("", "k", *_case_suffixes(is_front, "i")))
    return suffixes


def _case_suffixes(is_front: bool, final: str) -> list[str]:
    """Case suffixes after a stem, a plural or a possessor that ends in `final`."""
    low, long, links = ("e", "é", "eö") if is_front else ("a", "á", "oa")
    suffixes = list(FRONT_CASES if is_front else BACK_CASES)
    if final in VOWELS:
        return [*suffixes, "n", "t", f"v{low}l", f"v{long}"]
    suffixes += [f"{link}n" for link in links if link != "a"] + [f"{link}t" for link in links]
    suffixes += ["ül" if is_front else "ul", f"{final}{low}l", f"{final}{long}"]
    return [*suffixes, "t"] if final in "jlnrszy" else suffixes


INFLECTION = Inflection(
    suffixes_after=hungarian_suffixes,
    # The last vowel becomes long, and a digraph doubles before -val and -vá.
    stem_changes=stem_changes(
        *("a>á", "e>é", "o>ó", "ö>ő"),
        *(f"(?<!{digraph[0]}){digraph}>{digraph[0]}{digraph}" for digraph in DIGRAPHS),
    ),
)
