"""The group `factroots`: help and version, and how errors that a user can fix are printed."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from assets_tests.project import PROJECT, make_home
from factroots_dagster import __version__
from factroots_dagster.cli import run
from factroots_dagster.cli.main import main
from factroots_dagster.errors import InputError
from factroots_dagster.orchestration.stages import StageFailedError


def commands(group: click.Group, *names: str) -> list[tuple[tuple[str, ...], click.Command]]:
    """All commands below a group, with their names on the command line."""
    all_commands: list[tuple[tuple[str, ...], click.Command]] = []
    for name, command in group.commands.items():
        all_commands.append(((*names, name), command))
        if isinstance(command, click.Group):
            all_commands += commands(command, *names, name)
    return all_commands


def invoke(*arguments: str, home: Path | None = None) -> Result:
    return CliRunner().invoke(main, arguments, env={"DAGSTER_HOME": str(home)} if home else None)


def test_the_version_is_printed() -> None:
    result = invoke("--version")
    assert result.exit_code == 0 and result.output == f"factroots, version {__version__}\n"


@pytest.mark.parametrize("names", [(), *(names for names, _ in commands(main))], ids=" ".join)
def test_every_command_has_a_short_option_for_help(names: tuple[str, ...]) -> None:
    result = invoke(*names, "-h")
    assert result.exit_code == 0 and result.output == invoke(*names, "--help").output


@pytest.mark.parametrize(("names", "command"), commands(main), ids=lambda value: str(value))
def test_commands_and_options_are_described_in_sentences(
    names: tuple[str, ...], command: click.Command
) -> None:
    texts = [command.help or ""]
    texts += [option.help or "" for option in command.params if isinstance(option, click.Option)]
    for text in texts:
        assert text[:1].isupper() and text.rstrip().endswith((".", "]")), (names, text)


@pytest.mark.parametrize(
    "error",
    [InputError("the seed is wrong", "choose another"), StageFailedError("predictions: out of memory")],
    ids=["bad input", "failed run"],
)
def test_an_error_that_a_user_can_fix_is_a_message(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(run, "run_world", fail)
    result = invoke("demo", home=make_home(tmp_path / "home"))
    assert result.exit_code == 1 and result.output == f"Error: {error}\n"


def test_a_defect_keeps_its_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(run, "run_world", fail)
    result = invoke("demo", home=make_home(tmp_path / "home"))
    assert isinstance(result.exception, RuntimeError) and "Error" not in result.output


def test_a_dagster_home_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    result = invoke("demo", home=tmp_path / "nowhere")
    assert result.exit_code == 1 and "is not a folder. To fix it, create it" in result.output


def test_the_list_of_commands_cuts_no_description() -> None:
    for group in ((), ("checkpoints",)):
        _, _, listed = invoke(*group, "-h").output.partition("Commands:")
        assert listed and "..." not in listed


def test_dagster_s_own_commands_find_the_same_code_location() -> None:
    from factroots_dagster.cli.instance import WORKSPACE

    assert (PROJECT / "workspace.yaml").resolve() == WORKSPACE
