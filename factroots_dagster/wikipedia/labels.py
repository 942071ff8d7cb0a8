"""The names that are looked for: labels of entities, their aliases, and stems that only stand inflected."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from factroots_dagster.errors import InputError
from factroots_dagster.wikipedia.normalization import all_normalized, normalized
from factroots_dagster.wikipedia.suffixes import SUFFIX_LANGUAGES, stems

if TYPE_CHECKING:
    from ahocorasick_rs import BytesAhoCorasick

LABEL, ALIAS, SUFFIX, WORDPIECE, STEM = range(5)
KINDS = ("label", "alias", "suffix", "wordpiece")
"""Kinds of mentions by number; a stem is no mention but with a suffix."""

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


_built: dict[bytes, BytesAhoCorasick] = {}


def automaton(forms: list[str]) -> BytesAhoCorasick:
    """The automaton over `forms` in UTF-8, built once per worker process (the last one is kept)."""
    from ahocorasick_rs import BytesAhoCorasick, Implementation

    digest = hashlib.sha256("\n".join(forms).encode()).digest()
    if digest not in _built:
        _built.clear()
        _built[digest] = BytesAhoCorasick(
            [form.encode() for form in forms], implementation=Implementation.ContiguousNFA
        )
    return _built[digest]
