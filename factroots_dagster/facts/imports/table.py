"""Facts of one's own as a table: CSV, TSV, JSON lines or Parquet, a row per fact, language and template.

Columns: `language`, `relation`, `template` with [X] and [Y], `subject`, `object`; where there are ids,
`uuid`, `subject_uri`, `object_uri`. A fact is the same in two languages where its uuid is, or, without uuids,
where relation and ids are. A fact with several templates has several rows, or, in JSON lines and Parquet, a
list of them in `template`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from factroots_dagster.errors import InputError
from factroots_dagster.facts.imports.draft import Draft, make_uuid
from factroots_dagster.facts.imports.files import read_text
from factroots_dagster.facts.mlama.split import parse_lines

REQUIRED = ("language", "relation", "template", "subject", "object")
IDS = ("uuid", "subject_uri", "object_uri")
DELIMITERS = {".csv": ",", ".tsv": "\t"}
JSON_LINES, PARQUET = (".jsonl", ".ndjson"), (".parquet",)
MAX_TEMPLATES = 100
"""Templates of a relation in one language; a table with more has sentences where templates belong."""

Row = dict[str, Any]


def read_table(source: Path, draft: Draft) -> None:
    """Read a table into a draft. Raises InputError where it is none, or lacks a column."""
    rows = list(_read_rows(source))
    columns = {name for _, row in rows for name in row}
    if missing := [name for name in REQUIRED if name not in columns]:
        raise InputError(
            f"{source.name}: no column {', '.join(missing)}",
            f"give it the columns {', '.join(REQUIRED)}, and {', '.join(IDS)} where you have them",
        )
    languages = {str(row["language"]) for _, row in rows if row.get("language")}
    if len(languages) > 1 and not columns & set(IDS):
        raise InputError(
            f"{source.name}: nothing says which facts are the same in its {len(languages)} languages",
            "add a column uuid, or subject_uri and object_uri",
        )
    seen: set[tuple[str, ...]] = set()
    for number, row in rows:
        _add_row(row, f"{source.name}, row {number}", len(languages) == 1, seen, draft)
    for (language, relation), templates in draft.templates.items():
        if len(templates) > MAX_TEMPLATES:
            raise InputError(
                f"{source.name}: relation {relation} has {len(templates):,} templates in {language!r}",
                "write [X] where the subject stands: a template is of a relation, not of a fact",
            )


def _add_row(row: Row, where: str, alone: bool, seen: set[tuple[str, ...]], draft: Draft) -> None:
    """Add a row's templates and fact; `seen` has the facts of earlier rows, which may differ in template."""
    relation = row.get("relation")
    if not isinstance(relation, str) or not relation.strip():
        draft.leave_out(where, str(row.get("language")), "", "a row without a relation", row.get("subject"))
        return
    if not (language := draft.accept_language(str(row.get("language")), where)):
        return
    templates = row.get("template")
    for template in templates if isinstance(templates, list) else [templates]:
        draft.add_template(language, relation, template, where)
    ids = {name: row.get(name) or None for name in IDS}
    uuid = _find_uuid(row, ids, alone)
    if uuid is None:
        reason = "a fact without a uuid, and without ids that would make one"
        draft.leave_out(where, language, relation, reason, row.get("subject"))
        return
    key = (language, relation, uuid, *(str(row.get(name)) for name in ("subject", "object", *IDS)))
    text = tuple(map(str, templates)) if isinstance(templates, list) else (str(templates),)
    if key in seen and (*key, *text) not in seen:
        seen.add((*key, *text))
        return
    seen.update([key, (*key, *text)])
    draft.add_fact(
        language,
        relation,
        uuid,
        row.get("subject"),
        row.get("object"),
        where,
        subject_uri=ids["subject_uri"],
        object_uri=ids["object_uri"],
    )


def _find_uuid(row: Row, ids: dict[str, Any], alone: bool) -> str | None:
    """The uuid of a row's fact: its own, from its ids, or, in a table of one language, from its labels."""
    if ids["uuid"]:
        return str(ids["uuid"])
    if ids["subject_uri"] and ids["object_uri"]:
        return make_uuid(row["relation"], str(ids["subject_uri"]), str(ids["object_uri"]))
    return make_uuid(row["relation"], str(row.get("subject")), str(row.get("object"))) if alone else None


def _read_rows(source: Path) -> Iterator[tuple[int, Row]]:
    """The number of every row, of text files that of its line, and its values by column."""
    suffix = source.suffix.lower()
    if source.is_dir() or suffix not in (*DELIMITERS, *JSON_LINES, *PARQUET):
        kinds = ", ".join((*DELIMITERS, *JSON_LINES, *PARQUET))
        raise InputError(f"{source}: not a file whose name ends in {kinds}", "give such a file")
    if suffix in JSON_LINES:
        yield from parse_lines(source)
    elif suffix in PARQUET:
        try:
            yield from enumerate(pq.read_table(source).to_pylist(), start=1)
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(f"{source}: not a Parquet file ({error})", "write it again") from None
    else:
        lines = csv.DictReader(
            io.StringIO(read_text(source), newline=""), delimiter=DELIMITERS[suffix], strict=True
        )
        try:
            for row in lines:
                row.pop(None, None)
                yield lines.line_num, dict(row)
        except csv.Error as error:
            raise InputError(
                f"{source}, line {lines.line_num + 1}: not {suffix[1:].upper()} ({error})", "correct the line"
            ) from None
