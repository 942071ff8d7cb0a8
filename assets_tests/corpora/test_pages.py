"""Pages of a dump, read in byte ranges cut anywhere, against another parser on the whole file."""

from __future__ import annotations

import bz2
import gzip
import re
import tracemalloc
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets_tests.corpora.dumps import dump_xml, page_xml
from factroots_dagster.corpora.wikipedia import pages
from factroots_dagster.corpora.wikipedia.page_xml import MAX_PAGE_BYTES, Page, parse_page
from factroots_dagster.corpora.wikipedia.pages import ByteRange, PageReader, split_dump

TEXTS = ["Kaas.", "", "a & b < c", "日本語 𝔘", "regel\n\nregel ", "&lt;page&gt;", "x" * 3000]


def read(
    path: Path, edges: list[int], compression: str = "none", read_bytes: int = pages.READ_BYTES
) -> list[Page]:
    """The pages of a file that is split at `edges`."""
    return [
        page
        for start, end in pairwise(edges)
        for page in PageReader(ByteRange(str(path), compression, start, end), read_bytes).pages()
    ]


def parse_whole(xml: str) -> list[tuple[int, str, str]]:
    """Id, title and wikitext of every page, by ElementTree."""
    return [
        (int(page.findtext("id") or 0), page.findtext("title") or "", page.findtext("revision/text") or "")
        for page in ElementTree.fromstring(re.sub(r'xmlns="[^"]*"', "", xml, count=1)).iter("page")
    ]


def contents(read_pages: list[Page]) -> list[tuple[int | None, str | None, str]]:
    return [(page.page_id, page.title, page.wikitext) for page in read_pages]


@given(
    st.lists(st.sampled_from(TEXTS), max_size=12),
    st.lists(st.floats(0, 1), max_size=6),
    st.sampled_from([7, 64, 1000, 2**20]),
)
@settings(max_examples=150, deadline=None)
def test_ranges_cut_anywhere_contain_every_page_once(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], cuts: list[float], read_bytes: int
) -> None:
    xml = dump_xml([page_xml(n, f"T{n}", text) for n, text in enumerate(texts, 1)])
    path = tmp_path_factory.mktemp("dump") / "x.xml"
    path.write_bytes(xml.encode())
    size = path.stat().st_size
    edges = sorted({0, size, *(int(cut * size) for cut in cuts)})
    read_pages = read(path, edges, read_bytes=read_bytes)
    assert contents(read_pages) == parse_whole(xml)
    assert not [page for page in read_pages if page.damage]


