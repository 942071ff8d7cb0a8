"""What a result was made from, according to the manifests of the store."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from factroots_dagster.report.lineage import trace_lineage
from factroots_dagster.store.store import Store

SCHEMA = pa.schema([("n", pa.int64())])


def publish(store: Store, *partition: str, made_from: tuple[tuple[str, ...], ...] = (), n: int = 0) -> None:
    """Publishes a partition, given as asset and key parts, that read others."""
    with store.write_partition(*partition, code_version="1") as writer:
        for source in made_from:
            writer.record_input(store.version(*source))
        writer.write(pa.table({"n": [n]}), SCHEMA)


def test_every_asset_comes_after_those_it_was_made_from(tmp_path: Path) -> None:
    store = Store(tmp_path, "sandbox")
    publish(store, "release")
    publish(store, "unrelated")
    for language in ("qaa", "qab"):
        publish(store, "split", language, made_from=(("release",),))
    publish(store, "types", "step", made_from=(("split", "qaa"), ("split", "qab"), ("release",)), n=1)
    origins = trace_lineage(store, ["types/step"])
    assert [(origin.asset, origin.partitions, origin.made_from) for origin in origins] == [
        ("release", 1, ()),
        ("split", 2, ("release",)),
        ("types", 1, ("release", "split")),
    ]
    release, split, types = origins
    assert (release.digest, types.digest) == (store.digest("release"), store.digest("types", "step"))
    assert len({origin.digest for origin in origins}) == 3
    publish(store, "split", "qab", made_from=(("release",),), n=7)
    again = {origin.asset: origin.digest for origin in trace_lineage(store, ["types/step"])}
    assert again["split"] != split.digest and again["release"] == release.digest


def test_partitions_that_no_longer_exist_are_ignored(tmp_path: Path) -> None:
    assert trace_lineage(Store(tmp_path, "sandbox"), ["types/step"]) == []
