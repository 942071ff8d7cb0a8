"""mParaRel (Fierro and Søgaard, 2022): several patterns of each relation, and mLAMA's facts without uuids.

`patterns/<language>/<relation>.jsonl` has a `pattern` with [X] and [Y] per line,
`tuples/<language>/<relation>.jsonl` a fact with the labels and ids of its entities.
"""

from __future__ import annotations

from pathlib import Path

from factroots_dagster.facts.imports.draft import Draft, make_uuid
from factroots_dagster.facts.imports.files import find_root, place
from factroots_dagster.facts.mlama.split import list_relation_files, parse_lines
from factroots_dagster.store.versions import visible_folders

PATTERNS, TUPLES = "patterns", "tuples"


def read_mpararel(source: Path, draft: Draft) -> None:
    """Read a folder of mParaRel into a draft. Raises InputError where it is none."""
    root = find_root(
        source,
        lambda folder: (folder / PATTERNS).is_dir() and (folder / TUPLES).is_dir(),
        f"{PATTERNS}/<language>/<relation>.jsonl and {TUPLES}/<language>/<relation>.jsonl",
    )
    for kind in (PATTERNS, TUPLES):
        for folder in visible_folders(root / kind):
            language = draft.accept_language(folder.name, f"{kind}/{folder.name}")
            for path in list_relation_files(folder) if language else ():
                _read_file(path, str(language), kind, draft)


def _read_file(path: Path, language: str, kind: str, draft: Draft) -> None:
    relation = path.stem
    for number, row in parse_lines(path):
        where = f"{kind}/{place(path, number)}"
        if kind == PATTERNS:
            draft.add_template(language, relation, row.get("pattern"), where)
            continue
        subject_uri, object_uri = row.get("sub_uri"), row.get("obj_uri")
        if not subject_uri or not object_uri:
            draft.leave_out(where, language, relation, "a fact without ids and without a uuid", row)
            continue
        draft.add_fact(
            language,
            relation,
            make_uuid(relation, str(subject_uri), str(object_uri)),
            row.get("sub_label"),
            row.get("obj_label"),
            where,
            subject_uri=subject_uri,
            object_uri=object_uri,
        )
