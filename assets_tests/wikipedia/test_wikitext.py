"""The cleaner: cases by hand, against mwparserfromhell on real pages, and under hostile input."""

from __future__ import annotations

import bz2
import re
import time
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assets_tests.wikipedia.oracle import agreement, prose, tokens
from factroots_dagster.wikipedia.dump import read_siteinfo
from factroots_dagster.wikipedia.limits import Unfinished, time_limit
from factroots_dagster.wikipedia.namespaces import Namespaces
from factroots_dagster.wikipedia.wikitext import clean

DUTCH = Namespaces.of("nl", [(6, "Bestand"), (14, "Categorie")])

CASES = {
    "bold and italic": ("''L'''''Aigle''' is '''''bold'''''.", "LAigle is bold."),
    "apostrophe and bold": ("l''''Aigle'''", "l'Aigle"),
    "link": ("[[Parijs]], [[Parijs|de stad]] en [[auto]]s", "Parijs, de stad en autos"),
    "link with colon": ("[[CSI: Miami]] en [[WWE: Raw|Raw]]", "CSI: Miami en Raw"),
    "language link": ("a [[fr:Paris]][[zh-min-nan:Paris|x]] b", "a b"),
    "shown language link": ("[[:fr:Paris]] [[:fr:Paris|Parijs]]", "fr:Paris Parijs"),
    "category": ("tekst [[Categorie:Stad]] [[category:Stad|*]]", "tekst"),
    "shown category": ("[[:Categorie:Stad]]", "Categorie:Stad"),
    "file with nested caption": (
        "voor [[Bestand:a.jpg|thumb|zie [[b|c]] en [http://x y] {{z|[[q]]}}]] na",
        "voor na",
    ),
    "file by another name": ("[[Afbeelding:a.jpg|thumb|x]][[Fichier:a.png|20px]]a", "a"),
    "single brackets in a caption": ("[[File:a.jpg|thumb|[sic] [[x]]]]b", "b"),
    "template": ("a {{infobox|naam={{b|c}}|x=[[d]]}} e", "a e"),
    "template over lines": ("{{Infobox\n| naam = a\n| b = {{c}}\n}}\n'''A''' is b.", "A is b."),
    "unclosed template": ("{{infobox\n| naam = a\n\nTekst.", "{{infobox\nTekst."),
    "stray braces": ("a }} b", "a }} b"),
    "parameter": ("a{{{1|b}}}c", "ac"),
    "odd braces": ("a{{{b}}c", "a{c"),
    "formatnum": ("{{formatnum:1234567}} inwoners", "1234567 inwoners"),
    "lang": ("{{lang|fr|[[Lyon|la ville]]}} {{lang-de|Köln}} {{Lang|ru|2=Москва}}", "la ville Köln Москва"),
    "nihongo": ("{{nihongo|Tokyo|東京|Tōkyō|lead=yes}}", "Tokyo (東京, Tōkyō)"),
    "convert": ("{{convert|5|km|mi|abbr=on}} {{convert|5|to|10|kg|lb}}", "5 km 5 to 10 kg"),
    "date": ("{{birth date|1990|1|2|df=y}}", "1990-01-02"),
    "kept in dropped": ("a{{note|{{formatnum:5}}}}b", "ab"),
    "table": ("voor\n{| class=x\n| a\n{|\n| b\n|}\n|}\nna", "voor\nna"),
    "table in template": ("{{x|\n{|\n|a\n|}}}\nna", "na"),
    "empty parameter at a line's start": ("{{x\n| a = b\n|}}\nna", "na"),
    "unclosed table": ("{|\n| cel\n\nTekst.", "Tekst."),
    "ref": ("a<ref name=x>b [[c]]</ref><ref name=x/> d<ref>e</ref>.", "a d."),
    "open ref": ("a<ref name=x> b<ref>c</ref> d", "a b d"),
    "math and gallery": ("a <math>x_1</math><gallery>\nBestand:a.jpg|b\n</gallery> c", "a c"),
    "nowiki": ("<nowiki>[[a]] ''b'' {{c}}</nowiki> d", "[[a]] ''b'' {{c}} d"),
    "comment": ("a<!-- b\n\n c -->d", "ad"),
    "comment line": ("a\n<!-- b -->\nc", "a c"),
    "unclosed comment": ("a<!-- b", "a"),
    "list": ("* a\n** b\n# c\n; d\n: e", "a\nb\nc\nd\ne"),
    "headings": ("== Kop ==\nTekst\n===Onder===\nmeer", "Kop\nTekst\nOnder\nmeer"),
    "paragraphs": ("een\nregel\n\ntwee", "een regel\ntwee"),
    "preformatted": (" a\n b\nc", "a\nb\nc"),
    "external link": ("[http://a.b/c?d e f] [https://a.b] http://a.b", "e f http://a.b"),
    "square brackets": ("a [b] c", "a [b] c"),
    "switch": ("__NOTOC__a __БЕЗ_ЗМІСТУ__ b __init__", "a b __init__"),
    "tags": ("a<br>b<span style='x'>c</span><sup>2</sup> < d", "a\nbc2 < d"),
    "entities": ("a&nbsp;b &lt;ref&gt; &eacute; &#233; AT&T &copy 1", "a b <ref> é é AT&T &copy 1"),
    "empty brackets": ("Lyon ({{ipa|x}}) en Nice (, [[b]])", "Lyon en Nice (b)"),
    "variant, unknown language": ("-{zh-hans:a;zh-hant:b}- -{c}-", "a c"),
}


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    wikitext, expected = CASES[name]
    assert clean(wikitext, DUTCH) == expected


