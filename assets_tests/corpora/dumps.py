"""Hand-made Wikipedia dumps, for the tests of several folders."""

from __future__ import annotations

import bz2
from pathlib import Path
from xml.sax.saxutils import escape

HEAD = """<mediawiki
  xmlns="http://www.mediawiki.org/xml/export-0.10/" version="0.10" xml:lang="{language}">
  <siteinfo>
    <sitename>Wikipedia</sitename>
    <dbname>{database}wiki</dbname>
    <namespaces>
      <namespace key="0" case="first-letter" />
      <namespace key="1" case="first-letter">Talk</namespace>
      <namespace key="6" case="first-letter">Bestand</namespace>
      <namespace key="10" case="first-letter">Template</namespace>
      <namespace key="14" case="first-letter">Categorie</namespace>
    </namespaces>
  </siteinfo>
"""


def page_xml(number: int, title: str, text: str, namespace: int = 0, redirect: str | None = None) -> str:
    """One <page> as MediaWiki exports it; its revision is 1000 + number."""
    redirect_tag = f'    <redirect title="{escape(redirect)}" />\n' if redirect else ""
    return (
        f"  <page>\n    <title>{escape(title)}</title>\n    <ns>{namespace}</ns>\n"
        f"    <id>{number}</id>\n{redirect_tag}"
        f"    <revision>\n      <id>{1000 + number}</id>\n      <contributor><id>7</id></contributor>\n"
        f'      <text bytes="1" xml:space="preserve">{escape(text)}</text>\n    </revision>\n  </page>\n'
    )


def dump_xml(pages: list[str], language: str = "nl", database: str | None = None) -> str:
    """A complete export with pages from `page_xml`."""
    return HEAD.format(language=language, database=database or language) + "".join(pages) + "</mediawiki>\n"


def write_dump(folder: Path, xml: str | bytes, name: str = "nlwiki-20240101-pages-articles.xml.bz2") -> Path:
    """`xml` as a dump file in `folder`, compressed when the name ends in .bz2."""
    data = xml.encode() if isinstance(xml, str) else xml
    path = folder / name
    path.write_bytes(bz2.compress(data) if name.endswith(".bz2") else data)
    return path
