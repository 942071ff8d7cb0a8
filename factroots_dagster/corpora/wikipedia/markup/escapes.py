"""Markup characters in text that is quoted: replaced by noncharacters while a page is cleaned."""

from __future__ import annotations

import re

MARKUP = "[]{}'<>=*#:;|&_-!~"
"""Characters that the cleaner interprets, except inside `nowiki`."""

FIRST_NONCHARACTER = 0xFDD0
ESCAPES = {ord(character): FIRST_NONCHARACTER + number for number, character in enumerate(MARKUP)}
ESCAPED = re.compile(f"[{''.join(map(chr, ESCAPES.values()))}]")


def escape_markup(text: str) -> str:
    """`text` with markup characters replaced by Unicode noncharacters, which no page may contain."""
    return text.translate(ESCAPES)


def unescape_markup(text: str) -> str:
    """`text` as it was before `escape_markup`."""
    # A pattern, since a page has few of them and `str.translate` looks up every character.
    return ESCAPED.sub(lambda match: MARKUP[ord(match[0]) - FIRST_NONCHARACTER], text)
