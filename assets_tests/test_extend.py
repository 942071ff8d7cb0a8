"""Every guide of docs/extend.md works as it stands: its code is put into a copy of the project and run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from assets_tests.project import PROJECT

GUIDES = {
    title: text
    for title, _, text in (
        part.partition("\n")
        for part in (PROJECT / "docs" / "extend.md").read_text(encoding="utf-8").split("\n## ")[1:]
    )
}
BLOCK = re.compile(r"^```(python|diff)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MAX_LINES = 40
"""Lines of a file or of the additions that a guide asks for."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the project's Python files."""
    for folder in ("factroots_dagster", "assets_tests"):
        shutil.copytree(PROJECT / folder, tmp_path / folder)
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    return tmp_path


def apply(difference: str, project: Path) -> None:
    """Make the changes of a diff; its lines without a sign, and those to be removed, are in the file once."""
    for file in re.split(r"^\+\+\+ ", difference, flags=re.MULTILINE)[1:]:
        path, _, body = file.partition("\n")
        text = (project / path).read_text(encoding="utf-8")
        for hunk in body.split("@@\n"):
            lines = hunk.splitlines()
            before = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "+")
            after = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "-")
            assert text.count(before) == 1, f"{path} has this {text.count(before)} times:\n{before}"
            text = text.replace(before, after)
        (project / path).write_text(text, encoding="utf-8")


def run(project: Path, *command: str) -> None:
    """Run a Python module in a project, which is what it imports."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment |= {"PYTHONPATH": str(project)}
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_the_page_has_a_guide_for_every_extension_point() -> None:
    table = (PROJECT / "docs" / "extend.md").read_text(encoding="utf-8").partition("\n## ")[0]
    assert re.findall(r"\[(.*?)\]\(#", table) == [title[0].lower() + title[1:] for title in GUIDES]


@pytest.mark.parametrize("title", GUIDES)
def test_a_guide_works_as_it_stands(title: str, copy: Path) -> None:
    written = []
    for language, code in BLOCK.findall(GUIDES[title]):
        if language == "diff":
            assert sum(line[:1] == "+" for line in code.splitlines()) <= MAX_LINES
            apply(code, copy)
            continue
        header, _, content = code.partition("\n")
        path = header.removeprefix("# ")
        assert not (copy / path).exists(), f"{path} is already in the project"
        assert len(content.splitlines()) <= MAX_LINES, f"{path} is too long for a guide"
        (copy / path).write_text(content, encoding="utf-8")
        written.append(path)
    tests = [path for path in written if path.startswith("assets_tests/")]
    assert tests, "a guide says how to test what it adds"
    run(copy, "ruff", "check", *written)
    run(copy, "ruff", "format", "--check", *written)
    run(copy, "pytest", "-q", "-p", "no:cacheprovider", *tests)
