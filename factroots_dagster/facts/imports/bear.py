"""BEAR (Wiland, Ploner and Akbik, 2024): English facts with several templates of each relation.

`metadata_relations.json` names the relations with their `templates`; `<relation>.jsonl` has a fact per line,
with the labels and Wikidata ids of its entities. Aliases and the answers' numbers are not imported: answers
are ranked among all objects of a relation, which are BEAR's answer space.
"""

from __future__ import annotations

from pathlib import Path

from factroots_dagster.facts.imports.draft import Draft, make_uuid
from factroots_dagster.facts.imports.files import find_root, list_values, place, read_object
from factroots_dagster.facts.mlama.split import parse_lines

METADATA = "metadata_relations.json"
LANGUAGE = "en"


def read_bear(source: Path, draft: Draft) -> None:
    """Read a folder of BEAR into a draft. Raises InputError where it is none."""
    root = find_root(source, lambda folder: (folder / METADATA).is_file(), METADATA)
    for relation, about in read_object(root / METADATA).items():
        path = root / f"{relation}.jsonl"
        if not path.is_file():
            draft.leave_out(METADATA, LANGUAGE, relation, "a relation without a file", path.name)
            continue
        for template in list_values(about, "templates"):
            draft.add_template(LANGUAGE, relation, template, f"{METADATA}, {relation}")
        for number, row in parse_lines(path):
            _add_row(row, relation, place(path, number), draft)


def _add_row(row: dict[str, object], relation: str, where: str, draft: Draft) -> None:
    subject_uri, object_uri = row.get("sub_id"), row.get("obj_id")
    draft.add_fact(
        LANGUAGE,
        relation,
        make_uuid(relation, str(subject_uri), str(object_uri)),
        row.get("sub_label"),
        row.get("obj_label"),
        where,
        subject_uri=subject_uri or "",
        object_uri=object_uri or "",
    )
