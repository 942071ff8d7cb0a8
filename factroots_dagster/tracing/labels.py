"""The names that are looked for: labels of entities, their aliases, and stems that only stand inflected."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from factroots_dagster.errors import InputError
from factroots_dagster.text.code_points import CODE_POINTS, Codes, codes_of
from factroots_dagster.text.inflection.suffixes import SUFFIX_LANGUAGES, stems
from factroots_dagster.text.normalization import all_normalized, normalized
from factroots_dagster.text.symbols import Places, Symbols, SymbolSearch
from factroots_dagster.text.tokens import character_classes, edges_when_joined, inside_words

LABEL, ALIAS, SUFFIX, WORDPIECE, STEM = range(5)
KINDS = ("label", "alias", "suffix", "wordpiece")
"""Kinds of mentions by number; a stem is no mention but with a suffix."""

NUMBERS, RARE = 255, 0.01
"""Symbols that fit into a byte, and the largest part of the forms that the others may make up."""

UNSURE = -1

Name = tuple[str, str]
"""An entity under one of its labels: (uri, label)."""


@dataclass(frozen=True)
class Labels:
    """Entities (uri and label, sorted), and the distinct normalised forms that are searched for.

    Rows `first[f]` to `first[f + 1]` of `entity` and `kind` are the entities that form f names, and how.
    Rows `entities_of_label[d]` to `[d + 1]` of `by_label` are the entities under distinct label d.
    """

    language: str
    uris: pa.DictionaryArray
    labels: pa.DictionaryArray
    forms: list[str]
    first: NDArray[np.int64]
    entity: NDArray[np.int64]
    kind: NDArray[np.int64]
    distinct_labels: list[str]
    entities_of_label: NDArray[np.int64]
    by_label: NDArray[np.int64]

    @staticmethod
    def names(split: pa.Table) -> tuple[str, list[Name]]:
        """The language of the facts (MLAMA_SPLIT), and their subjects and objects, each (uri, label) once."""
        languages = set(split["language"].unique().to_pylist())
        if len(languages) != 1:
            raise InputError(f"mentions are of one language at a time, not of {sorted(languages) or 'none'}.")
        pairs = pa.concat_tables(
            split.select(columns).rename_columns(["uri", "label"])
            for columns in (["subject_uri", "subject"], ["object_uri", "object"])
        )
        distinct = pairs.group_by(["uri", "label"]).aggregate([])
        return languages.pop(), sorted(
            zip(distinct["uri"].to_pylist(), distinct["label"].to_pylist(), strict=True)
        )

    @classmethod
    def of(cls, names: list[Name], language: str, aliases: Mapping[str, list[str]]) -> Labels:
        """All forms of the `names`; `aliases` are other names by label."""
        labels = [label for _, label in names]
        rows = []
        for number, (label, form) in enumerate(zip(labels, all_normalized(labels, language), strict=True)):
            form = form.strip()
            rows.append((form, number, LABEL))
            if label in aliases:
                others = {normalized(alias, language).strip() for alias in aliases[label]} - {form}
                rows += [(other, number, ALIAS) for other in others]
            if language in SUFFIX_LANGUAGES:
                rows += [(stem, number, STEM) for stem in stems(form, language)]
        rows = sorted({row for row in rows if row[0]})
        counts_of_form = Counter(row[0] for row in rows)
        by_label = sorted(range(len(names)), key=labels.__getitem__)
        counts_of_label = Counter(labels[number] for number in by_label)
        # Counters keep the order in which they met their keys.
        return cls(
            language,
            pa.array([uri for uri, _ in names], pa.string()).dictionary_encode(),
            pa.array(labels, pa.string()).dictionary_encode(),
            list(counts_of_form),
            edges(list(counts_of_form.values())),
            np.array([row[1] for row in rows], dtype=np.int64),
            np.array([row[2] for row in rows], dtype=np.int64),
            list(counts_of_label),
            edges(list(counts_of_label.values())),
            np.array(by_label, dtype=np.int64),
        )


def edges(counts: list[int]) -> NDArray[np.int64]:
    """Where runs of these lengths begin and the last one ends, [len(counts) + 1]."""
    return np.append(0, np.cumsum(np.array(counts, dtype=np.int64)))


class FormSearch:
    """Finds forms in texts, but none that begins inside a word.

    Where a byte has too few numbers for all of their symbols, the rarest ones share a number, and what is
    found with it is looked at again; but not where they are no rarity, as in Chinese, and take two bytes.
    """

    def __init__(self, forms: Sequence[str]) -> None:
        starts, ends = edges_when_joined(forms)
        text = "\n".join(forms)
        symbols = np.delete(symbols_of(codes_of(text), inside_words(character_classes(text))), ends[:-1])
        used, counts = np.unique(symbols, return_counts=True)
        rare = used[np.argsort(-counts, kind="stable")][NUMBERS - 1 :]
        is_rare = np.isin(symbols, rare)
        if is_rare.sum() > RARE * len(symbols):
            rare, is_rare = rare[:0], np.zeros(len(symbols), dtype=bool)
        shared = symbols.copy()
        shared[is_rare] = rare[:1]
        places = np.cumsum([0, *(ends - starts)])
        unsure = np.diff(np.append(0, np.cumsum(is_rare))[places]) > 0
        form_of: dict[bytes, int] = {}
        self._exactly: dict[bytes, int] = {}
        for number, (start, end) in enumerate(pairwise(places.tolist())):
            form_of[shared[start:end].tobytes()] = UNSURE if unsure[number] else number
            if unsure[number]:
                self._exactly[symbols[start:end].tobytes()] = number
        self._form_of = np.fromiter(form_of.values(), np.int64, len(form_of))
        lengths = np.fromiter(map(len, form_of), np.int64, len(form_of)) // symbols.itemsize
        self._search = SymbolSearch(np.frombuffer(b"".join(form_of), np.uint32), lengths, alike=rare)

    def find(self, codes: Codes, inside: NDArray[np.bool_]) -> Places:
        """All forms that stand in a text, given as code points and `inside_words`: numbers of the forms,
        where they start and end; each [n]."""
        symbols = symbols_of(codes, inside)
        found, start, end = self._search.find(self._search.numbers(symbols))
        form = self._form_of[found]
        unsure = np.flatnonzero(form == UNSURE)
        for place in unsure.tolist():
            form[place] = self._exactly.get(symbols[start[place] : end[place]].tobytes(), UNSURE)
        if len(unsure):
            sure = form != UNSURE
            form, start, end = form[sure], start[sure], end[sure]
        return form, start, end


def symbols_of(codes: Codes, inside: NDArray[np.bool_]) -> Symbols:
    """Characters as symbols; those inside a word are others than those at its beginning."""
    return codes + inside[:-1].astype(np.uint32) * np.uint32(CODE_POINTS)


_made: dict[bytes, FormSearch] = {}


def form_search(forms: list[str]) -> FormSearch:
    """The search for `forms`, made once per worker process (the last one is kept)."""
    digest = hashlib.sha256("\n".join(forms).encode()).digest()
    if digest not in _made:
        _made.clear()
        _made[digest] = FormSearch(forms)
    return _made[digest]
