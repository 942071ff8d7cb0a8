"""Releases of mLAMA with lines, templates and names that cannot be used."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from assets_tests.hostile.case import Case
from factroots_dagster.facts.mlama.release import acquire_release
from factroots_dagster.facts.mlama.split import MAX_LINE_BYTES, read_split

FACT = {"uuid": "u", "sub_label": "Ada", "obj_label": "Oslo", "sub_uri": "Q1", "obj_uri": "Q2"}
TEMPLATE = b'{"relation": "P19", "template": "[X] was born in [Y] ."}\n'


def write_release(
    source: Path, line: bytes = b"", templates: bytes = TEMPLATE, relation: str = "P19", language: str = "qaa"
) -> Path:
    """Write a release with one good fact and one more line."""
    (source / language).mkdir(parents=True)
    (source / language / "templates.jsonl").write_bytes(templates)
    (source / language / f"{relation}.jsonl").write_bytes(json.dumps(FACT).encode() + b"\n" + line + b"\n")
    return source


def read_line(content: bytes | dict[str, object]) -> Callable[[Path, Path], object]:
    """Read a release whose second line is `content`, or a good fact with those fields changed."""
    body = content if isinstance(content, bytes) else json.dumps(FACT | {"uuid": "v"} | content).encode()
    return lambda source, target: read_split(write_release(source, body), "qaa")


def read_templates(*rows: dict[str, object] | bytes) -> Callable[[Path, Path], object]:
    """Read a release with these templates."""
    body = b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in rows)
    return lambda source, target: read_split(write_release(source, templates=body), "qaa")


def read_language(code: str) -> Callable[[Path, Path], object]:
    """Read language `code` of a good release."""
    return lambda source, target: read_split(write_release(source), code)


def acquire(change: Callable[[Path], object]) -> Callable[[Path, Path], object]:
    """Acquire a changed release from a folder."""

    def run(source: Path, target: Path) -> object:
        change(write_release(source / "mlama"))
        (target / "_release").mkdir()
        return acquire_release(str(source / "mlama"), target / "_release")

    return run


def make_two_releases(root: Path) -> None:
    shutil.rmtree(root / "qaa")
    for name in ("old", "new"):
        write_release(root / name)


def make_a_folder_called_like_a_file(root: Path) -> None:
    (root / "qaa" / "P20.jsonl").mkdir()


LINE = ("qaa/P19.jsonl", "line 2")
TEMPLATES = "qaa/templates.jsonl"

CASES = [
    Case("line that is not JSON", read_line(b"{broken"), (*LINE, "JSON")),
    Case("line cut in the middle", read_line(json.dumps(FACT).encode()[:40]), (*LINE, "JSON")),
    Case("line of an array", read_line(b'["u", "Ada"]'), (*LINE, "object")),
    Case("line of null", read_line(b"null"), (*LINE, "object")),
    Case("line not in UTF-8", read_line(b'{"uuid": "\xff\xfe"}'), (*LINE, "JSON")),
    Case("line in UTF-16", read_line(json.dumps(FACT).encode("utf-16")), (*LINE, "JSON")),
    Case("line of NUL", read_line(b"\0" * 100), (*LINE, "JSON")),
    Case("line nested 100,000 deep", read_line(b"[" * 100_000), (*LINE, "JSON")),
    Case("line with a number of 10,000 digits", read_line(b'{"uuid": 1' + b"0" * 9999 + b"}"), LINE),
    Case("line too long", read_line({"more": "x" * MAX_LINE_BYTES}), (*LINE, f"{MAX_LINE_BYTES:,} bytes")),
    Case("field missing", read_line({"obj_uri": None}), (*LINE, "'obj_uri'")),
    Case("field of a wrong type", read_line({"obj_label": ["Oslo"]}), (*LINE, "'obj_label'")),
    Case("label of blanks", read_line({"sub_label": " \t "}), (*LINE, "'sub_label'")),
    Case("label with NUL", read_line({"sub_label": "A\0da"}), (*LINE, "'sub_label'", "NUL")),
    Case("label with half a character", read_line({"obj_label": "\ud800"}), (*LINE, "'obj_label'")),
    Case("fact given twice", read_line({"uuid": "u"}), (*LINE, "uuid u", "line 1")),
    Case(
        "template without [X]",
        read_templates({"relation": "P19", "template": "born in [Y]"}),
        (TEMPLATES, "line 1", "P19", "[X]"),
    ),
    Case(
        "template without [Y]",
        read_templates({"relation": "P19", "template": "[X] was born"}),
        (TEMPLATES, "line 1", "P19", "[Y]"),
    ),
    Case(
        "template with two [Y]",
        read_templates({"relation": "P19", "template": "[X] [Y] [Y]"}),
        (TEMPLATES, "line 1", "P19", "[Y]"),
    ),
    Case(
        "template given twice",
        read_templates(TEMPLATE.strip(), TEMPLATE.strip()),
        (TEMPLATES, "line 2", "second template", "P19"),
    ),
    Case(
        "template of a wrong type",
        read_templates({"relation": "P19", "template": 7}),
        (TEMPLATES, "line 1", "'template'"),
    ),
    Case("template missing", read_templates({"relation": "P19"}), (TEMPLATES, "line 1", "'template'")),
    Case("templates not JSON", read_templates(b"[X] [Y]"), (TEMPLATES, "line 1", "JSON")),
    Case(
        "relation without a template",
        read_templates({"relation": "P20", "template": "[X] [Y]"}),
        ("qaa/P19.jsonl", "P19", "no template"),
    ),
    Case(
        "relation that cannot name a file",
        lambda source, target: read_split(
            write_release(source, templates=TEMPLATE.replace(b"P19", b"P 19;rm"), relation="P 19;rm"), "qaa"
        ),
        ("relation", "'P 19;rm'"),
    ),
    Case("language unknown", read_language("xx"), ("language", "'xx'")),
    Case("language that climbs out", read_language("../source/qaa"), ("language", "'../source/qaa'")),
    Case("language empty", read_language(""), ("language", "''")),
    Case(
        "language without templates",
        acquire(lambda root: (root / "qaa" / "templates.jsonl").unlink()),
        (TEMPLATES, "missing"),
    ),
    Case("folder in the place of a file", acquire(make_a_folder_called_like_a_file), ("qaa/P20.jsonl",)),
    Case("folder with two releases", acquire(make_two_releases), ("new, old", "several releases")),
    Case(
        "source that does not exist",
        lambda source, target: acquire_release(str(source / "nowhere"), target),
        ("nowhere",),
    ),
    *(
        Case(
            f"source {what}",
            lambda source, target, url=url: acquire_release(url, target),  # type: ignore[misc]
            (url,),
        )
        for what, url in (
            ("of another protocol", "file:///etc/passwd"),
            ("with an impossible port", "http://127.0.0.1:99999/mlama.zip"),
            ("with a broken host", "http://[::1/mlama.zip"),
        )
    ),
]
