"""The Python API: what it returns is what the store and the model have; from an installed wheel, too."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml

import factroots_dagster as fr
from assets_tests.models.tiny import save_checkpoint, split
from assets_tests.orchestration.golden.world import CHECKPOINTS, KEY, LANGUAGES
from assets_tests.project import PROJECT
from factroots_dagster.errors import InputError
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

World = tuple[Settings, Store]
IN_AN_EMPTY_FOLDER = """
import json, sys
import factroots_dagster as fr
light = [name for name in ("torch", "pandas", "pyarrow", "dagster", "pydantic") if name in sys.modules]
types = fr.types(pandas=True)
subject = types["subject"].iloc[0]
facts = fr.read("mlama_split", language=types["language"].iloc[0]).slice(0, 30)
answers = fr.probe("step-2000", facts)
print(json.dumps({
    "file": fr.__file__, "light": light, "types": len(types), "traced": fr.trace(subject).num_rows,
    "uuid": answers["uuid"].to_pylist(), "full_match": answers["full_match"].to_pylist(),
}))
"""


def test_read_gives_the_stored_rows_with_their_keys(tiny_world: World) -> None:
    settings, store = tiny_world
    table = fr.read("predictions", settings=settings)
    for language in LANGUAGES:
        rows = table.filter(pc.field("language") == language)
        assert rows.drop_columns("checkpoint").equals(store.read("predictions", KEY, language))
    assert set(table["checkpoint"].to_pylist()) == {KEY}
    frame = fr.read("fact_verdicts.shares", checkpoint=KEY, settings=settings, pandas=True)
    assert isinstance(frame, pd.DataFrame)
    assert frame["facts"].tolist() == store.read_side("shares", "fact_verdicts", KEY)["facts"].to_pylist()


def test_types_has_every_fact_with_its_labels_type_and_verdict(tiny_world: World) -> None:
    settings, store = tiny_world
    rows = {(row["language"], row["uuid"]): row for row in fr.types(settings=settings).to_pylist()}
    typed = store.read("fact_types", KEY).to_pylist()
    assert len(rows) == len(typed)
    verdicts = {(row["language"], row["uuid"]): row for row in store.read("fact_verdicts", KEY).to_pylist()}
    labels = {
        (row["language"], row["uuid"]): row
        for language in LANGUAGES
        for row in store.read("mlama_split", language).to_pylist()
    }
    for fact in typed:
        key = (fact["language"], fact["uuid"])
        row, verdict = rows[key], verdicts.get(key, {})
        assert (row["type"], row["reason"]) == (fact["type"], fact["reason"])
        assert (row["subject"], row["object"]) == (labels[key]["subject"], labels[key]["object"])
        assert (row["verdict"], row["shared"], row["verdict_reason"]) == tuple(
            verdict.get(name) for name in ("verdict", "shared", "reason")
        )


def test_trace_gives_what_the_command_prints(tiny_world: World) -> None:
    settings, store = tiny_world
    fact = store.read("mlama_split", "qab").slice(5, 1).to_pylist()[0]
    rows = fr.trace(fact["subject"], settings=settings).to_pylist()
    (row,) = [row for row in rows if (row["language"], row["uuid"]) == ("qab", fact["uuid"])]
    (predicted,) = store.read("predictions", KEY, "qab", where=pc.field("uuid") == fact["uuid"])["full_match"]
    assert (row["object"], row["predicted"]) == (fact["object"], predicted.as_py())
    with pytest.raises(InputError, match=str(store.root)):
        fr.trace("Nobody Ever", settings=settings)


def test_probing_stored_facts_again_gives_the_stored_answers(tiny_world: World) -> None:
    settings, store = tiny_world
    facts = pa.concat_tables(store.read("mlama_split", language).slice(100, 40) for language in LANGUAGES)
    shuffled = facts.take(list(range(len(facts)))[::-1])
    answers = fr.probe(KEY, shuffled, settings=settings)
    assert answers["uuid"].equals(shuffled["uuid"]) and answers["subject"].equals(shuffled["subject"])
    stored = {
        (row["language"], row["uuid"]): row
        for language in LANGUAGES
        for row in store.read("predictions", KEY, language).to_pylist()
    }
    for row in answers.to_pylist():
        before = stored[row["language"], row["uuid"]]
        assert row["full_match"] == before["full_match"]
        assert row["object_logprob"] == pytest.approx(before["object_logprob"], abs=1e-4)
        if row["full_match"]:
            assert row["prediction"] == row["object"]


def test_a_folder_is_asked_facts_of_ones_own_without_a_world(tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path / "model")
    facts = split(folder).to_pylist()
    settings = Settings(data_root=tmp_path / "data", device="cpu")
    rows = [{name: fact[name] for name in ("relation", "template", "subject", "object")} for fact in facts]
    answers = fr.probe(str(folder), rows, settings=settings, pandas=True)
    assert answers["full_match"].any() and not answers["full_match"].all()
    assert set(answers["language"]) == {"und"} and not (tmp_path / "data").exists()
    from_frame = fr.probe(str(folder), pd.DataFrame(rows), settings=settings, pandas=True)
    assert from_frame["full_match"].equals(answers["full_match"])


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ([], "there are no facts"),
        ([{"template": "[X] is [Y]", "subject": "a"}], "row 0 has no text in 'object'"),
        ([{"template": "[X] is", "subject": "a", "object": "b"}], r"row 0: the template has \[Y\] 0 times"),
        ([{"template": "[X] is [Y]", "subject": "a", "object": "b"}] * 2, "row 1: the same fact"),
    ],
)
def test_what_is_no_fact_is_refused_with_its_row(facts: list[dict[str, str]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        fr.probe(str(CHECKPOINTS / KEY), facts)


def test_an_installed_wheel_works_in_an_empty_folder(
    tiny_world: World, tiny_environment: dict[str, str], tmp_path: Path
) -> None:
    source, installed, empty = tmp_path / "source", tmp_path / "installed", tmp_path / "empty"
    source.mkdir()
    empty.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, source)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PROJECT / "factroots_dagster", source / "factroots_dagster", ignore=ignored)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    ]
    subprocess.run([*pip, "--target", installed, source], check=True, capture_output=True)
    environment = os.environ | tiny_environment | {"PYTHONPATH": str(installed)}
    del environment["DAGSTER_HOME"]
    done = subprocess.run(
        [sys.executable, "-c", IN_AN_EMPTY_FOLDER],
        env=environment,
        cwd=empty,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["file"].startswith(str(installed)) and found["light"] == []
    store = tiny_world[1]
    assert found["types"] == len(store.read("fact_types", KEY)) and found["traced"] >= 1
    language = fr.types(settings=tiny_world[0])["language"][0].as_py()
    stored = store.read("predictions", KEY, language, columns=["uuid", "full_match"]).slice(0, 30).to_pydict()
    assert {name: found[name] for name in stored} == stored
    status = subprocess.run(
        [installed / "bin" / "factroots", "status"],
        env=environment,
        cwd=empty,
        capture_output=True,
        text=True,
        check=False,
    )
    assert status.returncode == 0, status.stderr
    configuration = yaml.safe_load((empty / ".dagster" / "dagster.yaml").read_text())
    assert configuration["telemetry"] == {"enabled": False}
