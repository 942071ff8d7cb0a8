"""The cleaner: hand-made cases, and compared with mwparserfromhell on real pages.

Pages of other languages are in test_wikitext_languages.py, generated and hostile ones in
test_wikitext_properties.py.
"""

from __future__ import annotations

import bz2
import re
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

from assets_tests.corpora import oracle
from assets_tests.corpora.cleaning import clean
from assets_tests.corpora.oracle import agreement, tokens
from factroots_dagster.corpora.wikipedia.dump import read_siteinfo
from factroots_dagster.corpora.wikipedia.markup.lines import drop_lines
from factroots_dagster.corpora.wikipedia.markup.wikitext import extract_prose
from factroots_dagster.corpora.wikipedia.namespaces import Namespaces

DUTCH = Namespaces.for_wiki("nl", [(6, "Bestand"), (14, "Categorie")])

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
    "number": ("{{formatnum:1234567}} inwoners", "1234567 inwoners"),
    "lang": ("{{lang|fr|[[Lyon|la ville]]}} {{lang-de|Köln}} {{Lang|ru|2=Москва}}", "la ville Köln Москва"),
    "nihongo": ("{{nihongo|Tokyo|東京|Tōkyō|lead=yes}}", "Tokyo (東京, Tōkyō)"),
    "convert": ("{{convert|5|km|mi|abbr=on}} {{convert|5|to|10|kg|lb}}", "5 km 5 to 10 kg"),
    "date": ("{{birth date|1990|1|2|df=y}}", "1990-01-02"),
    "date by a word of the name": ("{{ngày sinh|1990|5|19}} {{জন্ম তারিখ|১৯৯০|৫|৯}}", "1990-05-19 ১৯৯০-৫-৯"),
    "numbers that are no date": ("a {{Πηγές|24|07|2017}}{{rp|53}}{{cite quran|3|102}} b", "a b"),
    "convert by another name": ("{{রূপান্তর|306|km2|sqmi}} {{хх|5|to|10|km|mi}}", "306 km2 5 to 10 km"),
    "number and no unit": ("a {{хх|5|zz}} b", "a b"),
    "formatnum": ("{{formatnum:12345.6|R}} {{formatnum:1.234,5|R}} {{FORMATTEERNUM:9}}", "12345.6 1234.5 9"),
    "signs": ("1914{{ndash}}1918{{snd}}x{{nbsp}}''y''{{'s}} a{{!}}b", "1914–1918 – x y’s a|b"),
    "French ordinals": ("au {{XIXe siècle}} et le {{1er}} mai{{Jer}}", "au XIXe siècle et le 1er mai"),
    "chemistry and powers": (
        "{{chem|H|2|O}} 5{{e|24}} {{frac|1|2}} {{circa|1500}}",
        "H2O 5×10^24 1/2 c. 1500",
    ),
    "link to another language": (
        "{{ill|Jan|de|Johann}} {{ill|en|John|Jan}} {{ill|東京|en|Tokyo|lt=都}} {{iw|A||en|B}}",
        "Jan Jan 都 A",
    ),
    "flags": (
        "{{flag|Nederland}} {{flag|NED}}{{flagicon|Nederland}} {{NLD}} {{NED-2}} {{NLD|#}}{{XYZ}}",
        "Nederland Nederland Nederland Nederland",
    ),
    "Chinese names": ("{{zh|s=汉|t=漢|p=Hàn|labels=no}}", "汉; 漢; Hàn"),
    "link in a kept template": ("{{nowrap|[[File:a.svg|20px]] [[b|c]]}} {{lang|fr|texte=d}}", "c d"),
    "word that looks like a language's code": ("{{sfn|Li|Wang|2003}}a", "a"),
    "kept in dropped": ("a{{note|{{formatnum:5}}}}b", "ab"),
    "table": ("voor\n{| class=x\n| a\n{|\n| b\n|}\n|}\nna", "voor\nna"),
    "table in template": ("{{x|\n{|\n|a\n|}}}\nna", "na"),
    "empty parameter at a line's start": ("{{x\n| a = b\n|}}\nna", "na"),
    "unclosed table": ("{|\n| cel\n\nTekst.", "Tekst."),
    "ref": ("a<ref name=x>b [[c]]</ref><ref name=x/> d<ref>e</ref>.", "a d."),
    "ref by hand": ("a<REF >b</REF >c<ref name='d' />e<ref>f<br>g</ref>", "ace"),
    "ref in nowiki": ("<nowiki><ref>a</ref></nowiki>", "<ref>a</ref>"),
    "open ref": ("a<ref name=x> b<ref>c</ref> d", "a b d"),
    "math and gallery": ("a <math>x_1</math><gallery>\nBestand:a.jpg|b\n</gallery> c", "a c"),
    "nowiki": ("<nowiki>[[a]] ''b'' {{c}}</nowiki> d", "[[a]] ''b'' {{c}} d"),
    "comment": ("a<!-- b\n\n c -->d", "ad"),
    "comment line": ("a\n<!-- b -->\nc", "a c"),
    "unclosed comment": ("a<!-- b", "a"),
    "HTML list": ("<ul><li>a</li>\n<li>b</li></ul>c", "a\nb\nc"),
    "list": ("* a\n** b\n# c\n; d\n: e", "a\nb\nc\nd\ne"),
    "headings": ("== Kop ==\nTekst\n===Onder===\nmeer", "Kop\nTekst\nOnder\nmeer"),
    "paragraphs": ("een\nregel\n\ntwee", "een regel\ntwee"),
    "preformatted": (" a\n b\nc", "a\nb\nc"),
    "external link": ("[http://a.b/c?d e f] [https://a.b] http://a.b", "e f http://a.b"),
    "square brackets": ("a [b] c", "a [b] c"),
    "switch": ("__NOTOC__a __БЕЗ_ЗМІСТУ__ b __init__", "a b __init__"),
    "switches": ("__notoc____НЕТ_ОГЛАВЛЕНИЯ__a__विषयसूचीनहीं__ __目次非表示__ __MỤC_LỤC__b", "a b"),
    "letters in angle brackets": ("het teken <r>, <ξ> en <b>vet</b><abc d=1>e", "het teken <r>, <ξ> en vete"),
    "ruby": ("<ruby>東<rp>(</rp><rt>とう</rt><rp>)</rp>京<rt>きょう</rt></ruby>", "東京"),
    "tags": ("a<br>b<span style='x'>c</span><sup>2</sup> < d", "a\nbc2 < d"),
    "entities": ("a&nbsp;b &lt;ref&gt; &eacute; &#233; AT&T &copy 1", "a b <ref> é é AT&T &copy 1"),
    "empty brackets": ("Lyon ({{ipa|x}}) en Nice (, [[b]])", "Lyon en Nice (b)"),
    "line of an empty bracket": ("a\n* ()\n* b ({{x}})\n\n({{ipa|y}}) c", "a\nb\nc"),
    "bracket that begins with commas": (
        "Lyon ({{x}}; {{y}}, stad) en （{{x}}、都市）",
        "Lyon (stad) en （都市）",
    ),
    "link over a line's end": ("[[Parijs\n|de stad]] en [[a\n\nb [[c]] d]]", "de stad en a\nb c d"),
    "variant, unknown language": ("-{zh-hans:a;zh-hant:b}- -{c}-", "a c"),
}


