"""What a model knows from where, in sentences: what the report begins with and `factroots run` ends with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from factroots_dagster.report.sections.model import count_words, interval
from factroots_dagster.roots.verdicts import UNDETERMINED


def state_answer(shares: Iterable[Mapping[str, Any]], asked: int, languages: int, texts: str) -> list[str]:
    """The answer in one sentence, and the sentences that stand beside it, perhaps none.

    shares: the rows of VERDICT_SHARES. asked: how many questions were asked in how many languages. texts:
    what the texts are called in which sources were looked for.
    """
    overall = {row["verdict"]: row for row in shares if row["language"] == "*"}
    predicted = sum(row["facts"] for row in overall.values())
    known = state_known(predicted, asked, languages)
    if not predicted:
        return [f"{known}, so there is nothing to find the roots of."]
    shared = overall["shared"]
    if shared["expected"] is None:
        return [f"{known}, but too few facts lack a source to tell what it knows from where."]
    return [
        f"Of the {count_words(predicted, 'fact')} that the model knows, it is expected to share "
        f"{_interval(shared)} with other languages, to have {_interval(overall['independent'])} from the "
        f"language’s own {texts} alone and {_interval(overall['transferred'])} from other languages only; "
        f"{_say_undetermined(overall[UNDETERMINED]['facts'], predicted)}.",
        f"{known}. What none of the three accounts for was easy or luck; a fact is undetermined where no "
        "type reaches a probability of one half. Brackets are 95% intervals.",
    ]


def state_known(predicted: int, asked: int, languages: int) -> str:
    """How many questions are answered, as the beginning of a sentence."""
    return (
        f"The model answers {f'{predicted:,}' if predicted else 'none'} of {count_words(asked, 'question')} "
        f"in {count_words(languages, 'language')} correctly"
    )


def _say_undetermined(facts: int, predicted: int) -> str:
    count = "all" if facts == predicted else f"{facts:,}" if facts else "none"
    return f"{count} {'remains' if facts < 2 else 'remain'} undetermined"


def _interval(row: Mapping[str, Any]) -> str:
    return interval(row["expected"], row["low"], row["high"])
