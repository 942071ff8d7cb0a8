"""Every command of the README's "Ways of use" runs as it stands there."""

from __future__ import annotations

import re
import shlex
import subprocess

import pytest

from assets_tests.project import PROJECT, MaterializedWorld, command

README = (PROJECT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line for block in re.findall(r"```bash\n(.*?)```", README, re.S) for line in block.splitlines() if line
]


def test_the_readme_has_commands() -> None:
    assert len(COMMANDS) >= 7


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_readme_succeeds(world: MaterializedWorld, line: str) -> None:
    program, *arguments = shlex.split(line)
    done = subprocess.run(
        [command(program), *arguments],
        env=world.environment(),
        cwd=PROJECT if program == "dg" else world.dagster_home,  # dg looks for pyproject.toml
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


def test_the_make_targets_of_the_readme_exist() -> None:
    makefile = (PROJECT / "Makefile").read_text()
    for target in set(re.findall(r"make ([a-z][a-z-]*)", README)):
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_every_setting_of_the_readme_exists() -> None:
    from factroots_dagster.settings import Settings

    named = {name.lower() for name in re.findall(r"`FACTROOTS_([A-Z_]+)`", README)}
    assert named == set(Settings.model_fields)
