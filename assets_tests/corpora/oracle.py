"""Prose by mwparserfromhell: an independent parser with which the cleaner is compared.

The parser decides what is a template, a table, a link, a tag; this module only decides again which of these
are prose: tables, references, formulas, galleries, files, categories, links to other languages and most
templates are not; numbers and words of templates in the middle of a sentence are.
"""

from __future__ import annotations

import re
from collections import Counter

import mwparserfromhell
from mwparserfromhell import nodes
from mwparserfromhell.wikicode import Wikicode

DROPPED_TAGS = frozenset(
    """
    ref references gallery math chem ce syntaxhighlight source score timeline graph imagemap mapframe maplink
    templatedata templatestyles hiero inputbox categorytree indicator includeonly table style script rt rp
    """.split()  # noqa: SIM905
)
BLOCK_TAGS = frozenset("br p div li dd dt dl ul ol blockquote center hr poem tr td th caption".split())  # noqa: SIM905
FIRST_ARGUMENT = frozenset(
    """
    nowrap nobr small smaller big unicode polytonic abbr comment val nts sc smallcaps mvar angbr s iast sup
    sub smallsup vr redwd μονάδα angle_bracket
    """.split()  # noqa: SIM905
)
SECOND_ARGUMENT = {"lang", "langx", "langi", "rtl-lang"}
MEASURES = {"convert", "cvt", "রূপান্তর"}
LINKS = {"ill", "iw", "iw2", "нп", "нп1", "нп2", "нп3", "нп4", "нп5", "не перекладено", "interlanguage link"}
DATES = {"дата", "дн", "дс", "дн2", "дс2", "as of", "birth date", "start date", "date", "dts"}
RANGE_WORDS = {"to", "and", "-", "–", "by", "x"}
MARKUP = re.compile(r"\{\{|\[\[|\{\||<ref|^[|!]", re.MULTILINE)


def prose(wikitext: str, hidden: set[str], languages: set[str]) -> str:
    """The text that the parse tree shows; `hidden` are lower-case names of file and category namespaces.

    Marks of bold and italics are removed last: with an unclosed one the parser does not recognize tables.
    """
    parsed = mwparserfromhell.parse(wikitext, skip_style_tags=True)
    return re.sub(r"__[A-ZА-ЯІЇЄ_]+__|'{2,}", "", shown(parsed, hidden, languages))


def has_markup(text: str) -> bool:
    """Whether the parser left markup in its text: then it cannot judge the page."""
    return MARKUP.search(text) is not None


def shown(code: Wikicode, hidden: set[str], languages: set[str]) -> str:
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
            if name in DROPPED_TAGS:
                return ""
            inner = shown(node.contents, hidden, languages) if node.contents is not None else ""
            return f"\n{inner}\n" if name in BLOCK_TAGS else inner
        case nodes.Template():
            return template_text(node, hidden, languages)
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


def template_text(node: nodes.Template, hidden: set[str], languages: set[str]) -> str:
    """The words and numbers of a template in the middle of a sentence; other templates are not prose."""
    name = str(node.name).strip().lower().replace("_", " ")
    if name.startswith("formatnum:"):
        return name.partition(":")[2]
    if not node.params:
        return {"ndash": "–", "mdash": "—"}.get(name, " " if name in ("nbsp", "snd", "•", "thinsp") else "")
    plain = [shown(param.value, hidden, languages).strip() for param in node.params if not param.showkey]
    numbered = {
        str(param.name).strip(): shown(param.value, hidden, languages).strip()
        for param in node.params
        if param.showkey and str(param.name).strip().isdecimal()
    }
    for number in range(len(plain) + 1, len(plain) + 1 + len(numbered)):
        plain.append(numbered.get(str(number), ""))
    if name.startswith("lang-") or name.replace(" ", "_") in FIRST_ARGUMENT:
        return "".join(plain[:1])
    if name in SECOND_ARGUMENT:
        return "".join(plain[1:2])
    if name in ("transl", "transliteration"):
        return "".join(plain[-1:])
    if name in MEASURES:
        return " ".join(plain[:4] if plain[1:2] and plain[1] in RANGE_WORDS else plain[:2])
    if name in LINKS:
        return "".join(plain[1:2] if plain[1:2] and plain[1] not in {"", *languages} else plain[:1])
    if name in ("nihongo", "nihongo3", "նիհոնգո"):
        return " ".join(plain[:3])
    if name == "nihongo2":
        return "".join(plain[:1])
    if name in ("chem", "chem2"):
        return "".join(plain)
    if name in DATES:
        words = plain[:3]
        if len(words) == 3 and len(words[2]) == 4:
            words.reverse()
        return "-".join(word.zfill(2) for word in words if word)
    return ""


def tokens(text: str) -> Counter[str]:
    """Words with their combining marks, as a multiset."""
    return Counter(re.findall(r"[\w\u0300-\u036f\u0900-\u0dff]+", text))


def agreement(ours: Counter[str], theirs: Counter[str]) -> tuple[float, float, float]:
    """Precision, recall and F1 of two multisets."""
    common = (ours & theirs).total()
    precision, recall = common / max(1, ours.total()), common / max(1, theirs.total())
    return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)
