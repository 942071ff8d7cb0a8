"""Contexts, their words, and what the words tell."""

from __future__ import annotations

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from factroots_dagster.tracing.contexts import BESIDE, BETWEEN, STEM, cut_context, hash_words
from factroots_dagster.tracing.cue_words import Words, number_words, score_cue_words, score_templates


def read_words(texts: list[str]) -> Words:
    text, word, _ = hash_words(texts)
    return number_words(text, word, len(texts))


def words_of(*texts: str) -> list[set[int]]:
    text, word, _ = hash_words(texts)
    return [set(word[text == number].tolist()) for number in range(len(texts))]


def test_a_context_ends_with_its_line() -> None:
    text = "Other line\nthe capital of France, of course,\nis Paris today.\nMore"
    france, paris = text.index("France"), text.index("Paris")
    context = cut_context(text, (paris, paris + 5), (france, france + 6))
    assert context == ("the capital of ", ", of course,\nis ", " today.", 1)


@given(st.text(), st.text(), st.text())
def test_contexts_are_short_and_of_the_text(before: str, between: str, after: str) -> None:
    text = f"{before}S{between}O{after}"
    context = cut_context(
        text, (len(before), len(before) + 1), (len(text) - len(after) - 1, len(text) - len(after))
    )
    assert len(context.before) <= BESIDE and len(context.after) <= BESIDE
    assert before.endswith(context.before) and after.startswith(context.after)
    assert len(context.between) <= BETWEEN + 1 and context.lines == between.count("\n")
    if len(between) <= BETWEEN:
        assert context.between == between


def test_a_word_is_its_stem_in_small_letters() -> None:
    assert STEM == 6
    capital, form, other = words_of("Столиця", "СТОЛИЦЕЮ", "стола")
    assert capital == form and len(capital) == 1 and not capital & other
    assert words_of("1999")[0] == words_of("17")[0] != words_of("x")[0]


def test_marks_and_characters_without_spaces_are_words_of_their_own() -> None:
    assert len(words_of("a,b, c.")[0]) == 5
    first, second = words_of("首都東京", "東京首都")
    assert len(first) == 4 and len(first & second) == 2  # 首都 and 東京; also 都東 and 京, 京首 and 都


@given(st.lists(st.text(max_size=20), max_size=5))
def test_words_of_a_text_do_not_depend_on_the_other_texts(texts: list[str]) -> None:
    assert words_of(*texts) == [words_of(text)[0] for text in texts]


@given(st.lists(st.text("aÉİ1 ,.\n首", max_size=20), max_size=5))
def test_marks_are_the_share_of_punctuation_among_tokens(texts: list[str]) -> None:
    """Counted one by one: tokens by a pattern, and those that are no letters."""
    marks = []
    for text in texts:
        tokens = re.findall("首|[aÉİ1]+|[,.]", text)
        marks.append(sum(token in ",." for token in tokens) / max(1, len(tokens)))
    assert hash_words(texts).marks.tolist() == marks


def test_the_words_around_facts_are_their_cues() -> None:
    random = np.random.default_rng(0)
    relation = random.integers(0, 2, 400)
    is_fact = random.random(400) < 0.5
    cues = np.where(relation == 0, "capital", "border")
    texts = [
        f"{cue if fact and random.random() < 0.7 else 'near'} the {number % 7}"
        for number, (cue, fact) in enumerate(zip(cues.tolist(), is_fact.tolist(), strict=True))
    ]
    numbers = np.arange(400)
    scores = score_cue_words(read_words(texts), relation, numbers, numbers, is_fact, np.ones(400, bool))
    has_cue = np.array(["near" not in text for text in texts])
    assert scores[has_cue].min() > 1 > scores[~has_cue].max()
    shuffled = random.permutation(is_fact)
    placebo = score_cue_words(read_words(texts), relation, numbers, numbers, shuffled, np.ones(400, bool))
    assert abs(placebo[has_cue].mean() - placebo[~has_cue].mean()) < 0.5


def test_a_window_does_not_teach_its_own_score() -> None:
    """A word around one subject's facts alone says nothing about them."""
    is_fact = np.arange(60) % 2 == 0
    texts = ["rare word" if number in (0, 2) else "word" for number in range(60)]
    subject = np.where(np.isin(np.arange(60), (0, 2)), 0, np.arange(60))
    zeros = np.zeros(60, np.int64)
    scores = score_cue_words(read_words(texts), zeros, np.arange(60), subject, is_fact, np.ones(60, bool))
    assert scores[0] == scores[2] and scores[0] < 0.1


def test_the_words_of_the_template_count_by_their_rarity() -> None:
    texts = ["Paris is the capital of France", "Paris is in France", "nothing", ""]
    read = read_words([*texts, "is the capital of .", "borders"])
    share = score_templates(read, np.array([0, 0, 0, 1]))
    assert share[0] > 0.6 > 0.3 > share[1] > share[2] == share[3] == 0
