"""The benchmark on a real model: what it asks, what it skips for, and how it counts; without the model."""

from __future__ import annotations

import csv
import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.real_model import PACKAGE, environment, find_missing, link_dumps, main, share_facts
from benchmarks.real_model_results import as_table, write_csv
from factroots_dagster.corpora.wikipedia.dump import find_dump_files
from factroots_dagster.corpora.wikipedia.pages import ByteRange, PageReader
from factroots_dagster.facts.mlama.split import read_split
from factroots_dagster.settings import Settings


def write_release(folder: Path, facts: dict[str, dict[str, list[str]]]) -> Path:
    """A release: by language and relation the uuids of its facts."""
    for language, relations in facts.items():
        (folder / language).mkdir(parents=True)
        templates = [{"relation": name, "template": f"[X] {language} [Y]"} for name in relations]
        (folder / language / "templates.jsonl").write_text(
            "".join(json.dumps(row) + "\n" for row in templates)
        )
        for relation, uuids in relations.items():
            rows = [
                {
                    "uuid": uuid,
                    "lineid": number,
                    "sub_uri": f"Q1{number}",
                    "obj_uri": f"Q2{number}",
                    "sub_label": f"subject {uuid}",
                    "obj_label": f"{language} {uuid}",
                    "from_english": False,
                }
                for number, uuid in enumerate(uuids)
            ]
            path = folder / language / f"{relation}.jsonl"
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_all_languages_are_asked_the_facts_that_all_have(tmp_path: Path) -> None:
    release = write_release(
        tmp_path / "release",
        {
            "en": {"P1": ["a", "b", "c"], "P2": ["d"], "P3": ["e"]},
            "bn": {"P1": ["c", "a", "x"], "P2": ["f"]},
            "de": {"P1": ["b"]},
        },
    )
    (tmp_path / "shared").mkdir()
    share_facts(release, tmp_path / "shared", ("en", "bn"))
    assert sorted(path.name for path in (tmp_path / "shared").iterdir()) == ["bn", "en"]
    for language in ("en", "bn"):
        rows = read_split(tmp_path / "shared", language).to_pylist()
        assert sorted((row["relation"], row["uuid"]) for row in rows) == [("P1", "a"), ("P1", "c")]
        assert {row["object"] for row in rows} == {f"{language} a", f"{language} c"}


def test_a_language_without_a_dump_gets_a_page_that_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "used").mkdir()
    (tmp_path / "real" / "elwiki-20230501-pages-articles.xml.bz2").write_bytes(b"a dump")
    link_dumps(tmp_path / "real", tmp_path / "used", ("el", "fr"))
    linked, empty = sorted((tmp_path / "used").iterdir())
    assert linked.read_bytes() == b"a dump"
    assert find_dump_files("fr", tmp_path / "used", "latest") == [empty]
    (page,) = PageReader(ByteRange(str(empty), "bz2", 0, empty.stat().st_size)).pages()
    assert (page.damage, page.wikitext) == (
        None,
        "This page stands for a Wikipedia of which there is no dump.",
    )


@pytest.mark.skipif(find_spec(PACKAGE) is not None, reason="Gemma 3 270M is installed")
def test_without_the_model_it_is_skipped_with_a_reason(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["--folder", str(tmp_path / "world")])
    assert result.exit_code == 0
    assert (
        result.output.startswith("Skipped: Gemma 3 270M is not installed") and "Terms of Use" in result.output
    )
    assert not list(tmp_path.iterdir())


def test_without_data_it_is_skipped_with_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modules = tmp_path / "modules"
    modules.mkdir()
    for name in (PACKAGE, *(f"{PACKAGE}_part{number}" for number in range(1, 5))):
        (modules / f"{name}.py").write_text("")
    monkeypatch.syspath_prepend(modules)
    release = tmp_path / "mlama.zip"
    assert find_missing(release, tmp_path) == f"there is no mLAMA release at {release} (give --mlama)"
    release.write_bytes(b"")
    assert find_missing(release, tmp_path) == f"there are no dumps in {tmp_path} (give --wikipedia)"
    (tmp_path / "enwiki-20230501-pages-articles.xml").write_bytes(b"")
    assert find_missing(release, tmp_path) is None
    (modules / f"{PACKAGE}_part3.py").unlink()
    assert "is not installed" in (find_missing(release, tmp_path) or "")


def test_the_settings_are_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt one would be passed over."""
    names = {f"FACTROOTS_{name.upper()}" for name in Settings.model_fields}
    monkeypatch.setenv("FACTROOTS_SAMPLE_SEED", "3")
    variables = environment(tmp_path, ("P30", "P463"), 7)
    used = {name for name in variables if name.startswith("FACTROOTS_")}
    assert used <= names and "FACTROOTS_SAMPLE_SEED" not in used
    assert (variables["FACTROOTS_RELATIONS"], variables["FACTROOTS_SAMPLE"]) == ("P30,P463", "7")


def test_figures_are_written(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", [{"language": "en", "p1": 0.123456, "facts": 3, "low": None}])
    with (tmp_path / "a.csv").open() as file:
        assert list(csv.DictReader(file)) == [{"language": "en", "p1": "0.1235", "facts": "3", "low": ""}]
    assert as_table(["a", "b"], [["1", "2"]]) == ["| a | b |", "| --- | --- |", "| 1 | 2 |"]
