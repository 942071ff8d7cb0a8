"""The other way to go: WikiExtractor, then a matcher in plain Python. One window (the article), no offsets.

WikiExtractor runs as its command, by default with templates not expanded (`--no-templates`), which is its
fastest setting: it spares a first pass over the dump, and this project does not expand templates either.
"""

from __future__ import annotations

import json
import multiprocessing
import re
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pyarrow.parquet as pq

WORD = re.compile(r"\w+")
WITHOUT_SPACES = ("ja", "zh", "th")


def extract_command(dump: Path, folder: Path, processes: int) -> list[str]:
    """WikiExtractor's command line."""
    options = ["--no-templates", "--quiet", "--processes", str(processes), "--output", str(folder)]
    return [sys.executable, "-m", "wikiextractor.WikiExtractor", *options, str(dump)]


def match_command(language: str, folder: Path, split: Path, found: Path, processes: int) -> list[str]:
    """The command line of `main` below."""
    arguments = [language, str(folder), str(split), str(found), str(processes)]
    return [sys.executable, "-m", "benchmarks.baseline", *arguments]


class Matcher:
    """Finds the facts of an article: those whose subject and object stand in it as substrings.

    A label is looked for only where all its words (in scripts without spaces: all pairs of characters)
    stand among those of the text, its rarest word first: sets are the fastest that plain Python offers.
    """

    def __init__(self, language: str, split: Path) -> None:
        self.keys_of = pairs_of if language in WITHOUT_SPACES else words_of
        columns = pq.read_table(split, columns=["uuid", "subject", "object"]).to_pydict()
        self.facts: dict[str, list[tuple[str, str]]] = {}
        rows = sorted(zip(columns["subject"], columns["object"], columns["uuid"], strict=True))
        for subject, group in groupby(rows, key=lambda row: row[0]):
            self.facts[subject] = [(answer, uuid) for _, answer, uuid in group]
        words = {label: self.keys_of(label) or [label] for label in {*columns["subject"], *columns["object"]}}
        often = Counter(word for one in words.values() for word in one)
        self.labels: dict[str, list[tuple[str, list[str]]]] = {}
        for label, one in words.items():
            self.labels.setdefault(min(one, key=often.__getitem__), []).append((label, one))

    def facts_in(self, text: str) -> Iterator[str]:
        """The uuids of the facts whose subject and object both stand in `text`."""
        present = set(self.keys_of(text))
        seen = {
            label
            for key in self.labels.keys() & present
            for label, words in self.labels[key]
            if label == key or (present.issuperset(words) and label in text)
        }
        for subject in seen & self.facts.keys():
            for answer, uuid in self.facts[subject]:
                if answer in seen:
                    yield uuid


def words_of(text: str) -> list[str]:
    return WORD.findall(text)


def pairs_of(text: str) -> list[str]:
    """Every two neighbouring characters of a text; a text of one character itself."""
    return [text[at : at + 2] for at in range(max(1, len(text) - 1))]


_shared: dict[str, Matcher] = {}
"""What forked workers have from their parent: one matcher, made once."""


def facts_of_file(path: Path) -> Counter[str]:
    """In how many articles of one of WikiExtractor's files each fact stands."""
    counts: Counter[str] = Counter()
    for article in path.read_text("utf-8").split("\n</doc>\n"):
        counts.update(_shared["matcher"].facts_in(article.partition(">\n")[2]))
    return counts


def main() -> None:
    """Write the number of articles by fact (JSON) for a folder that WikiExtractor filled."""
    language, folder, split, found, processes = sys.argv[1:]
    files = sorted(path for path in Path(folder).rglob("wiki_*") if path.is_file())
    _shared["matcher"] = Matcher(language, Path(split))
    counts: Counter[str] = Counter()
    with multiprocessing.get_context("fork").Pool(int(processes)) as pool:
        for part in pool.imap_unordered(facts_of_file, files):
            counts.update(part)
    Path(found).write_text(json.dumps(counts))


if __name__ == "__main__":
    main()
