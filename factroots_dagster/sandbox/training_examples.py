"""Turns the plain text of articles into training examples: sentences, and where they mention an entity.

Facts, prompts and relations play no part here: entities are the titles of articles and redirects.
"""

from __future__ import annotations

import collections
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from transformers import PreTrainedTokenizerBase

from factroots_dagster.sandbox.vocabulary import split_words

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
MIN_ENTITIES = 2  # a sentence that names fewer is joined with sentences before it
MAX_CONTEXT_SENTENCES = 2

_WordSpan = tuple[int, int, tuple[str, ...]]
"""A title in a list of words: first word, word after the last, the title's words."""


@dataclass(frozen=True)
class TrainingExamples:
    """Training examples of a corpus.

    `ids[i]` are the token ids of example i with [CLS] and [SEP], int64 [tokens]; `spans[i]` its mentions as
    rows of (first token, token after the last, count of that entity in the corpus), int64 [mentions, 3].
    `languages[i]` is the language that it comes from.
    """

    ids: list[np.ndarray]
    spans: list[np.ndarray]
    languages: list[str]


def split_sentences(text: str) -> list[list[str]]:
    """Split each line of `text` that ends like a sentence into its sentences; other lines are titles."""
    lines = [line.strip() for line in text.splitlines()]
    return [_SENTENCE_END.split(line) for line in lines if line and line[-1] in ".!?"]


def make_examples(
    texts: Mapping[str, Iterable[str]],
    tokenizer: PreTrainedTokenizerBase,
    entities: Mapping[str, Sequence[str]] | None,
    max_length: int,
) -> TrainingExamples:
    """Make examples of at most `max_length` tokens from every language's texts, languages in sorted order.

    An example is a sentence. A sentence that names fewer than MIN_ENTITIES entities is joined with up to
    MAX_CONTEXT_SENTENCES sentences before it in its line, as many as it takes, so that a pronoun comes with
    its antecedent. Without `entities` every sentence is an example of its own and has no spans. Longer
    examples are left out.
    """
    units: list[tuple[str, list[str], list[_WordSpan]]] = []
    for language in sorted(texts):
        finder = _TitleFinder((entities or {}).get(language, ()))
        for text in texts[language]:
            for line in split_sentences(text):
                sentences = [split_words(sentence) for sentence in line]
                units.extend((language, *unit) for unit in _with_context(sentences, finder))
    counts = collections.Counter(title for _, _, mentions in units for _, _, title in mentions)
    examples = TrainingExamples([], [], [])
    word_ids: dict[str, list[int]] = {}
    for language, words, mentions in units:
        starts, ids = [], [tokenizer.cls_token_id]
        for word in words:
            if word not in word_ids:
                word_ids[word] = tokenizer(word, add_special_tokens=False)["input_ids"]
            starts.append(len(ids))
            ids.extend(word_ids[word])
        starts.append(len(ids))
        if len(ids) >= max_length:
            continue
        ids.append(tokenizer.sep_token_id)
        spans = [(starts[first], starts[last], counts[title]) for first, last, title in mentions]
        examples.ids.append(np.array(ids, dtype=np.int64))
        examples.spans.append(np.array(spans, dtype=np.int64).reshape(-1, 3))
        examples.languages.append(language)
    return examples


class _TitleFinder:
    """Finds titles in a list of words: from left to right, the longest title at each position."""

    def __init__(self, titles: Iterable[str]) -> None:
        self.titles = {tuple(split_words(title)) for title in titles}
        self.longest = max(map(len, self.titles), default=0)

    def find(self, words: list[str]) -> list[_WordSpan]:
        spans: list[_WordSpan] = []
        start = 0
        while start < len(words):
            for length in range(min(self.longest, len(words) - start), 0, -1):
                title = tuple(words[start : start + length])
                if title in self.titles:
                    spans.append((start, start + length, title))
                    start += length - 1
                    break
            start += 1
        return spans


def _with_context(
    sentences: list[list[str]], finder: _TitleFinder
) -> list[tuple[list[str], list[_WordSpan]]]:
    """The words and mentions of each sentence of a line, joined with earlier ones where it names too few."""
    units = []
    for number, words in enumerate(sentences):
        mentions = finder.find(words)
        context = 0
        while (
            finder.titles
            and len({title for _, _, title in mentions}) < MIN_ENTITIES
            and context < min(MAX_CONTEXT_SENTENCES, number)
        ):
            context += 1
            words = sentences[number - context] + words
            mentions = finder.find(words)
        units.append((words, mentions))
    return units
