"""The kinds of corpora that can be read: the only list of them.

A corpus is recognized by the names of its files in the folder that FACTROOTS_WIKIPEDIA_SOURCE names, and is
written in the form of Wikipedia's articles, which is all that `tracing/` reads. To add one, write a module
with its functions and add a row to CORPORA.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from factroots_dagster.corpora.wikipedia.articles import write_articles
from factroots_dagster.corpora.wikipedia.dump import acquire_dump
from factroots_dagster.corpora.wikipedia.dump_names import parse_dump_names

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class Corpus:
    """A kind of corpus.

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


def _write_articles(session: Callable[[], SparkSession], *args: Any, **options: Any) -> dict[str, int]:
    return write_articles(session(), *args, **options)


WIKIPEDIA = Corpus(
    name="wikipedia",
    recognizes=lambda language, file: bool(parse_dump_names(language, [file])),
    acquire=acquire_dump,
    write_documents=_write_articles,
)
CORPORA: tuple[Corpus, ...] = (WIKIPEDIA,)
"""The first that recognizes a file reads it."""


def corpus_at(source: str, language: str) -> Corpus:
    """The kind of corpus that a source has of a language; Wikipedia for addresses and where none is there."""
    folder = Path(source).expanduser()
    names = [path.name for path in folder.iterdir()] if "://" not in source and folder.is_dir() else []
    return _recognize(language, names)


def corpus_of(inventory: pa.Table) -> Corpus:
    """The kind of corpus whose files an inventory (WIKIPEDIA_DUMP) lists."""
    return _recognize(inventory["language"][0].as_py(), inventory["file"].to_pylist())


def _recognize(language: str, names: list[str]) -> Corpus:
    recognized = (corpus for corpus in CORPORA if any(corpus.recognizes(language, name) for name in names))
    return next(recognized, WIKIPEDIA)
