"""Of damaged or hostile dumps every complete page is read, and what was lost is listed."""

from __future__ import annotations

import bz2
import random
import tracemalloc
from itertools import accumulate, pairwise
from pathlib import Path

import pyarrow as pa
import pytest

from assets_tests.corpora.dumps import dump_xml, page_xml
from assets_tests.spark.parts import run_part
from factroots_dagster.corpora.wikipedia import pages
from factroots_dagster.corpora.wikipedia.articles import PAGE_SECONDS, convert_part
from factroots_dagster.corpora.wikipedia.bzip2 import find_markers, read_blocks
from factroots_dagster.corpora.wikipedia.namespaces import Namespaces
from factroots_dagster.corpora.wikipedia.pages import ByteRange, PageReader

FLIPS = 100
NAMESPACES = Namespaces.for_wiki("nl", [(0, ""), (6, "Bestand"), (10, "Template"), (14, "Categorie")])


def bits_to_flip(compressed: bytes, rng: random.Random) -> list[int]:
    """Bit positions in the file's head and tail, in its markers and checksums, and many at random."""
    bits = len(compressed) * 8
    chosen = [0, 7, 20, 31, bits - 1, bits - 9, bits - 40, bits - 70]
    for marker, _ in find_markers(compressed):
        chosen += [marker + offset for offset in (0, 25, 47, 48, 79, 80)]
    chosen = [bit for bit in chosen if bit < bits][: FLIPS // 2]
    return chosen + [rng.randrange(bits) for _ in range(FLIPS - len(chosen))]


def test_a_bit_flipped_anywhere_costs_only_the_pages_of_its_block(tmp_path: Path) -> None:
    """And no text is read that was not written. A marker separates two blocks and belongs to both."""
    rng = random.Random(0)
    texts = [" ".join(str(rng.random()) for _ in range(rng.randrange(4, 300))) for _ in range(260)]
    rows = [page_xml(number, f"T{number}", text) for number, text in enumerate(texts, 1)]
    data = dump_xml(rows).encode()
    compressed = bz2.compress(data, 1)
    path = tmp_path / "dump"
    path.write_bytes(compressed)
    with path.open("rb") as raw:
        block_sizes = [len(block.data or b"") for block in read_blocks(raw, 0)]
    block_edges = [0, *accumulate(block_sizes)]
    markers = [marker for marker, _ in find_markers(compressed)]
    assert len(markers) == len(block_sizes) + 1 > 5 and block_edges[-1] == len(data)
    ids = [data.index(f"<id>{number}</id>".encode()) for number in range(1, len(rows) + 1)]
    spans = [(data.rindex(b"<page>", 0, at), data.index(b"</page>", at) + 7) for at in ids]
    lost_pages = []
    for bit in bits_to_flip(compressed, rng):
        damaged = bytearray(compressed)
        damaged[bit // 8] ^= 0x80 >> bit % 8
        path.write_bytes(damaged)
        damaged_blocks = {
            number
            for number, (start, end) in enumerate(pairwise(markers))
            # from its own marker to the end of the next one
            if start <= bit < end + 48
        }
        edges = sorted({0, len(compressed), *(rng.randrange(len(compressed)) for _ in range(3))})
        texts_read = {
            page.page_id: page.wikitext
            for start, end in pairwise(edges)
            for page in PageReader(ByteRange(str(path), "bz2", start, end)).pages()
            if page.damage is None
        }
        in_other_blocks = {
            number
            for number, (start, end) in enumerate(spans, 1)
            if not any(start < block_edges[n + 1] and end > block_edges[n] for n in damaged_blocks)
        }
        assert in_other_blocks <= texts_read.keys(), (bit, sorted(in_other_blocks - texts_read.keys()))
        assert all(text == texts[(number or 0) - 1] for number, text in texts_read.items()), bit
        lost_pages.append(len(rows) - len(texts_read))
    assert len(lost_pages) == FLIPS and max(lost_pages) > 5 and min(lost_pages) == 0


GOOD = page_xml(1, "Een", "Eerste."), page_xml(3, "Drie", "Laatste.")
BAD = page_xml(2, "Twee", "TEKST")
NESTED = b"<a>" * 2_000_000 + b"</a>" * 2_000_000

DAMAGED: dict[str, tuple[str | bytes, str]] = {
    "id missing": (BAD.replace("<id>2</id>", ""), "not well-formed"),
    "id empty": (BAD.replace("<id>2</id>", "<id></id>"), "not well-formed"),
    "id negative": (BAD.replace("<id>2</id>", "<id>-2</id>"), "not well-formed"),
    "id of 30 digits": (BAD.replace("<id>2</id>", f"<id>{'9' * 30}</id>"), "not well-formed"),
    "id of 9,999 digits": (BAD.replace("<id>2</id>", f"<id>{'9' * 9999}</id>"), "not well-formed"),
    "id in other digits": (BAD.replace("<id>2</id>", "<id>２</id>"), "not well-formed"),
    "revision's id of 30 digits": (BAD.replace("<id>1002</id>", f"<id>{'9' * 30}</id>"), "not well-formed"),
    "revision missing": (BAD.replace("revision>", "version>"), "not well-formed"),
    "title missing": (BAD.replace("<title>Twee</title>", ""), "not well-formed"),
    "title empty": (BAD.replace("<title>Twee</title>", "<title></title>"), "not well-formed"),
    "namespace empty": (BAD.replace("<ns>0</ns>", "<ns></ns>"), "not well-formed"),
    "entity unknown": (BAD.replace("TEKST", "&lol9;"), "not well-formed"),
    "entity bomb in the page": (
        BAD.replace("TEKST", '<!DOCTYPE x [<!ENTITY a "aaa">]>&a;'),
        "not well-formed",
    ),
    "character that XML forbids": (BAD.replace("TEKST", "a\x01b"), "not well-formed"),
    "NUL": (BAD.replace("TEKST", "a\0b"), "not well-formed"),
    "half a character": (BAD.replace("TEKST", "&#xD800;"), "not well-formed"),
    "bytes that are not UTF-8": (BAD.encode().replace(b"TEKST", b"\xff\xfe"), "not well-formed"),
    "tag not closed": (BAD.replace("</text>", ""), "not well-formed"),
    "nested two million deep": (BAD.encode().replace(b"TEKST", NESTED), "more than 1000 tags"),
    "page within a page": (BAD.replace("TEKST", "<page>TEKST"), "no end|not well-formed"),
    "page not closed": (BAD.replace("</page>", ""), "no end"),
    "page without a beginning": (BAD.replace("<page>", ""), "no beginning"),
}


@pytest.mark.parametrize("fault", DAMAGED)
@pytest.mark.timeout(120)
def test_a_damaged_page_is_listed_and_costs_only_itself(fault: str, tmp_path: Path) -> None:
    bad, damage = DAMAGED[fault]
    first, last = dump_xml([GOOD[0]]).removesuffix("</mediawiki>\n"), GOOD[1] + "</mediawiki>"
    body = bad if isinstance(bad, bytes) else bad.encode()
    path = tmp_path / "nlwiki-20240101-pages-articles.xml"
    path.write_bytes(first.encode() + body + last.encode())
    size = path.stat().st_size
    source = ByteRange(str(path), "none", 0, size)
    tracemalloc.start()
    tables, counts = run_part(convert_part(0, [source], NAMESPACES, True, 20.0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * size + 50e6
    assert pa.concat_tables(tables)["title"].to_pylist() == ["Een", "Drie"]
    problems = [problem["problem"] for problem in counts["problems"]]
    assert problems and set(problems) <= set(damage.split("|")), problems
    assert counts["damaged_pages"] == len(problems) and counts["articles"] == 2
    assert 0 < counts["lost_bytes"] <= 2 * len(body)


MEGABYTE = 2**20
WIKITEXT = {
    "templates opened": "{{" * MEGABYTE,
    "templates closed": "}}" * MEGABYTE,
    "templates nested": "{{a|" * 250_000 + "x" + "}}" * 250_000,
    "template parameters": "{{{" * 600_000,
    "one template of a million arguments": "{{lang|" + "a|" * MEGABYTE + "}}",
    "links opened": "[[" * MEGABYTE,
    "links closed": "]]" * MEGABYTE,
    "links nested": "[[a|" * 250_000 + "x" + "]]" * 250_000,
    "files with nested captions": "[[Bestand:a.jpg|thumb|" * 50_000 + "x" + "]]" * 50_000,
    "link of a million bars": "[[" + "|" * MEGABYTE + "]]",
    "external links opened": "[http://a " * 200_000,
    "references opened": "<ref>" * 400_000,
    "references closed": "</ref>" * 400_000,
    "reference with endless attributes": "<ref " + "a=b " * 500_000,
    "nowiki opened": "<nowiki>" * 250_000,
    "comments opened": "<!--" * 500_000,
    "comments of one sign": "<!-->" * 400_000,
    "tables opened": "\n{|" * 700_000,
    "tables closed": "\n|}" * 700_000,
    "tables nested": "\n{|\n|a" * 150_000 + "\n|}" * 150_000,
    "angle brackets": "<" * (2 * MEGABYTE),
    "tags": "<b><i>" * 350_000,
    "quotes": "'" * (2 * MEGABYTE),
    "quotes in fives": "'''''a" * 350_000,
    "equals signs": "=" * (2 * MEGABYTE),
    "section titles": "\n==a==" * 300_000,
    "list of stars": "*" * (2 * MEGABYTE),
    "list items": "\n*" * MEGABYTE,
    "entities": "&amp;" * 400_000,
    "entity without an end": "&" + "a" * (2 * MEGABYTE),
    "numbers of characters": "&#99999999;" * 200_000,
    "variants opened": "-{" * MEGABYTE,
    "variants nested": "-{zh-cn:" * 200_000 + "}-" * 200_000,
    "brackets opened": "(" * (2 * MEGABYTE),
    "brackets with commas": "( , , " * 350_000,
    "blanks": " " * (2 * MEGABYTE),
    "lines": "\n" * (2 * MEGABYTE),
    "one word": "a" * (2 * MEGABYTE),
    "combining marks": "a" + "\u0301" * MEGABYTE,
    "noncharacters": "\ufdef\ufdd0" * 500_000,
    "switches": "__NOTOC" * 250_000,
    "everything opened": "{{[[<ref>{|'''-{<!-" * 100_000,
}


@pytest.mark.parametrize("markup", WIKITEXT)
@pytest.mark.timeout(300)
def test_megabytes_of_hostile_wikitext_are_cleaned_in_linear_time(markup: str, tmp_path: Path) -> None:
    wikitext = WIKITEXT[markup]
    assert len(wikitext) >= 700_000
    path = tmp_path / "dump"
    path.write_text(dump_xml([page_xml(1, "Een", wikitext)]))
    source = ByteRange(str(path), "none", 0, path.stat().st_size)
    _, counts = run_part(convert_part(0, [source], NAMESPACES, True, 5 * PAGE_SECONDS))  # busy machines
    assert counts["problems"] == [] and counts["articles"] == 1
    assert counts["characters"] <= len(wikitext)


def test_a_page_that_exceeds_the_time_limit_is_listed(tmp_path: Path) -> None:
    path = tmp_path / "nlwiki-20240101-pages-articles.xml"
    slow = page_xml(2, "Traag", "{{a|" * 500_000 + "}}" * 500_000)
    path.write_text(dump_xml([GOOD[0], slow, GOOD[1]]))
    source = ByteRange(str(path), "none", 0, path.stat().st_size)
    _, counts = run_part(convert_part(0, [source], NAMESPACES, True, 0.01))
    assert counts["unfinished_pages"] == 1 and counts["articles"] == 2
    assert [(p["page_id"], p["problem"]) for p in counts["problems"]] == [(2, "unfinished after 0.01 s")]


@pytest.mark.timeout(300)
def test_a_page_in_thousands_of_tiny_streams_is_read(tmp_path: Path) -> None:
    """A page in 30,000 streams of ten bytes each."""
    data = dump_xml([GOOD[0], page_xml(2, "Twee", "woord " * 50_000), GOOD[1]]).encode()
    path = tmp_path / "dump"
    path.write_bytes(b"".join(bz2.compress(data[start : start + 10]) for start in range(0, len(data), 10)))
    pages_read = list(PageReader(ByteRange(str(path), "bz2", 0, path.stat().st_size)).pages())
    assert [(page.page_id, page.damage) for page in pages_read] == [(1, None), (2, None), (3, None)]


def test_a_bzip2_bomb_is_bounded_in_memory(tmp_path: Path) -> None:
    """300 MB of the same letter, compressed to less than 5 kB, in the middle of a page."""
    head = dump_xml([GOOD[0]]).removesuffix("</mediawiki>\n").encode() + b"<page><title>B</title><id>2</id>"
    bomb = bz2.compress(b"x" * 45_000_000)
    tail = b"</page>" + GOOD[1].encode() + b"</mediawiki>"
    path = tmp_path / "dump"
    path.write_bytes(bz2.compress(head) + bomb * 7 + bz2.compress(tail))
    assert path.stat().st_size < 5000
    tracemalloc.start()
    pages_read = list(PageReader(ByteRange(str(path), "bz2", 0, path.stat().st_size)).pages())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(page.page_id, page.damage is None) for page in pages_read] == [(1, True), (2, False), (3, True)]
    assert pages_read[1].damage == f"longer than {pages.MAX_PAGE_BYTES} bytes"
    assert peak < 6 * pages.MAX_PAGE_BYTES  # and not 300 MB
