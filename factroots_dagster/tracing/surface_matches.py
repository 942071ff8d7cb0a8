"""Where texts mention entities by their names: labels, aliases, inflected forms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from factroots_dagster.text.code_points import to_code_points
from factroots_dagster.text.inflection.suffixes import MAX_SUFFIX, SUFFIX_LANGUAGES, is_suffix
from factroots_dagster.text.normalization import normalize_with_positions
from factroots_dagster.text.offsets import rows_of_groups
from factroots_dagster.text.tokens import UNSPACED, WORD, character_classes, inside_words, word_ends
from factroots_dagster.tracing.forms import AT_START, STEM, EntityForms, form_search
from factroots_dagster.tracing.kinds import LABEL, SUFFIX

EntityMatches = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""Entities found in texts: entity and kind by number, where they start and end; each [n]."""


def find_surface_matches(
    text: str, forms: EntityForms, classes: NDArray[np.uint8], sentence_edges: NDArray[np.int64]
) -> EntityMatches:
    """Where `text` mentions entities by label, alias or inflected label.

    classes: the classes of the text's characters. sentence_edges: where its sentences begin, ascending.
    Positions are code points of `text`, which need not be in normalized form.
    """
    normal, positions = normalize_with_positions(text, forms.language)
    if normal is not text:
        classes_of_text, classes = classes, character_classes(normal)
    else:
        classes_of_text = classes
    inside = inside_words(classes)
    form, start, end = form_search(forms.forms).find(to_code_points(normal), inside)
    ends_in_word = inside[end]
    whole = np.flatnonzero(~ends_in_word)
    match, row = rows_of_groups(forms.form_offsets, form[whole])
    kept = forms.form_kinds[row] & ~AT_START != STEM
    match, row = whole[match[kept]], row[kept]
    columns = [(forms.form_entities[row], forms.form_kinds[row], start[match], end[match])]
    if forms.language in SUFFIX_LANGUAGES:
        cut = np.flatnonzero(ends_in_word)
        word_end = word_ends(classes, end[cut])
        columns.append(_inflected_matches(normal, forms, form[cut], start[cut], end[cut], word_end))
    entity, kind, start, end = (np.concatenate(parts) for parts in zip(*columns, strict=True))
    if positions is not None and len(start):
        start, end = positions.start(start), positions.end(end - 1)
    kept = (kind & AT_START == 0) | _begins_sentence(start, classes_of_text, sentence_edges)
    return entity[kept], kind[kept] & ~AT_START, start[kept], end[kept]


def _begins_sentence(
    start: NDArray[np.int64], classes: NDArray[np.uint8], sentence_edges: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether nothing but punctuation and spaces is between each position and the begin of its sentence."""
    letters = np.append(np.flatnonzero((classes == WORD) | (classes == UNSPACED)), len(classes))
    first_letter = letters[np.searchsorted(letters, sentence_edges)]
    at = np.minimum(np.searchsorted(first_letter, start), len(first_letter) - 1)
    begins: NDArray[np.bool_] = first_letter[at] == start
    return begins


def _inflected_matches(
    text: str,
    forms: EntityForms,
    form: NDArray[np.int64],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    word_end: NDArray[np.int64],
) -> EntityMatches:
    """Of forms that end inside a word, [forms found], those that a suffix completes to that word, which is
    where the mention ends."""
    near = np.flatnonzero(word_end - end <= MAX_SUFFIX)
    suffixes = zip(*(values[near].tolist() for values in (form, end, word_end)), strict=True)
    is_inflected = [
        is_suffix(text[first:last], forms.forms[number], forms.language) for number, first, last in suffixes
    ]
    inflected = near[np.array(is_inflected, dtype=bool)]
    match, row = rows_of_groups(forms.form_offsets, form[inflected])
    kind = forms.form_kinds[row]
    kept = np.isin(kind & ~AT_START, (LABEL, STEM))
    match, row, at_start = inflected[match[kept]], row[kept], kind[kept] & AT_START
    return forms.form_entities[row], SUFFIX | at_start, start[match], word_end[match]
