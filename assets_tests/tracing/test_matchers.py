"""The registry of matchers: its names, and for which languages each exists."""

from __future__ import annotations

import pytest

from factroots_dagster.roots.markup import BY_PAGE, BY_TITLE
from factroots_dagster.tracing.kinds import MENTION_KINDS
from factroots_dagster.tracing.matchers import (
    MATCHERS,
    SURFACE,
    WINDOWS,
    WITH_ALIASES,
    WITH_FORMS,
    WITH_SUFFIXES,
    WORDPIECE_CHUNK,
    matchers_for,
)


def test_the_families_of_matchers_are_the_whole_registry() -> None:
    families = (SURFACE, WITH_ALIASES, WITH_SUFFIXES, WITH_FORMS)
    in_text = (*SURFACE, *WITH_ALIASES, *WITH_SUFFIXES, *WITH_FORMS, WORDPIECE_CHUNK)
    assert tuple(MATCHERS) == (*in_text, *BY_PAGE)
    assert all(tuple(MATCHERS[name].window for name in family) == WINDOWS for family in families)
    assert {kind for matcher in MATCHERS.values() for kind in matcher.kinds} == set(range(len(MENTION_KINDS)))


@pytest.mark.parametrize("name", MATCHERS)
def test_a_matcher_is_named_after_its_window_and_described(name: str) -> None:
    matcher = MATCHERS[name]
    assert matcher.name == name and matcher.description
    assert matcher.window in name or (name == BY_TITLE and matcher.window == "sentence")


@pytest.mark.parametrize("has_tokenizer", [False, True])
def test_a_matcher_exists_where_its_kinds_of_mentions_do(has_tokenizer: bool) -> None:
    wordpieces = (WORDPIECE_CHUNK,) if has_tokenizer else ()
    assert matchers_for("hu", has_tokenizer=has_tokenizer) == (
        *SURFACE,
        *WITH_ALIASES,
        *WITH_SUFFIXES,
        *WITH_FORMS,
        *wordpieces,
        *BY_PAGE,
    )
    assert matchers_for("en", has_tokenizer=has_tokenizer) == (
        *SURFACE,
        *WITH_ALIASES,
        *WITH_FORMS,
        *wordpieces,
        *BY_PAGE,
    )