@pytest.mark.parametrize("name", CASES)
def test_wikitext_becomes_the_expected_text(name: str) -> None:
    wikitext, expected = CASES[name]
    assert clean(wikitext, DUTCH) == expected


def test_lists_can_be_left_out() -> None:
    wikitext = "a\n* b\n#c\n: d\n; e\nf\n<ol><li>g</li></ol>\n* ()\n== h ==\n*i<br />j<br>\nk<br>l"
    page = extract_prose(wikitext, DUTCH)
    assert page.text == "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl"
    assert page.list_lines == [1, 2, 3, 4, 6, 8, 9]
    assert clean(wikitext, DUTCH, lists=False) == "a\nf\nh\nk\nl"


def test_lines_are_dropped_by_number() -> None:
    assert drop_lines("a\nb\nc", [0, 2]) == "b"
    assert drop_lines("a\nb", []) == "a\nb"
    assert drop_lines("a", [0]) == ""


NAMES = {
    "{{Infobox|naam='''X'''}}\n'''[[Parijs|Lutetia]]''' of '''''Paname''''' is.\n\n'''B'''": [
        "Lutetia",
        "Paname",
    ],
    "__NOTOC__\n\n:''over '''iets'''''\n{{x}}\n'''A &amp; B''' en '''A &amp; B''' ('''{{lang|fr|C}}''')": [
        "A & B",
        "C",
    ],
    "Geen naam.\n\n'''A'''": [],
    "== Kop ==\n* '''A'''\nl''''Aigle'''<ref>'''q'''</ref> ''' ''' '''{{x}}''''''o'''' p'''": ["Aigle", "o'"],
    "'''A\nB''' en '''C": ["A B"],
    "'''" + "a" * 201 + "''' '''b'''": ["b"],
    "".join(f"'''{letter}''' " for letter in "abcdefghijkl"): list("abcdefghij"),
    "'''<nowiki>[a]</nowiki>'''": ["[a]"],
    "": [],
}


