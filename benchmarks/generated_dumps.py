"""Wikipedia dumps made from a release's own facts, for languages of which there is no real dump."""

from __future__ import annotations

import bz2
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import pyarrow as pa

from factroots_dagster.probing.slots import fill_template
from factroots_dagster.tables import zip_columns

ARTICLES = 2500
"""Articles of a generated dump, at most."""
LEFT_OUT, LINKED, REDIRECTED = 0.25, 0.5, 0.1
"""Shares of statements that no article has, of linked objects, of articles with a redirect."""

_HEAD = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/" xml:lang="{language}">
  <siteinfo>
    <dbname>{language}wiki</dbname>
    <namespaces><namespace key="0" case="first-letter" /></namespaces>
  </siteinfo>
"""
_PAGE = """  <page>
    <title>{title}</title>
    <ns>0</ns>
    <id>{number}</id>
    <revision>
      <id>{number}</id>
      <text xml:space="preserve">{text}</text>
    </revision>
  </page>
"""


def write_dump(language: str, pages: Iterable[tuple[str, str]], folder: Path) -> Path:
    """Write pages (title, wikitext) as a dump of the language into a folder; returns its path."""
    path = folder / f"{language}wiki-20000101-pages-articles.xml.bz2"
    with bz2.open(path, "wt", encoding="utf-8") as out:
        out.write(_HEAD.format(language=language))
        for number, (title, text) in enumerate(pages, start=1):
            out.write(_PAGE.format(title=escape(title), number=number, text=escape(text)))
        out.write("</mediawiki>\n")
    return path


def generate_pages(split: pa.Table, seed: int, articles: int = ARTICLES) -> Iterator[tuple[str, str]]:
    """Pages (title, wikitext) that state facts of a split (MLAMA_SPLIT) in the words of its templates.

    An article has all that is stated of one subject label; the subjects are drawn at random.
    """
    random = np.random.default_rng(seed)
    facts: dict[str, list[tuple[str, str]]] = {}
    for subject, template, label in zip_columns(split, "subject", "template", "object"):
        facts.setdefault(subject, []).append((template, label))
    subjects = sorted(facts)
    for number in sorted(random.permutation(len(subjects))[:articles].tolist()):
        subject = subjects[number]
        sentences = []
        for template, label in facts[subject]:
            if random.random() < LEFT_OUT:
                continue
            name = f"[[{label}]]" if random.random() < LINKED else label
            sentences.append(fill_template(template, subject, name)[0])
        yield subject, f"'''{subject}'''. " + " ".join(sentences)
        if random.random() < REDIRECTED:
            yield f"{subject} (1)", f"#REDIRECT [[{subject}]]"
