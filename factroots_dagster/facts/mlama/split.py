"""Reading one language of a release: every line is checked, every error names its file and line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from factroots_dagster.errors import InputError
from factroots_dagster.facts.schema import FURTHER_TEMPLATES, MLAMA_SPLIT, QUESTION_TEMPLATES
from factroots_dagster.store.store import check_name
from factroots_dagster.text.slots import find_slot_defect

TEMPLATES = "templates.jsonl"
FURTHER = "further_templates.jsonl"
"""Further templates of relations, in lines like those of TEMPLATES; mLAMA has none."""
QUESTIONS = "question_templates.jsonl"
"""Templates in the form of a question, in lines like those of TEMPLATES; mLAMA has none."""
COLUMNS = {
    "uuid": "uuid",
    "sub_label": "subject",
    "obj_label": "object",
    "sub_uri": "subject_uri",
    "obj_uri": "object_uri",
}
"""The column of MLAMA_SPLIT for each key of a line."""
MAX_LINE_BYTES = 1 << 20
"""Bytes of a line; those of mLAMA 1.1 have some 500."""


def list_languages(release: Path) -> list[str]:
    """Language codes of a release folder, sorted: the visible folders that hold `templates.jsonl`."""
    visible = (entry for entry in release.iterdir() if not entry.name.startswith("."))
    return sorted(entry.name for entry in visible if (entry / TEMPLATES).is_file())


def list_relation_files(folder: Path) -> list[Path]:
    """Relation files of one language folder, sorted by name.

    Sub-folders are not searched: mLAMA 1.1 has two stray copies in `.ipynb_checkpoints`, whose facts would
    count twice.
    """
    visible = (entry for entry in folder.iterdir() if not entry.name.startswith("."))
    return sorted(
        entry
        for entry in visible
        if entry.suffix == ".jsonl" and entry.name not in (TEMPLATES, FURTHER, QUESTIONS)
    )


def parse_lines(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    """Yield the number, from 1, and the object of every line of a JSON-lines file that is not blank.

    Raises InputError for a line that is not UTF-8, not JSON, not an object, or longer than MAX_LINE_BYTES.
    """
    with path.open("rb") as lines:
        for number, line in enumerate(iter(lambda: lines.readline(MAX_LINE_BYTES + 1), b""), start=1):
            if len(line) > MAX_LINE_BYTES:
                raise _line_error(path, number, f"more than {MAX_LINE_BYTES:,} bytes long")
            if not line.strip():
                continue
            try:
                value = json.loads(line.decode("utf-8-sig"))
            except (ValueError, RecursionError) as error:
                raise _line_error(path, number, f"not valid JSON ({error})") from error
            if not isinstance(value, dict):
                raise _line_error(path, number, f"expected a JSON object, not {value!r:.80}")
            yield number, value


def read_templates(folder: Path) -> dict[str, str]:
    """The template of each relation in one language folder, each with exactly one [X] and one [Y].

    Raises InputError without `templates.jsonl`, and for a broken line, two templates of a relation, or a
    template without exactly one of each slot.
    """
    path = folder / TEMPLATES
    if not path.is_file():
        problem = f"{_name(path)} is missing, although every language folder of mLAMA has its templates there"
        raise InputError(problem, "get the release again")
    templates: dict[str, str] = {}
    for number, relation, template in _parse_templates(path):
        if relation in templates:
            remedy = f"keep one of them, and write others into {FURTHER}"
            raise _line_error(path, number, f"second template of relation {relation}", remedy)
        templates[relation] = template
    return templates


def read_further_templates(release: Path, language: str, relations: Sequence[str] = ()) -> pa.Table:
    """FURTHER_TEMPLATES of one language, sorted by relation; empty where the release has none.

    relations: those whose templates are read; none: all.

    Raises InputError for a broken line, a relation without a first template, a template without exactly one
    of each slot, and one that a relation has already.
    """
    path = release / language / FURTHER
    if not path.is_file():
        return FURTHER_TEMPLATES.empty_table()
    templates = {relation: [first] for relation, first in read_templates(release / language).items()}
    for number, relation, template in _parse_templates(path):
        if relation not in templates:
            problem = f"relation {relation} has no template in {language}/{TEMPLATES}"
            raise _line_error(path, number, problem, "write its first template there")
        if template in templates[relation]:
            raise _line_error(
                path, number, f"relation {relation} has this template already", "remove the line"
            )
        templates[relation].append(template)
    rows = [
        {"language": language, "relation": relation, "prompt": prompt, "template": template}
        for relation, (_, *further) in sorted(templates.items())
        if not relations or relation in relations
        for prompt, template in enumerate(further, start=2)
    ]
    return pa.Table.from_pylist(rows, schema=FURTHER_TEMPLATES)


def read_question_templates(release: Path, language: str, relations: Sequence[str] = ()) -> pa.Table:
    """QUESTION_TEMPLATES of one language, sorted by relation; empty where the release has none.

    relations: those whose questions are read; none: all. Raises InputError for a broken line, a template
    without exactly one of each slot, and a second question of a relation.
    """
    path = release / language / QUESTIONS
    questions: dict[str, str] = {}
    for number, relation, template in _parse_templates(path) if path.is_file() else ():
        if relation in questions:
            raise _line_error(path, number, f"second question of relation {relation}", "remove the line")
        questions[relation] = template
    rows = [
        {"language": language, "relation": relation, "template": template}
        for relation, template in sorted(questions.items())
        if not relations or relation in relations
    ]
    return pa.Table.from_pylist(rows, schema=QUESTION_TEMPLATES)


def _parse_templates(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line number, relation and template of every line; raises InputError."""
    for number, row in parse_lines(path):
        relation, template = _text(path, number, row, "relation"), _text(path, number, row, "template")
        if defect := find_slot_defect(template):
            problem = f"the template of {relation} {defect}"
            raise _line_error(path, number, problem, "write [X] and [Y] once each")
        yield number, relation, template


