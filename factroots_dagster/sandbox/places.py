"""Where the made-up languages of the generated worlds are spoken: invented, like the rest of them."""

from __future__ import annotations

from factroots_dagster.languages.geography import Place
from factroots_dagster.sandbox.languages import LANGUAGES


def places() -> dict[str, Place]:
    """Place of every made-up language, by code."""
    return {
        code: Place(language.latitude, language.longitude, language.script)
        for code, language in LANGUAGES.items()
    }
