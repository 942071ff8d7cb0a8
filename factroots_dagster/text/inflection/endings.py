"""Endings that a language gives to names, learned from pairs of a name and a form of it.

Nothing is known beforehand: what distinguishes "Берліна" from "Берлін" is an ending, and where the same ending
is seen on many names it is expected on others that end alike. In names of several words the endings of the
words go together, as in "Північної Америки".
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import islice

MIN_STEM, MAX_OLD, MAX_NEW = 2, 3, 6
"""Letters of a word that a form keeps at least (and half of them), drops at most, and adds at most."""

MIN_WORDS, MIN_WORDS_ALIKE, MIN_NAMES, MIN_SHARE = 5, 2, 2, 0.01
"""A change of ending is learned when it is seen on so many words, so many of them with the same letter before
it; in this share of the occurrences of words that end so; and, with those of the other words of a name, on
so many names. Measured on the dumps: a share of 0.02 finds 2 to 4% fewer forms and is no more precise."""

MAX_NAME_WORDS, MAX_FORMS = 6, 500

Change = tuple[str, str] | None
"""A word's last letters and what a form has instead; None for an unchanged word."""
Changes = tuple[Change, ...]


def compare_words(name: str, form: str) -> Changes | None:
    """How the words of a form differ from those of a name; None if it is no inflected form of the name.

    The case of the first letter does not count. Accents may move, as in Greek.
    """
    words, others = name.split(), form.split()
    if len(words) != len(others):
        return None
    if others and others[0][0] != words[0][0] and others[0][0].lower() == words[0][0].lower():
        others[0] = words[0][0] + others[0][1:]
    changes: list[Change] = []
    for word, other in zip(words, others, strict=True):
        if word == other:
            changes.append(None)
            continue
        kept = _common_prefix(word, other)
        old, new = word[kept:], other[kept:]
        if kept < MIN_STEM or 2 * kept < len(word) - 1 or len(old) > MAX_OLD or len(new) > MAX_NEW:
            return None
        if old == new or not all(map(_is_letter, new)):  # nothing but accents differs, or no letters
            return None
        changes.append((old, new))
    return tuple(changes)


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


class Endings:
    """The endings of a language: fed with pairs, then asked for forms."""

    def __init__(self) -> None:
        self._words: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self._alike: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
        self._seen: Counter[tuple[str, str, str]] = Counter()
        self._occurrences: Counter[tuple[str, str]] = Counter()
        self._names: defaultdict[Changes, set[str]] = defaultdict(set)
        self._tries: dict[int, dict[Change, object]] = {}
        self._learned: dict[tuple[str, str], list[str]] | None = None

    def add(self, name: str, form: str, count: int) -> None:
        """Take note of a name that has appeared so often as `form`, which may be the name itself."""
        changes = compare_words(name, form)
        if changes is None:
            return
        for word, change in zip(name.split(), changes, strict=True):
            for length in range(min(MAX_OLD + 1, len(word))):
                self._occurrences[_ending_of(word, length)] += count
            if change is not None:
                old, new = change
                before = word[-len(old) - 1 :][:1]
                self._words[change].add(word)
                self._alike[old, before, new].add(word)
                self._seen[old, before, new] += count
        if any(changes):
            self._names[changes].add(name)

    def _new_endings(self, word: str) -> Iterator[tuple[str, str]]:
        """The changes that are expected on a word."""
        if self._learned is None:
            self._learned = {}
            for (old, before, new), words in sorted(self._alike.items()):
                if (
                    len(words) >= MIN_WORDS_ALIKE
                    and len(self._words[old, new]) >= MIN_WORDS
                    and self._seen[old, before, new] >= MIN_SHARE * self._occurrences[old, before]
                ):
                    self._learned.setdefault((old, before), []).append(new)
        for length in range(min(MAX_OLD + 1, len(word) - MIN_STEM + 1)):
            old, before = _ending_of(word, length)
            yield from ((old, new) for new in self._learned.get((old, before), ()))

    def _trie(self, words: int) -> dict[Change, object]:
        """The changes of names of so many words that were seen on several names, as nested dictionaries.

        Of three or more words also those of one or two at the beginning or the end, the others unchanged.
        """
        if words not in self._tries:
            trie: dict[Change, object] = {}
            for changes, names in self._names.items():
                if len(names) < MIN_NAMES or len(changes) not in {words, *((1, 2) if words > 2 else ())}:
                    continue
                rest = (None,) * (words - len(changes))
                for padded in {(*changes, *rest), (*rest, *changes)}:
                    node = trie
                    for change in padded:
                        node = node.setdefault(change, {})  # type: ignore[assignment]
            self._tries[words] = trie
        return self._tries[words]

    def forms_of(self, name: str) -> list[str]:
        """The forms that are expected of a name, without itself; at most MAX_FORMS."""
        words = name.split(" ")
        if len(words) > MAX_NAME_WORDS or not all(words):
            return []
        options = [dict.fromkeys([None, *self._new_endings(word)]) for word in words]

        def expand(position: int, node: dict[Change, object], begun: tuple[str, ...]) -> Iterator[str]:
            if position == len(words):
                yield " ".join(begun)
                return
            word = words[position]
            for change in options[position]:
                if change in node:
                    changed = word if change is None else word[: len(word) - len(change[0])] + change[1]
                    yield from expand(position + 1, node[change], (*begun, changed))  # type: ignore[arg-type]

        forms = (form for form in expand(0, self._trie(len(words)), ()) if form != name)
        return list(dict.fromkeys(islice(forms, MAX_FORMS)))


def _ending_of(word: str, length: int) -> tuple[str, str]:
    """The last letters of a word, and the one before them."""
    cut = len(word) - length
    return word[cut:], word[cut - 1 : cut]
