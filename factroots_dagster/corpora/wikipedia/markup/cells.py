"""Cells: what a page says outside its prose, in parameters of boxes, rows of tables and block quotations.

They are collected while templates and tables are removed, so that a page is read once. What a wiki calls its
infoboxes need not be known: a box is a template that begins a line, is written over several lines, and has
named parameters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from factroots_dagster.corpora.wikipedia.markup.arguments import NAMED_ARGUMENT, split_arguments
from factroots_dagster.corpora.wikipedia.markup.brackets import FILE_ENDING
from factroots_dagster.corpora.wikipedia.markup.cell_names import BOX_WORD, QUOTATIONS
from factroots_dagster.corpora.wikipedia.markup.magic_words import fold_name
from factroots_dagster.corpora.wikipedia.markup.templates import MAX_NAME_LENGTH, PROTECTED

INFOBOX, TABLE, QUOTATION = "infobox", "table", "quotation"

LETTER = re.compile(r"[^\W\d_]")
BLOCK_START, BLOCK_END = re.compile(r"<blockquote\b[^<>]*>", re.IGNORECASE), "</blockquote"
ROW_START = re.compile(r"\n[ \t]*(?:\|[-}]|\{\|)[^\n]*+")
CELL_LINE = re.compile(r"\n[ \t]*\|(?!\+)")
"""What makes a row more than headers or a caption."""
ATTRIBUTES = r"[ \t]*+[a-zA-Z][^|\[\]{}\n]{0,300}+"
CELL_START = re.compile(rf"(?:\n[ \t]*[|!]\+?|\|\||!!)(?:{ATTRIBUTES}\|(?!\|))?")
"""What begins a cell, with its attributes."""
CELL_WITH_ATTRIBUTES = re.compile(
    rf"(?:\n[ \t]*[|!]|\|\||!!)({ATTRIBUTES})\|(?!\|)([^|\[\]\n]*+(?:\[\[[^\[\]\n]*+\]\][^|\[\]\n]*+)*+)"
)
ROWSPAN = re.compile(r"""\browspan\s*=\s*["']?\s*(\d{1,3})""", re.IGNORECASE)
MAX_SPANNING, MAX_SPANNING_LENGTH = 20, 200
"""Cells that are repeated in the rows over which they extend, and how long they may be."""
BETWEEN_CELLS = " | "
EMPTY_CELLS = re.compile(r" *\|[ |]*\| *")
MARGIN = " *#:;|\n"
MAX_INDENT = 40
"""Characters before a template in which it is looked for what precedes it in its line."""
MAX_ENDING = 20
"""Characters of a value in which a file's ending is looked for."""
SEPARATOR = "\ufde8"
"""Temporary noncharacter between cells that are cleaned together, which takes a fraction of the time."""

Clean = Callable[[str], str]
"""Turns wikitext without templates into plain text."""


class Cell(NamedTuple):
    """One cell in plain text, on one line."""

    kind: str
    """INFOBOX (a parameter: its name, a colon, a line of its value), TABLE (a row) or QUOTATION."""
    text: str
    value_start: int
    """Where the value begins in `text`: behind a parameter's name, else 0."""


@dataclass
class Removed:
    """Templates (without their braces) and tables that were removed from a page, as wikitext."""

    templates: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)

    def add_template(self, pieces: list[str], before: list[str], depth: int) -> None:
        """Keep a template of which nothing is shown if it is a box or a quotation.

        pieces: its inner text. before: what precedes it. depth: how many templates it is in.
        """
        head = pieces[0] if pieces else ""
        bar = head.find("|", 0, MAX_NAME_LENGTH)
        if bar < 0 or depth > 1:
            return
        if "\n" not in head or not _begins_line(before, depth):
            name = fold_name(head[:bar])
            if name not in QUOTATIONS and not name.startswith(BOX_WORD):
                return
        self.templates.append("".join(pieces))

    def cells(self, text: str, clean: Clean) -> list[Cell]:
        """The cells of a page; text: its wikitext without templates and tables, where quotations remain."""
        raw = [cell for template in self.templates for cell in read_template(template)]
        raw += [cell for table in self.tables for cell in read_table(table)]
        if "<blockquote" in text:
            raw += [RawCell(QUOTATION, "", quotation) for quotation in find_quotations(text)]
        texts = clean_together([cell.wikitext for cell in raw], clean)
        return [
            Cell(kind, f"{name}: {words}", len(name) + 2) if name else Cell(kind, words, 0)
            for (kind, name, _), text in zip(raw, texts, strict=True)
            # Names in two lines of a parameter are two values of it.
            for words in (split_lines(text) if name else [", ".join(split_lines(text))])
            if LETTER.search(words)
        ]


