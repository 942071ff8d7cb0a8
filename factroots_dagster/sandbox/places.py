"""Where the languages of a generated world are spoken."""

from __future__ import annotations

from collections.abc import Mapping

from factroots_dagster.languages.geography import Place
from factroots_dagster.sandbox.languages import Language


def places(languages: Mapping[str, Language]) -> dict[str, Place]:
    """Place of every language, by code."""
    return {
        code: Place(language.latitude, language.longitude, language.script)
        for code, language in languages.items()
    }
