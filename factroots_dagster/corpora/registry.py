"""The corpora of a language, and the kinds of corpora that can be read: the only list of them.

FACTROOTS_CORPORA names the corpora. Those of Parquet or JSON lines need no code (`collection`). What
FACTROOTS_WIKIPEDIA_SOURCE names is recognized by the names of its files. All are written in the form of
Wikipedia's articles, which is all that `tracing/` reads. To add a kind, write a module with its functions
and add a row to CORPORA.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from factroots_dagster.corpora import schema
from factroots_dagster.corpora.collection.choices import CorpusChoice
from factroots_dagster.corpora.collection.documents import write_documents
from factroots_dagster.corpora.collection.files import list_files
from factroots_dagster.corpora.wikipedia.articles import write_articles
from factroots_dagster.corpora.wikipedia.dump import acquire_dump
from factroots_dagster.corpora.wikipedia.dump_names import parse_dump_names
from factroots_dagster.errors import InputError
from factroots_dagster.store.atomic import link_or_copy
from factroots_dagster.store.finished import NOTE, is_finished, note_finished
from factroots_dagster.store.parquet import main_files, write_table
from factroots_dagster.tables import storage_schema

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Session = Callable[[], "SparkSession"]
"""Starts Spark, or gives the session that runs."""


@dataclass(frozen=True)
class Corpus:
    """A kind of corpus that FACTROOTS_WIKIPEDIA_SOURCE may name.

    name: in messages.
    recognizes: from `(language, file name)`, whether the file is one of this kind in the language.
    acquire: from `(language, source, snapshot, folder, progress)`, the inventory of one language's files,
        WIKIPEDIA_DUMP; what is downloaded goes into `folder` (see `wikipedia.dump.acquire_dump`).
    write_documents: from `(session, inventory, folder, lists=..., progress=...)`, writes the documents into
        `folder`, with the files and tables of `wikipedia.articles.write_articles`. session: starts Spark;
        a corpus that can do without does not call it.
    """

    name: str
    recognizes: Callable[[str, str], bool]
    acquire: Callable[..., pa.Table]
    write_documents: Callable[..., Any]


def _write_articles(session: Session, *args: Any, **options: Any) -> dict[str, int]:
    return write_articles(session(), *args, **options)


WIKIPEDIA = Corpus(
    name="wikipedia",
    recognizes=lambda language, file: bool(parse_dump_names(language, [file])),
    acquire=acquire_dump,
    write_documents=_write_articles,
)
CORPORA: tuple[Corpus, ...] = (WIKIPEDIA,)
"""The first that recognizes a file reads it."""


def acquire_files(
    language: str,
    corpora: Sequence[CorpusChoice],
    source: str,
    snapshot: str,
    folder: Path,
    session: Session,
    progress: Callable[[str], None] | None = None,
) -> pa.Table:
    """The inventory of a language's files in all of its corpora (WIKIPEDIA_DUMP), corpus by corpus.

    corpora: those of the world. source, snapshot, folder: of the corpus `wikipedia`, see
    `wikipedia.dump.acquire_dump`. A corpus other than Wikipedia need not have the language. Raises InputError
    when none has, and when a file cannot be read.
    """
    tables = []
    for choice in corpora:
        if choice.name == schema.WIKIPEDIA:
            table = corpus_at(source, language).acquire(language, source, snapshot, folder, progress)
            index = table.schema.get_field_index("corpus")
            names = pa.repeat(pa.scalar(choice.name), table.num_rows)
            table = table.set_column(index, schema.WIKIPEDIA_DUMP.field(index), names)
        else:
            table = list_files(language, choice, session)
            if progress:
                progress(f"{language}: {table.num_rows:,} files of {choice.name}")
        tables.append(table)
    inventory = pa.concat_tables(tables)
    if not inventory.num_rows:
        places = ", ".join(f"{choice.name} ({choice.location})" for choice in corpora)
        problem = f"No corpus of FACTROOTS_CORPORA has files of language {language!r}: {places}"
        raise InputError(problem, "correct the locations, or leave the language out")
    return inventory


def write_all_documents(
    session: Session,
    inventory: pa.Table,
    folder: Path,
    *,
    lists: bool = True,
    progress: Callable[[str], None] | None = None,
) -> None:
    """Write the documents of all corpora of an inventory (WIKIPEDIA_DUMP), corpus by corpus, into `folder`.

    Files and the other arguments: see `wikipedia.articles.write_articles`; problems and counts are those of
    all corpora together, and a part file has documents of one corpus. A call with the folder of one that
    was killed continues it.
    """
    corpora = pc.unique(inventory["corpus"]).to_pylist()
    folders = [folder] if len(corpora) == 1 else [folder / f"_corpus-{name}" for name in corpora]
    number = 0
    for name, own_folder in zip(corpora, folders, strict=True):
        own = inventory.filter(pc.equal(inventory["corpus"], name))
        options: dict[str, Any] = {"progress": progress}
        if own["reading"][0].is_valid:
            number += 1
            write, options["corpus_number"] = write_documents, number
        else:
            write, options["lists"] = corpus_of(own).write_documents, lists
        if own_folder == folder:
            write(session, own, folder, **options)
        elif not is_finished(own_folder):
            if (own_folder / NOTE).exists():
                shutil.rmtree(own_folder)  # a power cut has taken some of its files
            own_folder.mkdir(exist_ok=True)
            write(session, own, own_folder, **options)
            note_finished(own_folder)
    if folders != [folder]:
        _join_folders(folders, folder)


def _join_folders(folders: Sequence[Path], folder: Path) -> None:
    """Bring the documents of several corpora into one folder, parts numbered on, and sum their counts.

    The corpora's folders are whole until all is joined, so that a call that is killed here loses nothing.
    """
    problems, counts, anchors = (
        pa.concat_tables(pq.read_table(own / f"_{name}.parquet") for own in folders)
        for name in ("problems", "counts", "anchors")
    )
    totals = {name: pc.sum(counts[name]).as_py() for name in counts.column_names}
    first = 0
    for own in folders:
        numbers = [-1]
        for path in main_files(own):
            numbers.append(int(path.stem.split("-")[1]))
            file_number = path.stem.split("-")[2]
            link_or_copy(path, folder / f"part-{first + numbers[-1]:05d}-{file_number}.parquet")
        first += max(numbers) + 1
    write_table(problems, folder / "_problems.parquet")
    write_table(anchors, folder / "_anchors.parquet")  # only Wikipedia's documents have any
    count_table = pa.Table.from_pylist([totals], storage_schema(schema.WIKIPEDIA_COUNTS))
    write_table(count_table, folder / "_counts.parquet")
    for own in folders:
        shutil.rmtree(own)


def corpus_at(source: str, language: str) -> Corpus:
    """The kind of corpus that a source has of a language; Wikipedia for addresses and where none is there."""
    folder = Path(source).expanduser()
    names = [path.name for path in folder.iterdir()] if "://" not in source and folder.is_dir() else []
    return _recognize(language, names)


def corpus_of(inventory: pa.Table) -> Corpus:
    """The kind of corpus whose files an inventory (WIKIPEDIA_DUMP) of the Wikipedia source lists."""
    return _recognize(inventory["language"][0].as_py(), inventory["file"].to_pylist())


def _recognize(language: str, names: list[str]) -> Corpus:
    recognized = (corpus for corpus in CORPORA if any(corpus.recognizes(language, name) for name in names))
    return next(recognized, WIKIPEDIA)
