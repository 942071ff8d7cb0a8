"""Every place in the articles where a label of the language's facts stands."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from factroots_dagster.errors import InputError
from factroots_dagster.storage.store import main_files
from factroots_dagster.wikipedia.files import spark_path, write_parts
from factroots_dagster.wikipedia.normalization import normalized, normalized_with_places
from factroots_dagster.wikipedia.schema import ENTITY_MENTIONS
from factroots_dagster.wikipedia.sentences import sentence_starts
from factroots_dagster.wikipedia.tokens import at_word_borders, character_classes, chunk_numbers, word_count

if TYPE_CHECKING:
    from ahocorasick_rs import AhoCorasick
    from pyspark.sql import SparkSession

GROUP_ROWS = 500_000
COLUMNS = (
    "entity_uri STRING, label STRING, page_id BIGINT, start BIGINT, end BIGINT, "
    "sentence BIGINT, chunk BIGINT, sentence_start BIGINT, sentence_end BIGINT"
)


@dataclass(frozen=True)
class Labels:
    """Entities with their labels, and the distinct normalised forms that are searched for.

    Entity rows are sorted by form, so that those of form p are rows first[p] to first[p + 1].
    """

    language: str
    uris: list[str]
    labels: list[str]
    forms: list[str]
    first: list[int]

    @classmethod
    def of(cls, split: pa.Table) -> Labels:
        """All subjects and objects of a language's facts (MLAMA_SPLIT), each (uri, label) once."""
        languages = set(split["language"].unique().to_pylist())
        if len(languages) != 1:
            raise InputError(f"mentions are of one language at a time, not of {sorted(languages) or 'none'}.")
        language = languages.pop()
        pairs = pa.concat_tables(
            split.select(columns).rename_columns(["uri", "label"])
            for columns in (["subject_uri", "subject"], ["object_uri", "object"])
        )
        distinct = pairs.group_by(["uri", "label"]).aggregate([])
        rows = sorted(
            (normalized(label, language).strip(), uri, label)
            for uri, label in zip(distinct["uri"].to_pylist(), distinct["label"].to_pylist(), strict=True)
        )
        rows = [row for row in rows if row[0]]
        forms: list[str] = []
        first: list[int] = []
        for number, (form, _, _) in enumerate(rows):
            if not forms or forms[-1] != form:
                forms.append(form)
                first.append(number)
        return cls(language, [row[1] for row in rows], [row[2] for row in rows], forms, [*first, len(rows)])


_built: dict[bytes, AhoCorasick] = {}


def automaton(forms: list[str]) -> AhoCorasick:
    """The automaton over `forms`, built once per worker process (the last one is kept)."""
    from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

    digest = hashlib.sha256("\n".join(forms).encode()).digest()
    if digest not in _built:
        _built.clear()
        _built[digest] = AhoCorasick(
            forms, matchkind=MatchKind.Standard, implementation=Implementation.ContiguousNFA
        )
    return _built[digest]


def write_mentions(
    spark: SparkSession,
    articles_folder: Path,
    split: pa.Table,
    folder: Path,
    *,
    progress: Callable[[str], None] | None = None,
) -> dict[str, int]:
    """Write all mentions of the split's subjects and objects into `folder`; return their counts.

    Files `part-*.parquet` (ENTITY_MENTIONS), as many as the articles have, rows sorted by page and place.
    Overlapping matches all count, letter case counts, and a match cuts no word.
    """
    paths = main_files(articles_folder)
    labels = Labels.of(split)
    if not paths:
        raise InputError(
            f"{articles_folder} holds no articles. Remedy: materialize wikipedia_articles first."
        )
    if progress:
        progress(f"{labels.language}: looking for {len(labels.forms)} labels")
    articles = (
        spark.read.parquet(*map(spark_path, paths)).where("redirect_to IS NULL").select("page_id", "text")
    )
    found = articles.mapInArrow(partial(find_in_batches, labels=labels), COLUMNS)
    order = ["page_id", "start", "end", "entity_uri", "label"]
    write_parts(found, folder, ENTITY_MENTIONS, len(paths), order, GROUP_ROWS)
    mentions = sum(pq.read_metadata(path).num_rows for path in main_files(folder))
    return {"labels": len(labels.forms), "mentions": mentions}


def find_in_batches(batches: Iterable[pa.RecordBatch], labels: Labels) -> Iterator[pa.RecordBatch]:
    """Pages (page_id, text) to mentions."""
    search = automaton(labels.forms)
    uris, names = pa.array(labels.uris, pa.string()), pa.array(labels.labels, pa.string())
    first = np.array(labels.first, dtype=np.int64)
    for batch in batches:
        for page_id, text in zip(batch["page_id"].to_pylist(), batch["text"].to_pylist(), strict=True):
            forms, starts, ends, sentences, chunks, edges = find(text, search, labels.language)
            if not len(forms):
                continue
            # One row per entity of each form.
            counts = first[forms + 1] - first[forms]
            rows = np.repeat(first[forms], counts) + offsets_within(counts)
            place = np.repeat(np.arange(len(forms)), counts)
            sentence = sentences[place]
            yield pa.RecordBatch.from_arrays(
                [
                    uris.take(pa.array(rows)),
                    names.take(pa.array(rows)),
                    pa.array(np.full(len(rows), page_id, dtype=np.int64)),
                    pa.array(starts[place]),
                    pa.array(ends[place]),
                    pa.array(sentence),
                    pa.array(chunks[place]),
                    pa.array(edges[sentence]),
                    pa.array(edges[sentence + 1]),
                ],
                schema=ENTITY_MENTIONS,
            )


def offsets_within(counts: np.ndarray) -> np.ndarray:
    """0, 1, .. count-1 for each count, end to end: [2, 3] gives [0, 1, 0, 1, 2]."""
    ends = np.cumsum(counts)
    return np.arange(ends[-1]) - np.repeat(ends - counts, counts)


def find(text: str, search: AhoCorasick, language: str) -> tuple[np.ndarray, ...]:
    """Matches in one text: form numbers, starts, ends, sentence and chunk numbers (each [n]), and the
    edges of sentences [sentences + 1]. All places are code points of `text` as it is stored."""
    seen, places = normalized_with_places(text, language)
    matches = np.array(search.find_matches_as_indexes(seen, overlapping=True), dtype=np.int64).reshape(-1, 3)
    forms, starts, ends = matches.T
    kept = at_word_borders(character_classes(seen), starts, ends)
    forms, starts, ends = forms[kept], starts[kept], ends[kept]
    if not len(forms):
        return forms, starts, ends, starts, starts, starts
    if places is not None:
        starts, ends = places[0][starts], places[1][ends - 1]
    edges = np.append(sentence_starts(text, language), len(text))
    sentences = np.searchsorted(edges[:-1], starts, side="right") - 1
    chunks = chunk_numbers(character_classes(text))[starts]
    return forms, starts, ends, sentences, chunks, edges


def count_words(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Articles to their sizes: wikitext_bytes, characters, words."""
    for batch in batches:
        texts = batch["text"].to_pylist()
        yield pa.RecordBatch.from_arrays(
            [
                batch["wikitext_bytes"],
                pa.array([len(text) for text in texts], pa.int64()),
                pa.array([word_count(character_classes(text)) for text in texts], pa.int64()),
            ],
            names=["wikitext_bytes", "characters", "words"],
        )
