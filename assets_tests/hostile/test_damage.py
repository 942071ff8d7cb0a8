"""Dumps and pages that are damaged or hostile are read as far as they go, and what was lost is listed."""

from __future__ import annotations

import bz2
import random
import time
import tracemalloc
from itertools import accumulate, pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from assets_tests.corpora.conftest import dump_xml, page_xml
from factroots_dagster.corpora.wikipedia import pages
from factroots_dagster.corpora.wikipedia.articles import write_part
from factroots_dagster.corpora.wikipedia.bzip2 import blocks, marks
from factroots_dagster.corpora.wikipedia.markup.wikitext import prose
from factroots_dagster.corpora.wikipedia.namespaces import Namespaces
from factroots_dagster.corpora.wikipedia.pages import Part, Reader

FLIPS = 100
NAMESPACES = Namespaces.of("nl", [(0, ""), (6, "Bestand"), (10, "Template"), (14, "Categorie")])


def flipped_places(packed: bytes, chance: random.Random) -> list[int]:
    """Bits to flip: in the file's head and tail, in the marks and checksums, and many in the data."""
    bits = len(packed) * 8
    chosen = [0, 7, 20, 31, bits - 1, bits - 9, bits - 40, bits - 70]
    for place, _ in marks(packed):
        chosen += [place, place + 25, place + 47, place + 48, place + 79, place + 80]
    chosen = [place for place in chosen if place < bits][: FLIPS // 2]
    return chosen + [chance.randrange(bits) for _ in range(FLIPS - len(chosen))]


def test_a_bit_flipped_anywhere_costs_the_pages_of_its_block_alone(tmp_path: Path) -> None:
    """And nothing is read that was not written. A mark is the border of two blocks and belongs to both."""
    chance = random.Random(0)
    texts = [" ".join(str(chance.random()) for _ in range(chance.randrange(4, 300))) for _ in range(260)]
    rows = [page_xml(number, f"T{number}", text) for number, text in enumerate(texts, 1)]
    data = dump_xml(rows).encode()
    packed = bz2.compress(data, 1)
    path = tmp_path / "dump"
    path.write_bytes(packed)
    with path.open("rb") as raw:
        held = [len(block.data or b"") for block in blocks(raw, 0)]
    edges = [0, *accumulate(held)]
    places = [place for place, _ in marks(packed)]
    assert len(places) == len(held) + 1 > 5 and edges[-1] == len(data)
    begins = [data.index(f"<id>{number}</id>".encode()) for number in range(1, len(rows) + 1)]
    spans = [(data.rindex(b"<page>", 0, at), data.index(b"</page>", at) + 7) for at in begins]
    losses = []
    for place in flipped_places(packed, chance):
        torn = bytearray(packed)
        torn[place // 8] ^= 0x80 >> place % 8
        path.write_bytes(torn)
        hit = {
            number
            for number, (start, end) in enumerate(pairwise(places))
            # from its own mark to the end of the next one's
            if start <= place < end + 48
        }
        parts = sorted({0, len(packed), *(chance.randrange(len(packed)) for _ in range(3))})
        found = {
            page.page_id: page.wikitext
            for start, end in pairwise(parts)
            for page in Reader(Part(str(path), "bz2", start, end)).pages()
            if page.damage is None
        }
        outside = {
            number
            for number, (start, end) in enumerate(spans, 1)
            if not any(start < edges[block + 1] and end > edges[block] for block in hit)
        }
        assert outside <= found.keys(), (place, sorted(outside - found.keys()))
        assert all(text == texts[(number or 0) - 1] for number, text in found.items()), place
        losses.append(len(rows) - len(found))
    assert len(losses) == FLIPS and max(losses) > 5 and min(losses) == 0


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
    "name space missing": (BAD.replace("<ns>0</ns>", ""), "not well-formed"),
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


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_page_is_listed_and_costs_itself_alone(kind: str, tmp_path: Path) -> None:
    bad, damage = DAMAGED[kind]
    first, last = dump_xml([GOOD[0]]).removesuffix("</mediawiki>\n"), GOOD[1] + "</mediawiki>"
    body = bad if isinstance(bad, bytes) else bad.encode()
    path = tmp_path / "nlwiki-20240101-pages-articles.xml"
    path.write_bytes(first.encode() + body + last.encode())
    out = tmp_path / "out"
    out.mkdir()
    size = path.stat().st_size
    part = Part(str(path), "none", 0, size)
    tracemalloc.start()
    began = time.process_time()
    figures = write_part(0, lambda _: None, [part], out, NAMESPACES, True, 20.0)
    seconds, peak = time.process_time() - began, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds < 20 and peak < 10 * size + 50e6
    assert pq.read_table(out / "part-00000-000.parquet")["title"].to_pylist() == ["Een", "Drie"]
    told = [problem["problem"] for problem in figures["problems"]]
    assert told and set(told) <= set(damage.split("|")), told
    assert figures["damaged_pages"] == len(told) and figures["articles"] == 2
    assert 0 < figures["lost_bytes"] <= 2 * len(body)


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


@pytest.mark.parametrize("kind", WIKITEXT)
@pytest.mark.timeout(120)
def test_megabytes_of_hostile_wikitext_take_seconds(kind: str) -> None:
    text = WIKITEXT[kind]
    assert len(text) >= 700_000
    began = time.process_time()
    found = prose(text, NAMESPACES)
    assert time.process_time() - began < pages_seconds()
    assert len(found.text) <= len(text) and all(line < len(text) for line in found.list_lines)


def pages_seconds() -> float:
    """Half of what a page may take before it is listed as unfinished."""
    from factroots_dagster.corpora.wikipedia.articles import PAGE_SECONDS

    return PAGE_SECONDS / 2


def test_a_page_that_is_not_finished_in_time_is_listed(tmp_path: Path) -> None:
    path = tmp_path / "nlwiki-20240101-pages-articles.xml"
    slow = page_xml(2, "Traag", "{{a|" * 500_000 + "}}" * 500_000)
    path.write_text(dump_xml([GOOD[0], slow, GOOD[1]]))
    part = Part(str(path), "none", 0, path.stat().st_size)
    figures = write_part(0, lambda _: None, [part], tmp_path, NAMESPACES, True, 0.01)
    assert figures["unfinished_pages"] == 1 and figures["articles"] == 2
    assert [(p["page_id"], p["problem"]) for p in figures["problems"]] == [(2, "unfinished after 0.01 s")]


def test_a_file_of_many_tiny_streams_is_no_hang(tmp_path: Path) -> None:
    """A page in 30,000 streams of a few bytes each."""
    data = dump_xml([GOOD[0], page_xml(2, "Twee", "woord " * 50_000), GOOD[1]]).encode()
    path = tmp_path / "dump"
    path.write_bytes(b"".join(bz2.compress(data[at : at + 10]) for at in range(0, len(data), 10)))
    began = time.process_time()
    found = list(Reader(Part(str(path), "bz2", 0, path.stat().st_size)).pages())
    assert [(page.page_id, page.damage) for page in found] == [(1, None), (2, None), (3, None)]
    assert time.process_time() - began < 30


def test_a_bzip2_bomb_is_bounded_in_memory(tmp_path: Path) -> None:
    """300 MB of nothing out of some hundred bytes of every 45 MB, in the middle of a page."""
    head = dump_xml([GOOD[0]]).removesuffix("</mediawiki>\n").encode() + b"<page><title>B</title><id>2</id>"
    bomb = bz2.compress(b"x" * 45_000_000)
    tail = b"</page>" + GOOD[1].encode() + b"</mediawiki>"
    path = tmp_path / "dump"
    path.write_bytes(bz2.compress(head) + bomb * 7 + bz2.compress(tail))
    assert path.stat().st_size < 5000
    tracemalloc.start()
    found = list(Reader(Part(str(path), "bz2", 0, path.stat().st_size)).pages())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(page.page_id, page.damage is None) for page in found] == [(1, True), (2, False), (3, True)]
    assert found[1].damage == f"longer than {pages.LARGEST_PAGE} bytes"
    assert peak < 6 * pages.LARGEST_PAGE  # and not 300 MB
