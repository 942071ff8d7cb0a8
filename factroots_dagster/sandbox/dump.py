"""Writes a language's articles as a MediaWiki export (XML, bz2), byte for byte the same every time.

Besides the articles a dump holds what every real one does and a reader must not take for articles: redirects,
talk pages, templates, categories, user and project pages, and a module.
"""

from __future__ import annotations

import bz2
import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from factroots_dagster.sandbox.languages import Language, namespace_names
from factroots_dagster.sandbox.records import World
from factroots_dagster.sandbox.wikitext import render_article

SNAPSHOT = "20260101"
TALK, USER, PROJECT, TEMPLATE, CATEGORY, MODULE = 1, 2, 4, 10, 14, 828  # namespace numbers
_HIDDEN_LABEL_SHARE = 0.25  # of the articles on subjects: markup outside the prose names the fact's object
TALK_PAGE_INTERVAL = 12  # articles per talk page
_NAMESPACE_URL = "http://www.mediawiki.org/xml/export-0.11/"


@dataclass(frozen=True)
class DumpPage:
    """A page of the export; `title` includes the namespace prefix, `redirect` is the target or None."""

    title: str
    namespace: int
    text: str
    redirect: str | None = None
    model: str = "wikitext"


def dump_name(language: str) -> str:
    """File name of a language's dump, in Wikimedia's style."""
    return f"{language}wiki-{SNAPSHOT}-pages-articles.xml.bz2"


def write_dump(world: World, language: str, path: Path) -> None:
    """Write the dump of one language to `path` (a .bz2 file; overwritten)."""
    compressor = bz2.BZ2Compressor(9)
    with path.open("wb") as file:
        file.write(compressor.compress(_head(world.languages[language]).encode()))
        for number, page in enumerate(_pages(world, language), start=1):
            file.write(compressor.compress(_page_xml(page, number).encode()))
        file.write(compressor.compress(b"</mediawiki>\n"))
        file.write(compressor.flush())


def _pages(world: World, code: str) -> Iterator[DumpPage]:
    """All pages in the order of their ids: articles, with redirects and other pages in between."""
    random = np.random.default_rng([world.seed, 5, zlib.crc32(code.encode())])
    names = namespace_names(world.languages[code])
    labels, truth = world.labels[code], world.truth[code]
    object_labels = {fact.subject_uri: labels[fact.object_uri] for fact in world.facts}
    yield DumpPage(f"{names[PROJECT]}:{names[USER]}", PROJECT, f"'''{names[PROJECT]}''' {{{{Infobox}}}}")
    yield DumpPage(
        f"{names[TEMPLATE]}:Infobox", TEMPLATE,
        "<includeonly>{| class=\"infobox\"\n! {{{name|}}}\n|}</includeonly><noinclude>{{doc}}</noinclude>",
    )  # fmt: skip
    yield DumpPage(f"{names[MODULE]}:Infobox", MODULE, "return { name = frame.args[1] }", model="Scribunto")
    redirects = list(world.redirects[code].items())
    # talk pages state facts that no article states, so that a reader that takes them for articles is noticed
    unstated = [fact for fact in world.facts if not truth[fact.uuid].stated]
    redirect_interval = max(1, len(world.articles[code]) // max(1, len(redirects)))
    for number, article in enumerate(world.articles[code]):
        hidden_labels: tuple[str, ...] = ()
        if article.uri in object_labels and random.random() < _HIDDEN_LABEL_SHARE:
            hidden_labels = (object_labels[article.uri],)
        yield DumpPage(article.title, 0, render_article(article, names, random, hidden_labels))
        if number % redirect_interval == 0 and redirects:
            yield _redirect(*redirects.pop(0))
        if number % TALK_PAGE_INTERVAL == 0 and unstated:
            fact = unstated[int(random.integers(len(unstated)))]
            statement = world.templates[code][fact.relation]
            statement = statement.replace("[X]", labels[fact.subject_uri]).replace(
                "[Y]", labels[fact.object_uri]
            )
            yield DumpPage(f"{names[TALK]}:{article.title}", TALK, f"== ? ==\n{statement} --~~~~")
    for title, target in redirects:
        yield _redirect(title, target)
    for topic in sorted({article.topic for article in world.articles[code]}):
        yield DumpPage(f"{names[CATEGORY]}:{topic}", CATEGORY, f"'''{topic}'''")
    yield DumpPage(f"{names[USER]}:Gazetteer", USER, "{{Infobox}}\n'''Gazetteer'''")


def _redirect(title: str, target: str) -> DumpPage:
    return DumpPage(title, 0, f"#REDIRECT [[{target}]]", redirect=target)


def _head(language: Language) -> str:
    names, code = namespace_names(language), language.code
    lines = [
        f'<mediawiki xmlns="{_NAMESPACE_URL}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:schemaLocation="{_NAMESPACE_URL} http://www.mediawiki.org/xml/export-0.11.xsd" '
        f'version="0.11" xml:lang="{code}">',
        "  <siteinfo>",
        f"    <sitename>{escape(language.namespaces[2])}</sitename>",
        f"    <dbname>{code}wiki</dbname>",
        f"    <base>https://{code}.example.org/wiki/</base>",
        "    <generator>factroots sandbox</generator>",
        "    <case>first-letter</case>",
        "    <namespaces>",
    ]
    for namespace, name in names.items():
        tag = f'      <namespace key="{namespace}" case="first-letter"'
        lines.append(f"{tag}>{escape(name)}</namespace>" if name else f"{tag} />")
    return "\n".join([*lines, "    </namespaces>", "  </siteinfo>\n"])


def _page_xml(page: DumpPage, number: int) -> str:
    encoded = page.text.encode()
    digest = int.from_bytes(hashlib.sha1(encoded, usedforsecurity=False).digest())
    redirect = f"    <redirect title={quoteattr(page.redirect)} />\n" if page.redirect else ""
    minute, hour, day = number % 60, number // 60 % 24, number // 1440 % 28 + 1
    return (
        "  <page>\n"
        f"    <title>{escape(page.title)}</title>\n"
        f"    <ns>{page.namespace}</ns>\n"
        f"    <id>{number}</id>\n"
        f"{redirect}"
        "    <revision>\n"
        f"      <id>{number * 7 + 1000}</id>\n"
        f"      <parentid>{number * 7 + 999}</parentid>\n"
        f"      <timestamp>2025-12-{day:02d}T{hour:02d}:{minute:02d}:00Z</timestamp>\n"
        "      <contributor>\n        <username>Gazetteer</username>\n        <id>1</id>\n"
        "      </contributor>\n"
        f"      <origin>{number * 7 + 1000}</origin>\n"
        f"      <model>{page.model}</model>\n"
        "      <format>text/x-wiki</format>\n"
        f'      <text bytes="{len(encoded)}" sha1="{_base36(digest)}" xml:space="preserve">'
        f"{escape(page.text)}</text>\n"
        f"      <sha1>{_base36(digest)}</sha1>\n"
        "    </revision>\n  </page>\n"
    )


def _base36(number: int) -> str:
    """A SHA-1 as MediaWiki writes it: 31 digits in base 36."""
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits.rjust(31, "0")
