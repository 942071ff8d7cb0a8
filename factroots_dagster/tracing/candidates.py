"""The passages that may become evidence: the windows in which facts, and pairs that are none, meet."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from factroots_dagster.corpora.schema import WIKIPEDIA
from factroots_dagster.spark.collected import collect_parts
from factroots_dagster.spark.parts import Outcome, PartFunction, Parts
from factroots_dagster.store.parquet import main_files
from factroots_dagster.tracing.best_passages import (
    BEST_PASSAGES,
    merge_by_fact,
    merge_windows,
    tabulate_windows,
)
from factroots_dagster.tracing.cells import best_cell_passages, read_names
from factroots_dagster.tracing.documents import PageWeights, corpus_of_file
from factroots_dagster.tracing.forms import entities_of_split
from factroots_dagster.tracing.matchers import IN_TEXT, matchers_for
from factroots_dagster.tracing.mismatches import add_mismatches
from factroots_dagster.tracing.passage_texts import SENTENCES, read_sentences
from factroots_dagster.tracing.passages import (
    PASSAGE_COLUMNS,
    Columns,
    FactTable,
    concatenate_rows,
    empty_rows,
    find_passages,
    select_best,
    take_rows,
)
from factroots_dagster.tracing.stored_mentions import encode_strings, mentions_as_numbers, read_whole_pages
from factroots_dagster.tracing.units import Outline, entities_by_title
from factroots_dagster.tracing.windows import number_places

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MERGED_PARTS = 32
"""The best passages of so many files fit in memory, and are merged here sooner than by Spark."""


class Candidates(NamedTuple):
    """The passages of a split's facts, and of its mismatched pairs, that may become evidence.

    pairs: see `add_mismatches`. passages: PASSAGE_COLUMNS, by pair and matcher. windows: how many windows
    each stands for. places: the distinct passages, with `pair`, a row of `pairs`. place: of each of
    `passages`. closeness: of each place. texts: SENTENCES of the places, row by row. pieces: MENTION_PIECES;
    None without a tokenizer.
    """

    pairs: pa.Table
    passages: Columns
    windows: NDArray[np.int64]
    places: Columns
    place: NDArray[np.int64]
    closeness: NDArray[np.int64]
    texts: pa.Table
    corpora: tuple[str, ...]
    matchers: tuple[str, ...]
    pieces: pa.Table | None


def find_candidates(
    spark: SparkSession,
    articles_folder: Path,
    mentions_folder: Path,
    split: pa.Table,
    folder: Path | None = None,
    *,
    merged_parts: int = MERGED_PARTS,
    progress: Callable[[str], None] | None = None,
) -> Candidates:
    """Search for the facts of `split` and for as many mismatched pairs as measure chance.

    articles_folder, mentions_folder: WIKIPEDIA_ARTICLES and ENTITY_MENTIONS of the split's language, in part
    files with the same numbers; a file of articles has one corpus. split: MLAMA_SPLIT. folder: as for
    `collect_parts`. merged_parts: passages of so many files are merged here, and those of more by Spark.

    A window (sentence, chunk of 512 tokens, article) counts for a pair when it holds a mention of the subject
    (its uri under its label) and one of the object; a mention is in the window of its first character.
    Candidates are the windows with the shortest passages, at most six: from the start of the sentence with
    the earlier mention to the end of the sentence with the later (see `passages` for a window that holds
    several). Ties go to the lower page id, then to the earlier position. Units outside running text, where
    the page's title may stand for the subject, are in `units`.
    """
    language = split["language"][0].as_py() if split.num_rows else ""
    entities = entities_of_split(split)
    parts = main_files(mentions_folder)
    piece_file = mentions_folder / "_pieces.parquet"
    pieces = pq.read_table(piece_file) if piece_file.is_file() else None
    matchers = matchers_for(language, has_tokenizer=pieces is not None)

    def run(
        function: PartFunction, files: list[list[Path]], what: str, schema: pa.Schema, **options: Any
    ) -> pa.Table:
        sizes = [of_part[0].stat().st_size for of_part in files]
        parts = Parts(f"{language}: {what}", sizes, function, schema, files=files)
        return collect_parts(spark, parts, folder, name=what, progress=progress, **options)

    pairs = add_mismatches(split)
    facts = build_fact_table(pairs, entities)
    encoded = encode_strings(entities)
    # The n-th file of mentions is about the file of articles whose number is in its name.
    file_of_part = [int(path.name.split("-")[1]) for path in parts]
    articles = main_files(articles_folder)
    corpus_by_file = [corpus_of_file(path) for path in articles]
    corpora = tuple(dict.fromkeys(name for name in corpus_by_file if name is not None)) or (WIKIPEDIA,)
    documents = [(articles[number], corpus_by_file[number]) for number in file_of_part]
    label_articles = pq.read_table(mentions_folder / "_articles.parquet")
    shared: dict[str, Any] = {
        "facts": facts,
        "entities_of_title": entities_by_title(label_articles, entities),
        "corpora": corpora,
    }
    by_part: dict[str, Any] = {"entities": encoded, "matchers": matchers, "documents": documents}
    in_text = partial(best_passages, paths=parts, **by_part, **shared)
    by_file: dict[str, Any] = {"forms": read_names(mentions_folder, entities, language)}
    by_file |= {"corpus_by_file": corpus_by_file, "first_number": len(parts)}
    in_cells = partial(best_cell_passages, paths=articles, **by_file, **shared)
    in_text_files = [[path, document] for path, (document, _) in zip(parts, documents, strict=True)]
    reduce = merge_by_fact if len(articles) > merged_parts else None
    merged = merge_windows(
        [
            run(in_text, in_text_files, "windows", BEST_PASSAGES, reduce=reduce),
            run(in_cells, [[path] for path in articles], "cells", BEST_PASSAGES, reduce=reduce),
        ]
    )
    columns = {name: merged[name].to_numpy() for name in merged.column_names}
    passages = {name: columns[name] for name in PASSAGE_COLUMNS}
    part = columns["part"]
    first_rows, place, closeness = number_places(passages | {"part": part})
    places = take_rows(passages, first_rows) | {"pair": passages["fact"][first_rows] // len(corpora)}
    file_of = np.array([*file_of_part, *range(len(articles))], dtype=np.int64)
    article_file = file_of[part[first_rows]]
    needed = np.unique(article_file)
    rows = [np.flatnonzero(article_file == number) for number in needed]
    of_files = [take_rows(places, of_file) | {"row": of_file} for of_file in rows]
    paths = [articles[number] for number in needed]
    read = partial(read_sentences, paths=paths, passages=of_files)
    texts = run(read, [[path] for path in paths], "sentences", SENTENCES).sort_by("row")
    return Candidates(
        pairs, passages, columns["windows"], places, place, closeness, texts, corpora, matchers, pieces
    )


def build_fact_table(split: pa.Table, entities: pa.Table) -> FactTable:
    """The facts of a split, with their sides as rows of `entities` (see `entities_of_split`)."""
    numbered = entities.append_column("entity", pa.array(np.arange(entities.num_rows)))
    subjects, objects = (
        split.select([f"{side}_uri", side])
        .rename_columns(["entity_uri", "label"])
        .append_column("fact", pa.array(np.arange(split.num_rows)))
        .join(numbered, ["entity_uri", "label"])
        .sort_by("fact")["entity"]
        .to_numpy()
        for side in ("subject", "object")
    )
    return FactTable.build(subjects, objects, entities.num_rows)


def best_passages(
    number: int,
    paths: list[Path],
    entities: pa.Table,
    facts: FactTable,
    matchers: tuple[str, ...],
    documents: list[tuple[Path, str | None]],
    corpora: tuple[str, ...],
    entities_of_title: dict[str, list[int]],
) -> Generator[pa.Table, None, Outcome]:
    """In a worker: the best passages in one file of mentions, as BEST_PASSAGES.

    entities: strings as dictionaries, numbered as in `facts`. documents: for each file of mentions the file
    of articles and its corpus, one of `corpora`. A fact in the n-th of c corpora has the number c * fact +
    n. entities_of_title: see `units.entities_by_title`.
    """
    articles, corpus = documents[number]
    weights = PageWeights.read(articles)
    # Documents of other corpora have identifiers, not titles.
    outline = Outline.read(articles, entities_of_title if corpus in (None, WIKIPEDIA) else {})
    corpus_number = corpora.index(corpus or corpora[0])
    tables, counts, pages = [empty_rows(PASSAGE_COLUMNS)], [np.zeros(0, np.int64)], 0
    for block in read_whole_pages(paths[number]):
        mentions = mentions_as_numbers(block, entities)
        in_text = find_passages(mentions, facts, [name for name in matchers if name in IN_TEXT])
        passages = concatenate_rows([in_text, outline.find_passages(mentions, facts)], PASSAGE_COLUMNS)
        passages["fact"] = passages["fact"] * len(corpora) + corpus_number
        best, windows = select_best(passages, weights.of(passages["page_id"]))
        tables.append(best)
        counts.append(windows)
        pages += int(np.count_nonzero(np.diff(mentions["page_id"], prepend=-1)))
    best, windows = select_best(concatenate_rows(tables, PASSAGE_COLUMNS), np.concatenate(counts))
    yield tabulate_windows(best, windows, number)
    return {"pages": pages}
