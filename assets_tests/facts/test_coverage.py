"""Coverage against direct counts, and the counts of the published release."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factroots_dagster.facts.coverage import count_coverage
from factroots_dagster.facts.mlama.split import list_languages, read_split
from factroots_dagster.facts.objects import count_objects
from factroots_dagster.facts.schema import FACT_COVERAGE, MLAMA_SPLIT


def split(language: str, rows: list[tuple[str, str, str, str]]) -> pa.Table:
    """MLAMA_SPLIT of rows (uuid, relation, subject, object)."""
    return pa.Table.from_pylist(
        [
            {
                "uuid": uuid,
                "language": language,
                "relation": relation,
                "template": "[X] [Y]",
                "subject": subject,
                "object": answer,
                "subject_uri": "Q1",
                "object_uri": "Q2",
                "candidate_set": f"{language}/{relation}",
                "object_in_subject": answer.lower() in subject.lower(),
                "line": 1,
            }
            for uuid, relation, subject, answer in rows
        ],
        schema=MLAMA_SPLIT,
    )


cells = st.tuples(
    st.integers(0, 8).map(lambda i: f"u{i}"),
    st.sampled_from(["P1", "P2"]),
    st.sampled_from("abc"),
    st.sampled_from("xyz"),
)


@given(st.lists(st.lists(cells, max_size=9, unique_by=lambda row: row[0]), max_size=4))
def test_coverage_is_that_of_a_direct_count(worlds: list[list[tuple[str, str, str, str]]]) -> None:
    table = count_coverage((split(f"qa{i}", rows), None) for i, rows in enumerate(worlds))
    assert table.schema.equals(FACT_COVERAGE)
    exists = Counter(row[0] for rows in worlds for row in rows)
    expected = []
    for i, rows in enumerate(worlds):
        for uuid, relation, subject, answer in rows:
            same = [row for row in rows if row[1] == relation]
            counts = Counter(row[3] for row in same)
            majority = min(counts, key=lambda label: (-counts[label], label))
            answers = len({row[3] for row in same if row[2] == subject})
            fact = (uuid, f"qa{i}", relation, exists[uuid], answers, answers > 1, answer in subject)
            expected.append((*fact, len(counts), majority, majority == answer))
    assert [tuple(row.values()) for row in table.to_pylist()] == expected


@given(st.lists(cells, min_size=1, max_size=20, unique_by=lambda row: row[0]), st.data())
def test_the_baselines_of_a_sample_are_those_of_all_facts(
    rows: list[tuple[str, str, str, str]], data: st.DataObject
) -> None:
    chosen = data.draw(st.sets(st.sampled_from([row[0] for row in rows])))
    everything = split("qaa", rows)
    kept = everything.filter(pc.is_in(everything["uuid"], pa.array(sorted(chosen), pa.string())))
    columns = ["uuid", "candidates", "majority_object", "majority_correct"]
    of_all = count_coverage([(everything, None)]).select(columns).to_pylist()
    of_sample = count_coverage([(kept, count_objects(everything))]).select(columns).to_pylist()
    assert of_sample == [row for row in of_all if row["uuid"] in chosen]


@pytest.fixture(scope="module")
def published(published_release: tuple[Path, pa.Table]) -> dict[str, pa.Table]:
    release, _ = published_release
    return {language: read_split(release, language) for language in list_languages(release)}


def test_the_published_release_has_its_published_counts(published: dict[str, pa.Table]) -> None:
    assert len(published) == 53
    sizes = {language: table.num_rows for language, table in published.items()}
    assert {k: sizes[k] for k in ("en", "fr", "de", "ja", "af", "ceb")} == {
        "en": 37_498,
        "fr": 33_872,
        "de": 32_548,
        "ja": 25_356,
        "af": 7_353,
        "ceb": 6_829,
    }
    everything = pa.concat_tables(published.values())
    assert everything.num_rows == 843_143
    keys = everything.group_by("uuid").aggregate(
        [(c, "count_distinct") for c in ("relation", "subject_uri", "object_uri")]
    )
    assert keys.num_rows == 37_535
    for column in ("relation", "subject_uri", "object_uri"):
        assert pc.max(keys[f"{column}_count_distinct"]).as_py() == 1
    assert everything.group_by(["language", "uuid"]).aggregate([]).num_rows == 843_143
    assert 37_535 - len(set(keys["uuid"].to_pylist()) & set(published["en"]["uuid"].to_pylist())) == 37
    freebase = pc.or_(
        pc.starts_with(everything["subject_uri"], "/m/"), pc.starts_with(everything["object_uri"], "/m/")
    )
    assert pc.sum(freebase).as_py() == 57_376


def test_the_published_release_has_its_published_baselines(published: dict[str, pa.Table]) -> None:
    table = count_coverage((split, None) for split in published.values())
    assert table.num_rows == 843_143
    assert pc.count_distinct(table["relation"]).as_py() == 43
    assert len(pc.unique(table.filter(pc.equal(table["languages"], 53))["uuid"])) == 3_071
    assert pc.sum(table["object_in_subject"]).as_py() == 76_821
    assert pc.sum(table["multi_answer"]).as_py() == 165_742
    assert round(100 * pc.mean(table["majority_correct"]).as_py(), 2) == 18.53
    uniform = pc.mean(pc.divide(1.0, pc.cast(table["candidates"], pa.float64()))).as_py()
    assert round(100 * uniform, 2) == 2.43
    by_language = table.group_by("language").aggregate([("relation", "count_distinct")]).to_pylist()
    relations = {row["language"]: row["relation_count_distinct"] for row in by_language}
    assert relations["ceb"] == 36
    born = set(table.filter(pc.equal(table["relation"], "place_of_birth"))["language"].to_pylist())
    assert len(published.keys() - born) == 13
