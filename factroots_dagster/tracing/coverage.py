"""How many forms of a name the matchers see, and how often what they see is right.

Measured on links of pages that no form was learned from: the writer of a link says what its words name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from factroots_dagster.tables import storage_schema
from factroots_dagster.text.inflection.endings import compare_words
from factroots_dagster.text.sentences.boundaries import sentence_starts
from factroots_dagster.text.tokens import character_classes, joined_bounds
from factroots_dagster.tracing.aliases import Targets
from factroots_dagster.tracing.anchor_forms import HeldOut, as_form
from factroots_dagster.tracing.forms import EntityForms
from factroots_dagster.tracing.kinds import LABEL
from factroots_dagster.tracing.matchers import (
    MATCHERS,
    SURFACE,
    WITH_ALIASES,
    WITH_FORMS,
    WITH_SUFFIXES,
    matchers_for,
    names_of_matcher,
)
from factroots_dagster.tracing.schema import NAME_COVERAGE
from factroots_dagster.tracing.surface_matches import find_surface_matches

BATCH_WORDS = 1 << 16
"""Links whose words are searched together."""

FAMILIES = {
    names_of_matcher(family[0]): family for family in (SURFACE, WITH_ALIASES, WITH_SUFFIXES, WITH_FORMS)
}
"""Matchers by the names that count for them."""

Found = tuple[str, int, bool]
"""A mention in the words of a link: label, kind, and whether it is all of them."""


def measure_coverage(
    held_out: list[HeldOut], forms: EntityForms, label_forms: Mapping[str, str], targets: Targets
) -> pa.Table:
    """NAME_COVERAGE of a language: one row per kind of names that it has.

    held_out: links to articles of labels. label_forms, targets: as for `anchor_forms.find_anchor_forms`.
    """
    labels_of_target: defaultdict[str, set[str]] = defaultdict(set)
    for label, titles in targets.items():
        for title in titles:
            labels_of_target[title].add(label)
    available = set(matchers_for(forms.language, has_tokenizer=False))
    kinds = {
        names: MATCHERS[family[0]].kinds for names, family in FAMILIES.items() if available.issuperset(family)
    }
    counts = {names: dict.fromkeys(("links", "seen", "added", "added_right"), 0) for names in kinds}
    for link, found in zip(held_out, _find_in_links(held_out, forms), strict=True):
        labels = labels_of_target[link.target]
        is_form = any(_is_form(link.words, label_forms[label]) for label in labels)
        for names, counted in kinds.items():
            row = counts[names]
            row["links"] += link.links * is_form
            row["seen"] += link.links * (is_form and any(f[0] in labels and f[1] in counted for f in found))
            added = {label for label, kind, whole in found if whole and kind in counted and kind != LABEL}
            added -= {label for label, kind, whole in found if whole and kind == LABEL}
            row["added"] += link.links * len(added)
            row["added_right"] += link.links * len(added & labels)
    rows = [
        {"language": forms.language, "names": names, **row}
        | {
            "coverage": _share(row["seen"], row["links"]),
            "precision": _share(row["added_right"], row["added"]),
        }
        for names, row in counts.items()
    ]
    return pa.Table.from_pylist(rows, storage_schema(NAME_COVERAGE))


def _is_form(words: str, label: str) -> bool:
    """Whether the words are the label, with a capital at most, or an inflected form of it."""
    changes = compare_words(label, words)
    if changes is None:
        return False
    return as_form(label, words) is not None or not any(changes)


def _find_in_links(held_out: list[HeldOut], forms: EntityForms) -> Iterator[list[Found]]:
    """The mentions in the words of each link, which are searched as texts of their own."""
    for begin in range(0, len(held_out), BATCH_WORDS):
        words = [link.words for link in held_out[begin : begin + BATCH_WORDS]]
        text = "\n".join(words)
        starts, ends = joined_bounds(words)
        edges = np.append(sentence_starts(text, forms.language), len(text))
        entity, kind, start, end = find_surface_matches(text, forms, character_classes(text), edges)
        number = np.searchsorted(starts, start, side="right") - 1
        within = np.flatnonzero(end <= ends[number])
        whole = (start == starts[number]) & (end == ends[number])
        found: list[list[Found]] = [[] for _ in words]
        labels = forms.labels.take(pa.array(entity[within])).to_pylist()
        columns: list[Any] = [values[within].tolist() for values in (number, kind, whole)]
        for label, link, kind_, is_whole in zip(labels, *columns, strict=True):
            found[link].append((label, kind_, is_whole))
        yield from found


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
