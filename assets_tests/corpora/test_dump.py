"""Finding dumps in a folder and reading their heads."""

from __future__ import annotations

import bz2
import gzip
import hashlib
from pathlib import Path

import pyarrow as pa
import pytest

from assets_tests.corpora.dumps import dump_xml, page_xml, write_dump
from factroots_dagster.corpora.schema import WIKIPEDIA_DUMP
from factroots_dagster.corpora.wikipedia.dump import acquire_dump
from factroots_dagster.errors import InputError

XML = dump_xml([page_xml(1, "A", "Tekst.")])


def acquired_files(folder: Path, snapshot: str = "latest", language: str = "nl") -> list[str]:
    return acquire_dump(language, str(folder), snapshot, folder)["file"].to_pylist()


def test_dumps_in_a_folder_stay_where_they_are(tmp_path: Path) -> None:
    path = write_dump(tmp_path, XML)
    table = acquire_dump("nl", str(tmp_path), "latest", tmp_path)
    assert table.schema == WIKIPEDIA_DUMP
    (row,) = table.to_pylist()
    assert row["path"] == str(path) and row["snapshot"] == "20240101" and row["compression"] == "bz2"
    assert row["bytes"] == path.stat().st_size
    assert row["sha1"] == hashlib.sha1(path.read_bytes()).hexdigest()
    assert row["sitename"] == "Wikipedia" and {"key": 6, "name": "Bestand"} in row["namespaces"]
    assert [path] == list(tmp_path.iterdir())


def test_one_complete_dump_of_one_snapshot_is_selected(tmp_path: Path) -> None:
    """The newest snapshot unless one is named, and never the same pages twice."""
    for name in (
        "nlwiki-20230101-pages-articles.xml.bz2",
        "nlwiki-20240101-pages-articles.xml.bz2",
        "nlwiki-20240101-pages-articles-multistream.xml.bz2",
        "nlwiki-20240101-pages-articles1.xml-p1p10.bz2",
        "nlwiki-20240201-pages-articles-multistream.xml.bz2",
        "nlwiki-20240201-pages-articles-multistream1.xml-p1p10.bz2",
        "nlwiki-20240301-pages-articles10.xml-p91p99.bz2",
        "nlwiki-20240301-pages-articles2.xml-p11p20.bz2",
        "nlwiki-20240301-pages-articles2.xml-p21p90.bz2",
    ):
        write_dump(tmp_path, XML, name)
    (tmp_path / "nlwiki-20250101-pages-meta-current.xml.bz2").write_bytes(b"")
    assert acquired_files(tmp_path) == [
        "nlwiki-20240301-pages-articles2.xml-p11p20.bz2",
        "nlwiki-20240301-pages-articles2.xml-p21p90.bz2",
        "nlwiki-20240301-pages-articles10.xml-p91p99.bz2",
    ]
    assert acquired_files(tmp_path, "20240201") == ["nlwiki-20240201-pages-articles-multistream.xml.bz2"]
    assert acquired_files(tmp_path, "20240101") == ["nlwiki-20240101-pages-articles.xml.bz2"]
    with pytest.raises(InputError, match=r"20220101.*snapshots there: 20230101, 20240101"):
        acquired_files(tmp_path, "20220101")


@pytest.mark.parametrize("ending", ["", ".bz2", ".gz", ".zst"])
def test_dumps_of_every_compression_are_read(tmp_path: Path, ending: str) -> None:
    data = XML.encode()
    packed = {
        "": data,
        ".bz2": bz2.compress(data),
        ".gz": gzip.compress(data),
        ".zst": pa.compress(data, codec="zstd", asbytes=True),
    }
    (tmp_path / f"nlwiki-20240101-pages-articles.xml{ending}").write_bytes(packed[ending])
    table = acquire_dump("nl", str(tmp_path), "20240101", tmp_path)
    assert table["sitename"].to_pylist() == ["Wikipedia"]


def test_the_same_part_in_two_compressions_is_read_once(tmp_path: Path) -> None:
    write_dump(tmp_path, XML, "nlwiki-20240101-pages-articles1.xml-p1p10.bz2")
    write_dump(tmp_path, XML, "nlwiki-20240101-pages-articles1.xml-p1p10")
    write_dump(tmp_path, XML, "nlwiki-20240101-pages-articles2.xml-p11p20")
    write_dump(tmp_path, XML, "nlwiki-20240101-pages-articles.xml.xz")
    assert acquired_files(tmp_path) == [
        "nlwiki-20240101-pages-articles1.xml-p1p10.bz2",
        "nlwiki-20240101-pages-articles2.xml-p11p20",
    ]


