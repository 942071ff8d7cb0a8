"""What the module of a language consists of: an Inflection, and functions to build one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

Suffixes = frozenset[str]
StemChange = tuple[re.Pattern[str], str]
"""A pattern of the end of a label, and what replaces it."""


@dataclass(frozen=True)
class Inflection:
    """How one language inflects names by suffix.

    suffixes_after: all suffixes that a stem takes, as `normalization.normalize` writes them. The stem is not
        empty. Stems of the same kind should share one set (by a cache), since there are many stems.
    stem_changes: how the end of a label changes before suffixes; each that applies gives one more stem.
    """

    suffixes_after: Callable[[str], Suffixes]
    stem_changes: tuple[StemChange, ...] = ()


def suffixes_by_stem_end(*rows: tuple[str, Suffixes]) -> Callable[[str], Suffixes]:
    """The `suffixes_after` of a table of rows (pattern of a lower-case stem's end, suffixes).

    The first row that matches counts; a stem that matches none takes no suffixes.
    """
    table = [(re.compile(rf"(?:{pattern})\Z"), suffixes) for pattern, suffixes in rows]

    def suffixes_after(stem: str) -> Suffixes:
        lower = stem.lower()
        return next((suffixes for pattern, suffixes in table if pattern.search(lower)), frozenset())

    return suffixes_after


def stem_changes(*rules: str) -> tuple[StemChange, ...]:
    """Stem changes from rules "pattern>replacement" of a label's end."""
    parts = (rule.partition(">") for rule in rules)
    return tuple((re.compile(pattern + "$"), replacement) for pattern, _, replacement in parts)


@lru_cache(maxsize=1 << 12)
def union_of_suffixes(suffixes_of_kind: Callable[..., Suffixes], *kinds: tuple[object, ...]) -> Suffixes:
    """The suffixes of a stem that may be of several kinds: one set for all stems of the same kinds.

    kinds: the arguments of `suffixes_of_kind` for each kind.
    """
    return frozenset().union(*(suffixes_of_kind(*kind) for kind in kinds))


def last_of(letters: str, stem: str) -> str:
    """The last letter of `stem` that is among `letters`; empty if there is none."""
    return next((letter for letter in reversed(stem) if letter in letters), "")


def composed(suffixes: Iterable[str]) -> Suffixes:
    """The suffixes in NFC, without the empty one."""
    return frozenset(unicodedata.normalize("NFC", suffix) for suffix in suffixes if suffix)
