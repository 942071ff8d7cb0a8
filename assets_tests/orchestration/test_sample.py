"""A sample goes through the graph: the same facts in all languages, beside the objects of all facts."""

from __future__ import annotations

from pathlib import Path

from assets_tests.facts.releases import fact, write_release
from assets_tests.models.tiny import WORDS
from assets_tests.orchestration.runs import materialize
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store


def test_a_sample_has_the_baselines_of_all_facts(tmp_path: Path) -> None:
    lines = [fact(f"u{number}", WORDS[number], WORDS[20 + number % 4]) for number in range(12)]
    release = write_release(tmp_path / "release", {code: {"P36": lines} for code in ("cy", "en")})
    settings = Settings(
        world="mlama",
        data_root=tmp_path / "data",
        mlama_source=str(release),
        languages=("cy", "en"),
        sample=3,
    )
    materialize(settings, "mlama_release")
    for language in settings.languages:
        materialize(settings, "mlama_split", partition=language)
    materialize(settings, "fact_coverage")
    store = Store(settings.data_root, "mlama")
    drawn = [store.read("mlama_split", language)["uuid"].to_pylist() for language in settings.languages]
    assert drawn[0] == drawn[1] and len(drawn[0]) == 3
    assert store.read_side("objects", "mlama_split", "cy")["facts"].to_pylist() == [3, 3, 3, 3]
    coverage = store.read("fact_coverage")
    assert coverage.num_rows == 6 and set(coverage["candidates"].to_pylist()) == {4}
