"""`factroots facts` imports fact sets as worlds that the settings know, and lists them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from assets_tests.facts.imports.samples import SAMPLES
from factroots_dagster.cli.facts import FORMATS as NAMES
from factroots_dagster.cli.main import main
from factroots_dagster.errors import InputError
from factroots_dagster.facts.imports.registry import FORMATS
from factroots_dagster.orchestration.versions import code_version
from factroots_dagster.settings import load_settings


@pytest.fixture(autouse=True)
def data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("WORLD", "LANGUAGES", "CHECKPOINTS"):
        monkeypatch.delenv(f"FACTROOTS_{name}", raising=False)
    monkeypatch.setenv("FACTROOTS_DATA_ROOT", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["facts", *map(str, arguments)])


def test_the_command_knows_every_format() -> None:
    assert set(NAMES) == FORMATS.keys()


def test_an_import_says_what_it_took_and_what_it_left_out(tmp_path: Path, data_root: Path) -> None:
    result = run("import", "mpararel", SAMPLES["mpararel"](tmp_path / "source"), "--name", "mine")
    assert result.exit_code == 0, result.output
    left_out = data_root / "mine" / "_facts" / "left_out.jsonl"
    assert result.output.splitlines() == [
        "mine: 1 facts of 1 relations in 2 languages (af, zh), 2 rows, 4 templates",
        "licence: made from mLAMA (CC BY-NC-SA 4.0): not for commercial use",
        "left out: 1 x a template without exactly one slot for the subject and one for the object",
        "left out: 1 x a language without a place in languages/geography.py",
        "left out: 1 x a fact without a template of its relation",
        f"Each is listed in {left_out}",
        "To ask about them, set FACTROOTS_WORLD=mine",
    ]
    assert len([json.loads(line) for line in left_out.read_text(encoding="utf-8").splitlines()]) == 3
    assert run("list").output.split("\t")[:4] == ["mine", "mpararel", "2 languages", "1 facts"]


def test_a_world_is_imported_before_it_is_chosen_or_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings may name the world, and languages of it, that the command is about to make."""
    monkeypatch.setenv("FACTROOTS_WORLD", "mine")
    monkeypatch.setenv("FACTROOTS_LANGUAGES", "el")
    with pytest.raises(
        InputError, match=r"FACTROOTS_WORLD: there is no such world in .*mlama, cldr; factroots facts"
    ):
        load_settings()
    assert run("import", "klar", SAMPLES["klar"](tmp_path / "source"), "--name", "mine").exit_code == 0
    settings = load_settings()
    assert settings.world_languages == ("el", "en") and settings.active_languages == ("el",)
    assert settings.imported and not settings.generated
    monkeypatch.setenv("FACTROOTS_LANGUAGES", "de")
    with pytest.raises(InputError, match="de not in world 'mine', which has el, en"):
        load_settings()


def test_an_import_is_replaced_on_request_only_and_makes_the_release_out_of_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("import", "klar", SAMPLES["klar"](tmp_path / "one"), "--name", "mine")
    monkeypatch.setenv("FACTROOTS_WORLD", "mine")
    before = load_settings()
    versions = [code_version(name, before) for name in ("mlama_release", "mlama_split")]
    refused = run("import", "table", SAMPLES["table"](tmp_path / "two"), "--name", "mine")
    assert refused.exit_code == 1 and "add --replace" in refused.output
    again = run("import", "klar", tmp_path / "one", "--name", "mine", "--replace")
    assert again.exit_code == 0 and code_version("mlama_release", load_settings()) == versions[0]
    run("import", "table", tmp_path / "two" / "facts.csv", "--name", "mine", "--replace")
    after = load_settings()
    assert after.world_languages == ("cy", "en")
    assert code_version("mlama_release", after) != versions[0]
    assert code_version("mlama_split", after) == versions[1]


def test_a_bad_import_names_what_to_do(tmp_path: Path) -> None:
    result = run("import", "bear", tmp_path / "nowhere", "--name", "mine")
    assert result.exit_code == 1 and "no such file or folder" in result.output
    assert run("import", "bear", tmp_path, "--name", "cldr").exit_code == 1
    assert run("import", "klaar", tmp_path, "--name", "x").exit_code == 2
    assert "no facts were imported" in run("list").output
