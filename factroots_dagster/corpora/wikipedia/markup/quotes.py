"""Bold and italic marks of a line, balanced as MediaWiki's parser does (`Parser::doQuotes`).

Of four apostrophes the first is text, of more than five all but the last five. Where a line has an odd number
of bold and an odd number of italic marks, one bold mark is an apostrophe and an italic mark: the first behind
a word of one letter, else the first behind a longer word, else the first behind a space.
"""

from __future__ import annotations

import re

BOLD = "\ufdee"
"""Temporary mark of bold where marks are balanced already, as in the labels of links; a noncharacter."""

QUOTED_END = re.compile(r"''[^\[\]|\n]*+\]\]")
"""Of a link's label with marks, what is behind the first: marks are rarer than links."""
LABEL_START = re.compile(r"[^\[\]\n]*+")
MARK = re.compile("'''?")
SPLITTING_MARK = re.compile("(''+)")


def remove_quotes(text: str) -> str:
    """`text` without bold and italic marks; apostrophes that are text remain."""
    kept, position, bold = [], 0, text.find("'''")
    while bold >= 0:
        start, end = text.rfind("\n", position, bold) + 1 or position, text.find("\n", bold)
        end = end if end >= 0 else len(text)
        line = text[start:end]
        # Where marks of two and three apostrophes alone balance, as in most lines, all of them are removed.
        if "''''" in line or line.count("'''") % 2:
            kept.append(MARK.sub("", text[position:start]))
            kept += mark_line(line)[::2]
            position = end
        bold = text.find("'''", end)
    kept.append(MARK.sub("", text[position:]))
    return "".join(kept)


def mark_labels(text: str) -> str:
    """`text` with the marks in links' labels, which MediaWiki balances on their own, as by `mark_bold`."""
    kept, position, last_end = [], 0, 0
    for end in QUOTED_END.finditer(text):
        bar = text.rfind("|", last_end, end.start())
        last_end = end.end()
        if bar >= 0 and LABEL_START.fullmatch(text, bar, end.start()):
            kept += [text[position:bar], mark_bold(text[bar:last_end], closed=True)]
            position = last_end
    kept.append(text[position:])
    return "".join(kept)


def mark_bold(line: str, closed: bool = False) -> str:
    """`line` with its marks balanced: italic ones removed, bold ones as BOLD.

    closed: whether bold ends with the line, so that a mark without another is removed.
    """
    if "''" not in line:
        return line
    parts = mark_line(line)
    marks = [BOLD if len(mark) > 2 else "" for mark in parts[1::2]]
    if closed and marks.count(BOLD) % 2:
        marks[len(marks) - 1 - marks[::-1].index(BOLD)] = ""
    return "".join(text + mark for text, mark in zip(parts[::2], [*marks, ""], strict=True))


def mark_line(line: str) -> list[str]:
    """The texts and marks of a line in turn, texts first and last; a mark is 2, 3 or 5 apostrophes."""
    parts = SPLITTING_MARK.split(line)
    bold = italic = 0
    for number in range(1, len(parts), 2):
        length = len(parts[number])
        marks = 3 if length == 4 else min(length, 5)
        if marks < length:
            parts[number - 1] += "'" * (length - marks)
            parts[number] = "'" * marks
        bold += marks != 2
        italic += marks != 3
    if bold % 2 and italic % 2 and (unbalanced := find_unbalanced(parts)):
        parts[unbalanced] = "''"
        parts[unbalanced - 1] += "'"
    return parts


def find_unbalanced(parts: list[str]) -> int:
    """The number of the bold mark that is an apostrophe and an italic mark; 0 where there is none."""
    after_word = after_space = 0
    for number in range(1, len(parts), 2):
        if parts[number] != "'''":
            continue
        before = parts[number - 1]
        if before.endswith(" "):
            after_space = after_space or number
        elif before[-2:-1] == " " and before[-1].isascii():
            # MediaWiki counts bytes, so that a word of one letter is one of ASCII.
            return number
        else:
            after_word = after_word or number
    return after_word or after_space
