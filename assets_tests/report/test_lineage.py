"""What a result was made from, as the manifests of the store tell it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from factroots_dagster.report.lineage import lineage
from factroots_dagster.store.store import Store

SCHEMA = pa.schema([("n", pa.int64())])


def publish(
    store: Store, asset: str, *parts: str, made_from: tuple[tuple[str, ...], ...] = (), n: int = 0
) -> None:
    with store.write_partition(asset, *parts, code_version="1") as work:
        for source in made_from:
            work.read(*source)
        work.write(pa.table({"n": [n]}), SCHEMA)


def test_every_asset_comes_after_those_it_was_made_from(tmp_path: Path) -> None:
    store = Store(tmp_path, "sandbox")
    publish(store, "release")
    publish(store, "unrelated")
    for language in ("qaa", "qab"):
        publish(store, "split", language, made_from=(("release",),))
    cells = tuple(("split", language) for language in ("qaa", "qab"))
    publish(store, "types", "step", made_from=(*cells, ("release",)), n=1)
    found = lineage(store, ["types/step"])
    assert [(o.asset, o.partitions, o.made_from) for o in found] == [
        ("release", 1, ()),
        ("split", 2, ("release",)),
        ("types", 1, ("release", "split")),
    ]
    assert found[0].digest == store.digest("release") and found[2].digest == store.digest("types", "step")
    assert len({origin.digest for origin in found}) == 3
    publish(store, "split", "qab", made_from=(("release",),), n=7)
    again = {origin.asset: origin.digest for origin in lineage(store, ["types/step"])}
    assert again["split"] != found[1].digest and again["release"] == found[0].digest


def test_what_is_no_longer_there_is_passed_over(tmp_path: Path) -> None:
    assert lineage(Store(tmp_path, "sandbox"), ["types/step"]) == []
