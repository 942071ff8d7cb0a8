"""The folders of a release: `<language>/` with `templates.jsonl` and a file per relation."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from factroots_dagster.errors import InputError
from factroots_dagster.facts.mlama.split import FURTHER, QUESTIONS, TEMPLATES, list_relation_files


def language_folders(root: Path) -> list[Path]:
    """Visible folders of `root` that hold JSON-lines files, sorted by name."""
    return [folder for folder in _visible_folders(root) if any(folder.glob("[!.]*.jsonl"))]


def is_release(root: Path) -> bool:
    """Whether `root`, or a visible sub-folder of it, has language folders."""
    return bool(language_folders(root) or _releases_below(root))


def collect_languages(root: Path, folder: Path, movable: bool) -> None:
    """Bring the language folders in `root`, or in its only visible sub-folder that has any, into `folder`.

    movable: whether files may be moved and need not be copied.
    """
    languages = language_folders(root)
    if not languages:
        releases = _releases_below(root)
        if len(releases) > 1:
            names = ", ".join(release.name for release in releases)
            raise InputError(f"several releases in it ({names})", "give the path of one of them")
        languages = language_folders(releases[0])
    for language in languages:
        target = folder / language.name
        target.mkdir()
        further = [path for path in (language / FURTHER, language / QUESTIONS) if path.exists()]
        for path in [language / TEMPLATES, *further, *list_relation_files(language)]:
            if not path.is_file():
                raise InputError(
                    f"{language.name}/{path.name} is missing or not a file", "get the release again"
                )
            if movable:
                os.replace(path, target / path.name)
            else:
                shutil.copyfile(path, target / path.name)


def _releases_below(root: Path) -> list[Path]:
    return [folder for folder in _visible_folders(root) if language_folders(folder)]


def _visible_folders(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
