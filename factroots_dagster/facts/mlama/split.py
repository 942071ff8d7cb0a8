"""Reads one language of a release: every line checked, every error with its file and line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from factroots_dagster.errors import InputError
from factroots_dagster.facts.schema import MLAMA_SPLIT
from factroots_dagster.store.store import check_name

TEMPLATES = "templates.jsonl"
ROW_KEYS = ("uuid", "sub_label", "obj_label", "sub_uri", "obj_uri")
LONGEST_LINE = 1 << 20
"""Bytes of one line; those of mLAMA 1.1 have some 500."""


def languages(release: Path) -> list[str]:
    """Language codes of a release folder, sorted: the visible folders that hold `templates.jsonl`."""
    return sorted(
        entry.name
        for entry in release.iterdir()
        if not entry.name.startswith(".") and (entry / TEMPLATES).is_file()
    )


def relation_files(folder: Path) -> list[Path]:
    """Relation files of one language folder, sorted by name.

    One level only: mLAMA 1.1 carries two stray `.ipynb_checkpoints` copies, and a recursive search
    would count those facts twice.
    """
    return sorted(
        entry
        for entry in folder.iterdir()
        if entry.suffix == ".jsonl" and entry.name != TEMPLATES and not entry.name.startswith(".")
    )


def parse_lines(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    """Yields (1-based line number, object) of a JSON-lines file; blank lines are passed over.

    Raises:
        InputError: a line that is not UTF-8, not JSON, not an object, or longer than LONGEST_LINE.
    """
    with path.open("rb") as lines:
        for number, line in enumerate(iter(lambda: lines.readline(LONGEST_LINE + 1), b""), start=1):
            if len(line) > LONGEST_LINE:
                raise InputError(
                    f"{_name(path)}, line {number}: more than {LONGEST_LINE:,} bytes long; mend or remove it"
                )
            if not line.strip():
                continue
            try:
                value = json.loads(line.decode("utf-8-sig"))
            except (ValueError, RecursionError) as error:
                raise InputError(
                    f"{_name(path)}, line {number}: not valid JSON ({error}); mend or remove the line"
                ) from error
            if not isinstance(value, dict):
                raise InputError(
                    f"{_name(path)}, line {number}: expected a JSON object, mend or remove {value!r:.80}"
                )
            yield number, value


def read_templates(folder: Path) -> dict[str, str]:
    """Relation to template of one language folder, each template with exactly one [X] and one [Y].

    Raises:
        InputError: no `templates.jsonl`, a broken line, a relation given twice, or a template that
            does not hold each slot exactly once.
    """
    path = folder / TEMPLATES
    if not path.is_file():
        raise InputError(
            f"{_name(path)} is missing: every language folder of mLAMA holds its templates there"
        )
    found: dict[str, str] = {}
    for number, row in parse_lines(path):
        relation, template = _text(path, number, row, "relation"), _text(path, number, row, "template")
        if relation in found:
            raise InputError(
                f"{_name(path)}, line {number}: second template for relation {relation}; keep one"
            )
        for slot in ("[X]", "[Y]"):
            if template.count(slot) != 1:
                raise InputError(
                    f"{_name(path)}, line {number}: template of {relation} holds {slot} "
                    f"{template.count(slot)} times instead of once: {template!r:.120}"
                )
        found[relation] = template
    return found


def read_split(release: Path, language: str) -> pa.Table:
    """Every fact of one language, as MLAMA_SPLIT, sorted by relation and line.

    Labels are kept as they are written: prompts built from normalised labels would no longer be
    comparable with published P@1.

    Args:
        release: folder with one folder per language.
        language: code of the language to read.

    Raises:
        InputError: unknown language, broken JSON, a missing or empty value, a relation without a
            template, a malformed template, or a uuid that occurs twice in the language.
    """
    folder = release / language
    if not language or Path(language).name != language or not folder.is_dir():
        known = ", ".join(languages(release)) or "none"
        raise InputError(f"language {language!r} is not in this mLAMA release; it holds: {known}")
    templates = read_templates(folder)
    columns: dict[str, list[object]] = {name: [] for name in MLAMA_SPLIT.names}
    seen: dict[str, str] = {}
    for path in relation_files(folder):
        _read_relation(path, language, templates, columns, seen)
    return pa.table(columns, schema=MLAMA_SPLIT)


def _read_relation(
    path: Path,
    language: str,
    templates: dict[str, str],
    columns: dict[str, list[object]],
    seen: dict[str, str],
) -> None:
    relation = check_name(path.stem, f"{_name(path)}: relation")
    template = templates.get(relation)
    before = len(columns["uuid"])
    for number, row in parse_lines(path):
        if template is None:
            raise InputError(
                f"{_name(path)}, line {number}: relation {relation} has no template in "
                f"{language}/{TEMPLATES}; add one with [X] and [Y], or remove the file"
            )
        uuid, subject, answer, subject_uri, object_uri = [_text(path, number, row, key) for key in ROW_KEYS]
        if uuid in seen:
            raise InputError(
                f"{_name(path)}, line {number}: uuid {uuid} already stands in {seen[uuid]}; "
                f"a fact occurs once per language"
            )
        seen[uuid] = f"{_name(path)}, line {number}"
        columns["uuid"].append(uuid)
        columns["subject"].append(subject)
        columns["object"].append(answer)
        columns["subject_uri"].append(subject_uri)
        columns["object_uri"].append(object_uri)
        columns["object_in_subject"].append(answer.lower() in subject.lower())
        columns["line"].append(number)
    added = len(columns["uuid"]) - before
    columns["language"].extend([language] * added)
    columns["relation"].extend([relation] * added)
    columns["template"].extend([template] * added)
    columns["candidate_set"].extend([f"{language}/{relation}"] * added)


def _text(path: Path, number: int, row: dict[str, object], key: str) -> str:
    value = row.get(key)
    if isinstance(value, str) and value.strip() and "\0" not in value and _encodable(value):
        return value
    if value is None:
        raise InputError(f"{_name(path)}, line {number}: no {key!r} in this row; add it or remove the line")
    raise InputError(
        f"{_name(path)}, line {number}: {key!r} must be a text of characters, not blank and without NUL; "
        f"mend or remove {value!r:.80}"
    )


def _encodable(value: str) -> bool:
    """False for a text with half of a surrogate pair, which JSON can spell and no table can hold."""
    if value.isascii():
        return True
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"
