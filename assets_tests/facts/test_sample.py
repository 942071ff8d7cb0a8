"""A sample has the same facts in every language, and a larger one has those of a smaller one."""

from __future__ import annotations

from pathlib import Path

import pytest

from assets_tests.facts.releases import fact, write_release
from factroots_dagster.facts.mlama.sample import sample_split
from factroots_dagster.facts.mlama.split import read_split


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """Two relations; the second language lacks every third fact."""
    rows = {name: [fact(f"{name}-{number}") for number in range(30)] for name in ("P19", "P36")}
    fewer = {name: facts[::3] + facts[1::3] for name, facts in rows.items()}
    write_release(tmp_path, {"qaa": rows, "qab": fewer})
    return tmp_path


def sample(release: Path, language: str, size: int, seed: int = 0) -> list[str]:
    split = read_split(release, language)
    return sample_split(split, release, size, seed)["uuid"].to_pylist()


def test_languages_have_the_same_facts_as_far_as_they_have_them(release: Path) -> None:
    of_first = sample(release, "qaa", 12)
    assert len(of_first) == 24 and sum(uuid.startswith("P19") for uuid in of_first) == 12
    present = set(read_split(release, "qab")["uuid"].to_pylist())
    assert set(sample(release, "qab", 12)) == present.intersection(of_first)


def test_a_larger_sample_has_the_facts_of_a_smaller_one(release: Path) -> None:
    assert set(sample(release, "qaa", 5)) < set(sample(release, "qaa", 12)) < set(sample(release, "qaa", 99))
    assert sample(release, "qaa", 99) == read_split(release, "qaa")["uuid"].to_pylist()


def test_another_seed_draws_other_facts(release: Path) -> None:
    assert sample(release, "qaa", 12) == sample(release, "qaa", 12)
    assert set(sample(release, "qaa", 12)) != set(sample(release, "qaa", 12, seed=1))


def test_relations_draw_without_one_another(release: Path) -> None:
    alone = sample_split(read_split(release, "qaa", ["P36"]), release, 12, 0)["uuid"].to_pylist()
    assert alone == [uuid for uuid in sample(release, "qaa", 12) if uuid.startswith("P36")]
