"""What the checkpoint sensor looks for: new folders and hub commits, or why a checkpoint is left for later.

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

from factroots_dagster.errors import InputError, UnavailableError, suppress_bad_input
from factroots_dagster.models import files, hub
from factroots_dagster.models.completeness import find_defect, folder_signature
from factroots_dagster.models.registry import CheckpointSource, add, find_unusable, registered
from factroots_dagster.orchestration.versions import code_version
from factroots_dagster.settings import Settings
from factroots_dagster.store.parquet import read_files
from factroots_dagster.store.store import Store

HUB_INTERVAL = 24 * 3600.0
FIRST_WAIT, LONGEST_WAIT = 60.0, 6 * 3600.0
QUIET_SECONDS = 10.0
READING_SECONDS = 20.0


@dataclass
class ScanState:
    """What is remembered from scan to scan.

    folders: by key, the signature of a folder's files and its revision: weights are not read again.
    hub: by key, the newest commit of a hub id and when it was looked up.
    failures: how often the hub has failed in a row.
    hub_paused_until: the hub is not asked before this time (seconds since the epoch).
    logged: the summary that the log has got last.
    """

    folders: dict[str, tuple[str, str]] = field(default_factory=dict)
    hub: dict[str, tuple[str, float]] = field(default_factory=dict)
    failures: int = 0
    hub_paused_until: float = 0.0
    logged: str = ""

    @classmethod
    def from_cursor(cls, cursor: str | None) -> ScanState:
        """The state of the last tick; a cursor of another version of the sensor is begun anew."""
        try:
            return cls(**json.loads(cursor)) if cursor else cls()
        except (TypeError, ValueError):
            return cls()

    def cursor(self) -> str:
        return json.dumps(asdict(self))


@dataclass
class ScanResult:
    """What one scan found.

    requests: by key, the name of the request for a checkpoint that is new or has changed.
    deferred: by key, why a checkpoint is left for later.
    removed: partitions whose checkpoint is no longer registered.
    hub_errors: what went wrong with the hub.
    """

    requests: dict[str, str] = field(default_factory=dict)
    deferred: dict[str, str] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    hub_errors: list[str] = field(default_factory=list)

    def summary(self) -> str:
        """One line for the tick; empty when there is nothing to say."""
        parts = [f"left for later: {key} ({reason})" for key, reason in self.deferred.items()]
        if self.removed:
            parts.append(f"no longer registered, results kept: {', '.join(self.removed)}")
        return "; ".join(parts + self.hub_errors)


def scan_checkpoints(
    settings: Settings,
    state: ScanState,
    partitions: Collection[str],
    now: float,
    *,
    hub_interval: float = HUB_INTERVAL,
    newest_commit: Callable[[str], str] = hub.newest_commit,
) -> ScanResult:
    """Compare what is registered with what has been described; `state` is brought up to date.

    A hub id without a revision stands for the commit that it was described at; a newer commit is
    registered beside it, pinned, under a key of its own.
    """
    return _Scan(settings, state, now, hub_interval, newest_commit).run(partitions)


def described_revision(store: Store, key: str) -> str | None:
    """The revision that the asset `checkpoint` has described under a key.

    None before that, and where the description cannot be read: it is to be made.
    """
    with suppress_bad_input():
        return _described(store.version("checkpoint", key).main_files()[0])
    return None


@lru_cache(maxsize=4096)
def _described(file: Path) -> str:
    """The revision in the table of a version of `checkpoint`."""
    return str(read_files([file], ["revision", "corpora"])["revision"][0].as_py())


def described_corpora(store: Store, key: str) -> tuple[str, ...] | None:
    """The corpora that the asset `checkpoint` has noted under a key, whose table exists."""
    names = store.read("checkpoint", key, columns=["corpora"])["corpora"][0].as_py()
    return None if names is None else tuple(names)


@dataclass
class _Scan:
    """One scan under way."""

    settings: Settings
    state: ScanState
    now: float
    hub_interval: float
    newest_commit: Callable[[str], str]

    def __post_init__(self) -> None:
        self.store = Store(self.settings.data_root, self.settings.world).snapshot()
        self.result, self.started = ScanResult(), time.monotonic()

    def run(self, partitions: Collection[str]) -> ScanResult:
        known, result = registered(self.settings), self.result
        result.deferred = find_unusable(self.settings)
        for key, entry in list(known.items()):
            try:
                self._scan_entry(key, entry, known)
            except (InputError, OSError, ValueError) as error:  # the others are scanned all the same
                result.deferred[key] = str(error)
        result.removed = sorted(set(partitions) - set(registered(self.settings)) - set(result.deferred))
        return result

    def _scan_entry(self, key: str, entry: CheckpointSource, known: Collection[str]) -> None:
        """Scan one registered checkpoint. known: the keys of all."""
        folder = Path(entry.source)
        if folder.is_absolute():
            if reason := self._scan_folder(key, folder):
                self.result.deferred[key] = reason
        elif entry.revision is not None:
            self._request(key, entry.revision, pinned=True)
        elif commit := self._commit(key, entry.source):
            if described_revision(self.store, key) in (None, commit):
                self._request(key, commit)
            elif (newer := add(self.settings, entry.source, commit)).key not in known:
                self._request(newer.key, commit)

    def _request(self, key: str, version: str, *, pinned: bool = False) -> None:
        """Note a request unless this version has been described by today's code.

        Its name tells one change from another: the version, and when the description on disk was written,
        so that a folder that goes back to what it once was is a change too.
        """
        code = code_version("checkpoint", self.settings)
        described, before = described_revision(self.store, key), "none"
        if described is not None:
            # what a person pinned may be a branch or a tag, which the described commit does not repeat
            manifest = self.store.manifest("checkpoint", key)
            is_same = (pinned or described == version) and manifest["code_version"] == code
            if is_same and described_corpora(self.store, key) == registered(self.settings)[key].corpora:
                return
            before = str(self.store.written_ns("checkpoint", key))
        self.result.requests[key] = f"{self.settings.world}:{key}:{version[:16]}:{code}:{before}"

    def _scan_folder(self, key: str, folder: Path) -> str | None:
        """Scan one folder; why it is left for later, None when it is not."""
        if not folder.is_dir():
            return "its folder is missing"
        if reason := find_defect(folder):
            return reason
        signature = folder_signature(folder)
        if 0 <= self.now - max(changed for *_, changed in signature) / 1e9 < QUIET_SECONDS:
            return "it is being written"
        digest = hashlib.sha256(repr(signature).encode()).hexdigest()[:16]
        before, revision = self.state.folders.get(key, ("", ""))
        if before != digest:
            if time.monotonic() - self.started > READING_SECONDS:
                return "other folders are read first"
            revision = files.folder_revision(folder)
            self.state.folders[key] = (digest, revision)
        self._request(key, revision)
        return None

    def _commit(self, key: str, source: str) -> str | None:
        """The newest commit of a hub id: what was looked up lately, or the hub's answer."""
        state, errors = self.state, self.result.hub_errors
        commit, checked = state.hub.get(key, ("", -LONGEST_WAIT - self.hub_interval))
        # Times in a future that is too far were noted while the clock was wrong.
        if 0 <= self.now - checked < self.hub_interval:
            return commit or None
        if self.now < state.hub_paused_until <= self.now + LONGEST_WAIT:
            if not errors:
                wait = state.hub_paused_until - self.now
                errors.append(f"the hub does not answer, next attempt in {wait:.0f} s")
            return commit or None
        try:
            commit = self.newest_commit(source)
            state.failures, state.hub_paused_until = 0, 0.0
        except UnavailableError as error:
            wait = min(FIRST_WAIT * 2**state.failures, LONGEST_WAIT)
            state.failures, state.hub_paused_until = state.failures + 1, self.now + wait
            errors.append(f"{error}; next attempt in {wait:.0f} s")
            return commit or None
        except InputError as error:
            errors.append(f"{error}; next attempt in {self.hub_interval / 3600:.0f} h")
        state.hub[key] = (commit, self.now)
        return commit or None
