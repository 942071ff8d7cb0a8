"""`factroots checkpoints` looks at checkpoints, registers, lists and removes them; the hub is on loopback."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from assets_tests.models.folders import checkpoint_folder
from assets_tests.models.hub import Hub, serving
from assets_tests.models.tiny import save_checkpoint
from assets_tests.project import make_home
from factroots_dagster.cli.main import main
from factroots_dagster.models.checkpoint import describe
from factroots_dagster.models.files import resolve_checkpoint
from factroots_dagster.models.inspection import select_revisions
from factroots_dagster.models.schema import CHECKPOINT
from factroots_dagster.settings import load_settings
from factroots_dagster.store.store import Store


def run(*arguments: str) -> list[list[str]]:
    """The lines that `factroots checkpoints` prints, split into columns."""
    result = CliRunner().invoke(main, ["checkpoints", *arguments])
    assert result.exit_code == 0, result.output
    return [line.split("\t") for line in result.output.splitlines()]


@pytest.fixture(autouse=True)
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of checkpoints that the settings name."""
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(make_home(tmp_path / "home")))
    monkeypatch.setenv("FACTROOTS_WORLD", "mlama")
    monkeypatch.setenv("FACTROOTS_DATA_ROOT", str(tmp_path / "data"))
    monkeypatch.setenv("FACTROOTS_CHECKPOINTS", str(folder))
    return folder.resolve()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    with serving() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model that can be asked."""
    return save_checkpoint(tmp_path_factory.mktemp("tiny") / "model", "bert")


def test_incomplete_and_missing_checkpoints_are_listed(checkpoints: Path) -> None:
    for name in ("step-1", "step-2"):
        checkpoint_folder(checkpoints / name)
    assert run("list") == [[name, str(checkpoints / name)] for name in ("step-1", "step-2")]
    shutil.rmtree(checkpoints / "step-1")
    (checkpoint_folder(checkpoints / "half") / "tokenizer.json").unlink()
    assert run("list") == [
        ["step-2", str(checkpoints / "step-2")],
        ["half", "-", "not usable: its tokenizer is missing"],
        ["step-1", "-", "no longer registered; its results are kept"],
    ]


def test_a_registered_checkpoint_is_listed_with_its_revision_and_a_missing_folder(
    hub: Hub, model: Path, tmp_path: Path
) -> None:
    hub.revisions["owner/name"] = {"v1": model}
    elsewhere = shutil.copytree(model, tmp_path / "elsewhere")
    assert run("add", "owner/name", "--revision", "v1") == [["owner--name-v1"]]
    assert run("add", str(elsewhere), "--corpora", "wikipedia") == [["elsewhere"]]
    shutil.rmtree(elsewhere)
    assert run("list") == [
        ["owner--name-v1", "owner/name@v1"],
        [
            *("elsewhere", str(elsewhere.resolve()), "missing: its folder does not exist"),
            "trained on: wikipedia",
        ],
    ]
    assert run("remove", "elsewhere")[0][0].startswith("elsewhere is no longer registered")
    assert run("list") == [["owner--name-v1", "owner/name@v1"]]


def test_the_revisions_of_a_training_are_registered_by_their_steps(
    hub: Hub, model: Path, tmp_path: Path
) -> None:
    """Branches with the same weights, as real trainings have them, are registered once."""
    other = save_checkpoint(tmp_path / "other", "bert", seed=1)
    steps = (10, 9, 1, 100, 20)
    hub.revisions["owner/name"] = {"main": model} | {f"step{step}-tokens{step}B": model for step in steps}
    hub.revisions["owner/name"]["step20-tokens20B"] = other
    result = CliRunner().invoke(main, ["checkpoints", "add", "owner/name", "--revisions", "step*"])
    assert result.stdout.split() == ["owner--name-step1-tokens1B", "owner--name-step20-tokens20B"]
    assert "step100-tokens100B: left out, its weights are those of step1-tokens1B" in result.stderr
    assert "model.safetensors" not in hub.downloaded


def test_a_hub_id_that_is_to_be_asked_is_its_main_branch_whatever_else_of_it_is_registered(
    hub: Hub, model: Path
) -> None:
    hub.revisions["owner/name"] = {"main": model, "v1": model}
    assert run("add", "owner/name", "--revision", "v1") == [["owner--name-v1"]]
    arguments = ["run", "--checkpoint", "owner/name", "--until", "checkpoint"]
    first = CliRunner().invoke(main, arguments)
    assert first.exit_code == 0, first.output
    said = "registered as owner--name: owner--name-v1 are other revisions of owner/name"
    assert said in first.stderr and "checkpoint of owner--name\n" in first.stdout
    assert [line[0] for line in run("list")] == ["owner--name-v1", "owner--name"]
    again = CliRunner().invoke(main, arguments)
    assert again.exit_code == 0 and "registered" not in again.stderr and "nothing has changed" in again.stdout


@pytest.mark.parametrize(("every", "kept"), [(1, "12345"), (2, "135"), (3, "145"), (9, "15")])
def test_every_nth_revision_and_the_last_are_chosen(hub: Hub, model: Path, every: int, kept: str) -> None:
    hub.revisions["owner/name"] = {
        name: model for name in ("main", "step3", "step1", "step5", "step2", "step4")
    }
    assert select_revisions("owner/name", "step*", every) == [f"step{number}" for number in kept]


def test_what_cannot_be_asked_is_refused_in_its_own_words(hub: Hub, model: Path, tmp_path: Path) -> None:
    hub.revisions["owner/name"] = {"main": model}
    hub.revisions["owner/classifier"] = {"main": with_config(model, tmp_path / "c", ["BertModel"])}
    incomplete = shutil.copytree(model, tmp_path / "incomplete")
    (incomplete / "tokenizer.json").unlink()
    for source, words in (
        (["owner/nobody"], "hub id owner/nobody: RepositoryNotFoundError"),
        (["owner/name", "--revision", "v9"], "hub id owner/name at v9"),
        (["owner/name", "--revisions", "step*"], "no branch or tag like 'step*' (it has main)"),
        (["owner/classifier"], "architecture BertModel is not a language model"),
        ([str(incomplete)], "tokenizer"),
        ([str(model), "--revisions", "step*"], "name a hub id"),
    ):
        result = CliRunner().invoke(main, ["checkpoints", "add", *source])
        assert result.exit_code == 1 and words in result.output
    assert run("list") == []


def test_a_hub_that_does_not_answer_delays_the_look(hub: Hub) -> None:
    hub.status = 503
    result = CliRunner().invoke(main, ["checkpoints", "add", "owner/name"])
    assert result.exit_code == 0 and result.stdout == "owner--name\n"
    assert result.stderr.startswith("registered unseen: hub id owner/name: ")


def test_checkpoints_with_the_same_weights_are_named(checkpoints: Path, tmp_path: Path, model: Path) -> None:
    settings = load_settings()
    store = Store(settings.data_root, settings.world)
    for key in ("one", "two"):
        shutil.copytree(model, checkpoints / key)
        row = describe(key, resolve_checkpoint(str(checkpoints / key)))
        with store.write_partition("checkpoint", key, code_version="1") as writer:
            writer.write(row, CHECKPOINT)
    assert run("list")[1] == ["two", str(checkpoints / "two"), "same weights as one"]


def with_config(model: Path, folder: Path, architectures: list[str]) -> Path:
    """A copy of a model whose configuration names another architecture."""
    shutil.copytree(model, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"architectures": architectures}))
    return folder
