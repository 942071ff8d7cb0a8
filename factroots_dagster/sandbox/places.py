"""Where the languages of a generated world are spoken; the made-up ones' places are invented too."""

from __future__ import annotations

from collections.abc import Mapping

from factroots_dagster.languages.geography import Place
from factroots_dagster.sandbox.languages import LANGUAGES, Language


def places(languages: Mapping[str, Language] = LANGUAGES) -> dict[str, Place]:
    """Place of every language, by code."""
    return {
        code: Place(language.latitude, language.longitude, language.script)
        for code, language in languages.items()
    }
