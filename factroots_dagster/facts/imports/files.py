"""Finding and reading the files of a fact set."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from factroots_dagster.errors import InputError
from factroots_dagster.store.versions import visible_folders

DEPTH = 3
"""Levels of folders, below the given one, among which a fact set is looked for."""


def find_root(source: Path, holds: Callable[[Path], bool], what: str) -> Path:
    """The folder that holds a fact set: the given one, or the only one of the uppermost below it.

    what: the files that make it such a folder, in words. Raises InputError where there is none, or several.
    """
    if not source.is_dir():
        raise InputError(f"{source}: a file, and the format is a folder with {what}", "give that folder")
    level = [source]
    for _ in range(DEPTH + 1):
        found = [folder for folder in level if holds(folder)]
        if len(found) > 1:
            names = ", ".join(str(folder.relative_to(source)) for folder in found)
            raise InputError(f"{source}: several fact sets in it ({names})", "give the path of one of them")
        if found:
            return found[0]
        level = [below for folder in level for below in visible_folders(folder)]
    raise InputError(f"{source}: no folder with {what} in it", "give the folder that holds them")


def read_text(path: Path) -> str:
    """The text of a file in UTF-8, with or without a byte-order mark; another encoding is an InputError."""
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(
            f"{path}, line {line}: not UTF-8 ({error.reason})",
            "convert the file to UTF-8, such as with: iconv -f <its encoding> -t utf-8",
        ) from None


def read_object(path: Path) -> dict[str, Any]:
    """The object of a JSON file. Raises InputError where it is none."""
    try:
        value = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not valid JSON ({error})", "get the file again") from None
    if not isinstance(value, dict):
        raise InputError(f"{path}: expected a JSON object", "get the file again")
    return value


def list_values(content: object, key: str) -> list[Any]:
    """The list at a key of an object; an empty one where there is none."""
    value = content.get(key) if isinstance(content, dict) else None
    return value if isinstance(value, list) else []


def place(path: Path, line: int | None = None) -> str:
    """Where something stands, as messages name it: folder, file, and line from 1."""
    name = f"{path.parent.name}/{path.name}"
    return name if line is None else f"{name}, line {line}"
