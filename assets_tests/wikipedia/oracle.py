"""Prose by way of mwparserfromhell: an independent parser for the cleaner to be compared with.

The parser decides what is a template, a table, a link, a tag; only which of these are prose is written
here again: templates (but for words and numbers in the middle of a sentence), tables, references, formulas,
galleries, files, categories and links to other languages are not.
"""

from __future__ import annotations

import re
from collections import Counter

import mwparserfromhell
from mwparserfromhell import nodes

DROPPED = {
    *("ref", "references", "gallery", "math", "chem", "ce", "syntaxhighlight", "source", "score", "timeline"),
    *("graph", "imagemap", "mapframe", "maplink", "templatedata", "templatestyles", "hiero", "inputbox"),
    *("categorytree", "includeonly", "table", "style", "script"),
}
BROKEN = {
    "br",
    "p",
    "div",
    "li",
    "dd",
    "dt",
    "dl",
    "ul",
    "ol",
    "blockquote",
    "center",
    "hr",
    "poem",
    "tr",
    "td",
    "th",
}


def prose(wikitext: str, hidden: set[str], languages: set[str]) -> str:
    """The text that the parse tree shows; `hidden` are lower-case names of file and category namespaces."""
    return re.sub(r"__[A-ZА-ЯІЇЄ_]+__", "", shown(mwparserfromhell.parse(wikitext), hidden, languages))


def shown(code: mwparserfromhell.wikicode.Wikicode, hidden: set[str], languages: set[str]) -> str:
    return "".join(node_text(node, hidden, languages) for node in code.nodes)


def node_text(node: nodes.Node, hidden: set[str], languages: set[str]) -> str:
    match node:
        case nodes.Text():
            return str(node.value)
        case nodes.Wikilink():
            target = str(node.title)
            prefix = target.partition(":")[0].strip().lower().replace("_", " ")
            if ":" in target and (prefix in hidden or prefix in languages):
                return ""
            return shown(node.title if node.text is None else node.text, hidden, languages).removeprefix(":")
        case nodes.Tag():
            name = str(node.tag).strip().lower()
            if name in DROPPED:
                return ""
            inner = shown(node.contents, hidden, languages) if node.contents is not None else ""
            return f"\n{inner}\n" if name in BROKEN else inner
        case nodes.Template():
            return kept_words(node, hidden, languages)
        case nodes.ExternalLink():
            if not node.brackets:
                return str(node.url)
            return shown(node.title, hidden, languages) if node.title is not None else ""
        case nodes.HTMLEntity():
            return str(node.normalize())
        case nodes.Heading():
            return f"\n{shown(node.title, hidden, languages)}\n"
        case _:
            return ""


def kept_words(node: nodes.Template, hidden: set[str], languages: set[str]) -> str:
    """Words of another language, and measures; everything else that a template holds is no prose."""
    name = str(node.name).strip().lower().replace("_", " ")
    plain = [shown(param.value, hidden, languages).strip() for param in node.params if not param.showkey]
    if name.startswith("formatnum:"):
        return name.partition(":")[2]
    if name.startswith("lang-") or name in ("nowrap", "unicode", "abbr", "polytonic", "val", "sc", "script"):
        return "".join(plain[:1])
    if name in ("lang", "langx"):
        return "".join(plain[1:2])
    if name in ("transl", "transliteration"):
        return "".join(plain[-1:])
    if name in ("convert", "cvt"):
        return " ".join(
            plain[:4] if plain[1:2] in (["to"], ["and"], ["-"], ["–"], ["by"], ["x"]) else plain[:2]
        )
    if name in ("nihongo", "nihongo2", "ill"):
        return " ".join(plain[:3] if name != "ill" else plain[:1])
    return ""


def tokens(text: str) -> Counter[str]:
    """Words with their combining marks, as a multiset."""
    return Counter(re.findall(r"[\w\u0300-\u036f\u0900-\u0dff]+", text))


def agreement(ours: Counter[str], theirs: Counter[str]) -> tuple[float, float, float]:
    """Precision, recall and F1 of two multisets."""
    common = (ours & theirs).total()
    precision, recall = common / max(1, ours.total()), common / max(1, theirs.total())
    return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)
