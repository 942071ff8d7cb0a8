"""The languages that have a suffix table."""

from __future__ import annotations

from factroots_dagster.text.inflection import (
    armenian,
    azerbaijani,
    bengali,
    estonian,
    finnish,
    hungarian,
    korean,
    turkish,
)
from factroots_dagster.text.inflection.rules import Inflection

INFLECTIONS: dict[str, Inflection] = {
    "az": azerbaijani.INFLECTION,
    "bn": bengali.INFLECTION,
    "et": estonian.INFLECTION,
    "fi": finnish.INFLECTION,
    "hu": hungarian.INFLECTION,
    "hy": armenian.INFLECTION,
    "ko": korean.INFLECTION,
    "tr": turkish.INFLECTION,
}
"""Inflections by language code."""
