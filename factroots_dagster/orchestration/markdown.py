"""Text with data in it, for what Dagster's UI shows as Markdown: descriptions of checks' results.

Labels, uuids and paths come from files that somebody else wrote: as Markdown, one could make the browser load
a picture from another server. Dagster shows cells of tables and texts of errors as they are.
"""

from __future__ import annotations

import re

_BREAK = "\u2060"
"""Word joiner: invisible and without width."""
_SPECIAL = re.compile(r"[\\`*\[\]<>&~]|(?<![^\W_])_|_(?![^\W_])")
_ADDRESS = re.compile(r"(?<=:)(?=//)|(?<=[Ww]{3})(?=\.)|(?<=@)")
"""Where what the UI would make a link is broken, without any markup: addresses of pages and of mail."""
_BLOCK = re.compile(r"^(?:[#+=-]|[0-9]{1,9}(?=[.)]))")
_BLANK = re.compile(r"[\s\x00-\x1f\x7f]+")


def escape_markdown(text: str) -> str:
    """A paragraph of Markdown that shows `text` itself: no image, link, HTML or formatting comes from it.

    White space and control characters become single spaces.
    """
    escaped = _SPECIAL.sub(r"\\\g<0>", _ADDRESS.sub(_BREAK, _BLANK.sub(" ", text).strip()))
    return _BLOCK.sub(lambda start: f"{start[0]}\\" if start[0].isdigit() else f"\\{start[0]}", escaped)


def unescape_markdown(text: str) -> str:
    """The text of what `escape_markdown` made, for terminals and pages that are no Markdown."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text.replace(_BREAK, ""))
