"""The registered checkpoints: key -> hub id or folder, with a revision.

They come from three sources: the registry file, the folder of checkpoints if `FACTROOTS_CHECKPOINTS` names
one, and in a generated world the folder that its training wrote. Keys become dynamic partitions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock

from factroots_dagster.errors import InputError, suppress_bad_input
from factroots_dagster.models.completeness import find_defect
from factroots_dagster.models.steps import is_bare_step, order_by_step, read_step
from factroots_dagster.store.atomic import atomic_file, lock_errors
from factroots_dagster.store.store import Store, check_name
from factroots_dagster.store.versions import visible_folders

TRAINING_ASSET = "sandbox_training"
_COMMIT = re.compile(r"[0-9a-f]{12,64}")
_EXAMPLE = '{"<key>": {"source": "<hub id or folder>", "revision": null, "corpora": null}}'
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


class CheckpointSettings(Protocol):
    """The settings that determine where checkpoints are registered (see `settings.Settings`)."""

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
    """A registered checkpoint.

    source: a hub id or the absolute path of a folder. corpora: names of the corpora that it was trained on;
    None where nobody said so.
    """

    key: str
    source: str
    revision: str | None = None
    corpora: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.corpora, str):
            raise TypeError("corpora is a string, not a list of names")
        if self.corpora is not None:  # a list in JSON
            object.__setattr__(self, "corpora", tuple(self.corpora))


def checkpoint_key(source: str, revision: str | None = None) -> str:
    """Partition key of a checkpoint: its hub id or folder's name, made safe, with its revision.

    Of a commit's hash the first 12 digits serve.
    """
    path = Path(source)
    name = path.name if path.is_absolute() else source.replace("/", "--")
    if revision:
        name += f"-{revision[:12] if _COMMIT.fullmatch(revision) else revision}"
    key = re.sub(r"[^A-Za-z0-9._-]+", "-", name).lstrip("._-")
    return check_name(key, "checkpoint key")


def registry_file(settings: CheckpointSettings) -> Path:
    """The file that `factroots checkpoints add` writes."""
    path = settings.checkpoints
    if path is None:
        return settings.data_root / settings.world / "checkpoint" / "_registry.json"
    return path / "checkpoints.json" if path.is_dir() else path


@dataclass
class _RegistryFile:
    """What a registry file says.

    entries: by key, those that can be used. others: by key, those that cannot be, as they stand in the file.
    defects: by key, why.
    """

    entries: dict[str, CheckpointSource] = field(default_factory=dict)
    others: dict[str, Any] = field(default_factory=dict)
    defects: dict[str, str] = field(default_factory=dict)


def _read_file(path: Path) -> _RegistryFile:
    """Read a registry file, passing over entries that cannot be used; raises InputError for another file."""
    file = _RegistryFile()
    if not path.is_file():
        return file
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("it is not an object")
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not a checkpoint registry ({error})", f"make it {_EXAMPLE}") from None
    for key, entry in content.items():
        try:
            file.entries[key] = _parse_entry(key, entry)
        except InputError as error:
            file.others[key], file.defects[key] = entry, f"{path}: {error}"
    return file


def _parse_entry(key: str, entry: object) -> CheckpointSource:
    """An entry of a registry file; raises InputError for one that says no checkpoint."""
    check_name(key, "checkpoint key")
    texts = [entry.get("source"), entry.get("revision") or "-"] if isinstance(entry, dict) else [None]
    corpora = entry.get("corpora") if isinstance(entry, dict) else None
    if isinstance(corpora, list):
        texts += corpora
    elif corpora is not None:
        texts.append(None)
    if not isinstance(entry, dict) or not all(isinstance(text, str) and text for text in texts):
        raise InputError("its entry names no checkpoint", f"write it as in {_EXAMPLE}")
    if unknown := sorted(entry.keys() - {"source", "revision", "corpora"}):
        raise InputError(f"its entry has an unknown field {unknown[0]!r:.80}", f"write it as in {_EXAMPLE}")
    return CheckpointSource(key, **entry)


def _as_json(entry: CheckpointSource) -> dict[str, object]:
    named = {} if entry.corpora is None else {"corpora": list(entry.corpora)}
    return {"source": entry.source, "revision": entry.revision, **named}


def watched_folders(settings: CheckpointSettings) -> dict[str, Path]:
    """Folders that may hold a checkpoint, complete or not, by key: those of the checkpoints folder first,
    then those that training wrote. A folder whose name gives no key of its own is left out.
    """
    return _watch(settings)[0]


def _watch(settings: CheckpointSettings) -> tuple[dict[str, Path], dict[str, str]]:
    """The watched folders by key, and by name why others have no key."""
    folders: dict[str, Path] = {}
    defects: dict[str, str] = {}
    watched = visible_folders(settings.checkpoints.resolve()) if settings.checkpoints is not None else []
    for path in watched:
        try:
            key = checkpoint_key(str(path))
        except InputError:
            defects[path.name] = "its name makes no checkpoint key: use letters, digits, '.', '_' and '-'"
            continue
        if key in folders:
            defects[path.name] = f"its checkpoint key would be {key}, as that of {folders[key].name}"
        else:
            folders[key] = path
    if settings.generated:
        for path in _trained_folders(Store(settings.data_root, settings.world)):
            folders.setdefault(f"{settings.world}-{path.name}", path)
    return folders, defects


def _trained_folders(store: Store) -> list[Path]:
    """The folders of checkpoints that training wrote; none before that, or where its manifest is damaged."""
    version = None
    with suppress_bad_input():
        version = store.version(TRAINING_ASSET)
    if version is None:
        return []
    names = {file.split("/")[0] for file in version.files if "/" in file}
    return [version.have_below(name) for name in sorted(names) if not name.startswith((".", "_"))]


def find_unusable(settings: CheckpointSettings) -> dict[str, str]:
    """By key, why a watched folder or an entry of the registry file is not registered.

    By its name, where a folder has no key.
    """
    file, (watched, defects) = _read_file(registry_file(settings)), _watch(settings)
    for key, path in watched.items():
        if key not in file.entries and (defect := find_defect(path)) is not None:
            defects[key] = defect
    return file.defects | defects


def registered(settings: CheckpointSettings) -> dict[str, CheckpointSource]:
    """Every registered checkpoint by key, in a fixed order: registry file, folder, trained ones.

    Those of one run follow one another by their steps.
    """
    checkpoints = _read_file(registry_file(settings)).entries
    for key, path in watched_folders(settings).items():
        if key not in checkpoints and find_defect(path) is None:
            checkpoints[key] = CheckpointSource(key, str(path))
    ordered = order_by_step(checkpoints.values(), lambda entry: read_step(entry.source, entry.revision))
    return {entry.key: entry for entry in ordered}


def lookup(settings: CheckpointSettings, key: str) -> CheckpointSource:
    """The checkpoint registered under `key`. Raises InputError where there is none."""
    checkpoints = registered(settings)
    if key not in checkpoints:
        if (defect := find_unusable(settings).get(key)) is not None:
            raise InputError(f"checkpoint {key!r:.150} cannot be used: {defect}", "mend it, or remove it")
        problem = f"checkpoint {key!r} is not registered (registered: {', '.join(checkpoints) or 'none'})"
        raise InputError(problem, "run: factroots checkpoints add <hub id or folder>")
    return checkpoints[key]


def check_corpora(entry: CheckpointSource, available: Sequence[str]) -> None:
    """Raise InputError unless the corpora that a checkpoint names are among those of the world."""
    if entry.corpora is None:
        return
    unknown = sorted(set(entry.corpora) - set(available))
    if unknown or not entry.corpora:
        problem = (
            f"checkpoint {entry.key}: no corpus of this world is named {', '.join(unknown) or '(nothing)'}"
        )
        raise InputError(
            f"{problem}; there are {', '.join(available)}",
            "add it to FACTROOTS_CORPORA, or name others with: factroots checkpoints add --corpora",
        )


def add(
    settings: CheckpointSettings,
    source: str,
    revision: str | None = None,
    corpora: Sequence[str] | None = None,
) -> CheckpointSource:
    """Registers a hub id or folder in the registry file and returns its entry; adding it again is harmless.

    corpora: names of the corpora that it was trained on; None keeps those of an earlier call.
    Raises InputError for a source that is neither, and where its key already means another checkpoint.
    """
    source = find_source(source)
    with _changing_entries(settings) as entries:
        known = next((e for e in entries.values() if (e.source, e.revision) == (source, revision)), None)
        entry = known or CheckpointSource(_free_key(entries, source, revision), source, revision)
        if entry.key in entries and entry != known:
            problem = f"checkpoint key {entry.key!r} already stands for {entries[entry.key].source}"
            raise InputError(problem, f"rename the folder, or edit {registry_file(settings)}")
        if corpora is not None:
            entry = replace(entry, corpora=tuple(corpora))
        entries[entry.key] = entry
    return entry


def find_source(source: str) -> str:
    """The absolute path of a folder, or the hub id, that a person named; raises InputError for neither."""
    folder = Path(source).expanduser()
    if source and folder.is_dir():
        return str(folder.resolve())
    if not _HUB_ID.fullmatch(source):
        problem = f"{source!r} is neither an existing folder nor a hub id"
        raise InputError(problem, "name a folder, or a hub id such as owner/name")
    return source


def _free_key(entries: Mapping[str, CheckpointSource], source: str, revision: str | None) -> str:
    """The key of a checkpoint; with its parent's name where every run has a folder of this name."""
    key, path = checkpoint_key(source, revision), Path(source)
    if key in entries and path.is_absolute() and is_bare_step(path.name):
        return checkpoint_key(str(path.with_name(f"{path.parent.name}-{path.name}")), revision)
    return key


def remove(settings: CheckpointSettings, key: str) -> CheckpointSource:
    """Take a checkpoint out of the registry file and return what its entry was; its results are kept.

    Raises InputError where none has this key, and for one that is registered because its folder is watched.
    """
    with _changing_entries(settings) as entries:
        if key in entries:
            return entries.pop(key)
    entry = lookup(settings, key)
    raise InputError(
        f"checkpoint {key!r} is registered because its folder is {entry.source}", "move the folder away"
    )


@contextmanager
def _changing_entries(settings: CheckpointSettings) -> Iterator[dict[str, CheckpointSource]]:
    """The entries of the registry file, which are written back where the block changes them.

    The command line and the sensor both write the file, and each of them reads it first.
    """
    path = registry_file(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(f".{path.name}.lock"), mode=0o666, fallback_to_soft=False)
    with lock_errors(path):
        held = lock.acquire()
    with held:
        file = _read_file(path)
        entries, before = file.entries, dict(file.entries)
        yield entries
        if entries != before:
            content = file.others | {key: _as_json(entry) for key, entry in entries.items()}
            with atomic_file(path) as temporary:
                temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
