"""The sentence splitter beside sentencex and BlingFire on the articles of real dumps: speed and agreement."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from benchmarks.inputs import parse_articles, read_pages
from factroots_dagster.corpora.wikipedia.dump import read_siteinfo
from factroots_dagster.corpora.wikipedia.markup.wikitext import extract_prose
from factroots_dagster.corpora.wikipedia.namespaces import Namespaces
from factroots_dagster.text.sentences.boundaries import sentence_starts

OURS = "factroots"

Splitter = Callable[[str], Sequence[int]]
"""Gives the positions in a text where its sentences begin, ascending."""


def read_splitters(language: str) -> dict[str, Splitter]:
    """The splitters by name. BlingFire has one set of rules for all languages."""
    import blingfire
    import sentencex

    def split_by_sentencex(text: str) -> list[int]:
        sentences = sentencex.segment(language, text)
        return list(accumulate(map(len, sentences), initial=0))

    def split_by_blingfire(text: str) -> list[int]:
        return [start for start, _ in blingfire.text_to_sentences_and_offsets(text)[1]]

    return {
        OURS: lambda text: sentence_starts(text, language).tolist(),
        "sentencex": split_by_sentencex,
        "BlingFire": split_by_blingfire,
    }


def time_splitters(
    language: str, dump: Path, limit: int, rounds: int, report: Callable[[str], None]
) -> list[dict[str, Any]]:
    """A row per splitter: language, splitter, MB of text, MB per CPU second, borders in lines, and precision,
    recall and F1 of this project's borders, had the splitter drawn the right ones.

    Each splits the texts of all articles in the dump's first `limit` bytes of XML, one text per call; speeds
    are the best of `rounds` passes, in which the splitters take turns. Ends of lines end sentences for all
    and are not counted; borders are the same where nothing but spaces is between them.
    """
    namespaces = Namespaces.for_wiki(language, read_siteinfo(dump).namespaces)
    pages = parse_articles(read_pages(dump, limit))
    cleaned = (extract_prose(wikitext, namespaces, title).text for _, title, wikitext in pages)
    texts = [text for text in cleaned if text]  # BlingFire fails on a text without sentences
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    splitters = read_splitters(language)
    seconds: dict[str, list[float]] = {name: [] for name in splitters}
    starts: dict[str, list[Sequence[int]]] = {}
    for _ in range(rounds):
        for name, split in splitters.items():
            begun = time.process_time()
            starts[name] = [split(text) for text in texts]
            seconds[name].append(time.process_time() - begun)
    borders = {
        name: {
            (number, border)
            for number, (text, positions) in enumerate(zip(texts, of_texts, strict=True))
            for border in borders_in_lines(text, positions)
        }
        for name, of_texts in starts.items()
    }
    rows = []
    for name, theirs in borders.items():
        common, ours = len(borders[OURS] & theirs), len(borders[OURS])
        row = {
            "language": language,
            "splitter": name,
            "megabytes": megabytes,
            "megabytes_per_cpu_second": megabytes / min(seconds[name]),
            "borders": len(theirs),
            "precision": common / max(1, ours),
            "recall": common / max(1, len(theirs)),
            "f1": 2 * common / max(1, ours + len(theirs)),
        }
        report(f"{language}: {name} {row['megabytes_per_cpu_second']:.1f} MB/cpu-s, F1 {row['f1']:.4f}")
        rows.append(row)
    return rows


def borders_in_lines(text: str, starts: Sequence[int]) -> Iterator[int]:
    """Where sentences begin in the middle of a line, at their first character that is no space."""
    for start in starts:
        while start < len(text) and text[start].isspace():
            start += 1
        line_start = text.rfind("\n", 0, start) + 1
        if start < len(text) and not text[line_start:start].isspace() and start > line_start:
            yield start
