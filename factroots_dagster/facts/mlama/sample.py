"""A sample of a release's facts: the same in every language, whichever languages are asked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.facts.mlama.split import list_languages, list_relation_files, parse_lines


def sample_split(split: pa.Table, release: Path, size: int, seed: int) -> pa.Table:
    """The rows of MLAMA_SPLIT whose fact is in the sample.

    size: facts of a relation; a language has as many of them as it has labels for. They are those whose
    uuid has the smallest SHA-256 together with the seed, among the facts that any language of the release
    has: another language or a larger size takes none away.
    """
    chosen: list[str] = []
    for uuids in _facts_by_relation(release, release.stat().st_mtime_ns).values():
        chosen += sorted(uuids, key=lambda uuid: hashlib.sha256(f"{seed}:{uuid}".encode()).digest())[:size]
    return split.filter(pc.is_in(split["uuid"], pa.array(chosen, pa.string())))


@lru_cache(maxsize=2)
def _facts_by_relation(release: Path, changed_ns: int) -> Mapping[str, frozenset[str]]:
    """The uuids of every relation in any language; read once for the splits of a run."""
    facts: dict[str, set[str]] = {}
    for language in list_languages(release):
        for path in list_relation_files(release / language):
            facts.setdefault(path.stem, set()).update(str(row.get("uuid")) for _, row in parse_lines(path))
    return {relation: frozenset(uuids) for relation, uuids in facts.items()}