def test_lists_can_be_left_out() -> None:
    assert clean("a\n* b\n#c\n: d\n; e\nf", DUTCH, lists=False) == "a\nf"


@pytest.mark.parametrize(
    ("language", "wikitext", "expected"),
    [
        ("zh", "-{zh-hant:計程車; zh-hans:出租车}-", "出租车"),
        ("zh", "a-{H|zh-cn:x;zh-tw:y}-b-{T|c}-", "ab"),
        ("zh", "-{zh-tw:計程車;zh-hk:的士}-", "計程車"),
        ("sr", "-{sr-el:Beograd;sr-ec:Београд}-", "Београд"),
        ("zh", "-{a-{zh-cn:b}-c}-", "abc"),
        ("uk", "[[Зображення:а.jpg|міні|б]][[Файл:а.jpg]] в", "в"),
    ],
)
def test_language_markup(language: str, wikitext: str, expected: str) -> None:
    assert clean(wikitext, Namespaces.of(language, [(6, "Файл")])) == expected


SIZE = 400_000
HOSTILE = [
    "{{",
    "{{a|",
    "{{lang|x|",
    "{{convert|1|to|",
    "[[",
    "[[a:b|",
    "[[File:a|",
    "<ref>",
    "<ref name=a ",
    "<ref><math>",
    "<nowiki>",
    "<!--",
    "<",
    "</",
    "\n{|",
    "-{",
    "-{zh:a;",
    "[http://a ",
    "'",
    "=",
    "=a\n",
    "&amp",
    "__A",
    "( ",
    "(,",
    " ",
    "a\n",
    "*",
    "|\n",
    "{{[[<ref>\n{|",
]
CLOSERS = {"{": "}}", "[": "]]", "\n": "\n|}", "-": "}-", "<": "</ref>"}


@pytest.mark.parametrize("unit", HOSTILE)
def test_time_is_linear_on_hostile_nesting(unit: str) -> None:
    """Hundreds of kilobytes of openers, unclosed and closed; quadratic work would take minutes."""
    closer = CLOSERS.get(unit[0], "")
    count = SIZE // (len(unit) + len(closer))
    started = time.process_time()
    with time_limit(60):
        clean(unit * (SIZE // len(unit)), DUTCH)
        if closer:
            clean(unit * count + closer * count, DUTCH)
    assert time.process_time() - started < 5


def test_time_limit_stops_endless_work() -> None:
    with pytest.raises(Unfinished), time_limit(0.05):
        while True:
            pass


PIECES = (
    *"{{}}[[]]||<>=*#:;'\n &-abé東\u00a0\ufdd0",
    *("{{", "}}", "{|", "|}", "[[", "]]", "-{", "}-", "''", "'''", "[http://a", "__TOC__", "File:", "lang|"),
    *("<ref>", "</ref>", "<ref/>", "<nowiki>", "</nowiki>", "<!--", "-->", "formatnum:", "b c"),
    *("&lt;", "&#0;", "&#x110000;"),
)
MARKUP = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)


@given(MARKUP | st.text(max_size=80))
@example("{{lang|a|1e9=b}}{{lang|\ufdd0}}")
@settings(max_examples=400, deadline=None)
def test_never_fails_and_gives_clean_lines(wikitext: str) -> None:
    for lists in (True, False):
        text = clean(wikitext, DUTCH, lists=lists)
        assert "\n\n" not in text
        assert text == text.strip("\n")
        assert "\u00a0" not in text or "&" in wikitext


@given(st.text(alphabet="abcé東 .,", max_size=60), MARKUP)
@settings(max_examples=200, deadline=None)
def test_balanced_templates_leave_nothing(words: str, inner: str) -> None:
    """Whatever stands in a template that closes is gone, when it has no brackets of its own."""
    inner = re.sub(r"[{}<>\[\]&-]", "", inner)
    words = " ".join(words.split())
    assert clean(f"{words} {{{{x|{inner}}}}}", DUTCH) == clean(words, DUTCH)


LANGUAGES = ["bn", "el", "en", "hy", "uk"]


def real_pages(dump: Path) -> list[str]:
    """Wikitext of the namespace-0 articles, by another road than Spark's."""
    pages = []
    for page in re.findall(r"<page>.*?</page>", bz2.decompress(dump.read_bytes()).decode(), re.DOTALL):
        element = ElementTree.fromstring(page)
        if element.findtext("ns") == "0" and element.find("redirect") is None:
            pages.append(element.findtext("revision/text") or "")
    return pages


@pytest.mark.parametrize("language", LANGUAGES)
def test_agrees_with_mwparserfromhell_on_real_pages(language: str, real_data: Path) -> None:
    (dump,) = (real_data / "wikipedia").glob(f"{language}wiki-*.xml.bz2")
    namespaces = Namespaces.of(language, read_siteinfo(dump).namespaces)
    hidden = set(namespaces.files | namespaces.categories)
    ours: Counter[str] = Counter()
    theirs: Counter[str] = Counter()
    pages = real_pages(dump)
    size = 0
    # Pages on which the parser itself gives up (it then shows braces) say nothing about the cleaner.
    for wikitext in pages[7 :: max(1, len(pages) // 40)]:
        if len(wikitext) > 120_000 or size > 1_000_000:
            continue
        size += len(wikitext)
        reference = prose(wikitext, hidden, set(namespaces.languages))
        if re.search(r"\{\{|\[\[|\{\||<ref", reference):
            continue
        ours += tokens(clean(wikitext, namespaces))
        theirs += tokens(reference)
    precision, recall, f1 = agreement(ours, theirs)
    assert f1 >= 0.998, f"{language}: precision {precision:.4f}, recall {recall:.4f}, F1 {f1:.4f}"
