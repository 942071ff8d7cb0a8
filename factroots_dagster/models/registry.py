"""Which checkpoints there are: key -> hub id or folder, with a revision.

Three places are read: the registry file, the folder of checkpoints if `FACTROOTS_CHECKPOINTS` names
one, and in a generated world the folder its training wrote. Keys become dynamic partitions.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from factroots_dagster.errors import InputError
from factroots_dagster.models.completeness import incomplete
from factroots_dagster.store.atomic import atomic_file
from factroots_dagster.store.store import check_name

TRAINING_ASSET = "sandbox_training"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


class CheckpointSettings(Protocol):
    """The settings that say where checkpoints are registered (see `settings.Settings`)."""

    @property
    def world(self) -> str: ...
    @property
    def data_root(self) -> Path: ...
    @property
    def checkpoints(self) -> Path | None: ...
    @property
    def generated(self) -> bool: ...


@dataclass(frozen=True)
class CheckpointSource:
    """A registered checkpoint: `source` is a hub id or the absolute path of a folder."""

    key: str
    source: str
    revision: str | None = None


def checkpoint_key(source: str, revision: str | None = None) -> str:
    """Partition key of a hub id or folder: its last path parts, made safe, with the revision's start."""
    path = Path(source)
    name = path.name if path.is_absolute() else source.replace("/", "--")
    key = re.sub(r"[^A-Za-z0-9._-]+", "-", name).lstrip("._-")
    return check_name(f"{key}-{revision[:12]}" if revision else key, "checkpoint key")


def registry_file(settings: CheckpointSettings) -> Path:
    """The file that `factroots checkpoints add` writes."""
    chosen = settings.checkpoints
    if chosen is None:
        return settings.data_root / settings.world / "checkpoint" / "_registry.json"
    return chosen / "checkpoints.json" if chosen.is_dir() else chosen


def _read_file(path: Path) -> dict[str, CheckpointSource]:
    if not path.is_file():
        return {}
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        found = [
            CheckpointSource(check_name(key, "checkpoint key"), **entry) for key, entry in entries.items()
        ]
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: not a checkpoint registry ({error}); it is a JSON object "
            '{"<key>": {"source": "<hub id or folder>", "revision": null}, ...}'
        ) from None
    return {checkpoint.key: checkpoint for checkpoint in found}


def watched_folders(settings: CheckpointSettings) -> dict[str, Path]:
    """Folders that may be checkpoints, whole or not, by the key they get: chosen folder, training."""
    found: dict[str, Path] = {}
    if settings.checkpoints is not None and settings.checkpoints.is_dir():
        for path in _subfolders(settings.checkpoints):
            found.setdefault(checkpoint_key(str(path)), path)
    if settings.generated:
        for path in _subfolders(settings.data_root / settings.world / TRAINING_ASSET):
            found.setdefault(f"{settings.world}-{path.name}", path)
    return found


def left_out(settings: CheckpointSettings) -> dict[str, str]:
    """Folders that are no whole checkpoint, by the key they would get, each with what it lacks."""
    found = {key: incomplete(path) for key, path in watched_folders(settings).items()}
    return {key: why for key, why in found.items() if why is not None}


def _subfolders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    inside = (path for path in folder.resolve().iterdir() if not path.name.startswith((".", "_")))
    return sorted(path for path in inside if path.is_dir())


def registered(settings: CheckpointSettings) -> dict[str, CheckpointSource]:
    """Every registered checkpoint by key, in a fixed order: file, folder, trained ones."""
    found = _read_file(registry_file(settings))
    for key, path in watched_folders(settings).items():
        if key not in found and incomplete(path) is None:
            found[key] = CheckpointSource(key, str(path))
    return found


def lookup(settings: CheckpointSettings, key: str) -> CheckpointSource:
    """The checkpoint registered under `key`; raises InputError with the remedy."""
    known = registered(settings)
    if key not in known:
        raise InputError(
            f"checkpoint {key!r} is not registered (known: {', '.join(known) or 'none'}); "
            "run: factroots checkpoints add <hub id or folder>"
        )
    return known[key]


def add(settings: CheckpointSettings, source: str, revision: str | None = None) -> CheckpointSource:
    """Register a hub id or folder in the registry file and return its entry (unchanged if known)."""
    folder = Path(source).expanduser()
    if source and folder.is_dir():
        source = str(folder.resolve())
    elif not _HUB_ID.fullmatch(source):
        raise InputError(f"{source!r} is neither an existing folder nor a hub id such as owner/name")
    entry = CheckpointSource(checkpoint_key(source, revision), source, revision)
    path = registry_file(settings)
    with _alone(path):
        entries = _read_file(path)
        known = entries.get(entry.key)
        if known == entry:
            return entry
        if known is not None:
            raise InputError(
                f"checkpoint key {entry.key!r} already stands for {known.source}; "
                f"rename the folder or edit {path}"
            )
        entries[entry.key] = entry
        with atomic_file(path) as temporary:
            content = {
                key: {name: value for name, value in asdict(item).items() if name != "key"}
                for key, item in entries.items()
            }
            temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return entry


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Wait for other writers of the registry: the command line and the sensor both write it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
