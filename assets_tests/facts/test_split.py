"""Reading one language of a release, and which line an error names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.facts.releases import fact, write_release
from factroots_dagster.errors import InputError
from factroots_dagster.facts.mlama.folders import collect_languages
from factroots_dagster.facts.mlama.split import (
    FURTHER,
    list_languages,
    read_further_templates,
    read_split,
)
from factroots_dagster.facts.schema import FURTHER_TEMPLATES, MLAMA_SPLIT


def test_rows_are_sorted_by_relation_and_line(tmp_path: Path) -> None:
    write_release(
        tmp_path,
        {
            "qaa": {
                "P36": [fact("c", "São PAULO", "paulo")],
                "P19": [fact("b"), fact("a", " Ada\u200b", "Oslo ")],
            }
        },
    )
    (tmp_path / "qaa" / ".P1.jsonl").write_text("not data")
    (tmp_path / ".hidden").mkdir()
    assert list_languages(tmp_path) == ["qaa"]
    table = read_split(tmp_path, "qaa")
    assert table.schema.equals(MLAMA_SPLIT)
    assert [(r["relation"], r["uuid"], r["line"]) for r in table.to_pylist()] == [
        ("P19", "b", 1),
        ("P19", "a", 2),
        ("P36", "c", 1),
    ]
    assert table["object_in_subject"].to_pylist() == [False, False, True]
    assert table["subject"].to_pylist()[1] == " Ada\u200b"  # unchanged: prompts are not normalized
    assert set(table["candidate_set"].to_pylist()) == {"qaa/P19", "qaa/P36"}
    assert table["template"].to_pylist()[2] == "[X] P36 [Y] ."


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{broken", "line 2: not valid JSON"),
        ("[1]", "line 2: expected a JSON object"),
        (b"\xff\xfe{}", "line 2: not valid JSON"),
        (json.dumps({k: v for k, v in fact("u2").items() if k != "obj_uri"}), "line 2: no 'obj_uri'"),
        (json.dumps(fact("u2", answer="  ")), "line 2: 'obj_label' must be a string"),
        (json.dumps(fact("u2", answer=3)), "line 2: 'obj_label' must be a string"),
        (
            '{"uuid": "u2", "sub_label": "\\ud800", "obj_label": "b", "sub_uri": "c", "obj_uri": "d"}',
            "line 2",
        ),
        (json.dumps(fact("u1")), r"line 2: uuid u1 was already used in qaa/P19\.jsonl, line 1"),
        ("[" * 100_000, "line 2: not valid JSON"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str | bytes, message: str) -> None:
    write_release(tmp_path, {"qaa": {"P19": [fact("u1")]}})
    with (tmp_path / "qaa" / "P19.jsonl").open("ab") as out:
        out.write(line if isinstance(line, bytes) else line.encode())
    with pytest.raises(InputError, match=r"qaa/P19\.jsonl, " + message):
        read_split(tmp_path, "qaa")


@pytest.mark.parametrize(
    ("templates", "message"),
    [
        ([{"relation": "P20", "template": "[X] [Y]"}], "relation P19 has no template"),
        ([{"relation": "P19", "template": "[X] lives"}], r"has \[Y\] 0 times"),
        ([{"relation": "P19", "template": "[X] [X] [Y]"}], r"has \[X\] 2 times"),
        ([{"relation": "P19", "template": "[X] [Y]"}] * 2, "second template of relation P19"),
        ([{"relation": "P19"}], "no 'template'"),
    ],
)
def test_a_bad_template_is_named(tmp_path: Path, templates: list[dict], message: str) -> None:
    write_release(tmp_path, {"qaa": {"P19": [fact("u1")]}})
    (tmp_path / "qaa" / "templates.jsonl").write_text("".join(json.dumps(t) + "\n" for t in templates))
    with pytest.raises(InputError, match=message):
        read_split(tmp_path, "qaa")


def test_an_unknown_language_is_refused_with_a_list_of_the_known_ones(tmp_path: Path) -> None:
    write_release(tmp_path, {"qaa": {"P19": [fact("u1")]}})
    with pytest.raises(InputError, match=r"'xx' is not in this mLAMA release.*its languages: qaa"):
        read_split(tmp_path, "xx")
    (tmp_path / "qab").mkdir()
    with pytest.raises(InputError, match=r"qab/templates\.jsonl is missing"):
        read_split(tmp_path, "qab")


def test_some_relations_are_read_in_every_language_and_unknown_ones_refused(tmp_path: Path) -> None:
    write_release(
        tmp_path,
        {"qaa": {"P19": [fact("u1")], "P20": [fact("u2")]}, "qab": {"P36": [fact("u3")]}},
    )
    assert read_split(tmp_path, "qaa", ["P20", "P36"])["uuid"].to_pylist() == ["u2"]
    assert read_split(tmp_path, "qab", ["P20", "P36"])["uuid"].to_pylist() == ["u3"]
    with pytest.raises(InputError, match=r"no relation P1 in this release, which has P19, P20, P36"):
        read_split(tmp_path, "qaa", ["P1", "P20"])


labels = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1).filter(
    str.strip
)


@given(rows=st.lists(st.tuples(labels, labels), min_size=1, max_size=6))
def test_any_label_survives_unchanged(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    root = tmp_path_factory.mktemp("release")
    write_release(root, {"qaa": {"P19": [fact(f"u{i}", s, o) for i, (s, o) in enumerate(rows)]}})
    table = read_split(root, "qaa")
    assert list(zip(table["subject"].to_pylist(), table["object"].to_pylist(), strict=True)) == rows


def further(folder: Path, *rows: tuple[str, str]) -> None:
    lines = [json.dumps({"relation": relation, "template": template}) for relation, template in rows]
    (folder / FURTHER).write_text("\n".join(lines), encoding="utf-8")


def test_further_templates_are_numbered_after_the_first(tmp_path: Path) -> None:
    write_release(
        tmp_path / "from", {"qaa": {"P19": [fact("a")], "P36": [fact("b")]}, "qab": {"P36": [fact("b")]}}
    )
    further(
        tmp_path / "from" / "qaa", ("P36", "[Y] is that of [X]"), ("P19", "[X] : [Y]"), ("P36", "[X] [Y]")
    )
    (tmp_path / "to").mkdir()
    collect_languages(tmp_path / "from", tmp_path / "to", movable=False)
    table = read_further_templates(tmp_path / "to", "qaa")
    assert table.schema.equals(FURTHER_TEMPLATES)
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        ("qaa", "P19", 2, "[X] : [Y]"),
        ("qaa", "P36", 2, "[Y] is that of [X]"),
        ("qaa", "P36", 3, "[X] [Y]"),
    ]
    assert read_further_templates(tmp_path / "to", "qab").num_rows == 0
    assert read_split(tmp_path / "to", "qaa").num_rows == 2  # they are no relation


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("P7", "[X] [Y]"), "line 1: relation P7 has no template in qaa/templates.jsonl"),
        (("P19", "[X] P19 [Y] ."), "line 1: relation P19 has this template already"),
        (("P19", "[X]"), r"line 1: the template of P19 has \[Y\] 0 times"),
    ],
)
def test_broken_further_templates_are_named(tmp_path: Path, row: tuple[str, str], message: str) -> None:
    write_release(tmp_path, {"qaa": {"P19": [fact("a")]}})
    further(tmp_path / "qaa", row)
    with pytest.raises(InputError, match=f"^qaa/{FURTHER}, {message}"):
        read_further_templates(tmp_path, "qaa")
