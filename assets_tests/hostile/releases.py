"""Releases of mLAMA with lines, templates and names that cannot be used."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from assets_tests.hostile.case import Case
from factroots_dagster.facts.mlama.release import acquire_release
from factroots_dagster.facts.mlama.split import LONGEST_LINE, read_split

FACT = {"uuid": "u", "sub_label": "Ada", "obj_label": "Oslo", "sub_uri": "Q1", "obj_uri": "Q2"}
TEMPLATE = b'{"relation": "P19", "template": "[X] was born in [Y] ."}\n'


def written(
    source: Path, line: bytes = b"", templates: bytes = TEMPLATE, relation: str = "P19", language: str = "qaa"
) -> Path:
    """A release with one good fact and one more line."""
    (source / language).mkdir(parents=True)
    (source / language / "templates.jsonl").write_bytes(templates)
    (source / language / f"{relation}.jsonl").write_bytes(json.dumps(FACT).encode() + b"\n" + line + b"\n")
    return source


def line(content: bytes | dict[str, object]) -> Callable[[Path, Path], object]:
    body = content if isinstance(content, bytes) else json.dumps(FACT | {"uuid": "v"} | content).encode()
    return lambda source, target: read_split(written(source, body), "qaa")


def template(*rows: dict[str, object] | bytes) -> Callable[[Path, Path], object]:
    body = b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in rows)
    return lambda source, target: read_split(written(source, templates=body), "qaa")


def language(code: str) -> Callable[[Path, Path], object]:
    return lambda source, target: read_split(written(source), code)


def acquired(change: Callable[[Path], object]) -> Callable[[Path, Path], object]:
    def ask(source: Path, target: Path) -> object:
        change(written(source / "mlama"))
        (target / "_release").mkdir()
        return acquire_release(str(source / "mlama"), target / "_release")

    return ask


def two_releases(root: Path) -> None:
    shutil.rmtree(root / "qaa")
    for name in ("old", "new"):
        written(root / name)


def a_folder_as_a_file(root: Path) -> None:
    (root / "qaa" / "P20.jsonl").mkdir()


HERE = r"qaa/P19\.jsonl, line 2: "
MEND = "mend or remove"

CASES = [
    Case("line that is not JSON", line(b"{broken"), HERE + "not valid JSON", MEND),
    Case("line cut in the middle", line(json.dumps(FACT).encode()[:40]), HERE + "not valid JSON", MEND),
    Case("line of an array", line(b'["u", "Ada"]'), HERE + "expected a JSON object", MEND),
    Case("line of null", line(b"null"), HERE + "expected a JSON object", MEND),
    Case("line not in UTF-8", line(b'{"uuid": "\xff\xfe"}'), HERE + "not valid JSON", MEND),
    Case("line in UTF-16", line(json.dumps(FACT).encode("utf-16")), HERE + "not valid JSON", MEND),
    Case("line of NUL", line(b"\0" * 100), HERE + "not valid JSON", MEND),
    Case("line nested 100,000 deep", line(b"[" * 100_000), HERE + "not valid JSON", MEND),
    Case("line with a number of 10,000 digits", line(b'{"uuid": 1' + b"0" * 9999 + b"}"), HERE, MEND),
    Case("line too long", line({"more": "x" * LONGEST_LINE}), HERE + "more than 1,048,576 bytes long", MEND),
    Case("field missing", line({"obj_uri": None}), HERE + "no 'obj_uri'", "add it or remove"),
    Case("field of a wrong type", line({"obj_label": ["Oslo"]}), HERE + "'obj_label' must be a text", MEND),
    Case("label of blanks", line({"sub_label": " \t "}), HERE + "'sub_label' must be a text", MEND),
    Case("label with NUL", line({"sub_label": "A\0da"}), HERE + "'sub_label' must be .* without NUL", MEND),
    Case("label with half a character", line({"obj_label": "\ud800"}), HERE + "'obj_label' must be", MEND),
    Case(
        "fact given twice",
        line({"uuid": "u"}),
        HERE + r"uuid u already stands in qaa/P19\.jsonl, line 1",
        "a fact occurs once",
    ),
    Case(
        "template without [X]",
        template({"relation": "P19", "template": "born in [Y]"}),
        r"qaa/templates\.jsonl, line 1: template of P19 holds \[X\] 0 times",
        "instead of once",
    ),
    Case(
        "template without [Y]",
        template({"relation": "P19", "template": "[X] was born"}),
        r"line 1: template of P19 holds \[Y\] 0 times",
        "instead of once",
    ),
    Case(
        "template with two [Y]",
        template({"relation": "P19", "template": "[X] [Y] [Y]"}),
        r"line 1: template of P19 holds \[Y\] 2 times",
        "instead of once",
    ),
    Case(
        "template given twice",
        template(TEMPLATE.strip(), TEMPLATE.strip()),
        "line 2: second template for relation P19",
        "keep one",
    ),
    Case(
        "template of a wrong type", template({"relation": "P19", "template": 7}), "line 1: 'template'", MEND
    ),
    Case("template missing", template({"relation": "P19"}), "line 1: no 'template'", "add it or remove"),
    Case("templates not JSON", template(b"[X] [Y]"), r"qaa/templates\.jsonl, line 1: not valid JSON", MEND),
    Case(
        "relation without a template",
        template({"relation": "P20", "template": "[X] [Y]"}),
        "relation P19 has no template",
        r"add one with \[X\] and \[Y\]",
    ),
    Case(
        "relation that is no name for a file",
        lambda source, target: read_split(
            written(source, templates=TEMPLATE.replace(b"P19", b"P 19;rm"), relation="P 19;rm"), "qaa"
        ),
        "relation 'P 19;rm' is refused",
        "use letters, digits",
    ),
    Case("language unknown", language("xx"), "language 'xx' is not in this mLAMA release", "it holds: qaa"),
    Case("language that climbs out", language("../source/qaa"), "is not in this mLAMA", "it holds: qaa"),
    Case("language of nothing", language(""), "language '' is not in this mLAMA release", "it holds: qaa"),
    Case(
        "language without templates",
        acquired(lambda root: (root / "qaa" / "templates.jsonl").unlink()),
        r"qaa/templates\.jsonl is missing",
        "get the release again",
    ),
    Case(
        "folder where a file must be",
        acquired(a_folder_as_a_file),
        r"qaa/P20\.jsonl is missing or not a file",
        "get the release again",
    ),
    Case(
        "folder of two releases",
        acquired(two_releases),
        r"several releases in it \(new, old\)",
        "give one of them",
    ),
    Case(
        "source that is not there",
        lambda source, target: acquire_release(str(source / "nowhere"), target),
        "nowhere: no such file or folder",
        "set FACTROOTS_MLAMA_SOURCE",
    ),
    Case(
        "source of another protocol",
        lambda source, target: acquire_release("file:///etc/passwd", target),
        "cannot download 'file:///etc/passwd'",
        "http or https",
    ),
    Case(
        "source with a port that is none",
        lambda source, target: acquire_release("http://127.0.0.1:99999/mlama.zip", target),
        "cannot download 'http://127.0.0.1:99999/mlama.zip'",
        "http or https",
    ),
    Case(
        "source with a broken host",
        lambda source, target: acquire_release("http://[::1/mlama.zip", target),
        r"cannot download 'http://\[::1/mlama.zip'",
        "http or https",
    ),
]
