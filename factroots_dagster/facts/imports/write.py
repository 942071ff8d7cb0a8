"""Writing a finished draft as a world: all of it, or nothing."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from factroots_dagster.errors import InputError
from factroots_dagster.facts.imports.draft import Draft
from factroots_dagster.facts.imports.registry import FORMATS
from factroots_dagster.facts.mlama.folders import collect_languages
from factroots_dagster.facts.mlama.release import describe_release, identify_release
from factroots_dagster.facts.mlama.split import FURTHER, TEMPLATES
from factroots_dagster.facts.worlds import (
    LEFT_OUT,
    RECORD,
    RELEASE,
    FactImport,
    import_folder,
    read_import,
)
from factroots_dagster.store.store import check_name


def import_facts(
    format_name: str,
    source: Path,
    data_root: Path,
    world: str,
    taken: Iterable[str] = (),
    *,
    licence: str | None = None,
) -> FactImport:
    """Import a fact set as a world of a data root; an earlier import of the same world is replaced.

    taken: names of worlds that exist without an import. licence: of the facts; None: that of the format.

    Raises InputError where the world's name is not allowed, the source does not exist or cannot be read, or
    no fact is left; what was imported before is then still there.
    """
    check_name(world, "world")
    if world in taken:
        raise InputError(f"{world} is the name of a world that exists by itself", "choose another name")
    if not source.exists():
        raise InputError(f"{source}: no such file or folder", "give the path of the fact set")
    fact_format = FORMATS[format_name]
    draft = Draft()
    fact_format.read(source, draft)
    draft.finish()
    provenance = (format_name, str(source.absolute()), licence or fact_format.licence)
    return _replace(import_folder(data_root, world), lambda folder: _write(draft, folder, *provenance))


def copy_import(data_root: Path, world: str, folder: Path) -> pa.Table:
    """Copy the release of a world's import into a folder; returns MLAMA_RELEASE with its provenance."""
    record = read_import(data_root, world)
    collect_languages(import_folder(data_root, world) / RELEASE, folder, movable=False)
    return describe_release(folder, record.source, record.licence)


def _replace(folder: Path, write: Callable[[Path], FactImport]) -> FactImport:
    """Let `write` fill a folder beside the target, and put it in the target's place when it is whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".facts-") as staging:
        new, old = Path(staging, "new"), Path(staging, "old")
        new.mkdir()
        written = write(new)
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    return written


def _write(draft: Draft, folder: Path, format_name: str, source: str, licence: str) -> FactImport:
    write_release(draft, folder / RELEASE)
    identity = identify_release(folder / RELEASE)
    record = FactImport(
        format=format_name,
        source=source,
        licence=licence,
        digest=identity.digest,
        languages=tuple(draft.languages()),
        relations=identity.relations,
        facts=identity.facts,
        rows=identity.rows,
        templates=sum(map(len, draft.templates.values())),
        several_answers=_count_several_answers(draft),
        left_out=draft.count_left_out(),
    )
    _write_lines(folder / LEFT_OUT, map(asdict, draft.left_out))
    (folder / RECORD).write_text(
        json.dumps(asdict(record), ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )
    return record


def write_release(draft: Draft, folder: Path) -> None:
    """Write a finished draft in mLAMA's format into a folder, which is made."""
    for language in draft.languages():
        (folder / language).mkdir(parents=True)
        templates = {key[1]: texts for key, texts in sorted(draft.templates.items()) if key[0] == language}
        _write_lines(
            folder / language / TEMPLATES,
            ({"relation": relation, "template": first} for relation, (first, *_) in templates.items()),
        )
        further = [
            {"relation": relation, "template": template}
            for relation, (_, *others) in templates.items()
            for template in others
        ]
        if further:
            _write_lines(folder / language / FURTHER, further)
        for relation in templates:
            rows = draft.facts[language, relation].values()
            _write_lines(
                folder / language / f"{relation}.jsonl",
                (
                    {
                        "sub_uri": fact.subject_uri,
                        "obj_uri": fact.object_uri,
                        "obj_label": fact.object,
                        "sub_label": fact.subject,
                        "uuid": fact.uuid,
                    }
                    for fact in rows
                ),
            )


def _count_several_answers(draft: Draft) -> int:
    """Rows that share language, relation and subject label with a row that has another object."""
    several = 0
    for facts in draft.facts.values():
        objects: dict[str, set[str]] = {}
        for fact in facts.values():
            objects.setdefault(fact.subject, set()).add(fact.object)
        several += sum(len(objects[fact.subject]) > 1 for fact in facts.values())
    return several


def _write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    # What was left out may hold halves of surrogate pairs, which JSON spells as backslashreplace does.
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as lines:
        lines.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
