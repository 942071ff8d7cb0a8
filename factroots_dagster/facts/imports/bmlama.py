"""BMLAMA (Qi, Fernández and Bisazza, EMNLP 2023): `<language>.tsv`, the same fact on the same line.

A line holds `Prompt`, a whole sentence with `<mask>`, `Ans`, `Candidate Ans` and `Subject`. Templates are the
prompts with the subject taken out. Relations have no names: lines belong to one relation where the templates
of most languages are the same, and it is called by its English template, such as `x-died-in-y`. Candidates
are not imported: answers are ranked among all objects of a relation.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from factroots_dagster.errors import InputError
from factroots_dagster.facts.imports.draft import HUB, Draft, make_uuid
from factroots_dagster.facts.imports.files import find_root, read_text

HEADER = "Prompt Ans Candidate Ans Subject"
"""The columns; in the Chinese file of BMLAMA-17 a tab stands within the third one's name, too."""
COLUMNS = 4
MASK = "<mask>"


@dataclass(frozen=True)
class _Row:
    subject: str
    answer: str
    template: str | None
    place: str


def read_bmlama(source: Path, draft: Draft) -> None:
    """Read a folder of BMLAMA-17 or BMLAMA-53 into a draft. Raises InputError where it is none."""
    root = find_root(source, lambda folder: any(map(_is_bmlama, folder.glob("[!.]*.tsv"))), "<language>.tsv")
    rows: dict[str, list[_Row]] = {}
    for path in sorted(root.glob("[!.]*.tsv")):
        if language := draft.accept_language(path.stem, path.name):
            rows[language] = _read_file(path)
    lengths = {language: len(found) for language, found in rows.items()}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{language} {length:,}" for language, length in lengths.items())
        raise InputError(
            f"{root}: files of different lengths, so that lines are not the same facts ({counts})",
            "get all files from one release",
        )
    languages = sorted(rows, key=lambda language: (language != HUB, language))
    relations = _name_relations(_group_lines([rows[language] for language in languages]), languages)
    for language in languages:
        _add_language(language, rows[language], relations, draft)


def _is_bmlama(path: Path) -> bool:
    with path.open("rb") as file:
        return b"Prompt\tAns\t" in file.readline(200)


def _read_file(path: Path) -> list[_Row]:
    lines = csv.reader(io.StringIO(read_text(path), newline=""), delimiter="\t")
    if " ".join(next(lines, [])) != HEADER:
        raise InputError(f"{path}: its first line is not that of BMLAMA ({HEADER})", "get the file again")
    rows = []
    for fields in lines:
        where = f"{path.name}, line {lines.line_num}"
        if len(fields) != COLUMNS:
            raise InputError(f"{where}: {len(fields)} columns and not {COLUMNS}", "get the file again")
        prompt, answer, _, subject = fields
        rows.append(_Row(subject, answer, _derive(prompt, subject), where))
    return rows


def _derive(prompt: str, subject: str) -> str | None:
    """The template of a prompt; None where the subject or the mask is not in it exactly once."""
    if not subject or prompt.count(MASK) != 1 or prompt.count(subject) != 1:
        return None
    return prompt.replace(subject, "[X]").replace(MASK, "[Y]")


def _group_lines(columns: Sequence[Sequence[_Row]]) -> list[tuple[list[str | None], list[int]]]:
    """Lines by relation: the templates, by language, of its first line, and the numbers of its lines.

    columns: the rows of each language. A line belongs to the first relation, beginning with that of the line
    before, whose templates are its own in more than half of the languages that have both.
    """
    groups: list[tuple[list[str | None], list[int]]] = []
    current = 0
    for number, line in enumerate(zip(*columns, strict=True)):
        own = [row.template for row in line]
        if groups and not any(own):
            groups[current][1].append(number)
            continue
        for index in sorted(range(len(groups)), key=lambda index: index != current):
            pairs = [(a, b) for a, b in zip(groups[index][0], own, strict=True) if a and b]
            if 2 * sum(a == b for a, b in pairs) > len(pairs):
                current = index
                break
        else:
            groups.append((own, []))
            current = len(groups) - 1
        groups[current][1].append(number)
        known = groups[current][0]
        known[:] = [a or b for a, b in zip(known, own, strict=True)]
    return groups


def _name_relations(
    groups: Sequence[tuple[list[str | None], list[int]]], languages: Sequence[str]
) -> dict[int, str]:
    """The relation's name of every line, from 0."""
    names: dict[int, str] = {}
    used: Counter[str] = Counter()
    for templates, lines in groups:
        english = templates[0] if languages[:1] == [HUB] else None
        name = re.sub("[^a-z]+", "-", (english or "").lower()).strip("-")[:60] or "relation"
        used[name] += 1
        if used[name] > 1:
            name = f"{name}-{used[name]}"
        names |= dict.fromkeys(lines, name)
    return names


def _add_language(language: str, rows: Sequence[_Row], relations: dict[int, str], draft: Draft) -> None:
    """Add the most frequent template of every relation and the facts that have it."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for number, row in enumerate(rows):
        counts[relations[number]].update([row.template] if row.template else [])
    templates = {relation: count.most_common(1)[0][0] for relation, count in counts.items() if count}
    for relation, template in templates.items():
        draft.add_template(language, relation, template, f"{language}.tsv")
    for number, row in enumerate(rows):
        relation = relations[number]
        if row.template is None:
            reason = "a prompt that does not have the subject and the mask once each"
            draft.leave_out(row.place, language, relation, reason, row.subject)
        elif row.template != templates[relation]:
            reason = "a prompt of another form than most of its relation"
            draft.leave_out(row.place, language, relation, reason, row.template)
        else:
            uuid = make_uuid("bmlama", str(number))
            draft.add_fact(language, relation, uuid, row.subject, row.answer, row.place)
