"""LAMA (Petroni et al., 2019), its T-REx part: English facts with a template of each relation.

`relations.jsonl` has a `relation` and its `template` per line, `TREx/<relation>.jsonl` a fact with its uuid
and the labels and ids of its entities. Sentences that state the facts (`evidences`) are not imported.
"""

from __future__ import annotations

from pathlib import Path

from factroots_dagster.facts.imports.draft import Draft, make_uuid
from factroots_dagster.facts.imports.files import find_root, place
from factroots_dagster.facts.mlama.split import parse_lines

RELATIONS, FACTS = "relations.jsonl", "TREx"
LANGUAGE = "en"
OTHER_PARTS = ("Google_RE", "ConceptNet", "Squad")
"""Parts of LAMA that have no ids of objects or no subjects."""


def read_lama(source: Path, draft: Draft) -> None:
    """Read the folder `data` of LAMA into a draft. Raises InputError where it is none."""
    root = find_root(
        source,
        lambda folder: (folder / RELATIONS).is_file() and (folder / FACTS).is_dir(),
        f"{RELATIONS} and {FACTS}/<relation>.jsonl",
    )
    for name in OTHER_PARTS:
        if (root / name).is_dir():
            draft.leave_out(name, LANGUAGE, "", "a part of LAMA without subjects or ids", name)
    for number, row in parse_lines(root / RELATIONS):
        relation = row.get("relation")
        path = root / FACTS / f"{relation}.jsonl"
        if not isinstance(relation, str) or not path.is_file():
            where = f"{RELATIONS}, line {number}"
            draft.leave_out(where, LANGUAGE, str(relation), "a relation without a file", path.name)
            continue
        draft.add_template(LANGUAGE, relation, row.get("template"), f"{RELATIONS}, line {number}")
        for line, fact in parse_lines(path):
            _add_row(fact, relation, place(path, line), draft)


def _add_row(row: dict[str, object], relation: str, where: str, draft: Draft) -> None:
    subject_uri, object_uri = row.get("sub_uri"), row.get("obj_uri")
    uuid = row.get("uuid") or make_uuid(relation, str(subject_uri), str(object_uri))
    draft.add_fact(
        LANGUAGE,
        relation,
        str(uuid),
        row.get("sub_label"),
        row.get("obj_label"),
        where,
        subject_uri=subject_uri or "",
        object_uri=object_uri or "",
    )