INDEX = "".join(f"{600 + 100 * (page // 100)}:{page}:Titel: {page}\n" for page in range(1, 251))


@pytest.mark.parametrize(
    ("dump", "index", "pages"),
    [
        ("multistream.xml.bz2", "multistream-index.txt.bz2", 250),
        ("multistream.xml.bz2", "multistream-index.txt.zst", 250),
        ("multistream.xml.zst", "multistream-index.txt", 250),
        ("multistream7.xml-p1p250.bz2", "multistream-index7.txt-p1p250.bz2", 250),
        ("multistream7.xml-p1p250.bz2", "multistream-index8.txt-p1p250.bz2", None),
        ("multistream7.xml-p1p250.bz2", "multistream-index.txt.bz2", None),
    ],
)
def test_the_index_of_a_multistream_dump_tells_its_pages(
    tmp_path: Path, dump: str, index: str, pages: int | None
) -> None:
    """Each part of the dump is a bz2 stream of its own, and so are pieces of the index."""
    split = XML.index("<page>")
    streams = [XML[:split], XML[split:], ""] if dump.endswith("bz2") else [XML]
    pack = {
        "bz2": bz2.compress,
        "zst": lambda data: pa.compress(data, codec="zstd", asbytes=True),
        "txt": bytes,
    }
    stem = "nlwiki-20240101-pages-articles-"
    packed = b"".join(pack[dump.rpartition(".")[2]](piece.encode()) for piece in streams)
    (tmp_path / (stem + dump)).write_bytes(packed)
    pieces = [INDEX[:2000], INDEX[2000:].rstrip("\n")] if index.endswith("bz2") else [INDEX]
    packed = b"".join(pack[index.rpartition(".")[2]](piece.encode()) for piece in pieces)
    (tmp_path / (stem + index)).write_bytes(packed)
    (row,) = acquire_dump("nl", str(tmp_path), "latest", tmp_path).to_pylist()
    assert row["file"] == stem + dump and row["indexed_pages"] == pages


def test_a_single_stream_dump_has_no_index(tmp_path: Path) -> None:
    write_dump(tmp_path, XML)
    (tmp_path / "nlwiki-20240101-pages-articles-multistream-index.txt.bz2").write_bytes(
        bz2.compress(b"1:1:A")
    )
    assert acquire_dump("nl", str(tmp_path), "latest", tmp_path)["indexed_pages"].to_pylist() == [None]


def test_an_index_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    write_dump(tmp_path, XML, "nlwiki-20240101-pages-articles-multistream.xml.bz2")
    index = tmp_path / "nlwiki-20240101-pages-articles-multistream-index.txt.bz2"
    index.write_bytes(bz2.compress(INDEX.encode())[:-10])
    with pytest.raises(InputError, match="index cannot be decompressed"):
        acquire_dump("nl", str(tmp_path), "latest", tmp_path)


def test_a_hyphen_in_a_language_code_is_an_underscore_in_file_names(tmp_path: Path) -> None:
    write_dump(tmp_path, dump_xml([], "zh-yue", "zh_yue"), "zh_yuewiki-20240101-pages-articles.xml.bz2")
    assert acquired_files(tmp_path, language="zh-yue") == ["zh_yuewiki-20240101-pages-articles.xml.bz2"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "frwiki-20240101-pages-articles.xml.bz2",
            bz2.compress(XML.encode()),
            r"nlwiki-<date>-pages-articles",
        ),
        ("nlwiki-20240101-pages-articles.xml.xz", b"x", r"recompress"),
        ("nlwiki-20240101-pages-articles.xml.bz2", b"not bz2", r"cannot be decompressed"),
        ("nlwiki-20240101-pages-articles.xml", b"<html></html>", r"not a MediaWiki XML dump"),
        ("nlwiki-20240101-pages-articles.xml", XML.encode("utf-16"), r"not UTF-8"),
        (
            "nlwiki-20240101-pages-articles.xml",
            b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + XML.encode(),
            r"declares its own XML entities",
        ),
        (
            "nlwiki-20240101-pages-articles.xml",
            XML.replace("<sitename>", "<sitname>").encode(),
            r"<siteinfo> is damaged",
        ),
        ("nlwiki-20240101-pages-articles.xml", XML.replace("nlwiki", "frwiki").encode(), r"this is frwiki"),
    ],
)
def test_files_that_are_not_readable_dumps_are_refused(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        acquire_dump("nl", str(tmp_path), "latest", tmp_path)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a folder"):
        acquire_dump("nl", str(tmp_path / "no"), "latest", tmp_path)
