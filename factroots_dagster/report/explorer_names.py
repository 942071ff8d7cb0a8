"""How the subjects and objects of the explorer's facts are called in all languages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

SIDES = ("subject", "object")


@dataclass(frozen=True)
class EntityNames:
    """Subjects and objects of the facts, and their names.

    Attributes:
        lines: [entities]; the distinct names of an entity in all languages, separated by tabs, the one to
            show first (the English one where there is one, else that of the first language).
        subject, object: [facts], numbers of entities.
        subject_name, object_name: [entries], numbers of names in their entity's line.
    """

    lines: list[str]
    subject: npt.NDArray[np.int64]
    object: npt.NDArray[np.int64]
    subject_name: npt.NDArray[np.int64]
    object_name: npt.NDArray[np.int64]


def collect_names(entries: pa.Table, facts: int, languages: Sequence[str]) -> EntityNames:
    """The names of the facts' entities; a fact's entities are those of its first entry.

    Args:
        entries: columns fact, language (both numbers), subject, object, subject_uri and object_uri, sorted by
            fact and language.
        facts: number of facts.
        languages: codes of the numbered languages.
    """
    fact = entries["fact"].to_numpy()
    first = pa.array(np.searchsorted(fact, np.arange(facts)))
    uris = pa.concat_arrays([entries[f"{side}_uri"].take(first).combine_chunks() for side in SIDES])
    entities = pc.unique(uris)
    by_fact = pc.index_in(uris, value_set=entities).to_numpy().astype(np.int64).reshape(2, facts)
    entity = by_fact[:, fact].ravel()  # [sides * entries]
    labels = pa.concat_arrays([entries[side].combine_chunks() for side in SIDES]).dictionary_encode()
    label = labels.indices.to_numpy().astype(np.int64)
    language = np.tile(entries["language"].to_numpy(), 2)
    if "en" in languages:
        language = np.where(language == languages.index("en"), -1, language)
    preferred = np.lexsort((label, language, entity))
    keys = entity * len(labels.dictionary) + label  # one number per (entity, label)
    distinct, first_use = np.unique(keys[preferred], return_index=True)
    owner = entity[preferred][first_use]
    in_line_order = np.lexsort((first_use, owner))
    number = np.empty(len(distinct), np.int64)  # of the name in its entity's line
    owners = owner[in_line_order]
    number[in_line_order] = np.arange(len(distinct)) - np.searchsorted(owners, owners)
    texts = [" ".join(text.split()) for text in labels.dictionary.to_pylist()]
    lines: list[list[str]] = [[] for _ in range(len(entities))]
    for name in in_line_order.tolist():
        lines[owner[name]].append(texts[distinct[name] % len(texts)])
    by_entry = number[np.searchsorted(distinct, keys)].reshape(2, len(fact))
    return EntityNames(["\t".join(line) for line in lines], *by_fact, *by_entry)
