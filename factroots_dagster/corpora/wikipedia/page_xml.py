"""One `<page>` of a dump: its title, namespace and newest revision, or what is wrong with it.

A page is parsed by itself, so that an entity that the file's head declares is unknown to it (an entity bomb
is a damaged page, never an expansion).
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from xml.parsers import expat

MAX_PAGE_BYTES = 32 * 2**20
"""Bytes of XML of one page; MediaWiki allows 2 MiB of wikitext. Longer ones are listed as damaged."""

MAX_TAGS, MAX_REVISION_TAGS, MAX_REVISIONS = 1000, 30, 10_000
"""Tags of one page, and how many more each further revision may have, up to a number of revisions; MediaWiki
writes some 25, and markup in its text is escaped."""

HEAD_BYTES = 2000
INTEGER = re.compile("[0-9]{1,18}")
PAGE_ID = re.compile(rb"<id>([0-9]{1,18})</id>")
TITLE = re.compile(rb"<title>([^<]*)</title>")

REVISION = "page/revision"
FIELDS = frozenset(f"page/{name}" for name in ("id", "title", "ns", "redirect"))
REVISION_FIELDS = frozenset(f"{REVISION}/{name}" for name in ("id", "timestamp", "text"))
MAX_DEPTH = 3
"""Elements from the page to a field."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page, or what is known of a damaged one (`damage` says what is wrong, `bytes` were lost)."""

    page_id: int | None
    title: str | None
    bytes: int
    namespace: int | None = 0
    """None where the dump does not tell it, as before export schema 0.6 (2012)."""
    redirect_to: str | None = None
    revision_id: int | None = None
    wikitext: str = ""
    damage: str | None = None


def damaged_page(xml: bytes, size: int, damage: str) -> Page:
    """A page that cannot be read, with its id and title where they can be."""
    head = xml[:HEAD_BYTES]
    page_id, title = PAGE_ID.search(head), TITLE.search(head)
    return Page(
        int(page_id[1]) if page_id else None,
        html.unescape(title[1].decode("utf-8", "replace")) if title else None,
        size,
        damage=damage,
    )


def too_long_page(head: bytes, size: int) -> Page:
    """A page of which only the beginning is kept."""
    return damaged_page(head, size, f"longer than {MAX_PAGE_BYTES} bytes")


def parse_page(xml: bytes) -> Page:
    """One `<page>...</page>`; of several revisions the newest, by time, then by id."""
    if len(xml) > MAX_PAGE_BYTES:
        return too_long_page(xml, len(xml))
    more_revisions = min(MAX_REVISIONS, max(0, xml.count(b"<revision>") - 1))
    allowed = MAX_TAGS + MAX_REVISION_TAGS * more_revisions
    if xml.count(b"<") > 2 * allowed:
        return damaged_page(xml, len(xml), f"more than {allowed} tags")
    try:
        fields, revision = parse_fields(xml)
        if revision is None or not fields.get("page/title"):
            raise ValueError
        return Page(
            parse_integer(fields.get("page/id")),
            fields["page/title"],
            len(xml),
            parse_integer(fields["page/ns"]) if "page/ns" in fields else None,
            fields.get("page/redirect") or None,
            parse_integer(revision.get(f"{REVISION}/id")),
            revision.get(f"{REVISION}/text", ""),
        )
    except (expat.ExpatError, ValueError):
        return damaged_page(xml, len(xml), "not well-formed")


def parse_fields(xml: bytes) -> tuple[dict[str, str], dict[str, str] | None]:
    """The texts of FIELDS in a page and of REVISION_FIELDS in its newest revision, if it has any, by path.

    For `page/redirect` its title; of repeated ones the first. Raises ExpatError when the XML is not
    well-formed.
    """
    fields: dict[str, str] = {}
    revision: dict[str, str] = {}
    newest: dict[str, str] | None = None
    path: list[str] = []
    open_texts: list[dict[str, str] | None] = []  # for each element of the path, where its text belongs

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal revision
        path.append(name)
        field = "/".join(path) if len(path) <= MAX_DEPTH else ""
        if field == REVISION:
            revision = {}
        texts = fields if field in FIELDS else revision if field in REVISION_FIELDS else None
        if texts is not None and field not in texts:
            texts[field] = attributes.get("title", "")
            open_texts.append(texts)
        else:
            open_texts.append(None)

    def data(text: str) -> None:
        texts = open_texts[-1]
        if texts is not None:
            texts["/".join(path)] += text

    def end(name: str) -> None:
        nonlocal newest
        if len(path) < MAX_DEPTH and "/".join(path) == REVISION:
            newest = revision if newest is None else max(revision, newest, key=revision_order)
        path.pop()
        open_texts.pop()

    parser = expat.ParserCreate()
    # One call for a whole text; ElementTree makes a string of every stretch between two entities.
    parser.buffer_text, parser.buffer_size = True, len(xml)
    parser.StartElementHandler, parser.CharacterDataHandler, parser.EndElementHandler = start, data, end
    parser.Parse(xml, True)
    return fields, newest


def revision_order(revision: dict[str, str]) -> tuple[str, int]:
    """Sort key of a revision: its time in ISO 8601, then its id; -1 for one that is no number."""
    number = revision.get(f"{REVISION}/id", "")
    return revision.get(f"{REVISION}/timestamp", ""), int(number) if INTEGER.fullmatch(number) else -1


def parse_integer(text: str | None) -> int:
    """An id or namespace, which fits into 64 bits; raises ValueError for anything else."""
    if text is None or not INTEGER.fullmatch(text):
        raise ValueError
    return int(text)
