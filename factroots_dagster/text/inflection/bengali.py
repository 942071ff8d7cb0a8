"""Bengali. Source: Thompson, Bengali: A Comprehensive Grammar (2010). Left out is -ীয় ("of")."""

from __future__ import annotations

from itertools import product

from factroots_dagster.text.inflection.rules import Inflection, Suffixes, composed, suffixes_by_stem_end

VOWELS = "ািীুূৃেৈোৌঅআইঈউঊএঐওঔ"
CASES_AFTER_VOWEL = ("র", "য়ের", "এর", "য়", "তে", "রা")
CASES_AFTER_CONSONANT = ("ের", "ে", "এর", "এ", "তে", "েরা", "রা")
DEFINITE = ("টি", "টা", "টির", "টার", "টিকে", "টাকে", "টিতে", "টাতে", "টায়", "খানা", "খানি")
PLURALS = (
    *(plural + case for plural, case in product(("গুলি", "গুলো"), ("", "র", "কে", "তে"))),
    *("সমূহ", "সমূহের", "সমূহে", "সমূহকে"),
)
CLITICS = ("", "ই", "ও")


def _with_clitics(cases: tuple[str, ...]) -> Suffixes:
    """These cases, those of all stems, and the bare stem, with and without a clitic."""
    all_cases = ("", *cases, "কে", "দের", "দেরকে", *DEFINITE, *PLURALS)
    return composed(case + clitic for case, clitic in product(all_cases, CLITICS))


AFTER_VOWEL, AFTER_CONSONANT = _with_clitics(CASES_AFTER_VOWEL), _with_clitics(CASES_AFTER_CONSONANT)

INFLECTION = Inflection(
    suffixes_after=suffixes_by_stem_end(
        (f"[{VOWELS}]", AFTER_VOWEL),
        ("হ", AFTER_VOWEL | AFTER_CONSONANT),  # may be pronounced as a vowel
        ("", AFTER_CONSONANT),
    )
)
