"""The lines of a page's text: paragraphs, list items, headings; and tidying what removed markup leaves."""

from __future__ import annotations

import re
from collections.abc import Sequence

TABS = re.compile(r"[ \t\u00a0]{2,}")
SPACES = re.compile("  +")
PUNCTUATION = " ,;،؛、，；"
EMPTY_BRACKETS = {
    opener: (
        re.compile(rf"{re.escape(opener)}[{PUNCTUATION}]*+[)）]"),
        re.compile(rf"{re.escape(opener)} *+[{PUNCTUATION[1:]}][{PUNCTUATION}]*+"),
    )
    for opener in "(（"
}
"""By opening bracket (fast to search for): empty brackets, and brackets that begin with commas."""
REMOVED = "\ufdef"
"""Temporary mark where brackets were removed; a noncharacter, like those of escaped markup."""


def split_lines(text: str) -> tuple[list[str], list[int], list[int]]:
    """Paragraphs (lines joined), list items, headings, preformatted lines; numbers of items, of headings."""
    lines: list[str] = []
    items: list[int] = []
    headings: list[int] = []
    paragraph: list[str] = []
    for raw in text.split("\n"):
        line = raw.strip()
        mark = line[:1]
        in_paragraph = line and mark not in "*#:;=|-{ " and raw[0] != " "
        if in_paragraph or (mark == "=" and line[-1] != "="):
            paragraph.append(line)
            continue
        if paragraph:
            lines.append(" ".join(paragraph))
            paragraph = []
        if mark and mark in "*#:;":
            line = line.lstrip("*#:; \t\u00a0")
            if line:
                items.append(len(lines))
        elif mark == "=":
            line = line.strip("= \t\u00a0")
            if line:
                headings.append(len(lines))
        elif mark == "|" or line.startswith(("{|", "----")):
            # Remains of a table or template whose brackets do not pair.
            line = line.lstrip("-") if mark == "-" else ""
        if line:
            lines.append(line)
    if paragraph:
        lines.append(" ".join(paragraph))
    return lines, items, headings


def tidy(text: str) -> str:
    """`text` without the empty brackets and repeated spaces that removed markup leaves behind."""
    for opener, (empty, begins_with_comma) in EMPTY_BRACKETS.items():
        if opener in text:
            text = begins_with_comma.sub(opener, empty.sub(REMOVED, text))
    if REMOVED in text:
        text = text.replace(" " + REMOVED, "").replace(REMOVED, "").replace("\n ", "\n").removeprefix(" ")
    if "\t" in text:
        text = TABS.sub(" ", text)
    if "\u00a0" in text:
        text = text.replace("\u00a0", " ")
    return SPACES.sub(" ", text)


def drop_blank_lines(text: str, *marked: list[int]) -> tuple[str, list[list[int]]]:
    """`text` without the lines that `tidy` left blank, and the new numbers of the lines that are marked."""
    kept = [(number, line) for number, line in enumerate(text.split("\n")) if line]
    new_number = {old: number for number, (old, _) in enumerate(kept)}
    renumbered = [[new_number[line] for line in lines if line in new_number] for lines in marked]
    return "\n".join(line for _, line in kept), renumbered


def drop_lines(text: str, lines: Sequence[int]) -> str:
    """`text` without the lines with these numbers, from 0."""
    if not len(lines):
        return text
    dropped = set(lines)
    return "\n".join(line for number, line in enumerate(text.split("\n")) if number not in dropped)
