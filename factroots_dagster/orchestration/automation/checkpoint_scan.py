"""What the checkpoint sensor sees: folders and hub ids, each with its version, or why it is left alone.

Plain functions on plain data: nothing here knows Dagster, the sensor keeps the state between ticks.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path

from factroots_dagster.errors import InputError, UnavailableError
from factroots_dagster.models.completeness import find_defect, folder_signature
from factroots_dagster.models.files import folder_revision, newest_commit
from factroots_dagster.models.registry import add, incomplete_folders, registered
from factroots_dagster.orchestration.versions import code_version
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import MANIFEST, Store, read_folder

HUB_INTERVAL = 24 * 3600.0
FIRST_WAIT, LONGEST_WAIT = 60.0, 6 * 3600.0
QUIET_SECONDS = 10.0
READING_SECONDS = 20.0


@dataclass
class State:
    """What is remembered between ticks; `folders` saves reading weights again after a restart."""

    folders: dict[str, tuple[str, str]] = field(default_factory=dict)  # key: signature, revision
    hub: dict[str, tuple[str, float]] = field(default_factory=dict)  # key: commit, when it was looked up
    failures: int = 0  # of the hub, in a row
    until: float = 0.0  # the hub is left alone until then

    @classmethod
    def of(cls, cursor: str | None) -> State:
        return cls(**json.loads(cursor)) if cursor else cls()

    def cursor(self) -> str:
        return json.dumps(asdict(self))


@dataclass
class Seen:
    """What one look brought."""

    wanted: dict[str, str] = field(default_factory=dict)  # key: name of the request, for what is new
    left: dict[str, str] = field(default_factory=dict)  # key: why it is left for later
    gone: list[str] = field(default_factory=list)  # partitions whose checkpoint is there no more
    hub: list[str] = field(default_factory=list)  # what went wrong with the hub

    def words(self) -> str:
        """One line for the tick."""
        parts = [f"left for later: {key} ({why})" for key, why in self.left.items()]
        if self.gone:
            parts.append(f"no longer there, results kept: {', '.join(self.gone)}")
        return "; ".join(parts + self.hub)


def look(
    settings: Settings,
    state: State,
    partitions: Collection[str],
    now: float,
    *,
    hub_interval: float = HUB_INTERVAL,
    commit_of: Callable[[str], str] = newest_commit,
) -> Seen:
    """Compare what is registered with what has been described; `state` is brought up to date.

    A hub id without a revision stands for the commit that it was described at; a newer commit is
    registered beside it, pinned, under a key of its own.
    """
    seen, store = Seen(), Store(settings.data_root, settings.world)
    known = registered(settings)
    began = time.monotonic()
    seen.left = {key: why for key, why in incomplete_folders(settings).items() if key not in known}
    for key, entry in list(known.items()):
        folder = Path(entry.source)
        if folder.is_absolute():
            why = _folder(seen, state, settings, store, key, folder, now, began)
            if why:
                seen.left[key] = why
        elif entry.revision is not None:
            _want(seen, settings, store, key, entry.revision, pinned=True)
        elif commit := _commit(seen, state, key, entry.source, now, hub_interval, commit_of):
            described = described_revision(store, key)
            if described in (None, commit):
                _want(seen, settings, store, key, commit)
            else:
                newer = add(settings, entry.source, commit)
                if newer.key not in known:
                    _want(seen, settings, store, newer.key, commit)
    seen.gone = sorted(set(partitions) - set(registered(settings)) - set(seen.left))
    return seen


def described_revision(store: Store, key: str) -> str | None:
    """The revision that the asset `checkpoint` has described under a key; None before that."""
    if not store.exists("checkpoint", key):
        return None
    folder = store.path("checkpoint", key)
    return _described(folder, (folder / MANIFEST).stat().st_mtime_ns)


@lru_cache(maxsize=4096)
def _described(folder: Path, changed_ns: int) -> str:
    return str(read_folder(folder, ["revision"])["revision"][0].as_py())


def _want(
    seen: Seen, settings: Settings, store: Store, key: str, version: str, *, pinned: bool = False
) -> None:
    """Note a request unless this version has been described by today's code.

    Its name tells one change from another: the version and the moment of what is published now, so that
    a folder that goes back to what it once was is a change too.
    """
    code = code_version("checkpoint", settings)
    described, before = described_revision(store, key), "none"
    if described is not None:
        # what a person pinned may be a branch or a tag, which the described commit does not repeat
        if (pinned or described == version) and store.manifest("checkpoint", key)["code_version"] == code:
            return
        before = str((store.path("checkpoint", key) / MANIFEST).stat().st_mtime_ns)
    seen.wanted[key] = f"{settings.world}:{key}:{version[:16]}:{code}:{before}"


def _folder(
    seen: Seen,
    state: State,
    settings: Settings,
    store: Store,
    key: str,
    folder: Path,
    now: float,
    began: float,
) -> str | None:
    """Look at one folder; why it is left for later, None when it is not."""
    if not folder.is_dir():
        return "its folder is not there"
    if why := find_defect(folder):
        return why
    files = folder_signature(folder)
    if 0 <= now - max(changed for *_, changed in files) / 1e9 < QUIET_SECONDS:
        return "it is being written"
    mark = hashlib.sha256(repr(files).encode()).hexdigest()[:16]
    before, revision = state.folders.get(key, ("", ""))
    if before != mark:
        if time.monotonic() - began > READING_SECONDS:
            return "other folders are read first"
        revision = folder_revision(folder)
        state.folders[key] = (mark, revision)
    _want(seen, settings, store, key, revision)
    return None


def _commit(
    seen: Seen,
    state: State,
    key: str,
    source: str,
    now: float,
    interval: float,
    commit_of: Callable[[str], str],
) -> str | None:
    """The newest commit of a hub id: what was looked up lately, or the hub's answer."""
    commit, checked = state.hub.get(key, ("", -LONGEST_WAIT - interval))
    if now - checked < interval:
        return commit or None
    if now < state.until:
        if not seen.hub:
            seen.hub.append(f"the hub does not answer, asked again in {state.until - now:.0f} s")
        return commit or None
    try:
        commit = commit_of(source)
        state.failures, state.until = 0, 0.0
    except UnavailableError as error:
        wait = min(FIRST_WAIT * 2**state.failures, LONGEST_WAIT)
        state.failures, state.until = state.failures + 1, now + wait
        seen.hub.append(f"{error}; asked again in {wait:.0f} s")
        return commit or None
    except InputError as error:
        seen.hub.append(f"{error}; asked again in {interval / 3600:.0f} h")
    state.hub[key] = (commit, now)
    return commit or None
