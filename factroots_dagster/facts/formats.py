"""The formats in which fact sets are read: the only list of them.

A format is recognized by its files, and brought into mLAMA's: `<language>/templates.jsonl` with the cloze
templates of the relations, and `<language>/<relation>.jsonl` with their facts (see `mlama.split`). To add
one, write a module with these two functions and add a row to FORMATS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from factroots_dagster.errors import InputError
from factroots_dagster.facts.mlama import folders


@dataclass(frozen=True)
class FactFormat:
    """A format of fact sets.

    name: in messages. licence: of the facts, recorded with their origin.
    recognizes: whether a folder, or what was unpacked from an archive, holds facts in this format.
    convert: from `(root, folder, movable)`, writes the facts in `root` into the empty `folder`, in mLAMA's
        format. movable: `root` is temporary, so files may be moved out of it. Raises InputError.
    """

    name: str
    licence: str
    recognizes: Callable[[Path], bool]
    convert: Callable[[Path, Path, bool], None]


FORMATS: tuple[FactFormat, ...] = (
    FactFormat(
        name="mLAMA",
        licence="CC BY-NC-SA 4.0 (Kassner, Dufter and Schütze, EACL 2021): not for commercial use, not "
        "redistributed here",
        recognizes=folders.is_release,
        convert=folders.collect_languages,
    ),
)
"""The first that recognizes a folder reads it."""


def recognize(root: Path, source: str) -> FactFormat:
    """The format of the facts in `root`; raises InputError, which names `source`, where there is none."""
    for fact_format in FORMATS:
        if fact_format.recognizes(root):
            return fact_format
    problem = f"{source}: no <language>/templates.jsonl in it, so it is not an mLAMA release"
    raise InputError(problem, "set FACTROOTS_MLAMA_SOURCE to where mLAMA is")
