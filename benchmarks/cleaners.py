"""The cleaner alone, on one core: speed and agreement with mwparserfromhell, beside WikiExtractor's."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from assets_tests.corpora import oracle
from benchmarks.inputs import articles, read_pages
from factroots_dagster.corpora.wikipedia.dump import read_siteinfo
from factroots_dagster.corpora.wikipedia.markup.wikitext import prose
from factroots_dagster.corpora.wikipedia.namespaces import Namespaces

Page = tuple[str, str, str]
"""Page id, title, wikitext."""


def wikiextractor_cleaner() -> Callable[[Page], str]:
    """WikiExtractor's cleaner as its workers call it with `--no-templates`."""
    from wikiextractor.extract import Extractor

    def clean(page: Page) -> str:
        number, title, wikitext = page
        extractor = Extractor(number, "", "", title, [])
        return "\n".join(extractor.clean_text(wikitext, expand_templates=False, html_safe=False))

    return clean


def time_cleaners(
    language: str, dump: Path, limit: int, rounds: int, say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """A row per cleaner: language, cleaner, pages, wikitext MB, MB per CPU second, precision, recall, F1.

    Speeds are the best of `rounds` passes over all articles in the dump's first `limit` bytes of XML, the
    cleaners taking turns (mwparserfromhell: one pass). Agreement is that of tokens page by page, summed;
    pages whose markup mwparserfromhell itself does not see through (its prose shows braces) are left out.
    """
    namespaces = Namespaces.of(language, read_siteinfo(dump).namespaces)
    hidden = set(namespaces.files | namespaces.categories)
    languages = set(namespaces.languages)
    pages = list(articles(read_pages(dump, limit)))
    size = sum(len(wikitext.encode()) for _, _, wikitext in pages) / 1e6
    cleaners: dict[str, Callable[[Page], str]] = {
        "factroots": lambda page: prose(page[2], namespaces).text,
        "WikiExtractor": wikiextractor_cleaner(),
    }
    seconds: dict[str, list[float]] = {name: [] for name in cleaners}
    texts: dict[str, list[str]] = {}
    for _ in range(rounds):
        for name, clean in cleaners.items():
            start = time.process_time()
            texts[name] = [clean(page) for page in pages]
            seconds[name].append(time.process_time() - start)
    start = time.process_time()
    references = [oracle.prose(wikitext, hidden, languages) for _, _, wikitext in pages]
    seconds["mwparserfromhell"] = [time.process_time() - start]
    texts["mwparserfromhell"] = references

    clear = [number for number, text in enumerate(references) if not re.search(r"\{\{|\[\[|\{\||<ref", text)]
    expected = {number: oracle.tokens(references[number]) for number in clear}
    rows = []
    for name, made in texts.items():
        common = ours = theirs = 0
        for number in clear:
            tokens: Counter[str] = oracle.tokens(made[number])
            common += (tokens & expected[number]).total()
            ours += tokens.total()
            theirs += expected[number].total()
        row = {
            "language": language,
            "cleaner": name,
            "pages": len(clear),
            "megabytes": size,
            "megabytes_per_cpu_second": size / min(seconds[name]),
            "precision": common / max(1, ours),
            "recall": common / max(1, theirs),
            "f1": 2 * common / max(1, ours + theirs),
        }
        say(f"{language}: {name} {row['megabytes_per_cpu_second']:.1f} MB/cpu-s, F1 {row['f1']:.4f}")
        rows.append(row)
    return rows
