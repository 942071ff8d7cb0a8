"""A folder is examined again only when one of its files has changed, however many folders there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from assets_tests.models.folders import checkpoint_folder
from factroots_dagster.models import completeness
from factroots_dagster.models.completeness import find_defect


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders whose files are read, in their order."""
    folders: list[Path] = []
    examine = completeness._examine

    def note(folder: Path) -> str | None:
        folders.append(folder)
        return examine(folder)

    monkeypatch.setattr(completeness, "_examine", note)
    return folders


def test_thousands_of_unchanged_folders_are_examined_once(tmp_path: Path, examined: list[Path]) -> None:
    folders = [tmp_path / str(number) for number in range(5_000)]
    for folder in folders:
        folder.mkdir()
    for _ in range(2):
        assert {find_defect(folder) for folder in folders} == {"config.json is missing"}
    assert examined == folders


def test_a_changed_folder_is_examined_again(tmp_path: Path, examined: list[Path]) -> None:
    folder = checkpoint_folder(tmp_path / "model")
    assert find_defect(folder) is None and find_defect(folder) is None
    (folder / "config.json").unlink()
    assert find_defect(folder) == find_defect(folder) == "config.json is missing"
    checkpoint_folder(folder)
    assert find_defect(folder) is None
    assert examined == [folder] * 3