class RawCell(NamedTuple):
    """A cell in wikitext without templates. name: of a parameter, else empty."""

    kind: str
    name: str
    wikitext: str


def clean_together(texts: list[str], clean: Clean) -> list[str]:
    """The plain text of each of these, perhaps on several lines, without empty cells of a row."""
    together = clean("\n".join(SEPARATOR + text for text in texts)) if texts else ""
    cleaned = EMPTY_CELLS.sub(BETWEEN_CELLS, together).split(SEPARATOR)[1:]
    if len(cleaned) != len(texts):
        # A bracket was opened in one cell and closed in another.
        cleaned = [EMPTY_CELLS.sub(BETWEEN_CELLS, clean(text)) for text in texts]
    return [text.strip(MARGIN) for text in cleaned]


def split_lines(text: str) -> list[str]:
    """The lines of a cell that are not empty, without marks of lists."""
    if "\n" not in text:
        return [text]
    return list(filter(None, (line.strip(MARGIN) for line in text.split("\n"))))


def _begins_line(before: list[str], depth: int) -> bool:
    """Whether a template begins a line, or in a template a parameter's value."""
    last = before[-1][-MAX_INDENT:] if before else ""
    start = last.rstrip(" \t")
    return not start or start.endswith("\n") or (depth > 0 and last.rstrip().endswith("="))


def read_template(body: str) -> Iterator[RawCell]:
    """The cells of a box or quotation, given what is between its braces."""
    for sign, protected in PROTECTED.items():
        body = body.replace(protected, sign if sign == "=" else " ")
    name, _, rest = body.partition("|")
    arguments = split_arguments(rest)
    if fold_name(name) in QUOTATIONS:
        yield RawCell(QUOTATION, "", max(map(_value, arguments), key=len))
        return
    for argument in arguments:
        key = NAMED_ARGUMENT.match(argument)
        if key is None or key[1].isdecimal():  # a number is no name
            continue
        value = argument[key.end() :].strip()
        if LETTER.search(value) and not FILE_ENDING.search(value[-MAX_ENDING:]):
            yield RawCell(INFOBOX, key[1].strip(), value)


def _value(argument: str) -> str:
    """An argument without its name."""
    key = NAMED_ARGUMENT.match(argument)
    return argument[key.end() if key else 0 :].strip()


def read_table(table: str) -> Iterator[RawCell]:
    """The rows of a table, `{|` and `|}` included, that are not headers alone.

    A cell that extends over several rows is repeated in them.
    """
    start = table.find("\n")
    if start < 0:
        return
    kind = INFOBOX if BOX_WORD in table[:start].lower() else TABLE
    rows = list(filter(CELL_LINE.search, ROW_START.split(table[start:])))
    # One substitution for all rows is several times as fast as one for each.
    texts = CELL_START.sub(BETWEEN_CELLS, SEPARATOR.join(rows)).split(SEPARATOR)
    if "rowspan" in table:
        texts = add_spanning(rows, texts)
    for text in filter(LETTER.search, texts):
        yield RawCell(kind, "", text)


def add_spanning(rows: list[str], texts: list[str]) -> list[str]:
    """The texts of a table's rows, with those of cells that extend to them from a row above."""
    spanning: list[tuple[int, str]] = []
    extended = []
    for row, text in zip(rows, texts, strict=True):
        extended.append(BETWEEN_CELLS.join([text, *(content for _, content in spanning)]))
        spanning = [(left - 1, content) for left, content in spanning if left > 1]
        spanning = [*spanning, *find_spanning(row)][:MAX_SPANNING]
    return extended


def find_spanning(row: str) -> Iterator[tuple[int, str]]:
    """Of cells that extend over further rows the number of these and the content."""
    for attributes, content in CELL_WITH_ATTRIBUTES.findall(row):
        rows = ROWSPAN.search(attributes)
        if rows and int(rows[1]) > 1 and len(content) <= MAX_SPANNING_LENGTH:
            yield int(rows[1]) - 1, content


def find_quotations(text: str) -> Iterator[str]:
    """The contents of closed `<blockquote>` elements."""
    lowered, position = text.lower(), 0
    while start := BLOCK_START.search(text, position):
        end = lowered.find(BLOCK_END, start.end())
        if end < 0:
            return
        yield text[start.end() : end]
        position = end
