"""What is wrong with a fact set: said in an InputError, or left out and listed; nothing is half-written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assets_tests.facts.imports.samples import SAMPLES, write_json, write_lines
from factroots_dagster.errors import InputError
from factroots_dagster.facts.imports.write import import_facts
from factroots_dagster.facts.mlama.split import read_further_templates, read_split
from factroots_dagster.facts.worlds import LEFT_OUT, RELEASE, import_folder, read_import

ROW = {
    "language": "en",
    "relation": "P36",
    "template": "The capital of [X] is [Y].",
    "subject": "Wales",
    "object": "Cardiff",
    "uuid": "u1",
    "subject_uri": "Q25",
    "object_uri": "Q10690",
}
SLOTS = "a template without exactly one slot for the subject and one for the object"
WELSH = ROW | {"language": "cy", "template": "Prifddinas [X] yw [Y].", "subject": "Cymru"}


def import_rows(folder: Path, *rows: dict[str, object]) -> list[tuple[str, str]]:
    """Import a table with these rows after ROW; returns place and reason of what was left out."""
    source = write_lines(folder / "facts.jsonl", [ROW, *rows])
    import_facts("table", source, folder, "mine")
    lines = (import_folder(folder, "mine") / LEFT_OUT).read_text(encoding="utf-8").splitlines()
    return [(entry["place"], entry["reason"]) for entry in map(json.loads, lines)]


def split(folder: Path, language: str) -> list[dict[str, object]]:
    return read_split(import_folder(folder, "mine") / RELEASE, language).to_pylist()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"subject": " "}, "a subject that is blank"),
        ({"object": None}, "an object that is missing"),
        ({"object": 5}, "an object that is no text"),
        ({"subject": "Par\ufffds"}, "a subject that has characters that a wrong encoding left behind"),
        ({"object": "a\0b"}, "an object that has characters that a wrong encoding left behind"),
        ({"object": "\ud83d"}, "an object that has characters that a wrong encoding left behind"),
        ({"subject": "ZÃ¼rich"}, "a subject that was decoded with a wrong encoding"),
        ({"object": "Αθήνα".encode().decode("latin-1")}, "an object that was decoded with a wrong encoding"),
        ({"object": "Ã…land"}, "an object that was decoded with a wrong encoding"),
        ({"subject": "São Tomé", "object": "Zürich"}, None),
        ({"uuid": None, "subject_uri": None}, "a fact without a uuid, and without ids that would make one"),
        ({"relation": None}, "a row without a relation"),
        ({"language": "tlh"}, "a language without a place in languages/geography.py"),
        ({"template": "[X] is big."}, SLOTS),
        ({"template": "[X], [Y], [Y]"}, SLOTS),
        ({"template": None}, "a template that is missing"),
    ],
)  # fmt: skip
def test_an_unsound_row_is_left_out(tmp_path: Path, change: dict[str, object], reason: str | None) -> None:
    row = ROW | {"uuid": "u2", "subject_uri": "Q1"} | change
    expected = [("facts.jsonl, row 2", reason)] if reason else []
    assert import_rows(tmp_path, row, WELSH) == expected
    has_fact = reason is None or "template" in reason
    assert [fact["uuid"] for fact in split(tmp_path, "en")] == (["u1", "u2"] if has_fact else ["u1"])


def test_repeated_rows_and_uuids_are_left_out(tmp_path: Path) -> None:
    others = [ROW, ROW | {"object": "Swansea"}, ROW | {"relation": "P17"}]
    assert import_rows(tmp_path, *others, WELSH) == [
        ("facts.jsonl, row 2", "a repeated row"),
        ("facts.jsonl, row 3", "another fact with the same uuid"),
        ("facts.jsonl, row 4", "another fact with the same uuid"),
    ]
    assert len(split(tmp_path, "en")) == 1


def test_a_fact_whose_object_differs_by_language_is_kept_in_english_alone(tmp_path: Path) -> None:
    """A label may differ, and so may everything where the uuid does."""
    elsewhere = WELSH | {"object_uri": "Q23051", "object": "Abertawe"}
    assert import_rows(tmp_path, elsewhere, WELSH | {"uuid": "u2", "subject_uri": "Q2"}) == [
        ("facts.jsonl, row 2", "another relation, subject or object than in en")
    ]
    assert [fact["uuid"] for fact in split(tmp_path, "cy")] == ["u2"]
    assert [fact["uuid"] for fact in split(tmp_path, "en")] == ["u1"]


def test_facts_with_several_objects_are_kept_and_counted(tmp_path: Path) -> None:
    others = [
        ROW | {"uuid": "u2", "object": "Swansea", "object_uri": "Q2"},
        ROW | {"uuid": "u3", "subject": "Peru"},
    ]
    assert import_rows(tmp_path, *others) == []
    assert len(split(tmp_path, "en")) == 3 and read_import(tmp_path, "mine").several_answers == 2


def test_facts_without_a_template_in_their_language_are_left_out(tmp_path: Path) -> None:
    assert import_rows(tmp_path, WELSH | {"template": "Prifddinas Cymru yw [Y]."}) == [
        ("facts.jsonl, row 2", SLOTS),
        ("facts.jsonl, row 2", "a fact without a template of its relation"),
    ]
    assert read_import(tmp_path, "mine").languages == ("en",)


def test_a_list_of_templates_is_one_row(tmp_path: Path) -> None:
    table = pa.Table.from_pylist([ROW | {"template": ["[X]: [Y]", "[Y] in [X]"]}])
    pq.write_table(table, tmp_path / "facts.parquet")
    import_facts("table", tmp_path / "facts.parquet", tmp_path, "mine")
    further = read_further_templates(import_folder(tmp_path, "mine") / RELEASE, "en")
    assert further["template"].to_pylist() == ["[Y] in [X]"]


def test_labels_alone_make_a_fact_in_a_table_of_one_language(tmp_path: Path) -> None:
    rows = (
        "language,relation,template,subject,object\nen,P36,[X] [Y],Wales,Cardiff\nen,P36,[X] [Y],Peru,Lima\n"
    )
    (tmp_path / "facts.csv").write_text(rows, encoding="utf-8-sig")
    import_facts("table", tmp_path / "facts.csv", tmp_path, "mine")
    assert [(row["subject_uri"], row["object"]) for row in split(tmp_path, "en")] == [
        ("en:Wales", "Cardiff"),
        ("en:Peru", "Lima"),
    ]


def write(name: str, content: bytes) -> Callable[[Path], Path]:
    def writer(folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        return folder / name

    return writer


def two_releases(folder: Path) -> Path:
    for name in ("BEAR", "BEAR-big"):
        write_json(folder / name / "metadata_relations.json", {})
    return folder


def uneven_bmlama(folder: Path) -> Path:
    SAMPLES["bmlama"](folder)
    path = folder / "BMLAMA3" / "cy.tsv"
    path.write_bytes(path.read_bytes().partition(b'"Con')[0])
    return folder


HEADER = b"language,relation,template,subject,object\n"
SENTENCES = HEADER + b"".join(b"en,P36,%d [X] [Y],a,b%d\n" % (number, number) for number in range(101))


@pytest.mark.parametrize(
    ("name", "source", "words"),
    [
        ("klar", lambda folder: folder, "no such file or folder"),
        ("klar", write("x.json", b"{}"), r"x.json: a file, and the format is a folder with <language>"),
        ("klar", lambda folder: SAMPLES["bear"](folder), r"no folder with <language>/<relation>.json in it"),
        ("bear", two_releases, r"several fact sets in it \(BEAR, BEAR-big\).*give the path of one"),
        ("bmlama", uneven_bmlama, r"files of different lengths.*cy 4, de 5, en 5"),
        ("table", write("x.csv", b"language,relation\nen,P36\n"), "no column template, subject, object"),
        ("table", write("x.csv", HEADER + b"en,P36,[X] [Y],Z\xfcrich,b\n"), r"line 2: not UTF-8 .*iconv"),
        ("table", write("x.csv", HEADER + b'en,P36,"[X] [Y]"x,a,b\n'), r"x.csv, line 2: not CSV"),
        ("table", write("x.csv", HEADER + b"en,P36,[X] [Y],a,b\ncy,P36,[X] [Y],a,b\n"), "nothing says which"),
        ("table", write("x.csv", HEADER + b"en,a/b,[X] [Y],a,b\n"), r"row 2: relation 'a/b' is not allowed"),
        ("table", write("x.csv", SENTENCES), r"relation P36 has 101 templates in 'en'.*write \[X\] where"),
        ("table", write("x.csv", HEADER), "x.csv: no column language"),
        ("table", write("x.csv", HEADER + b"en,P36,[X],a,b\n"), r"no fact is left to import \(a template"),
        ("table", write("x.parquet", b"PAR1"), "x.parquet: not a Parquet file"),
        ("table", write("x.jsonl", b'{"language": "en"\n'), r"x.jsonl, line 1: not valid JSON"),
        ("table", write("x.xlsx", b""), "not a file whose name ends in .csv, .tsv"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_and_changes_nothing(
    tmp_path: Path, name: str, source: Callable[[Path], Path], words: str
) -> None:
    before = import_facts("table", SAMPLES["table"](tmp_path / "before"), tmp_path / "data", "mine")
    files = sorted(path for path in (tmp_path / "data").rglob("*"))
    with pytest.raises(InputError, match=words):
        import_facts(name, source(tmp_path / "source"), tmp_path / "data", "mine")
    assert sorted(path for path in (tmp_path / "data").rglob("*")) == files
    assert read_import(tmp_path / "data", "mine") == before


def test_values_of_other_types_than_the_formats_are_left_out(tmp_path: Path) -> None:
    klar = {
        "prompt_templates": ["<subject> <mask>", 5],
        "samples": [
            3,
            {"subject": "a", "object": "b"},
            {"subject": ["a"], "object": "b", "index": 1},
            {"subject": "Peru", "object": "Lima", "index": 2},
        ],
    }
    write_json(tmp_path / "klar" / "en" / "capital.json", klar)
    write_json(tmp_path / "klar" / "en" / "other.json", {"prompt_templates": "<subject>", "samples": {}})
    assert import_facts("klar", tmp_path / "klar", tmp_path, "mine").left_out == {
        "a sample without an index": 2,
        "a template that is no text": 1,
        "a subject that is no text": 1,
    }
    about = {"P1": {"templates": ["[X] [Y]"]}, "P2": [], "P3": {"templates": "[X] [Y]"}}
    write_json(tmp_path / "bear" / "metadata_relations.json", about)
    for relation in about:
        row = {"sub_id": "Q1", "sub_label": "a", "obj_id": "Q2", "obj_label": 7 if relation == "P3" else "b"}
        write_lines(tmp_path / "bear" / f"{relation}.jsonl", [row])
    assert import_facts("bear", tmp_path / "bear", tmp_path, "mine").left_out == {
        "an object that is no text": 1,
        "a fact without a template of its relation": 1,
    }


@pytest.mark.parametrize(
    ("world", "words"),
    [("mlama", "a world that exists by itself"), ("../x", "is not allowed"), ("_x", "is not allowed")],
)
def test_a_name_that_cannot_be_a_worlds_is_refused(tmp_path: Path, world: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        import_facts("table", SAMPLES["table"](tmp_path), tmp_path, world, ("mlama",))


def test_an_import_replaces_the_one_before(tmp_path: Path) -> None:
    import_facts("klar", SAMPLES["klar"](tmp_path / "one"), tmp_path, "mine")
    record = import_facts("lama", SAMPLES["lama"](tmp_path / "two"), tmp_path, "mine")
    assert read_import(tmp_path, "mine") == record and record.languages == ("en",)
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["_facts"]
    assert sorted(path.name for path in (import_folder(tmp_path, "mine") / RELEASE).iterdir()) == ["en"]
