"""Endings and beginnings that a language gives to names, learned from pairs of a name and a form of it.

Nothing is known beforehand: what distinguishes "Берліна" from "Берлін" is an ending, and where the same
ending is seen on many names it is expected on others that end alike. In names of several words the endings of
the words go together, as in "Північної Америки". Beginnings are learned in the same way: prefixes that are
written to the name, as in Hebrew and Arabic, and mutations, as in Irish and Welsh.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Any

MIN_STEM, MAX_OLD, MAX_NEW = 2, 3, 6
"""Letters of a word that a form keeps at least (and half of them), drops at most, and adds at most."""

MAX_OLD_START, MAX_NEW_START = 1, 3
"""Letters that a form drops and adds at most at the beginning of a word."""

MIN_WORDS, MIN_WORDS_ALIKE, MIN_NAMES, MIN_SHARE = 5, 2, 2, 0.01
"""A change of ending is learned when it is seen on so many words, so many of them with the same letter before
it; in this share of the occurrences of words that end so; and, with those of the other words of a name, on
so many names. Measured on the dumps: a share of 0.02 finds 2 to 4% fewer forms and is no more precise."""

MAX_NAME_WORDS, MAX_FORMS = 6, 500

END, START = "end", "start"

Change = tuple[str, str, str] | None
"""END or START, the letters there and what a form has instead; None for an unchanged word."""
Changes = tuple[Change, ...]


def compare_words(name: str, form: str) -> Changes | None:
    """How the words of a form differ from those of a name; None if it is no inflected form of the name.

    The case of the first letter does not count. Accents may move, as in Greek.
    """
    words, others = name.split(), form.split()
    if len(words) != len(others):
        return None
    if others and _base(others[0][0]).lower() == _base(words[0][0]).lower():
        others[0] = words[0][0] + others[0][1:]
    changes: list[Change] = []
    for word, other in zip(words, others, strict=True):
        if word == other:
            changes.append(None)
            continue
        change = _change_of_end(word, other) or _change_of_start(word, other)
        if change is None:
            return None
        changes.append(change)
    return tuple(changes)


def _change_of_end(word: str, other: str) -> Change:
    """The change that makes another ending of a word's; None if that is not all."""
    kept = _common_prefix(word, other)
    old, new = word[kept:], other[kept:]
    is_short = len(old) <= MAX_OLD and len(new) <= MAX_NEW and kept >= MIN_STEM and 2 * kept >= len(word) - 1
    # With the same letters nothing but accents differs.
    return (END, old, new) if is_short and old != new and all(map(_is_letter, new)) else None


def _change_of_start(word: str, other: str) -> Change:
    """The same for a beginning."""
    kept = _common_prefix(word[::-1], other[::-1])
    old, new = word[: len(word) - kept], other[: len(other) - kept]
    is_short = len(old) <= MAX_OLD_START and 0 < len(new) <= MAX_NEW_START and kept >= MIN_STEM
    return (START, old, new) if is_short and old != new and all(map(_is_letter, new)) else None


def _common_prefix(word: str, other: str) -> int:
    """How many letters two words begin with alike, accents aside."""
    length = 0
    for left, right in zip(word, other, strict=False):
        if left != right and _base(left) != _base(right):
            break
        length += 1
    return length


@cache
def _base(letter: str) -> str:
    return unicodedata.normalize("NFD", letter)[0]


@cache
def _is_letter(character: str) -> bool:
    return unicodedata.category(character)[0] in "LM" or character in "'-"


Place = tuple[str, str, str]
"""END or START, the letters of a word there, and the letter next to them."""


def _places(word: str) -> Iterator[Place]:
    """The places of a word where a change may be."""
    for length in range(min(MAX_OLD, len(word) - MIN_STEM) + 1):
        cut = len(word) - length
        yield END, word[cut:], word[cut - 1]
    for length in range(min(MAX_OLD_START, len(word) - MIN_STEM) + 1):
        yield START, word[:length], word[length]


