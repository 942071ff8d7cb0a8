"""Worlds whose facts were imported: where they lie in the data root, and what is recorded of them.

An import is the folder `<data root>/<world>/_facts`: `release/` in mLAMA's format, `import.json` with where
it came from, and `left_out.jsonl` with what was left out. Imports nothing heavy: the settings read this.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from factroots_dagster.errors import InputError

FACTS_FOLDER = "_facts"
RELEASE, RECORD, LEFT_OUT = "release", "import.json", "left_out.jsonl"


@dataclass(frozen=True)
class FactImport:
    """What is recorded of an import.

    format: the name under which it was imported. source: the path that it was read from. licence: of the
    facts. digest: of the release's rows, see `mlama.release.ReleaseIdentity`. languages: in mLAMA's order.
    relations, facts: how many; facts by uuid. rows: facts by language, together. templates: of all relations
    and languages, further ones included. several_answers: rows whose question has other right objects, too.
    left_out: how many things were left out, by reason.
    """

    format: str
    source: str
    licence: str
    digest: str
    languages: tuple[str, ...]
    relations: int
    facts: int
    rows: int
    templates: int
    several_answers: int
    left_out: dict[str, int]


def import_folder(data_root: Path, world: str) -> Path:
    """The folder of a world's import, whether there is one or not."""
    return data_root / world / FACTS_FOLDER


def is_imported(data_root: Path, world: str) -> bool:
    """Whether a world's facts were imported."""
    return (import_folder(data_root, world) / RECORD).is_file()


def list_imported(data_root: Path) -> list[str]:
    """The names of the worlds whose facts were imported into a data root, sorted."""
    return sorted(path.parts[-3] for path in data_root.glob(f"*/{FACTS_FOLDER}/{RECORD}"))


def read_import(data_root: Path, world: str) -> FactImport:
    """What is recorded of a world's import. Raises InputError where there is none, or it cannot be read."""
    path = import_folder(data_root, world) / RECORD
    try:
        return _read(path, path.stat().st_mtime_ns)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"the import of world {world!r} cannot be read ({path}: {error})", "import its facts again"
        ) from error


@lru_cache(maxsize=8)
def _read(path: Path, changed_ns: int) -> FactImport:
    values = json.loads(path.read_text(encoding="utf-8"))
    return FactImport(**values | {"languages": tuple(values["languages"])})
