"""Comments and tags in wikitext: elements that are not prose are removed, of others only the tags."""

from __future__ import annotations

import re

from factroots_dagster.corpora.wikipedia.markup.escapes import escape_markup

DROPPED_TAGS = (
    "ref|references|gallery|math|chem|ce|syntaxhighlight|source|score|timeline|graph|imagemap|mapframe|maplink"
    "|templatedata|templatestyles|hiero|inputbox|categorytree|indicator|includeonly|table|style|script"
)
QUOTING_TAGS = "nowiki|pre"
SHOWN_TAGS = (
    "span|small|sub|sup|i|b|u|s|p|q|em|strong|big|font|code|cite|tt|kbd|samp|var|abbr|bdi|bdo|del|ins|strike"
    "|dfn|mark|time|data|wbr|ruby|rb|rbc|rt|rtc|rp|thead|tbody|tfoot|col|colgroup|section|label"
    "|translate|tvar|langconvert|noinclude|onlyinclude"
)
EXTENSION_TAG = re.compile(rf"<(/?)(?=[a-z])({DROPPED_TAGS}|{QUOTING_TAGS})\b([^<>]*)>", re.IGNORECASE)
QUOTING_TAG = re.compile(rf"<(?:{QUOTING_TAGS})\b", re.IGNORECASE)
SIMPLE_REFERENCE = re.compile(r"<ref\b(?:[^<>]*+(?<!/)>[^<]*+</ref\s*>|[^<>]*+(?<=/)>)", re.IGNORECASE)
"""A reference without tags in it, as nearly all are: one substitution is much faster than pairing tags."""
LIST_LINE = re.compile(r"\n[*#:;][^\n]*+")
LINE_BREAK = re.compile(r"<br\b[^<>]*>", re.IGNORECASE)
ITEM_TAG = re.compile(r"<(?:li|dd|dt)\b[^<>]*>", re.IGNORECASE)
BREAK_TAG = re.compile(
    r"</?(?=[a-z])(?:br|p|div|li|ul|ol|dl|dd|dt|tr|td|th|caption|blockquote|center|poem|hr|h[1-6])\b[^<>]*>",
    re.IGNORECASE,
)
TAG = re.compile(
    rf"</?(?=[a-z])(?:{SHOWN_TAGS}|{DROPPED_TAGS}|{QUOTING_TAGS}|[a-z]{{1,20}}+(?=[^<>]*=))\b[^<>]*>",
    re.IGNORECASE,
)
"""Tags of HTML and MediaWiki; other words in angle brackets are text, as in MediaWiki."""
LONG_VALUE = re.compile(
    r"""=\s*+(?:"[^"<>\n]*+>[^"<\n]*+"|'[^'<>\n]*+>[^'<\n]*+')(?=[^<>\n]*+>)""",
)
"""A quoted value with a `>` in it, and a `>` behind."""
RUBY_READING = re.compile(r"<r[tp]\b[^<>]*+>[^<>]*+</r[tp]\s*>", re.IGNORECASE)
"""The pronunciation of a word in `<ruby>`, which would split the word."""


def remove_comments(text: str) -> str:
    """`text` without `<!-- ... -->` and lines that are only a comment; an unclosed one extends to the end."""
    start = text.find("<!--")
    if start < 0:
        return text
    kept, position = [], 0
    while start >= 0:
        kept.append(text[position:start])
        end = text.find("-->", start + 4)
        if end < 0:
            return "".join(kept)
        position = end + 3
        if text.startswith("\n", position) and (start == 0 or text[start - 1] == "\n"):
            position += 1
        start = text.find("<!--", position)
    kept.append(text[position:])
    return "".join(kept)


def shorten_attributes(text: str) -> str:
    """`text` without the values of attributes that hold a `>`, which would seem to end their tag."""
    kept: list[str] = []
    position = 0
    for value in LONG_VALUE.finditer(text):
        # In a tag: a `<` came before, and behind it no `>` but those of such values.
        tag_end = max(position - 1, text.rfind(">", position, value.start()))
        is_tag = text.rfind("<", tag_end + 1, value.start()) >= 0
        if is_tag or (kept and tag_end < position):
            kept.append(text[position : value.start()])
            position = value.end()
    if not kept:
        return text
    kept.append(text[position:])
    return "".join(kept)


def remove_extension_tags(text: str) -> tuple[str, bool]:
    """`text` without elements that are not prose, and whether some of it is quoted (`nowiki`, `pre`).

    Markup characters of quoted text are escaped (`escapes.escape_markup`).
    Of a tag without an end only the tag is removed: what follows is more often prose than not. So is that
    of a `<ref>` before the next `<ref>`, which a forgotten slash leaves open.
    """
    if "<" not in text:
        return text, False
    if not QUOTING_TAG.search(text):
        text = SIMPLE_REFERENCE.sub("", text)
    tags = list(EXTENSION_TAG.finditer(text))
    if not tags:
        return text, False
    kept, position, index, quoted = [], 0, 0, False
    last_end = {tag[2].lower(): index for index, tag in enumerate(tags) if tag[1]}
    while index < len(tags):
        tag = tags[index]
        index += 1
        kept.append(text[position : tag.start()])
        position = tag.end()
        name = tag[2].lower()
        if tag[1] or tag[3].endswith("/") or last_end.get(name, -1) < index:
            continue
        closing = index
        while tags[closing][2].lower() != name or tags[closing][3].endswith("/"):
            closing += 1
        if not tags[closing][1]:
            if name not in ("nowiki", "pre"):
                continue
            while tags[closing][2].lower() != name or not tags[closing][1]:
                closing += 1
        if name in ("nowiki", "pre"):
            kept.append(escape_markup(text[position : tags[closing].start()]))
            quoted = True
        position = tags[closing].end()
        index = closing + 1
    kept.append(text[position:])
    return "".join(kept), quoted


def remove_tags(text: str) -> str:
    """`text` without tags; block elements become paragraphs, and items of HTML lists list items."""
    if "<r" in text:
        text = RUBY_READING.sub("", text)
    text = ITEM_TAG.sub("\n*", text)
    if "<br" in text:
        text = LIST_LINE.sub(split_item, "\n" + text)
    text = BREAK_TAG.sub("\n\n", text)
    return TAG.sub("", text)


def split_item(line: re.Match[str]) -> str:
    """A list item; where it has line breaks, each of its lines as an item."""
    return LINE_BREAK.sub("\n*", line[0]) if "<" in line[0] else line[0]
