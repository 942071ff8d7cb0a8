"""Korean. Source: Yeon and Brown, Korean: A Comprehensive Grammar (2011).

Left out are -어 and -인 (languages and persons), and -만 ("only"), which makes gulfs of names.
"""

from __future__ import annotations

from functools import lru_cache

from factroots_dagster.text.inflection.rules import Inflection, Suffixes, union_of_suffixes

PARTICLES = """
은|는 이|가 을|를 과|와 과의|와의 과는|와는 과도|와도 이나|나 이랑|랑 의 에 에는 에도 에만 에의 에서 에서는
에서도 에서만 에서의 에서부터 에게 에게는 에게도 에게서 에게로 한테 께 께서 께서는 까지 까지의 까지는 까지도
부터 부터의 부터는 마저 조차 밖에 보다 보다는 보다도 처럼 같이 만큼 대로 마다 뿐 뿐만 으로|로 으로는|로는
으로도|로도 으로만|로만 으로의|로의 으로서|로서 으로서의|로서의 으로써|로써 으로부터|로부터 이라도|라도
이란|란 이든|든 이든지|든지 인데 이다 이며 이고 이자 이지만 이기도 이므로 이라고 이라는 이라서 이면서 이던
입니다 이다|다 이며|며 이지만|지만 이라고|라고 이라는|라는 이라며|라며 이라서|라서 이었다|였다
이었으며|였으며 이었고|였고 이었던|였던 이었으나|였으나 이었지만|였지만 이었습니다|였습니다
"""
"""Particles and copulas: the form after a consonant|the form after a vowel; without a bar, after both."""

NO_FINAL, FINAL_RIEUL, OTHER_FINAL = "", "ㄹ", "ㄱ"
"""Final consonants of a syllable, as far as suffixes depend on them."""

RIEUL_NUMBER = 8
"""ㄹ among the 28 finals in the order of Unicode, of which number 0 is none."""


def korean_suffixes(stem: str) -> Suffixes:
    """Particles and copulas after a Korean stem, which depend on how its last syllable ends.

    After at most two syllables -도 ("too") is left out: it makes provinces and islands of names.
    """
    if not "가" <= stem[-1] <= "힣":
        return union_of_suffixes(_suffixes_with_plural, (NO_FINAL, True), (OTHER_FINAL, True))
    number = (ord(stem[-1]) - ord("가")) % 28
    final = NO_FINAL if number == 0 else FINAL_RIEUL if number == RIEUL_NUMBER else OTHER_FINAL
    return union_of_suffixes(_suffixes_with_plural, (final, len(stem) > 2))


@lru_cache
def _suffixes_of_kind(final: str, with_too: bool) -> Suffixes:
    """Suffixes after a final consonant or none; -으로 drops its vowel after ㄹ."""
    suffixes = {"도"} if with_too else set()
    for entry in PARTICLES.split():
        after_consonant, _, after_vowel = entry.partition("|")
        is_contracted = final == NO_FINAL or (final == FINAL_RIEUL and entry.startswith("으"))
        suffixes.add(after_vowel or after_consonant if is_contracted else after_consonant)
    return frozenset(suffixes)


def _suffixes_with_plural(final: str, with_too: bool) -> Suffixes:
    """The same, also with the plural 들."""
    plural = {"들" + particle for particle in ("", *_suffixes_of_kind(FINAL_RIEUL, True))}
    return _suffixes_of_kind(final, with_too) | plural


INFLECTION = Inflection(suffixes_after=korean_suffixes)
