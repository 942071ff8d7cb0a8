"""The cleaner alone, on one core: speed and agreement with mwparserfromhell, compared with WikiExtractor."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from assets_tests.corpora import oracle
from benchmarks.inputs import parse_articles, read_pages
from factroots_dagster.corpora.wikipedia.dump import read_siteinfo
from factroots_dagster.corpora.wikipedia.markup.wikitext import extract_prose
from factroots_dagster.corpora.wikipedia.namespaces import Namespaces

Article = tuple[str, str, str]
"""Page id, title, wikitext."""

MARKUP = re.compile(r"\{\{|\[\[|\{\||<ref")


def wikiextractor_cleaner() -> Callable[[Article], str]:
    """WikiExtractor's cleaner as its workers call it with `--no-templates`."""
    from wikiextractor.extract import Extractor

    def clean(article: Article) -> str:
        page_id, title, wikitext = article
        extractor = Extractor(page_id, "", "", title, [])
        return "\n".join(extractor.clean_text(wikitext, expand_templates=False, html_safe=False))

    return clean


def time_cleaners(
    language: str, dump: Path, limit: int, rounds: int, report: Callable[[str], None]
) -> list[dict[str, Any]]:
    """A row per cleaner: language, cleaner, pages, wikitext MB, MB per CPU second, precision, recall, F1.

    Speeds are the best of `rounds` passes over all articles in the dump's first `limit` bytes of XML; the
    cleaners take turns (mwparserfromhell: one pass). Agreement is that of the tokens of each page, summed;
    pages whose markup mwparserfromhell itself does not parse (its text contains markup) are left out.
    """
    namespaces = Namespaces.for_wiki(language, read_siteinfo(dump).namespaces)
    hidden = set(namespaces.files | namespaces.categories)
    languages = set(namespaces.languages)
    articles = list(parse_articles(read_pages(dump, limit)))
    megabytes = sum(len(wikitext.encode()) for _, _, wikitext in articles) / 1e6
    cleaners: dict[str, Callable[[Article], str]] = {
        "factroots": lambda article: extract_prose(article[2], namespaces, article[1]).text,
        "WikiExtractor": wikiextractor_cleaner(),
    }
    seconds: dict[str, list[float]] = {name: [] for name in cleaners}
    texts: dict[str, list[str]] = {}
    for _ in range(rounds):
        for name, clean in cleaners.items():
            start = time.process_time()
            texts[name] = [clean(article) for article in articles]
            seconds[name].append(time.process_time() - start)
    start = time.process_time()
    references = [oracle.prose(wikitext, hidden, languages) for _, _, wikitext in articles]
    seconds["mwparserfromhell"] = [time.process_time() - start]
    texts["mwparserfromhell"] = references
    rows = []
    for name, cleaned in texts.items():
        pages, precision, recall, f1 = measure_agreement(cleaned, references)
        row = {
            "language": language,
            "cleaner": name,
            "pages": pages,
            "megabytes": megabytes,
            "megabytes_per_cpu_second": megabytes / min(seconds[name]),
            "precision": precision,
            "recall": recall,
            "f1": f1,
        }
        report(f"{language}: {name} {row['megabytes_per_cpu_second']:.1f} MB/cpu-s, F1 {row['f1']:.4f}")
        rows.append(row)
    return rows


def measure_agreement(texts: list[str], references: list[str]) -> tuple[int, float, float, float]:
    """The number of pages compared, and precision, recall and F1 of their tokens, page by page."""
    parsed = [index for index, text in enumerate(references) if not MARKUP.search(text)]
    common = ours = theirs = 0
    for index in parsed:
        tokens, expected = oracle.tokens(texts[index]), oracle.tokens(references[index])
        common += (tokens & expected).total()
        ours += tokens.total()
        theirs += expected.total()
    f1 = 2 * common / max(1, ours + theirs)
    return len(parsed), common / max(1, ours), common / max(1, theirs), f1
