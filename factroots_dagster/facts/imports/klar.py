"""KLAR (Wang et al., ACL 2025): `<language>/<relation>.json` with templates and samples, parallel by index.

A file holds `prompt_templates`, with `<subject>` and `<mask>`, and `samples`, each with `subject`, `object`
and `index`; the same index is the same fact in all languages. There are no ids of entities.
"""

from __future__ import annotations

from pathlib import Path

from factroots_dagster.facts.imports.draft import Draft, make_uuid
from factroots_dagster.facts.imports.files import find_root, list_values, place, read_object
from factroots_dagster.store.versions import visible_folders


def read_klar(source: Path, draft: Draft) -> None:
    """Read a folder of KLAR into a draft. Raises InputError where it is none."""
    root = find_root(source, _has_languages, "<language>/<relation>.json")
    for folder in visible_folders(root):
        language = draft.accept_language(folder.name, folder.name)
        for path in sorted(folder.glob("[!.]*.json")) if language else ():
            _read_relation(path, str(language), draft)


def _has_languages(folder: Path) -> bool:
    """Whether a folder's sub-folders hold files of KLAR."""
    files = (next(iter(sorted(below.glob("[!.]*.json"))), None) for below in visible_folders(folder))
    first = next((path for path in files if path), None)
    return first is not None and b'"prompt_templates"' in first.read_bytes()


def _read_relation(path: Path, language: str, draft: Draft) -> None:
    relation, content = path.stem, read_object(path)
    for template in list_values(content, "prompt_templates"):
        if isinstance(template, str):
            template = template.replace("<subject>", "[X]").replace("<mask>", "[Y]")
        draft.add_template(language, relation, template, place(path))
    for number, sample in enumerate(list_values(content, "samples"), start=1):
        where = f"{place(path)}, sample {number}"
        if not isinstance(sample, dict) or not isinstance(sample.get("index"), int | str):
            draft.leave_out(where, language, relation, "a sample without an index", sample)
            continue
        uuid = make_uuid("klar", relation, str(sample["index"]))
        draft.add_fact(language, relation, uuid, sample.get("subject"), sample.get("object"), where)
