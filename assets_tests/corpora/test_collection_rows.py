"""Rows of corpora, wild ones too, and what becomes of them: no Spark."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.corpora.collections import write_lines, write_rows
from factroots_dagster.corpora.collection.choices import Reading, parse_corpora
from factroots_dagster.corpora.collection.files import list_files, shards_of
from factroots_dagster.corpora.collection.records import Shard, ShardReader, check_header
from factroots_dagster.corpora.collection.rows import (
    LONGEST_VALUE,
    Document,
    DocumentReader,
    OtherLanguage,
    is_address,
)
from factroots_dagster.errors import InputError

CODES = frozenset(("hy", "hye", "hye_Armn"))


def no_spark() -> Any:
    raise AssertionError("Spark is started for local files")


def shard_of(path: Path, compression: str = "none") -> Shard:
    return Shard(3, str(path), path.name, path.stat().st_size, compression)


def read(path: Path, reading: Reading | None = None, compression: str = "none") -> list[Any]:
    reading = reading or Reading()
    reader = DocumentReader(2, CODES, reading)
    shard = shard_of(path, compression)
    return [reader.read(shard, row, values) for row, _, values in ShardReader(shard, reading)]


def read_row(reading: Reading, **values: Any) -> Any:
    shard = Shard(3, "/x/a.jsonl", "a.jsonl", 1, "none")
    return DocumentReader(2, CODES, reading).read(shard, 4, values)


@given(
    texts=st.lists(st.text(), min_size=1),
    ending=st.sampled_from(["jsonl", "jsonl.gz", "jsonl.zst", "parquet"]),
)
def test_texts_are_kept_letter_by_letter(
    texts: list[str], ending: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("texts") / f"a.{ending}"
    write_rows(path, [{"text": text} for text in texts])
    compression = ending.partition(".")[2] or "none"
    assert [document.text for document in read(path, compression=compression)] == texts


@given(lines=st.lists(st.binary(max_size=40), max_size=5))
def test_whatever_a_line_holds_it_is_a_document_or_a_problem(
    lines: list[bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("lines") / "a.jsonl"
    path.write_bytes(b"\n".join(lines))
    expected = [line for line in b"\n".join(lines).split(b"\n") if line.strip()]
    found = read(path)
    assert len(found) == len(expected)
    assert all(isinstance(each, str | Document) for each in found)


def test_a_document_is_named_by_its_identifier_or_its_place() -> None:
    document = read_row(Reading(), text="T", id="<urn:1>", url="https://example.org/a?b=c&d=%20e")
    place = (2 << 52) | (3 << 32) | 5
    assert document == Document(place, "<urn:1>", "https://example.org/a?b=c&d=%20e", "T", 1)
    assert read_row(Reading(), text="T", id=17).title == "17"
    for values in ({}, {"id": None}, {"id": ""}):
        assert read_row(Reading(), text="T", **values) == Document(place, "a.jsonl:5", None, "T", 1)
    assert len(read_row(Reading(), text="T", id="x" * 5000).title) == LONGEST_VALUE


@pytest.mark.parametrize(
    "url",
    [
        *(
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://x",
            "//example.org",
            "",
            "HTTP://x",
            " https://x",
        ),
        *(
            "https://x/ y",
            "https://x/\n",
            'https://x/"><script>',
            "https://x/'",
            "https://x/\u202ey",
            "https://x\\y",
        ),
        "https://" + "x" * LONGEST_VALUE,
    ],
)
def test_what_a_page_must_not_link_to_is_no_address(url: str) -> None:
    assert not is_address(url)
    assert read_row(Reading(), text="T", url=url).url is None


def test_the_levels_of_a_nested_column_are_separated_by_dots() -> None:
    reading = Reading(id="", url="metadata.page.url?")
    assert read_row(reading, text="T", metadata={"page": {"url": "https://x"}}).url == "https://x"
    for metadata in (None, "x", {}, {"page": None}, {"page": ["https://x"]}):
        assert read_row(reading, text="T", metadata=metadata).url is None
    assert read_row(reading, text="T", **{"metadata.page.url": "https://y"}).url == "https://y"


@pytest.mark.parametrize(
    ("language", "is_read"),
    [
        *(("hy", True), ("hye", True), ("hye_Armn", True), (["hye_Armn", "ell_Grek"], True), (None, True)),
        *(("el", False), (["ell_Grek", "hye_Armn"], False), ("", False), ([], False), (3, False)),
    ],
)
def test_documents_in_other_languages_are_passed_over(language: object, is_read: bool) -> None:
    document = read_row(Reading(language="lang"), text="T", lang=language)
    assert isinstance(document, Document) == is_read
    assert isinstance(document, OtherLanguage) != is_read


@pytest.mark.parametrize("weight", [0, -1, 1.5, float("nan"), float("inf"), True, "3", None, [2]])
def test_a_weight_that_is_none_is_a_problem(weight: object) -> None:
    problem = read_row(Reading(weight="copies"), text="T", copies=weight)
    assert "'copies' is no whole number from 1 on" in problem
    if weight is None:
        assert read_row(Reading(weight="copies?"), text="T").weight == 1


def test_weights_are_whole_numbers_however_they_are_written() -> None:
    assert [read_row(Reading(weight="n"), text="T", n=n).weight for n in (1, 7, 7.0)] == [1, 7, 7]
    assert read_row(Reading(), text="T", n=7).weight == 1


def test_escaped_line_ends_are_line_ends_where_the_corpus_has_them() -> None:
    assert read_row(Reading(newlines="escaped"), text="a\\nb").text == "a\nb"
    assert read_row(Reading(), text="a\\nb").text == "a\\nb"


def test_lone_surrogates_are_replaced_and_pairs_are_kept(tmp_path: Path) -> None:
    lines = [rb'{"text": "a\ud800b"}', rb'{"text": "\ud83d\ude00"}', rb'{"text": "T", "id": "\udfff"}']
    first, second, third = read(write_lines(tmp_path / "a.jsonl", lines))
    assert (first.text, second.text, third.title) == ("a\ufffdb", "😀", "\ufffd")


def test_bad_lines_among_good_ones_are_problems(tmp_path: Path) -> None:
    lines = [
        b'\xef\xbb\xbf{"text": "first"}',
        b'{"text": "half',
        b"",
        b"[1]",
        b'{"text": "\xff"}',
        b'{"text": null}',
        b'{"txt": "x"}',
        b'{"text": ["x"]}',
        b"[" * 100_000,
        b'{"text": ""}',
    ]
    found = read(write_lines(tmp_path / "a.jsonl", lines))
    texts = [document.text for document in found if isinstance(document, Document)]
    assert texts == ["first", ""]
    problems = [each for each in found if isinstance(each, str)]
    assert [problem.split(" (")[0] for problem in problems] == [
        *("not JSON", "not a JSON object", "not JSON", *["no text in 'text'"] * 3, "not JSON"),
    ]


def test_a_parquet_text_that_is_not_utf8_is_a_problem_of_its_row(tmp_path: Path) -> None:
    bad = pa.array([b"good", b"\xff\xfe", b"too"]).cast(pa.string(), safe=False)
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": pa.Array.from_buffers(pa.string(), 3, bad.buffers())}), path)
    first, second, third = read(path)
    assert (first.text, third.text) == ("good", "too") and second.startswith("not UTF-8")


def cut(path: Path, share: float = 0.5) -> Path:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    return path


def many(number: int) -> list[dict[str, Any]]:
    return [{"text": f"{n * n} {n * 7919 % 104729}", "n": n, "s": str(n)} for n in range(number)]


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.zst"])
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, name: str) -> None:
    path = cut(write_rows(tmp_path / name, many(5000)))
    with pytest.raises(InputError, match="damaged or cut off") as error:
        read(path, compression=name.rpartition(".")[2])
    assert error.value.remedy


@pytest.mark.parametrize(
    ("name", "content", "options", "problem"),
    [
        ("a.parquet", b"PAR1 nothing of the kind PAR1", "", "damaged or cut off"),
        ("a.parquet", b"", "", "is empty"),
        ("a.jsonl", b"", "", "is empty"),
        ("a.jsonl", b"\n \n", "", "line 1: it holds no line"),
        ("a.jsonl", b"<html>", "", "line 1: not JSON"),
        ("a.jsonl", b"[]", "", "line 1: not a JSON object"),
        ("a.jsonl.gz", b"no gzip", "", "damaged or cut off"),
        ("a.jsonl.zst", b"no zstd", "", "damaged or cut off"),
        ("a.txt.xz", b"x", "", "a file of this name cannot be read"),
        ("a.parquet.gz", b"x", "", "a file of this name cannot be read"),
        ("a.parquet", None, "text=content", "there is no column 'content'; there are text, n, s"),
        ("a.jsonl", None, "text=content", "there is no column 'content'; there are text, n, s"),
        ("a.parquet", None, "id=doc.id", "there is no column 'doc.id'"),
        ("a.jsonl", None, "weight=copies", "there is no column 'copies'"),
        ("a.parquet", None, "shape=fineweb2", "there is no column 'id'"),
        ("a.jsonl.zst", None, "shape=hplt", "there is no column 'id'"),
        ("a.parquet", None, "text=n", "column 'n' holds int64, not text"),
        ("a.parquet", None, "weight=s", "column 's' holds string, not whole numbers"),
    ],
)
def test_a_file_that_cannot_be_read_as_said_is_refused_when_files_are_listed(
    tmp_path: Path, name: str, content: bytes | None, options: str, problem: str
) -> None:
    path = tmp_path / name
    if content is None:
        write_rows(path, many(3))
    else:
        path.write_bytes(content)
    (choice,) = parse_corpora(f"web={path} {options}")
    with pytest.raises(InputError) as error:
        list_files("hy", choice, no_spark)
    assert problem in error.value.problem and str(path) in error.value.problem
    assert error.value.remedy


def test_a_file_that_vanished_is_refused(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.jsonl", many(3))
    shard = shard_of(path)
    path.unlink()
    with pytest.raises(InputError, match="no longer exists"):
        list(ShardReader(shard, Reading()))


def test_files_are_listed_by_path_with_their_folders_in_their_names(tmp_path: Path) -> None:
    for name in ("b/0.parquet", "a/0.parquet", "a/1.jsonl.gz", "a/_SUCCESS", "a/.part.jsonl", "a/notes.txt"):
        write_rows(tmp_path / name, many(3)) if "json" in name or "parquet" in name else (
            (tmp_path / name).write_text("")
        )
    (choice,) = parse_corpora(f"web={tmp_path}")
    table = list_files("hy", choice, no_spark)
    assert table["file"].to_pylist() == ["a/0.parquet", "a/1.jsonl.gz", "b/0.parquet"]
    assert table["compression"].to_pylist() == ["none", "gz", "none"]
    assert [shard.number for shard in shards_of(table)] == [0, 1, 2]
    assert table["corpus"].to_pylist() == ["web"] * 3
    (choice,) = parse_corpora(f"web={tmp_path}/*/0.*")
    assert list_files("hy", choice, no_spark)["file"].to_pylist() == ["a/0.parquet", "b/0.parquet"]
    (choice,) = parse_corpora(f"web={tmp_path}/{{language}}/*")
    assert list_files("hy", choice, no_spark).num_rows == 0


def test_a_column_that_need_not_exist_may_be_missing(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.parquet", [{"text": "T", "metadata": {"length": 1}}])
    reading = Reading(id="id?", url="metadata.url?", weight="copies?")
    check_header(shard_of(path), reading)
    (document,) = read(path, reading)
    assert document.url is None and document.weight == 1
    path = write_rows(tmp_path / "b.parquet", [{"text": "T", "metadata": {"length": 1, "url": "https://x"}}])
    assert [document.url for document in read(path, reading)] == ["https://x"]


def test_a_line_of_json_has_the_values_that_json_gives_it(tmp_path: Path) -> None:
    rows = [{"text": "a\tb", "id": "é", "extra": {"deep": [1]}}, {"text": "\u2028", "id": "2"}]
    path = write_lines(tmp_path / "a.jsonl", [json.dumps(row).encode() for row in rows])
    assert [(document.text, document.title) for document in read(path)] == [("a\tb", "é"), ("\u2028", "2")]
