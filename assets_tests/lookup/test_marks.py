"""Marking subject and object in a sentence."""

from __future__ import annotations

import re
from typing import Any

import pytest

from factroots_dagster.lookup.marks import mark_sides
from factroots_dagster.lookup.trace import TracedFact


@pytest.mark.parametrize(
    ("article", "labels", "language"),
    [
        ("The [University of <Paris>].", ("University of Paris", "Paris"), "en"),
        ("[<Paris>].", ("Paris", "Paris"), "en"),
        # Of several occurrences the one that was matched.
        ("Dublin is in [Dublin], <Ireland>.", ("Dublin", "Ireland"), "en"),
        ("England? [York], <England>.", ("York", "England"), "en"),
        # The sentence need not be the article's first, nor contain the subject.
        ("Once.|[Dublin] lies in <Ireland>.", ("Dublin", "Ireland"), "en"),
        ("Dublin.|It lies in <Ireland>.", ("Dublin", "Ireland"), "en"),
        # Another name of the subject, an inflected object.
        ("The capital of the [USA] is <Washington>.", ("United States", "Washington"), "en"),
        ("[Budapest] <Európában> van.", ("Budapest", "Európa"), "hu"),
        # Both sides inflected, or with the capital of a sentence's beginning.
        ("Уряд [України] переїхав до <Києва>.", ("Україна", "Київ"), "uk"),
        ("Київ.|З [Києва] до <Північної Америки>.", ("Київ", "Північна Америка"), "uk"),
        ("[Novella] is a <genre>.", ("novella", "genre"), "en"),
        # Compared in simplified characters, and without a no-break space.
        ("[中國]首都是<北京>。", ("中国", "北京"), "zh"),
        ("[New\u00a0York], <USA>", ("New York", "USA"), "en"),
    ],
)
def test_the_sides_that_were_matched_are_marked(article: str, labels: tuple[str, str], language: str) -> None:
    """The article is written with its marks, `|` before the evidence's sentence."""
    bare = re.sub(r"[\[\]<>|]", "", article)
    sentence = article.rpartition("|")[2]
    evidence: dict[str, Any] = {"sentence": re.sub(r"[\[\]<>]", "", sentence)}
    for side, signs, label in zip(("subject", "object"), ("[]", "<>"), labels, strict=True):
        if signs[0] in article:
            start, end = (len(re.sub(r"[\[\]<>|]", "", article[: article.index(sign)])) for sign in signs)
        else:
            start = bare.index(label)
            end = start + len(label)
        evidence |= {f"{side}_start": start, f"{side}_end": end}
    fact = TracedFact("u", language, "P1", *labels, "sentence", 1, False, None, [])
    assert mark_sides(fact, evidence) == sentence


def test_without_positions_each_label_is_looked_for_by_itself() -> None:
    positions = dict.fromkeys(("subject_start", "subject_end", "object_start", "object_end"))
    fact = TracedFact("u", "en", "P36", "Norway", "Oslo", "infobox", 1, False, None, [])
    for sentence in ("[Norway]: capital: <Oslo>", "Kingdom of Norge: capital: <Oslo>", "none"):
        bare = re.sub(r"[\[\]<>]", "", sentence)
        assert mark_sides(fact, positions | {"sentence": bare}) == sentence
