"""Writes a world's facts as an mLAMA 1.1 release."""

from __future__ import annotations

import json
from pathlib import Path

from factroots_dagster.sandbox.model import World


def write_release(world: World, folder: Path) -> None:
    """Write `<language>/templates.jsonl` and `<language>/<relation>.jsonl` into `folder` (existing, empty).

    The format is mLAMA 1.1's to the byte: ASCII-escaped JSON, one object a line, keys in its order; `lineid`
    is the fact's number within its relation.
    """
    for code in world.languages:
        language = folder / code
        language.mkdir()
        labels = world.labels[code]
        templates = [
            {"relation": relation, "template": template}
            for relation, template in world.templates[code].items()
        ]
        _write(language / "templates.jsonl", templates)
        rows: dict[str, list[dict[str, str | int]]] = {relation: [] for relation in world.templates[code]}
        for fact in world.facts:
            rows[fact.relation].append(
                {
                    "sub_uri": fact.subject_uri,
                    "obj_uri": fact.object_uri,
                    "obj_label": labels[fact.object_uri],
                    "sub_label": labels[fact.subject_uri],
                    "lineid": fact.line,
                    "uuid": fact.uuid,
                }
            )
        for relation, facts in rows.items():
            _write(language / f"{relation}.jsonl", facts)


def _write(path: Path, rows: list[dict[str, str]] | list[dict[str, str | int]]) -> None:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_text(text, encoding="ascii", newline="\n")