@pytest.mark.parametrize("wikitext", NAMES)
def test_names_are_the_bold_words_of_the_first_paragraph(wikitext: str) -> None:
    assert extract_prose(wikitext, DUTCH).names == NAMES[wikitext]


@pytest.mark.parametrize(
    ("language", "wikitext", "expected"),
    [
        ("zh", "-{zh-hant:計程車; zh-hans:出租车}-", "出租车"),
        ("zh", "a-{H|zh-cn:x;zh-tw:y}-b-{T|c}-", "ab"),
        ("zh", "-{zh-tw:計程車;zh-hk:的士}-", "計程車"),
        ("zh", "-{zh-cn:[[网|互联网]]&nbsp;a; zh-tw:[[網際網路|網]];}-", "互联网 a"),
        ("zh", "-{[[a|b]]}- -{zh-hans;zh-hant|c}- -{-|zh-cn:d;zh-tw:e}-", "b c"),
        ("sr", "-{sr-el:Beograd;sr-ec:Београд}-", "Београд"),
        ("zh", "-{a-{zh-cn:b}-c}-", "abc"),
        ("uk", "[[Зображення:а.jpg|міні|б]][[Файл:а.jpg]] в", "в"),
    ],
)
def test_language_specific_markup_is_resolved(language: str, wikitext: str, expected: str) -> None:
    assert clean(wikitext, Namespaces.for_wiki(language, [(6, "Файл")])) == expected


LANGUAGES = ["bn", "el", "en", "hy", "uk"]


def real_pages(dump: Path) -> list[str]:
    """Wikitext of the articles (namespace 0, no redirects), read by ElementTree."""
    pages = []
    for page in re.findall(r"<page>.*?</page>", bz2.decompress(dump.read_bytes()).decode(), re.DOTALL):
        element = ElementTree.fromstring(page)
        if element.findtext("ns") == "0" and element.find("redirect") is None:
            pages.append(element.findtext("revision/text") or "")
    return pages


@pytest.mark.parametrize("language", LANGUAGES)
def test_agrees_with_mwparserfromhell_on_real_pages(language: str, real_data: Path) -> None:
    (dump,) = (real_data / "wikipedia").glob(f"{language}wiki-*.xml.bz2")
    namespaces = Namespaces.for_wiki(language, read_siteinfo(dump).namespaces)
    hidden = set(namespaces.files | namespaces.categories)
    ours: Counter[str] = Counter()
    theirs: Counter[str] = Counter()
    pages = real_pages(dump)[::2]
    unparsed = 0
    for wikitext in pages:
        reference = oracle.prose(wikitext, hidden, set(namespaces.languages))
        if oracle.has_markup(reference):
            unparsed += 1
            continue
        ours += tokens(clean(wikitext, namespaces))
        theirs += tokens(reference)
    assert unparsed <= len(pages) / 15
    precision, recall, f1 = agreement(ours, theirs)
    assert f1 >= 0.998, f"{language}: precision {precision:.4f}, recall {recall:.4f}, F1 {f1:.4f}"
