"""Escaped text, read by another project's Markdown parser (markdown-it-py), with what Dagster's UI adds."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from factroots_dagster.orchestration.markdown import escape_markdown, unescape_markdown

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
LINKED = re.compile(r"(?i)https?://[-.\w]+|www\.[-.\w]+|[-.\w+]+@[-\w]+(\.[-\w]+)+")
"""What GitHub's Markdown makes a link although nothing marks it as one."""
PIECES = [
    *("![x](http://host/p.png)", "[a](b)", "[a]: http://host", "[a]", "<img src=x>", "<http://host>", "&lt;"),
    *(
        "http://host/p",
        "HTTPS://Host",
        "www.host.org",
        "WWW.host",
        "a@host.org",
        "mailto:a@host.org",
        "x://y",
    ),
    *("_a_", "__a__", "a_b", "snake_case_name", "*a*", "**", "~~a~~", "`a`", "``", "\\", "\\[", "# ", "> "),
    *(
        "- ",
        "+ ",
        "1. ",
        "2) ",
        "---",
        "===",
        "\n",
        "\n\n",
        "    ",
        "\t",
        "| a | b |\n| - | - |",
        "[^1]",
        "\x00",
    ),
]
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=8).map("".join)


def shown(markdown: str) -> str:
    """What a reader sees of one paragraph; fails where there is anything else than text."""
    blocks = PARSER.parse(markdown)
    assert [block.type for block in blocks] in ([], ["paragraph_open", "inline", "paragraph_close"])
    pieces = blocks[1].children or [] if blocks else []
    assert {piece.type for piece in pieces} <= {"text", "text_special"}
    return "".join(piece.content for piece in pieces)


@given(TEXTS)
@example("![x](http://host/p.png)")
@example("a_\\__b")
@example("__b a__ b")
@example("http://www.host.org/a@host.org")
def test_a_text_is_shown_as_it_is_without_image_link_or_formatting(text: str) -> None:
    visible = shown(escape_markdown(text))
    assert not LINKED.search(visible)
    once = " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", text).split())
    assert visible.replace("\u2060", "") == once.replace("\u2060", "").strip()


@given(TEXTS)
def test_escaping_can_be_undone(text: str) -> None:
    plain = unescape_markdown(escape_markdown(text))
    assert plain == " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", text).split()).replace("\u2060", "")


@pytest.mark.parametrize("text", ["3 of 5 expectations met", "fact_sources: uuid 9f-1, language el; p < 1"])
def test_plain_words_stay_readable(text: str) -> None:
    assert escape_markdown(text).replace("\\<", "<") == text


@pytest.mark.parametrize(
    "piece", ["![x](http://host/p.png)", "<img src=x>", "[a](http://host)", "http://host/"]
)
def test_without_escaping_the_oracle_sees_it(piece: str) -> None:
    with pytest.raises(AssertionError):
        assert not LINKED.search(shown(piece))
