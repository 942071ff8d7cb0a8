"""For every fact of a language: in how many windows it stands, and the best of them as evidence."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from factroots_dagster.spark.tasks import Beat, Figures, gathered, run_tasks
from factroots_dagster.store.store import main_files
from factroots_dagster.tracing.labels import KINDS
from factroots_dagster.tracing.matchers import MATCHERS, WORDPIECE, matchers_of
from factroots_dagster.tracing.passages import (
    MENTION,
    PASSAGE,
    Columns,
    FactTable,
    best,
    joined,
    passages,
    rows_of,
)
from factroots_dagster.tracing.schema import FACT_SOURCES

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LONGEST_SENTENCE = 1000
"""Characters of a sentence that evidence keeps; what is longer is no sentence, but a table or a list."""

MERGED_ROWS = 1 << 20
"""Passages of so many rows are put together before the best are chosen among them."""

PLACES = ("page_id", "title", "revision_id", *PASSAGE[4:8], "sentence")


def write_sources(
    spark: SparkSession,
    articles_folder: Path,
    mentions_folder: Path,
    split: pa.Table,
    folder: Path,
    *,
    progress: Callable[[str], None] | None = None,
) -> pa.Table:
    """Write `folder/data.parquet` (FACT_SOURCES): a row per fact of `split` and matcher; return it.

    A window (sentence, chunk of 512 tokens, article) counts for a fact when it holds a mention of the
    subject (its uri under its label) and one of the object; a mention lies where its first character does.
    Evidence is given for at most three windows, those first whose passage is shortest: from the beginning
    of the sentence with the earlier mention to the end of the sentence with the later (see `passages` for
    a window that holds several). Ties go to the lower page id, then to the earlier place. The sentence
    given is that with the object, cut at 1000 characters.
    """
    language = split["language"][0].as_py() if split.num_rows else ""
    entities, facts = numbered(split)
    parts = main_files(mentions_folder)
    articles = main_files(articles_folder)
    size = sum(path.stat().st_size for path in parts)
    pieces = mentions_folder / "_pieces.parquet"
    unknown = pq.read_table(pieces) if pieces.is_file() else None
    matchers = matchers_of(language, unknown is not None)
    find = partial(
        find_windows,
        parts=parts,
        folder=folder.absolute(),
        entities=entities,
        facts=facts,
        matchers=matchers,
    )
    run_tasks(spark, folder, len(parts), find, what=f"{language}: windows", total=size, progress=progress)
    chosen, windows, part = merged(folder, parts)
    gathered(folder)
    # The n-th file of mentions holds those of the file of articles that has the number in its name.
    article_file = np.array([int(path.name.split("-")[1]) for path in parts], dtype=np.int64)
    wanted = np.unique(article_file[part])
    read = partial(
        read_sentences,
        paths=[articles[number] for number in wanted],
        folder=folder.absolute(),
        places=[
            rows_of(chosen, article_file[part] == number)
            | {"row": np.flatnonzero(article_file[part] == number)}
            for number in wanted
        ],
    )
    size = sum(articles[number].stat().st_size for number in wanted)
    run_tasks(spark, folder, len(wanted), read, what=f"{language}: sentences", total=size, progress=progress)
    texts = pa.concat_tables(
        [
            SENTENCES.empty_table(),
            *(pq.read_table(path) for path in sorted(folder.glob("_sentences-*.parquet"))),
        ]
    ).sort_by("row")
    table = source_table(split, chosen, windows, texts, matchers, unknown)
    pq.write_table(table, folder / "data.parquet", compression="zstd")
    gathered(folder)
    for left in folder.glob("_sentences-*.parquet"):
        left.unlink()
    return table


def numbered(split: pa.Table) -> tuple[pa.Table, FactTable]:
    """Entities of the split (entity_uri, label; their row is their number; dictionaries), and its facts."""
    sides = [
        split.select(columns).rename_columns(["entity_uri", "label"])
        for columns in (["subject_uri", "subject"], ["object_uri", "object"])
    ]
    entities = pa.concat_tables(sides).group_by(["entity_uri", "label"]).aggregate([])
    entities = entities.sort_by([("entity_uri", "ascending"), ("label", "ascending")])
    entity = entities.append_column("entity", pa.array(np.arange(entities.num_rows)))
    subjects, objects = (
        side.append_column("fact", pa.array(np.arange(split.num_rows)))
        .join(entity, ["entity_uri", "label"])
        .sort_by("fact")["entity"]
        .to_numpy()
        for side in sides
    )
    facts = FactTable.of(subjects, objects, entities.num_rows)
    encoded = [entities[name].combine_chunks().dictionary_encode() for name in entities.column_names]
    return pa.table(encoded, entities.column_names), facts


def find_windows(
    number: int,
    beat: Beat,
    parts: list[Path],
    folder: Path,
    entities: pa.Table,
    facts: FactTable,
    matchers: tuple[str, ...],
) -> Figures:
    """In a worker: the best passages of one file of mentions, into `_windows-<number>.parquet`."""
    file = pq.ParquetFile(parts[number], read_dictionary=["entity_uri", "label", "kind"])
    size = parts[number].stat().st_size
    found, counts, pages = [empty(PASSAGE)], [np.zeros(0, np.int64)], 0
    # A row group holds whole pages.
    for group in range(file.num_row_groups):
        mentions = mention_columns(file.read_row_group(group), entities)
        every = passages(mentions, facts, matchers)
        some, windows = best(every, np.ones(len(every["fact"]), dtype=np.int64))
        found.append(some)
        counts.append(windows)
        pages += int(np.count_nonzero(np.diff(mentions["page_id"], prepend=-1)))
        beat({"pages": pages, "done_bytes": size * (group + 1) // file.num_row_groups})
    some, windows = joined(found, PASSAGE), np.concatenate(counts)
    if file.num_row_groups > 1:
        some, windows = best(some, windows)
    table = pa.table({**some, "windows": windows})
    pq.write_table(table, folder / f"_windows-{number:05d}.parquet", compression="none", use_dictionary=False)
    return {"pages": pages, "done_bytes": size}


def empty(names: tuple[str, ...]) -> Columns:
    return {name: np.zeros(0, dtype=np.int64) for name in names}


def mention_columns(table: pa.Table, entities: pa.Table) -> Columns:
    """Mentions with their entity as its row in `entities`, and their kind as its number; dictionaries in."""
    codes = []
    for name in ("entity_uri", "label"):
        column, known = table[name].combine_chunks(), entities[name].combine_chunks()
        of_code = pc.index_in(column.dictionary, known.dictionary).to_numpy(zero_copy_only=False)
        codes.append((of_code[column.indices.to_numpy()], known.indices.to_numpy(), len(known.dictionary)))
    (uri, uri_of, uris), (label, label_of, labels) = codes
    # Nearly every entity has one label in a language.
    last_of = np.empty(uris, dtype=np.int64)
    last_of[uri_of] = np.arange(len(uri_of))
    entity = last_of[uri]
    others = np.flatnonzero(label_of[entity] != label)
    if len(others):
        keys = uri_of.astype(np.int64) * labels + label_of
        order = np.argsort(keys)
        wanted = uri[others].astype(np.int64) * labels + label[others]
        entity[others] = order[np.searchsorted(keys[order], wanted)]
    kind = table["kind"].combine_chunks()
    kinds = pc.index_in(kind.dictionary, pa.array(KINDS)).to_numpy(zero_copy_only=False)
    columns = {name: table[name].to_numpy() for name in MENTION if name not in ("entity", "kind")}
    return columns | {
        "entity": entity,
        "kind": kinds[kind.indices.to_numpy()],
    }


def merged(folder: Path, parts: list[Path]) -> tuple[Columns, NDArray[np.int64], NDArray[np.int64]]:
    """The best passages of all files of mentions, their windows, and the file of each."""
    some, windows = [empty((*PASSAGE, "part"))], [np.zeros(0, np.int64)]
    rows = 0
    for number in range(len(parts)):
        table = pq.read_table(folder / f"_windows-{number:05d}.parquet")
        new = {name: table[name].to_numpy() for name in PASSAGE}
        some.append(new | {"part": np.full(table.num_rows, number, dtype=np.int64)})
        windows.append(table["windows"].to_numpy())
        rows += table.num_rows
        if rows >= MERGED_ROWS or number == len(parts) - 1:
            kept, counts = best(joined(some, (*PASSAGE, "part")), np.concatenate(windows))
            some, windows, rows = [kept], [counts], 0
    for path in folder.glob("_windows-*.parquet"):
        path.unlink()
    return some[0], windows[0], some[0].pop("part")


SENTENCES = pa.schema(
    [("row", pa.int64()), ("title", pa.string()), ("revision_id", pa.int64()), ("sentence", pa.string())]
)


def read_sentences(
    number: int, beat: Beat, paths: list[Path], folder: Path, places: list[Columns]
) -> Figures:
    """In a worker: the sentences at some places of one file of articles, as `_sentences-<number>.parquet`."""
    file, wanted = pq.ParquetFile(paths[number]), places[number]
    size = paths[number].stat().st_size
    order = np.argsort(wanted["page_id"], kind="stable")
    page_ids = wanted["page_id"][order]
    rows, pages, given = [], 0, np.zeros(len(order), dtype=bool)
    row_of, starts, ends = (wanted[name].tolist() for name in ("row", "sentence_start", "sentence_end"))
    for group in range(file.num_row_groups):
        ids = file.read_row_group(group, columns=["page_id"])["page_id"].to_numpy()
        first, last = np.searchsorted(page_ids, ids), np.searchsorted(page_ids, ids, side="right")
        here = np.flatnonzero(last > first)
        if len(here):
            table = file.read_row_group(group, columns=["title", "revision_id", "redirect_to", "text"])
            for page in table.take(pa.array(here)).append_column("at", pa.array(here)).to_pylist():
                if page["redirect_to"] is not None:
                    continue
                pages += 1
                for place in order[first[page["at"]] : last[page["at"]]].tolist():
                    # A dump may hold a page twice; the first counts.
                    if given[place]:
                        continue
                    given[place] = True
                    start = starts[place]
                    end = min(ends[place], start + LONGEST_SENTENCE)
                    rows.append(
                        (
                            row_of[place],
                            page["title"],
                            page["revision_id"],
                            page["text"][start:end].rstrip(" \n"),
                        )
                    )
        beat({"pages": pages, "done_bytes": size * (group + 1) // file.num_row_groups})
    columns = zip(*rows, strict=True) if rows else ((), (), (), ())
    arrays = [pa.array(column, field.type) for column, field in zip(columns, SENTENCES, strict=True)]
    pq.write_table(
        pa.Table.from_arrays(arrays, schema=SENTENCES), folder / f"_sentences-{number:05d}.parquet"
    )
    return {"pages": pages, "done_bytes": size}


def source_table(
    split: pa.Table,
    chosen: Columns,
    windows: NDArray[np.int64],
    texts: pa.Table,
    matchers: tuple[str, ...],
    unknown: pa.Table | None,
) -> pa.Table:
    """FACT_SOURCES in the order of `split`; facts without any window have 0 windows and no evidence.

    `chosen` are passages of `matchers` by fact, matcher and worth, `windows` what each stands for, `texts`
    their titles and sentences, row by row; `unknown` is MENTION_PIECES, or None without wordpieces.
    """
    place = np.full(len(MATCHERS), -1, dtype=np.int64)
    for number, matcher in enumerate(matchers):
        place[MATCHERS.index(matcher)] = number
    size = split.num_rows * len(matchers)
    rows = chosen["fact"] * len(matchers) + place[chosen["matcher"]]
    totals = np.zeros(size, dtype=np.int64)
    np.add.at(totals, rows, windows)
    kind = FACT_SOURCES.field("evidence").type
    columns = {name: pa.array(chosen[name]) for name in PLACES if name in chosen} | {
        name: texts[name].combine_chunks() for name in PLACES if name not in chosen
    }
    values = pa.StructArray.from_arrays(
        [columns[field.name] for field in kind.value_type], fields=list(kind.value_type)
    )
    offsets = np.searchsorted(rows, np.arange(size + 1)).astype(np.int32)
    facts = pa.array(np.repeat(np.arange(split.num_rows), len(matchers)))
    flags: list[bool | None] = [None] * size
    if unknown is not None:
        strange = set(unknown.filter(unknown["unknown_pieces"])["label"].to_pylist())
        at = matchers.index(WORDPIECE)
        flags[at :: len(matchers)] = [
            subject in strange or object_ in strange
            for subject, object_ in zip(
                split["subject"].to_pylist(), split["object"].to_pylist(), strict=True
            )
        ]
    arrays = [
        *(split[name].take(facts) for name in ("uuid", "language", "relation")),
        pa.array(list(matchers) * split.num_rows, pa.string()),
        pa.array(totals),
        pa.array(flags, pa.bool_()),
        pa.ListArray.from_arrays(pa.array(offsets), values, type=kind),
    ]
    return pa.Table.from_arrays(arrays, schema=FACT_SOURCES).combine_chunks()
