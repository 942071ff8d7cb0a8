"""From the plain text of articles to training examples: sentences, and where they mention an entity.

Nothing here knows facts, prompts or relations: entities are the titles of articles and redirects.
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
ENTITIES_WANTED = 2  # a sentence that names fewer is read together with what precedes it
SENTENCES_BACK = 2


@dataclass(frozen=True)
class Examples:
    """Training examples of a corpus.

    `ids[i]` holds the token ids of example i with [CLS] and [SEP]; `spans[i]` the mentions in it as rows of
    (first token, token after the last, count of that entity in the corpus), int64 [mentions, 3].
    """

    ids: list[np.ndarray]
    spans: list[np.ndarray]


def sentences(text: str) -> list[list[str]]:
    """The lines of `text` that end like a sentence, each cut into its sentences; titles fall away."""
    lines = [line.strip() for line in text.splitlines()]
    return [_SENTENCE_END.split(line) for line in lines if line and line[-1] in ".!?"]


def make_examples(
    texts: Mapping[str, Iterable[str]],
    tokenizer: PreTrainedTokenizerBase,
    entities: Mapping[str, Sequence[str]] | None,
    max_length: int,
) -> Examples:
    """Cut every language's texts into examples of at most `max_length` tokens, languages in sorted order.

    An example is a sentence; a sentence that names fewer than two entities takes along up to two sentences
    before it in its line, as far as needed, so that a pronoun stands beside what it points to. Without
    `entities` every sentence is an example of its own and has no spans.
    """
    units: list[tuple[list[str], list[_Mention]]] = []
    for language in sorted(texts):
        finder = _Finder((entities or {}).get(language, ()))
        for text in texts[language]:
            for line in sentences(text):
                units.extend(_units([split_words(sentence) for sentence in line], finder))
    counts = collections.Counter(name for _, mentions in units for _, _, name in mentions)
    examples = Examples([], [])
    pieces: dict[str, list[int]] = {}
    for words, mentions in units:
        starts, ids = [], [tokenizer.cls_token_id]
        for word in words:
            if word not in pieces:
                pieces[word] = tokenizer(word, add_special_tokens=False)["input_ids"]
            starts.append(len(ids))
            ids.extend(pieces[word])
        starts.append(len(ids))
        if len(ids) >= max_length:
            continue
        ids.append(tokenizer.sep_token_id)
        spans = [(starts[first], starts[last], counts[name]) for first, last, name in mentions]
        examples.ids.append(np.array(ids, dtype=np.int64))
        examples.spans.append(np.array(spans, dtype=np.int64).reshape(-1, 3))
    return examples


_Mention = tuple[int, int, tuple[str, ...]]  # first word, word after the last, the words


class _Finder:
    """Finds titles in a list of words: the longest title at each place, from left to right."""

    def __init__(self, titles: Iterable[str]) -> None:
        self.titles = {tuple(split_words(title)) for title in titles}
        self.longest = max(map(len, self.titles), default=0)

    def find(self, words: list[str]) -> list[_Mention]:
        found: list[_Mention] = []
        place = 0
        while place < len(words):
            for length in range(min(self.longest, len(words) - place), 0, -1):
                name = tuple(words[place : place + length])
                if name in self.titles:
                    found.append((place, place + length, name))
                    place += length - 1
                    break
            place += 1
        return found


def _units(line: list[list[str]], finder: _Finder) -> list[tuple[list[str], list[_Mention]]]:
    """The examples of a line: each sentence, with the ones before it where it names too few entities."""
    units = []
    for number, words in enumerate(line):
        mentions = finder.find(words)
        back = 0
        while (
            finder.titles
            and len({name for _, _, name in mentions}) < ENTITIES_WANTED
            and back < min(SENTENCES_BACK, number)
        ):
            back += 1
            words = line[number - back] + words
            mentions = finder.find(words)
        units.append((words, mentions))
    return units