def read_split(release: Path, language: str, relations: Sequence[str] = ()) -> pa.Table:
    """Every fact of one language: MLAMA_SPLIT, sorted by relation and line.

    release: a folder with one folder per language. relations: those that are read; none: all. Labels are
    kept as they are written: prompts built from normalized labels would not be comparable with published P@1.

    Raises InputError for an unknown language or relation, broken JSON, a missing or empty value, a relation
    without a template, a malformed template, or a uuid that occurs twice in the language.
    """
    folder = release / language
    if not language or Path(language).name != language or not folder.is_dir():
        known = ", ".join(list_languages(release)) or "none"
        raise InputError(
            f"language {language!r} is not in this mLAMA release", f"choose one of its languages: {known}"
        )
    templates = read_templates(folder)
    rows: list[dict[str, object]] = []
    line_of_uuid: dict[str, str] = {}
    for path in _choose_files(release, folder, relations):
        rows += _read_relation(path, language, templates.get(path.stem), line_of_uuid)
    return pa.Table.from_pylist(rows, schema=MLAMA_SPLIT)


def _choose_files(release: Path, folder: Path, relations: Sequence[str]) -> list[Path]:
    """The files of these relations in a language; a relation that no language has is an error."""
    files = list_relation_files(folder)
    if not relations:
        return files
    available = {
        path.stem for each in list_languages(release) for path in list_relation_files(release / each)
    }
    if unknown := sorted(set(relations) - available):
        problem = (
            f"no relation {', '.join(unknown)} in this release, which has {', '.join(sorted(available))}"
        )
        raise InputError(problem, "name others in FACTROOTS_RELATIONS")
    return [path for path in files if path.stem in relations]


def _read_relation(
    path: Path, language: str, template: str | None, line_of_uuid: dict[str, str]
) -> Iterator[dict[str, object]]:
    """The rows of MLAMA_SPLIT from one relation file. line_of_uuid: where each uuid was read, added to."""
    relation = check_name(path.stem, f"{_name(path)}: relation")
    common = {"language": language, "relation": relation, "template": template}
    for number, row in parse_lines(path):
        if template is None:
            problem = f"relation {relation} has no template in {language}/{TEMPLATES}"
            raise _line_error(path, number, problem, "add one with [X] and [Y], or remove the file")
        texts = {column: _text(path, number, row, key) for key, column in COLUMNS.items()}
        uuid, contained = texts["uuid"], texts["object"].lower() in texts["subject"].lower()
        if uuid in line_of_uuid:
            problem = f"uuid {uuid} was already used in {line_of_uuid[uuid]}"
            raise _line_error(path, number, problem, "keep one line per fact and language")
        line_of_uuid[uuid] = f"{_name(path)}, line {number}"
        place = {"line": number, "candidate_set": f"{language}/{relation}"}
        yield common | texts | place | {"object_in_subject": contained}


def _text(path: Path, number: int, row: dict[str, object], key: str) -> str:
    """The value of a key, which must be a string with visible characters that a table can hold."""
    value = row.get(key)
    if isinstance(value, str) and value.strip() and "\0" not in value and _encodable(value):
        return value
    if value is None:
        raise _line_error(path, number, f"no {key!r} in this row", "add it, or remove the line")
    problem = f"{key!r} must be a string of Unicode text, not blank and without NUL, not {value!r:.80}"
    raise _line_error(path, number, problem)


def _encodable(value: str) -> bool:
    """False for a string with half of a surrogate pair, which JSON can spell but no table can hold."""
    return value.isascii() or value.encode("utf-8", "ignore").decode() == value


def _line_error(
    path: Path, number: int, problem: str, remedy: str = "correct the line, or remove it"
) -> InputError:
    return InputError(f"{_name(path)}, line {number}: {problem}", remedy)


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"
