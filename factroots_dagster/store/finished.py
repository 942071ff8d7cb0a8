"""Finished pieces of a draft, and whether they are still whole when a killed run is taken up again.

A power cut may take what was not synced: a file that a note calls finished can be missing or cut short then.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from factroots_dagster.errors import InputError
from factroots_dagster.store.atomic import atomic_file, sync, sync_tree
from factroots_dagster.store.digests import check_files, compute_sha256, digest_files

NOTE = "_finished_files.json"


def keep_files(paths: Iterable[Path]) -> dict[str, str]:
    """Have the disk hold some files before anything that follows; their SHA-256 by name."""
    digests = {}
    for path in paths:
        sync(path)
        digests[path.name] = compute_sha256(path)
    return digests


def are_whole(folder: Path, digests: dict[str, str]) -> bool:
    """Whether files of a folder, by their names, are there and have their SHA-256."""
    try:
        check_files(folder, digests)
    except InputError:
        return False
    return True


def note_finished(folder: Path) -> None:
    """Note that nothing will be added to a folder, and what is in it."""
    sync_tree(folder)
    digests = digest_files(folder)
    with atomic_file(folder / NOTE) as temporary:
        temporary.write_text(json.dumps(digests), encoding="utf-8")


def is_finished(folder: Path) -> bool:
    """Whether a folder was noted as finished, and has all that was in it then."""
    note = folder / NOTE
    return note.is_file() and are_whole(folder, json.loads(note.read_text(encoding="utf-8")))
