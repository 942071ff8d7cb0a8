"""What a model knows from where, in sentences: what the report begins with and `factroots run` ends with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from factroots_dagster.report.sections.model import count_words, interval
from factroots_dagster.roots.markup import COMMON_CRAWL
from factroots_dagster.roots.verdicts import UNDETERMINED

WIKIPEDIA = "Wikipedia"
"""What the texts are called where no others were searched."""

READ_MORE = (
    "It was trained on web pages, and only Wikipedia was searched: what it read elsewhere counts as luck, or "
    "as from other languages."
)


def has_read_more(trained_on: str | None, texts: str) -> bool:
    """Whether a model is known to have read more than was searched. Arguments: those of `state_answer`."""
    return trained_on == COMMON_CRAWL and texts == WIKIPEDIA


def state_answer(
    shares: Iterable[Mapping[str, Any]], asked: int, languages: int, texts: str, trained_on: str | None = None
) -> list[str]:
    """One sentence on how much is known, one on from where, and what cannot be told.

    shares: the rows of VERDICT_SHARES. asked: how many questions were asked in how many languages. texts:
    what the texts are called in which sources were looked for. trained_on: column corpus of CHECKPOINT.
    """
    overall = {row["verdict"]: row for row in shares if row["language"] == "*"}
    predicted = sum(row["facts"] for row in overall.values())
    known = (
        f"The model answers {f'{predicted:,}' if predicted else 'none'} of {count_words(asked, 'question')} "
        f"in {count_words(languages, 'language')} correctly."
    )
    if not predicted:
        return [known, "There is nothing to find the roots of."]
    shared = overall["shared"]
    if shared["expected"] is None:
        return [known, "There are too few facts without a source to tell what it knows from where."]
    undetermined = overall[UNDETERMINED]["facts"]
    return [
        known,
        f"It is expected to share {_interval(shared)} of them with other languages, to know "
        f"{_interval(overall['independent'])} from the language’s own {texts} alone, and to have "
        f"{_interval(overall['transferred'])} from other languages only.",
        f"The rest is easy or luck; no type reaches one half for {count_words(undetermined, 'fact')}.",
        *([READ_MORE] if has_read_more(trained_on, texts) else []),
    ]


def _interval(row: Mapping[str, Any]) -> str:
    return interval(row["expected"], row["low"], row["high"])
