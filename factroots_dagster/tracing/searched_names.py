"""The names that a language's texts are searched for, from its corpora: labels, aliases, inflected forms."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from factroots_dagster.tables import storage_schema
from factroots_dagster.text.normalization import normalize_all
from factroots_dagster.tracing.aliases import LabelNames, find_names_of_labels
from factroots_dagster.tracing.anchor_forms import AnchorForms, find_anchor_forms
from factroots_dagster.tracing.coverage import measure_coverage
from factroots_dagster.tracing.forms import EntityForms, entities_of_split, language_of_split
from factroots_dagster.tracing.schema import LABEL_ARTICLES, MENTION_ALIASES, MENTION_FORMS


class SearchedNames(NamedTuple):
    """What texts are searched for.

    tables: MENTION_ALIASES, MENTION_FORMS and LABEL_ARTICLES by the names of their files. coverage: computes
    NAME_COVERAGE from `forms`, which takes the search that the workers build anyway.
    """

    forms: EntityForms
    tables: Mapping[str, pa.Table]
    coverage: Callable[[EntityForms], pa.Table]


def collect_names(articles_folder: Path, split: pa.Table) -> SearchedNames:
    """All names of the subjects and objects of a split (MLAMA_SPLIT, of one language).

    articles_folder: WIKIPEDIA_ARTICLES. Raises InputError when there are no articles, or facts of several
    languages.
    """
    language, entities = language_of_split(split), entities_of_split(split)
    labels = sorted(entities["label"].unique().to_pylist())
    with _without_collecting():
        names = find_names_of_labels(articles_folder, labels, language)
        label_forms = dict(zip(labels, map(str.strip, normalize_all(labels, language)), strict=True))
        inflected = find_anchor_forms(articles_folder, label_forms, names.targets, language)
        forms = EntityForms.build(entities, language, names.aliases, inflected.sources)
        tables = _tabulate(names, inflected)
    shown = {link.target for link in inflected.held_out}
    targets = {label: titles for label, titles in names.targets.items() if not shown.isdisjoint(titles)}
    shown_forms = {label: label_forms[label] for label in targets}
    coverage = partial(measure_coverage, inflected.held_out, label_forms=shown_forms, targets=targets)
    return SearchedNames(forms, tables, coverage)


def _tabulate(names: LabelNames, inflected: AnchorForms) -> dict[str, pa.Table]:
    aliases = [(label, alias) for label in sorted(names.aliases) for alias in names.aliases[label]]
    forms = [
        (label, form, source)
        for label, sources in sorted(inflected.sources.items())
        for form, source in sorted(sources.items())
    ]
    rows: dict[str, list[tuple[str, ...]]] = {"aliases": [*aliases], "forms": [*forms]}
    rows["articles"] = [*sorted(names.articles.items())]
    schemas = {"aliases": MENTION_ALIASES, "articles": LABEL_ARTICLES, "forms": MENTION_FORMS}
    tables = {}
    for name, schema in schemas.items():
        columns = list(zip(*rows[name], strict=True)) or [()] * len(schema)
        arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
        tables[name] = pa.Table.from_arrays(arrays, schema=storage_schema(schema))
    return tables


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Python does not look for cyclic garbage meanwhile: that takes a fifth of the time in which hundreds of
    thousands of names are made, none of which is garbage."""
    is_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_enabled:
            gc.enable()
