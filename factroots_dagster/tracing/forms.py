"""The forms of entities' names that texts are searched for: labels, aliases, and stems that take suffixes.

A form that begins with a small letter is searched for with a capital, too, which counts where a sentence,
list item or heading begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from factroots_dagster.errors import InputError
from factroots_dagster.tables import number_values
from factroots_dagster.text.code_points import CODE_POINT_LIMIT, CodePoints, to_code_points
from factroots_dagster.text.inflection.suffixes import stems
from factroots_dagster.text.letter_case import capitalize
from factroots_dagster.text.normalization import normalize_all
from factroots_dagster.text.symbols import Matches, Symbols, SymbolSearch
from factroots_dagster.text.tokens import character_classes, inside_words, joined_bounds
from factroots_dagster.tracing.kinds import ALIAS, FORM, LABEL, MENTION_KINDS

STEM = len(MENTION_KINDS)
"""Kind of a form that is a mention only with a suffix; numbered after the kinds of mentions."""

AT_START = 1 << STEM.bit_length()
"""Added to the kind of a form that is a mention only where a sentence begins."""

ONE_BYTE_SYMBOLS, RARE_SHARE = 255, 0.01
"""Symbols that one byte can number, and the largest share of the forms that all others may make up."""

AMBIGUOUS = -1

SPACES_OPTIONAL = frozenset(("ko",))
"""Languages in which the words of a name are also written as one."""


def entities_of_split(split: pa.Table) -> pa.Table:
    """The distinct subjects and objects of MLAMA_SPLIT: columns entity_uri and label, sorted by both."""
    sides = (
        split.select(columns).rename_columns(["entity_uri", "label"])
        for columns in (["subject_uri", "subject"], ["object_uri", "object"])
    )
    entities = pa.concat_tables(sides).group_by(["entity_uri", "label"]).aggregate([])
    return entities.sort_by([("entity_uri", "ascending"), ("label", "ascending")])


def language_of_split(split: pa.Table) -> str:
    """The language of the facts of MLAMA_SPLIT; raises InputError unless there is exactly one."""
    languages = sorted(split["language"].unique().to_pylist())
    if len(languages) != 1:
        raise InputError(
            f"the facts are in {', '.join(languages) or 'no language'}, but mentions are of one language",
            "pass the facts of one language at a time",
        )
    language: str = languages[0]
    return language


@dataclass(frozen=True)
class EntityForms:
    """Entities, numbered from 0, and the distinct normalized forms that name them.

    uris, labels: of every entity, [entities]. forms: [forms]. The entities that form f names, and how (a kind
    of mention or STEM, perhaps with AT_START), are rows `form_offsets[f]` to `form_offsets[f + 1]` of
    `form_entities` and `form_kinds`. distinct_labels: [distinct labels]; the entities with the d-th are rows
    `label_offsets[d]` to `label_offsets[d + 1]` of `label_entities`.
    """

    language: str
    uris: pa.DictionaryArray
    labels: pa.DictionaryArray
    forms: tuple[str, ...]
    form_offsets: NDArray[np.int64]
    form_entities: NDArray[np.int64]
    form_kinds: NDArray[np.int64]
    distinct_labels: list[str]
    label_offsets: NDArray[np.int64]
    label_entities: NDArray[np.int64]

    @classmethod
    def build(
        cls,
        entities: pa.Table,
        language: str,
        aliases: Mapping[str, Sequence[str]],
        inflected: Mapping[str, Iterable[str]] | None = None,
    ) -> EntityForms:
        """All forms of the entities (columns entity_uri and label).

        aliases: further names by label. inflected: normalized forms of names by label, of kind FORM.
        """
        labels = entities["label"].to_pylist()
        spelled = [alias for names in aliases.values() for alias in names]
        form_of_alias = dict(zip(spelled, map(str.strip, normalize_all(spelled, language)), strict=True))
        found: list[str] = []
        numbers: list[int] = []
        kinds: list[int] = []
        for number, (name, own) in enumerate(zip(labels, normalize_all(labels, language), strict=True)):
            own = own.strip()
            others = {form_of_alias[alias] for alias in aliases.get(name, ())} - {own}
            names = {(own, LABEL), *((other, ALIAS) for other in others)}
            names.update((stem, STEM) for stem in stems(own, language))
            names.update((other, FORM) for other in (inflected or {}).get(name, ()))
            if language in SPACES_OPTIONAL:
                names |= {(name.replace(" ", ""), kind) for name, kind in names}
            capitals = {
                (capital, kind + AT_START)
                for name, kind in names
                if (capital := capitalize(name, language)) != name and (capital, kind) not in names
            }
            for name, kind in chain(names, capitals):
                if name:
                    found.append(name)
                    numbers.append(number)
                    kinds.append(kind)
        distinct_forms, form = number_values(pa.array(found, pa.string()))
        distinct_labels, label = number_values(entities["label"])
        row_entities, row_kinds = np.array(numbers, dtype=np.int64), np.array(kinds, dtype=np.int64)
        order = np.lexsort((row_kinds, row_entities, form))
        return cls(
            language,
            entities["entity_uri"].combine_chunks().dictionary_encode(),
            entities["label"].combine_chunks().dictionary_encode(),
            tuple(distinct_forms.to_pylist()),
            np.append(0, np.cumsum(np.bincount(form, minlength=len(distinct_forms)))),
            row_entities[order],
            row_kinds[order],
            distinct_labels.to_pylist(),
            np.append(0, np.cumsum(np.bincount(label, minlength=len(distinct_labels)))),
            np.argsort(label, kind="stable"),
        )


class FormSearch:
    """Finds forms in texts, except where they begin inside a word.

    Where a byte cannot number all symbols of the forms, the rarest share a number, and what matches with it
    is verified; unless they are not rare at all, as in Chinese: then a number takes two bytes.
    """

    def __init__(self, forms: Sequence[str]) -> None:
        starts, ends = joined_bounds(forms)
        text = "\n".join(forms)
        symbols = np.delete(
            _symbols_of(to_code_points(text), inside_words(character_classes(text))), ends[:-1]
        )
        used, counts = np.unique(symbols, return_counts=True)
        rare = used[np.argsort(-counts, kind="stable")][ONE_BYTE_SYMBOLS - 1 :]
        is_rare = np.isin(symbols, rare)
        if is_rare.sum() > RARE_SHARE * len(symbols):
            rare, is_rare = rare[:0], np.zeros(len(symbols), dtype=bool)
        shared = symbols.copy()
        shared[is_rare] = rare[:1]
        offsets = np.cumsum([0, *(ends - starts)])
        ambiguous = np.diff(np.append(0, np.cumsum(is_rare))[offsets]) > 0
        form_of_pattern: dict[bytes, int] = {}
        self._form_of_symbols: dict[bytes, int] = {}
        for number, (start, end) in enumerate(pairwise(offsets.tolist())):
            form_of_pattern[shared[start:end].tobytes()] = AMBIGUOUS if ambiguous[number] else number
            if ambiguous[number]:
                self._form_of_symbols[symbols[start:end].tobytes()] = number
        self._form_of_pattern = np.fromiter(form_of_pattern.values(), np.int64, len(form_of_pattern))
        lengths = np.fromiter(map(len, form_of_pattern), np.int64, len(form_of_pattern)) // symbols.itemsize
        patterns = np.frombuffer(b"".join(form_of_pattern), np.uint32)
        self._search = SymbolSearch(patterns, lengths, merged=rare)

    def find(self, codes: CodePoints, inside: NDArray[np.bool_]) -> Matches:
        """All matches in a text given as code points and `inside_words`: form, start, end; each [n]."""
        symbols = _symbols_of(codes, inside)
        pattern, start, end = self._search.find(self._search.encode(symbols))
        form = self._form_of_pattern[pattern]
        ambiguous = np.flatnonzero(form == AMBIGUOUS)
        for match in ambiguous.tolist():
            form[match] = self._form_of_symbols.get(symbols[start[match] : end[match]].tobytes(), AMBIGUOUS)
        if len(ambiguous):
            is_form = form != AMBIGUOUS
            form, start, end = form[is_form], start[is_form], end[is_form]
        return form, start, end


def _symbols_of(codes: CodePoints, inside: NDArray[np.bool_]) -> Symbols:
    """Characters as symbols: inside a word a character is another symbol than at a word's beginning."""
    return codes + inside[:-1].astype(np.uint32) * np.uint32(CODE_POINT_LIMIT)


@lru_cache(maxsize=1)
def form_search(forms: tuple[str, ...]) -> FormSearch:
    """The search for `forms`, built once per worker process (only the latest is kept)."""
    return FormSearch(forms)
