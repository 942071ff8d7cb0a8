"""How languages are called in pages."""

from __future__ import annotations

from collections.abc import Mapping

from factroots_dagster.report.reference import paper_results
from factroots_dagster.sandbox.languages import LANGUAGES


def language_names() -> dict[str, str]:
    """Language code to English name, of mLAMA's languages (published record) and of the made-up ones."""
    published = {code: entry["name"] for code, entry in paper_results()["p_at_1_percent"].items()}
    return published | {code: language.name for code, language in LANGUAGES.items()}


def label_language(language: str, names: Mapping[str, str]) -> str:
    """A language's name and code; its code alone where no name is known; "*" is all languages."""
    if language == "*":
        return "all languages"
    return f"{names[language]} · {language}" if language in names else language
