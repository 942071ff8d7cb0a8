"""Writes a world's facts as an mLAMA 1.1 release."""

from __future__ import annotations

import json
from pathlib import Path

from factroots_dagster.sandbox.records import World


def write_release(world: World, folder: Path) -> None:
    """Write `<language>/templates.jsonl` and `<language>/<relation>.jsonl` into `folder` (existing, empty).

    The files look exactly like mLAMA 1.1's: ASCII-escaped JSON, one object per line, keys in the same order.
    """
    for code in world.languages:
        language_folder = folder / code
        language_folder.mkdir()
        labels = world.labels[code]
        templates = [
            {"relation": relation, "template": template}
            for relation, template in world.templates[code].items()
        ]
        _write_jsonl(language_folder / "templates.jsonl", templates)
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
            _write_jsonl(language_folder / f"{relation}.jsonl", facts)


def _write_jsonl(path: Path, rows: list[dict[str, str]] | list[dict[str, str | int]]) -> None:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_text(text, encoding="ascii", newline="\n")
