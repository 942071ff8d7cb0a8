"""The files of a corpus in one language: found, looked into, and listed as WIKIPEDIA_DUMP."""

from __future__ import annotations

import glob
import hashlib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from factroots_dagster.corpora.collection.choices import CorpusChoice
from factroots_dagster.corpora.collection.languages import script_codes, short_codes
from factroots_dagster.corpora.collection.records import Shard, check_header
from factroots_dagster.corpora.schema import WIKIPEDIA_DUMP
from factroots_dagster.corpora.wikipedia.remote import compute_sha1
from factroots_dagster.errors import InputError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FORMATS = re.compile(r"\.(parquet|(jsonl|ndjson|json)(\.(?P<compression>gz|zst))?)$")
SHARD_COLUMNS = ("path", "file", "bytes", "compression")
READABLE = ".parquet, or .jsonl, .ndjson or .json, also with .gz or .zst"


def list_files(language: str, choice: CorpusChoice, session: Callable[[], SparkSession]) -> pa.Table:
    """WIKIPEDIA_DUMP of one corpus in one language, sorted by path; no rows where it has no files of it.

    session: starts Spark, for a location that is a URI. The head of every local file is read.
    Raises InputError for a file that cannot be read or lacks a column, and for a URI that Spark cannot read.
    """
    found: dict[str, tuple[int, str]] = {}
    for location in expand_location(choice.location, language):
        if is_uri(location):
            found |= _list_uri(session(), location)
        else:
            paths = find_local_files(location)
            found |= {str(path): (path.stat().st_size, compute_sha1(path)) for path in paths}
    base = os.path.commonpath([os.path.dirname(path) for path in found]) if found else ""
    rows = [_describe(language, choice, base, path, *found[path]) for path in sorted(found)]
    return pa.Table.from_pylist(rows, schema=WIKIPEDIA_DUMP)


def is_uri(location: str) -> bool:
    """Whether Spark reads a location, and not the tasks themselves."""
    return "://" in location


def shards_of(inventory: pa.Table) -> list[Shard]:
    """The files of an inventory (WIKIPEDIA_DUMP) as parts of the work, numbered from 0."""
    return [_shard(number, row) for number, row in enumerate(inventory.select(SHARD_COLUMNS).to_pylist())]


def _shard(number: int, row: Mapping[str, Any]) -> Shard:
    """The file in a row of WIKIPEDIA_DUMP."""
    return Shard(number, **{name: row[name] for name in SHARD_COLUMNS})


def expand_location(location: str, language: str) -> list[str]:
    """The locations of one language: one for every code that stands for it."""
    codes = {"{language}": short_codes(language), "{language_script}": script_codes(language)}
    expanded = [location]
    for placeholder, values in codes.items():
        expanded = [text.replace(placeholder, value) for text in expanded for value in values]
    return list(dict.fromkeys(expanded))


def find_local_files(location: str) -> list[Path]:
    """The files at a local location; raises InputError for one whose name says that it cannot be read."""
    found: list[Path] = []
    for match in sorted(glob.glob(os.path.expanduser(location), recursive=True)):
        path = Path(match).absolute()
        if path.is_dir():
            found += [file for file in sorted(path.rglob("*")) if _is_readable(file) and file.is_file()]
        elif FORMATS.search(path.name):
            found.append(path)
        else:
            problem = f"{path}: a file of this name cannot be read"
            raise InputError(problem, f"choose files whose names end in {READABLE}")
    return found


def _is_readable(path: Path) -> bool:
    return not path.name.startswith((".", "_")) and FORMATS.search(path.name) is not None


def _list_uri(spark: SparkSession, location: str) -> dict[str, tuple[int, str]]:
    """Path to size, and a digest in the place of a SHA-1, of the files at a URI, as Spark sees them."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import AnalysisException

    reader = spark.read.format("binaryFile").option("recursiveFileLookup", "true")
    try:
        listed = reader.load(location).select("path", "length", "modificationTime").collect()
    except AnalysisException as error:
        if error.getCondition() == "PATH_NOT_FOUND":
            return {}
        raise _unreadable_uri(location, error) from error
    except Py4JJavaError as error:
        raise _unreadable_uri(location, error.java_exception) from error
    # Spark writes file:/x where the URI is file:///x.
    found = ((re.sub("^file:/(?!/)", "file:///", path), *identity) for path, *identity in listed)
    readable = (row for row in found if _is_readable(Path(row[0])))
    return {path: (size, _digest_identity(path, size, changed)) for path, size, changed in readable}


def _digest_identity(path: str, size: int, changed: datetime) -> str:
    identity = f"{path} {size} {changed.isoformat()}"
    return hashlib.sha1(identity.encode(), usedforsecurity=False).hexdigest()


def _unreadable_uri(location: str, error: Any) -> InputError:
    problem = f"Spark cannot read {location} ({str(error).splitlines()[0]:.300})"
    remedy = "give Spark the file system's connector and credentials (spark.jars.packages in "
    return InputError(problem, remedy + "spark-defaults.conf), or copy the files into a folder")


def _describe(
    language: str, choice: CorpusChoice, base: str, path: str, size: int, sha1: str
) -> Mapping[str, object]:
    """One row of WIKIPEDIA_DUMP."""
    match = FORMATS.search(path)
    row: dict[str, Any] = {
        "language": language,
        "corpus": choice.name,
        "file": os.path.relpath(path, base),
        "path": path,
        "bytes": size,
        "sha1": sha1,
        "compression": (match and match["compression"]) or "none",
        "sitename": choice.name,
        "namespaces": [],
        "reading": asdict(choice.reading),
    }
    if not is_uri(choice.location):
        check_header(_shard(0, row), choice.reading)
    return row