@pytest.mark.parametrize("kind", ["bz2", "multistream", "gz", "two gz members", "zst", "none"])
def test_pages_are_read_from_every_compression(tmp_path: Path, kind: str) -> None:
    xml = dump_xml([page_xml(n, f"T{n}", TEXTS[n % len(TEXTS)] * 40) for n in range(1, 400)])
    data = xml.encode()
    half = data.index(b"<page>", len(data) // 2)
    packed, compression = {
        "bz2": (bz2.compress(data, 1), "bz2"),
        "multistream": (
            b"".join(bz2.compress(data[at : at + 70_000]) for at in range(0, len(data), 70_000)),
            "bz2",
        ),
        "gz": (gzip.compress(data), "gz"),
        "two gz members": (gzip.compress(data[:half]) + gzip.compress(data[half:]), "gz"),
        "zst": (pa.Codec("zstd").compress(data).to_pybytes(), "zst"),
        "none": (data, "none"),
    }[kind]
    if kind == "zst":
        with pa.CompressedOutputStream(str(tmp_path / "dump"), "zstd") as out:
            out.write(data)
    else:
        (tmp_path / "dump").write_bytes(packed)
    size = (tmp_path / "dump").stat().st_size
    dump = pa.table({"path": [str(tmp_path / "dump")], "bytes": [size], "compression": [compression]})
    ranges = split_dump(dump, min_bytes=size // 5)
    assert len(ranges) == (1 if compression in ("gz", "zst") else 6)
    assert contents([page for source in ranges for page in PageReader(source).pages()]) == parse_whole(xml)


@pytest.mark.parametrize("compression", ["gz", "zst"])
def test_a_stream_that_is_cut_off_keeps_its_complete_pages(tmp_path: Path, compression: str) -> None:
    xml = dump_xml([page_xml(n, f"T{n}", f"{n * n} " * 5000) for n in range(1, 200)]).encode()
    path = tmp_path / "dump"
    with pa.CompressedOutputStream(str(path), {"gz": "gzip", "zst": "zstd"}[compression]) as out:
        out.write(xml)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    read_pages = list(PageReader(ByteRange(str(path), compression, 0, len(whole) // 2)).pages())
    good = [page.page_id for page in read_pages if not page.damage]
    assert good == list(range(1, len(good) + 1)) and 20 < len(good) < 180
    assert any("cut or corrupt" in (page.damage or "") for page in read_pages)


def test_a_corrupt_block_costs_only_the_pages_in_it(tmp_path: Path) -> None:
    """Pages after the damage are read as well."""
    rows = [page_xml(n, f"T{n}", f"{n * 7919} " * 1000) for n in range(1, 300)]
    packed = bytearray(bz2.compress(dump_xml(rows).encode(), 1))
    half = len(packed) // 2
    packed[half : half + 50] = bytes(50)
    path = tmp_path / "dump"
    path.write_bytes(packed)
    for edges in ([0, len(packed)], [0, half - 20, half + 20, len(packed)]):
        read_pages = read(path, edges, "bz2")
        good = {page.page_id for page in read_pages if not page.damage}
        lost = set(range(1, 300)) - good
        assert {1, 299} <= good and 5 < len(lost) < 40
        assert lost == set(range(min(lost), max(lost) + 1))
        problems = [page.damage for page in read_pages if page.damage]
        assert "no end" in problems and "dump: a corrupt bzip2 block" in problems


@pytest.mark.timeout(60)
def test_a_page_of_a_hundred_megabytes_is_refused_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "x.xml"
    with path.open("wb") as out:
        out.write(dump_xml([page_xml(1, "Een", "a")]).encode().removesuffix(b"</mediawiki>\n"))
        out.write(b"<page><title>Groot &amp; sterk</title><ns>0</ns><id>2</id><revision><id>3</id><text>")
        for _ in range(100):
            out.write(b"x" * 2**20)
        out.write(b"</text></revision></page>" + page_xml(4, "Vier", "b").encode() + b"</mediawiki>")
    tracemalloc.start()
    read_pages = read(path, [0, path.stat().st_size])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(page.page_id, page.title, bool(page.damage)) for page in read_pages] == [
        (1, "Een", False),
        (2, "Groot & sterk", True),
        (4, "Vier", False),
    ]
    assert read_pages[1].damage == f"longer than {MAX_PAGE_BYTES} bytes"
    assert read_pages[1].bytes > 100 * 2**20
    assert peak < 4 * MAX_PAGE_BYTES


def test_an_entity_bomb_is_a_damaged_page(tmp_path: Path) -> None:
    lols = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    head = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{lols}]>'
    path = tmp_path / "x.xml"
    xml = head + dump_xml([page_xml(1, "Een", "BOMB"), page_xml(2, "Twee", "ok")]).replace("BOMB", "&l9;")
    path.write_text(xml)
    read_pages = read(path, [0, path.stat().st_size])
    assert [(page.title, page.damage) for page in read_pages] == [("Een", "not well-formed"), ("Twee", None)]


def test_the_ranges_depend_on_the_file_alone_and_are_bounded() -> None:
    def sizes(size: int, compression: str = "bz2") -> list[int]:
        ranges = split_dump(pa.table({"path": ["x"], "bytes": [size], "compression": [compression]}))
        assert ranges[0].start == 0 and ranges[-1].end == size
        assert all(left.end == right.start for left, right in pairwise(ranges))
        return [source.end - source.start for source in ranges]

    assert len(sizes(10)) == 1
    assert len(sizes(6 * 2**20)) == 3
    assert len(sizes(2**30)) == 16
    assert max(sizes(20 * 2**30)) <= pages.MAX_RANGE_BYTES < 2 * min(sizes(20 * 2**30))
    assert sizes(2**30, "gz") == [2**30]


def page_of(*revisions: str, namespace: str = "<ns>0</ns>") -> Page:
    """A page with these revisions."""
    return parse_page(f"<page><title>Een</title>{namespace}<id>1</id>{''.join(revisions)}</page>".encode())


def revision(number: int, text: str, timestamp: str = "") -> str:
    time = f"<timestamp>{timestamp}</timestamp>" if timestamp else ""
    contributor = "<contributor><id>99</id></contributor>"
    return f"<revision><id>{number}</id>{time}{contributor}<text>{text}</text></revision>"


@pytest.mark.parametrize(
    ("revisions", "newest"),
    [
        ([revision(1, "a"), revision(2, "b")], (2, "b")),
        ([revision(2, "b"), revision(1, "a")], (2, "b")),
        ([revision(10, "c"), revision(9, "b")], (10, "c")),
        ([revision(3, "b", "2024-01-02T00:00:00Z"), revision(4, "a", "2023-01-02T00:00:00Z")], (3, "b")),
        ([revision(3, "a"), "<revision><id>4</id></revision>"], (4, "")),
        ([revision(number, "a" * number) for number in range(1, 500)], (499, "a" * 499)),
    ],
)
def test_of_several_revisions_the_newest_is_read(revisions: list[str], newest: tuple[int, str]) -> None:
    page = page_of(*revisions)
    assert page.damage is None and (page.revision_id, page.wikitext) == newest


def test_a_page_without_a_namespace_tells_none() -> None:
    assert page_of(revision(1, "a"), namespace="").namespace is None
    assert page_of(revision(1, "a"), namespace="<ns>4</ns>").namespace == 4
    assert page_of(revision(1, "a"), namespace="<ns>x</ns>").damage == "not well-formed"
    assert page_of().damage == "not well-formed"


@pytest.mark.timeout(20)
@pytest.mark.parametrize("tag", ["<revision>", "<a>", "<id>"])
def test_a_page_of_nothing_but_tags_is_refused_without_long_work(tag: str) -> None:
    assert page_of(tag * (MAX_PAGE_BYTES // 20)).damage is not None
