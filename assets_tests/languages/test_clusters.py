from __future__ import annotations

from itertools import combinations
from math import comb
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.stats import hypergeom

from factroots_dagster.facts.mlama.languages import MLAMA_LANGUAGES
from factroots_dagster.languages.clusters import expected_jaccard, language_clusters
from factroots_dagster.languages.geography import MLAMA_PLACES, Place, distance_km
from factroots_dagster.languages.schema import CLUSTER_MEMBERS, LANGUAGE_CLUSTERS, MANTEL


def predictions(right: dict[str, bool | None], ids: list[int] = [1]) -> pa.Table:  # noqa: B006
    return pa.table(
        {
            "uuid": list(right),
            "full_match": list(right.values()),
            "object_ids": pa.array([ids] * len(right), pa.list_(pa.int32())),
        }
    )


@pytest.mark.parametrize(("n", "a", "b"), [(5, 2, 3), (6, 6, 2), (4, 0, 3), (7, 5, 5)])
def test_expected_jaccard_is_the_mean_over_all_sets(n: int, a: int, b: int) -> None:
    first = set(range(a))
    values = [len(first & set(second)) / len(first | set(second)) for second in combinations(range(n), b)]
    assert expected_jaccard(n, a, b) == pytest.approx(sum(values) / comb(n, b))


def test_expected_jaccard_at_the_size_of_mlama() -> None:
    p, q = 7000 / 37_000, 3000 / 37_000
    assert expected_jaccard(37_000, 7000, 3000) == pytest.approx(p * q / (p + q - p * q), rel=1e-3)
    assert expected_jaccard(10, 0, 0) is None
    overlap = range(3001)
    chance = hypergeom.pmf(overlap, 37_000, 7000, 3000)
    mean = sum(p * x / (10_000 - x) for p, x in zip(chance, overlap, strict=True))
    assert expected_jaccard(37_000, 7000, 3000) == pytest.approx(mean, rel=1e-9)


def test_facts_that_a_checkpoint_could_not_be_asked_are_not_wrong_ones() -> None:
    known = {"qaa": {"u1": True, "u2": False, "u3": True}, "qab": {"u1": True, "u2": True, "u3": False}}
    unasked = {
        "qaa": {**known["qaa"], "u4": None, "u5": True},
        "qab": {**known["qab"], "u4": True, "u5": None},
    }
    without, beside = (
        language_clusters({name: predictions(right) for name, right in of.items()}, permutations=9)
        for of in (known, unasked)
    )
    assert without[0].equals(beside[0])
    assert beside[0]["shared_facts"].to_pylist() == [3]


def test_the_warning_is_stored_with_the_tables(tmp_path: Path) -> None:
    table = {name: predictions({"u1": True, "u2": name == "qaa"}) for name in ("qaa", "qab")}
    pairs, _, mantel = language_clusters(table, permutations=9)
    for made, schema in ((pairs, LANGUAGE_CLUSTERS), (mantel, MANTEL)):
        pq.write_table(made.select(schema.names).cast(schema), tmp_path / "data.parquet")
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


def test_planted_groups_come_out_whatever_the_order() -> None:
    facts = [f"u{i:03}" for i in range(120)]
    groups = {"qaa": 0, "qab": 0, "qac": 1, "qad": 1, "qae": 1}
    table = {
        language: predictions({u: (i // 20) % 2 == group and i % 7 != at for i, u in enumerate(facts)})
        for at, (language, group) in enumerate(groups.items())
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


def test_places_cover_mlama_and_distances_are_right() -> None:
    assert set(MLAMA_PLACES) == set(MLAMA_LANGUAGES)
    assert distance_km(Place(0, 0, ""), Place(0, 180, "")) == pytest.approx(20015.1, abs=0.1)
    paris, tokyo = Place(48.8566, 2.3522, ""), Place(35.6762, 139.6503, "")
    assert distance_km(paris, tokyo) == pytest.approx(9712, abs=10)
    assert distance_km(paris, paris) == 0
