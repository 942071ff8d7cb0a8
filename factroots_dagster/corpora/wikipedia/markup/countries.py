"""Names of countries by their three-letter codes, which many Wikipedias have as templates: `{{FRA}}`.

`countries.csv` has a row per state, with its codes (ISO 3166, then that of the International Olympic
Committee where it differs), and a column per language of mLAMA. The names are those of Unicode's CLDR
(Unicode License v3), as Babel 2.19 gives them, without what they have in brackets.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files


@lru_cache(maxsize=64)
def country_names(language: str) -> Mapping[str, str]:
    """Names in this language by code; empty for a language without a column."""
    with (files(__package__) / "countries.csv").open(encoding="utf-8") as lines:
        return {
            code: row[language]
            for row in csv.DictReader(lines)
            for code in row["codes"].split()
            if row.get(language)
        }
