"""Clusters of languages on hand-made predictions, and geography."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from factroots_dagster.facts.mlama.release import PUBLISHED
from factroots_dagster.languages.clusters import language_clusters
from factroots_dagster.languages.geography import MLAMA_PLACES, Place, distance_km
from factroots_dagster.languages.schema import CLUSTER_MEMBERS, LANGUAGE_CLUSTERS, MANTEL
from factroots_dagster.tables import storage_schema


def predictions(right: dict[str, bool | None], ids: list[int] = [1]) -> pa.Table:  # noqa: B006
    return pa.table(
        {
            "uuid": list(right),
            "full_match": list(right.values()),
            "object_ids": pa.array([ids] * len(right), pa.list_(pa.int32())),
        }
    )


def test_facts_that_could_not_be_asked_do_not_count_as_wrong() -> None:
    known = {"qaa": {"u1": True, "u2": False, "u3": True}, "qab": {"u1": True, "u2": True, "u3": False}}
    unasked = {
        "qaa": {**known["qaa"], "u4": None, "u5": True},
        "qab": {**known["qab"], "u4": True, "u5": None},
    }
    without, beside = (
        language_clusters({name: predictions(right) for name, right in answers.items()}, permutations=9)
        for answers in (known, unasked)
    )
    assert without[0].equals(beside[0])
    assert beside[0]["shared_facts"].to_pylist() == [3]


def test_the_note_on_dependent_pairs_is_stored_with_the_tables(tmp_path: Path) -> None:
    table = {name: predictions({"u1": True, "u2": name == "qaa"}) for name in ("qaa", "qab")}
    pairs, _, mantel = language_clusters(table, permutations=9)
    for result, schema in ((pairs, LANGUAGE_CLUSTERS), (mantel, MANTEL)):
        pq.write_table(result.cast(storage_schema(schema)), tmp_path / "data.parquet")
        note = pq.read_table(tmp_path / "data.parquet").schema.metadata[b"note"].decode()
        assert "not independent" in note and "permute whole languages" in note


def test_only_shared_facts_are_compared() -> None:
    table = {
        "qab": predictions({"u1": True, "u2": True, "u3": False, "only-b": True}, [1, 2]),
        "qaa": predictions({"u3": True, "u2": True, "u1": False, "only-a": True}, [2, 3]),
        "qac": predictions({"u1": False, "u2": False, "u3": False}, []),
    }
    pairs, members, mantel = language_clusters(table, permutations=9, places={})
    assert pairs.schema.equals(LANGUAGE_CLUSTERS)
    assert members.schema.equals(CLUSTER_MEMBERS) and mantel.schema.equals(MANTEL)
    first, second, _ = pairs.to_pylist()
    assert (first["language_a"], first["language_b"], first["shared_facts"]) == ("qaa", "qab", 3)
    assert first["jaccard"] == pytest.approx(1 / 3)
    assert first["expected_jaccard"] == pytest.approx((2 * (1 / 3) + 1) / 3)
    assert first["corrected"] == pytest.approx((1 / 3 - 5 / 9) / (1 - 5 / 9))
    assert first["subword_overlap"] == pytest.approx(1 / 3)
    assert first["distance_km"] is None and first["same_script"] is None
    assert second["jaccard"] == 0.0
    assert mantel["correlation"].to_pylist() == [None, None, None]


def test_planted_groups_become_clusters_whatever_the_order() -> None:
    facts = [f"u{i:03}" for i in range(120)]
    groups = {"qaa": 0, "qab": 0, "qac": 1, "qad": 1, "qae": 1}
    table = {
        language: predictions({u: (i // 20) % 2 == group and i % 7 != number for i, u in enumerate(facts)})
        for number, (language, group) in enumerate(groups.items())
    }
    places = {
        language: Place(10.0 * group, 5.0 * i, "Latn") for i, (language, group) in enumerate(groups.items())
    }
    result = language_clusters(table, places=places, permutations=99)
    again = language_clusters(dict(reversed(table.items())), places=places, permutations=99)
    assert all(x.equals(y) for x, y in zip(result, again, strict=True))
    members = {row["language"]: row["cluster"] for row in result[1].to_pylist()}
    assert members == {"qaa": 0, "qab": 0, "qac": 1, "qad": 1, "qae": 1}
    by_variable = {row["variable"]: row for row in result[2].to_pylist()}
    assert by_variable["distance_km"]["correlation"] < -0.5
    assert by_variable["same_script"]["correlation"] is None  # one script only: nothing to correlate
    assert by_variable["distance_km"]["pairs"] == 10


def test_every_language_of_mlama_has_a_place_and_distances_are_those_of_great_circles() -> None:
    assert len(MLAMA_PLACES) == PUBLISHED.languages
    assert distance_km(Place(0, 0, ""), Place(0, 180, "")) == pytest.approx(20015.1, abs=0.1)
    paris, tokyo = Place(48.8566, 2.3522, ""), Place(35.6762, 139.6503, "")
    assert distance_km(paris, tokyo) == pytest.approx(9712, abs=10)
    assert distance_km(paris, paris) == 0
