"""Azerbaijani. Source: Öztopçu, Elementary Azerbaijani (2000)."""

from __future__ import annotations

from factroots_dagster.text.inflection.rules import Inflection, stem_changes
from factroots_dagster.text.inflection.turkic import TurkicLanguage, turkic_suffixes

AZERBAIJANI = TurkicLanguage(
    cases=("", "(n)I", "(y)A", "DA", "DAkI", "DAn", "(n)In", "(y)lA"),
    low_front_vowel="ə",
)

INFLECTION = Inflection(
    suffixes_after=lambda stem: turkic_suffixes(stem, AZERBAIJANI),
    # The last consonant of common nouns becomes soft; names keep their spelling.
    stem_changes=stem_changes(
        *(rf"(?<=^[a-zçəğıöşü])(.*[a-zçəğıöşü]){old}>\g<1>{new}" for old, new in ("ky", "qğ"))
    ),
)