class Endings:
    """The endings and beginnings of a language: fed with pairs, then asked for forms."""

    def __init__(self) -> None:
        self._words: defaultdict[Change, set[str]] = defaultdict(set)
        self._alike: defaultdict[tuple[Place, str], set[str]] = defaultdict(set)
        self._seen: Counter[tuple[Place, str]] = Counter()
        self._occurrences: Counter[Place] = Counter()
        self._names: defaultdict[Changes, set[str]] = defaultdict(set)
        self._tries: dict[int, dict[Change, Any]] = {}
        self._learned: tuple[dict[str, list[Change]], ...] | None = None
        self._expected: dict[str, list[tuple[Change, str]]] = {}

    def add(self, name: str, form: str, count: int) -> None:
        """Take note of a name that has appeared so often as `form`, which may be the name itself."""
        changes = compare_words(name, form)
        if changes is None:
            return
        for word, change in zip(name.split(), changes, strict=True):
            for place in _places(word):
                self._occurrences[place] += count
                if change is not None and place[:2] == change[:2]:
                    self._words[change].add(word)
                    self._alike[place, change[2]].add(word)
                    self._seen[place, change[2]] += count
        if any(changes):
            self._names[changes].add(name)

    def _learn(self) -> tuple[dict[str, list[Change]], ...]:
        """The changes of endings by the last letters of the words that take them, one more than changes; and
        those of beginnings by the first letters."""
        ends: dict[str, list[Change]] = {}
        begins: dict[str, list[Change]] = {}
        for (place, new), words in sorted(self._alike.items()):
            if (
                len(words) >= MIN_WORDS_ALIKE
                and len(self._words[*place[:2], new]) >= MIN_WORDS
                and self._seen[place, new] >= MIN_SHARE * self._occurrences[place]
            ):
                side, old, letter = place
                letters, learned = (letter + old, ends) if side == END else (old + letter, begins)
                learned.setdefault(letters, []).append((side, old, new))
        return ends, begins

    def _options(self, word: str) -> list[tuple[Change, str]]:
        """None, and the changes that are expected on a word; with what they make of it."""
        if word not in self._expected:
            if self._learned is None:
                self._learned = self._learn()
            ends, begins = self._learned
            options: list[Change] = [None]
            for length in range(1, min(MAX_OLD, len(word) - MIN_STEM) + 2):
                options += ends.get(word[-length:], ())
            for length in range(1, min(MAX_OLD_START, len(word) - MIN_STEM) + 2):
                options += begins.get(word[:length], ())
            self._expected[word] = [(change, _apply(change, word)) for change in options]
        return self._expected[word]

    def _trie(self, words: int) -> dict[Change, Any]:
        """The changes of names of so many words that were seen on several names, as nested dictionaries.

        Of three or more words also those of one or two at the beginning or the end, the others unchanged.
        """
        if words not in self._tries:
            trie: dict[Change, Any] = {}
            for changes, names in self._names.items():
                if len(names) < MIN_NAMES or len(changes) not in {words, *((1, 2) if words > 2 else ())}:
                    continue
                rest = (None,) * (words - len(changes))
                for padded in {(*changes, *rest), (*rest, *changes)}:
                    node = trie
                    for change in padded:
                        node = node.setdefault(change, {})
            self._tries[words] = trie
        return self._tries[words]

    def forms_of(self, name: str) -> list[str]:
        """The forms that are expected of a name, without itself; at most MAX_FORMS."""
        words = name.split(" ")
        if len(words) > MAX_NAME_WORDS or not all(words):
            return []
        options = [self._options(word) for word in words]
        if all(len(changes) == 1 for changes in options):
            return []
        forms: list[str] = []

        def expand(position: int, node: dict[Change, Any], begun: str) -> None:
            is_last = position == len(words) - 1
            for change, word in options[position]:
                if change not in node or len(forms) == MAX_FORMS:
                    continue
                if not is_last:
                    expand(position + 1, node[change], f"{begun}{word} ")
                elif (form := begun + word) != name:
                    forms.append(form)

        expand(0, self._trie(len(words)), "")
        return list(dict.fromkeys(forms))


def _apply(change: Change, word: str) -> str:
    """A word with a change that is expected on it."""
    if change is None:
        return word
    place, old, new = change
    return word[: len(word) - len(old)] + new if place == END else new + word[len(old) :]
