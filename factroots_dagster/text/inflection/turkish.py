"""Turkish. Source: Göksel and Kerslake, Turkish: A Comprehensive Grammar (2005).

Left out are -lı, -ca and a lone vowel after a name, which more often make another word than a case. After a
back vowel and a consonant that is often soft, front suffixes are accepted too (saatler, golü).
"""

from __future__ import annotations

from factroots_dagster.text.inflection.rules import Inflection, stem_changes
from factroots_dagster.text.inflection.turkic import TurkicLanguage, turkic_suffixes

TURKISH = TurkicLanguage(
    cases=("", "(y)I", "(y)A", "DA", "DAki", "DAn", "(n)In", "(y)lA"),
    low_front_vowel="e",
    devoices_d=True,
    limited_after_names=True,
    soft_consonants="ltkfpb",
)

INFLECTION = Inflection(
    suffixes_after=lambda stem: turkic_suffixes(stem, TURKISH),
    # The last consonant of common nouns becomes soft; names keep their spelling.
    stem_changes=stem_changes(
        *(rf"(?<=^[a-zçğıöşü])(.*[a-zçğıöşü]){old}>\g<1>{new}" for old, new in ("pb", "çc", "td", "kğ"))
    ),
)
