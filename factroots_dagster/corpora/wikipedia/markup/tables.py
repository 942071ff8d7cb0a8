"""Tables in wikitext, which are not prose."""

from __future__ import annotations

import re

TABLE_BRACKET = re.compile(r"\n[ \t:*#;]*(\{\|)|\n[ \t]*(\|\})")


def remove_tables(text: str) -> str:
    """`text` without `{| ... |}`, nested ones too.

    A table without an end remains; `split_lines` drops its rows.
    """
    opened: list[int] = []
    spans: list[tuple[int, int]] = []
    text = "\n" + text
    for bracket in TABLE_BRACKET.finditer(text):
        if bracket[1]:
            opened.append(bracket.start() + 1)
        elif opened:
            start = opened.pop()
            while spans and spans[-1][0] > start:
                spans.pop()
            spans.append((start, bracket.end()))
    kept, position = [], 1
    for start, end in spans:
        kept.append(text[position:start])
        position = end
    kept.append(text[position:])
    return "".join(kept)
