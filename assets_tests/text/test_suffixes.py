"""Inflection by suffix against lists by hand: forms of labels in every language, and words that are none."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factroots_dagster.text.inflection.suffixes import (
    MAX_SUFFIX,
    SUFFIX_LANGUAGES,
    is_suffix,
    stems,
    suffixes_after,
)

FOLDER = Path(__file__).parent / "inflected_forms"
"""One file per language: "forms" are inflected forms by label; "other_words" begin with a label but are no
forms of it. Words are separated by spaces."""


def read_words(language: str, group: str) -> dict[str, str]:
    """Words by label: the "forms" or "other_words" of a language."""
    words: dict[str, str] = json.loads((FOLDER / f"{language}.json").read_text("utf-8"))[group]
    return words


def is_form(word: str, label: str, language: str) -> bool:
    """Whether `word` is `label` inflected, by way of any of its stems."""
    word, label = (unicodedata.normalize("NFC", text) for text in (word, label))
    return any(
        word.startswith(stem) and is_suffix(word[len(stem) :], stem, language)
        for stem in (label, *stems(label, language))
    )


def pairs(language: str, group: str) -> list[tuple[str, str]]:
    """Labels and words, one pair for each word."""
    rows = []
    for label, words in read_words(language, group).items():
        # The words of a label of two words repeat its first word.
        head, _, _ = label.rpartition(" ")
        words = words.replace(f"{head} ", "") if head else words
        rows += [(label, f"{head} {word}".strip()) for word in words.split()]
    return rows


@pytest.mark.parametrize("language", sorted(SUFFIX_LANGUAGES))
def test_inflected_forms_are_accepted(language: str) -> None:
    rows = pairs(language, "forms")
    assert len(rows) >= 40
    assert [(label, word) for label, word in rows if not is_form(word, label, language)] == []


@pytest.mark.parametrize("language", sorted(SUFFIX_LANGUAGES))
def test_other_words_are_rejected(language: str) -> None:
    rows = pairs(language, "other_words")
    assert len(rows) >= 25
    assert [(label, word) for label, word in rows if is_form(word, label, language)] == []


def test_a_label_alone_and_languages_without_a_table_have_no_suffixes() -> None:
    for language in SUFFIX_LANGUAGES:
        assert not any(is_suffix("", label, language) for label in read_words(language, "forms"))
    assert not is_suffix("s", "cat", "en")
    assert stems("Європа", "uk") == [] and not is_suffix("", "", "tr")


def test_names_keep_their_spelling_in_turkish() -> None:
    assert stems("kitap", "tr") == ["kitab"]
    assert stems("Zonguldak", "tr") == []


@given(st.text(max_size=8), st.text(max_size=8), st.sampled_from(sorted(SUFFIX_LANGUAGES)))
@settings(deadline=None)
def test_any_text_may_be_a_stem(rest: str, stem: str, language: str) -> None:
    assert is_suffix(rest, stem, language) == (rest in suffixes_after(stem, language))
    for other in stems(stem, language):
        assert other != stem


def test_suffixes_are_few_and_short() -> None:
    for language in SUFFIX_LANGUAGES:
        for label in read_words(language, "forms"):
            suffixes = suffixes_after(label, language)
            assert len(suffixes) < 500
            assert max(map(len, suffixes)) <= MAX_SUFFIX


def test_stems_of_one_kind_share_one_set() -> None:
    assert suffixes_after("Berlin", "hu") is suffixes_after("Lenin", "hu")
    assert suffixes_after("Ankara", "tr") is suffixes_after("Malatya", "tr")
    assert suffixes_after("ঢাকা", "bn") is suffixes_after("নদী", "bn")


def test_every_file_of_words_is_of_a_language_with_a_table() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == SUFFIX_LANGUAGES
