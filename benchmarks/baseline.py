"""The baseline: WikiExtractor, then a matcher in plain Python. One window (the article), no offsets.

WikiExtractor runs as a command with `--no-templates`, its fastest setting: this avoids a first pass over the
dump, and this project does not expand templates either.
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


def extraction_command(dump: Path, folder: Path, processes: int) -> list[str]:
    """WikiExtractor's command line."""
    options = ["--no-templates", "--quiet", "--processes", str(processes), "--output", str(folder)]
    return [sys.executable, "-m", "wikiextractor.WikiExtractor", *options, str(dump)]


def matching_command(language: str, folder: Path, split: Path, output: Path, processes: int) -> list[str]:
    """The command line of `main` below."""
    arguments = [language, str(folder), str(split), str(output), str(processes)]
    return [sys.executable, "-m", "benchmarks.baseline", *arguments]


class Matcher:
    """Finds the facts of an article: those whose subject and object occur in it as substrings.

    A label is searched for only when all its words (in scripts without spaces: all pairs of characters)
    are among those of the text, its rarest word first: sets are the fastest that plain Python offers.
    """

    def __init__(self, language: str, split: Path) -> None:
        self.split_keys = split_pairs if language in WITHOUT_SPACES else split_words
        columns = pq.read_table(split, columns=["uuid", "subject", "object"]).to_pydict()
        self.facts: dict[str, list[tuple[str, str]]] = {}
        rows = sorted(zip(columns["subject"], columns["object"], columns["uuid"], strict=True))
        for subject, group in groupby(rows, key=lambda row: row[0]):
            self.facts[subject] = [(answer, uuid) for _, answer, uuid in group]
        labels = {*columns["subject"], *columns["object"]}
        keys_by_label = {label: self.split_keys(label) or [label] for label in labels}
        frequencies = Counter(key for keys in keys_by_label.values() for key in keys)
        self.labels: dict[str, list[tuple[str, list[str]]]] = {}
        for label, keys in keys_by_label.items():
            rarest = min(keys, key=frequencies.__getitem__)
            self.labels.setdefault(rarest, []).append((label, keys))

    def find_facts(self, text: str) -> Iterator[str]:
        """The uuids of the facts whose subject and object both occur in `text`."""
        text_keys = set(self.split_keys(text))
        mentioned = {
            label
            for key in self.labels.keys() & text_keys
            for label, label_keys in self.labels[key]
            if label == key or (text_keys.issuperset(label_keys) and label in text)
        }
        for subject in mentioned & self.facts.keys():
            for answer, uuid in self.facts[subject]:
                if answer in mentioned:
                    yield uuid


def split_words(text: str) -> list[str]:
    return WORD.findall(text)


def split_pairs(text: str) -> list[str]:
    """Every two adjacent characters of a text; of a text of one character, that character."""
    return [text[at : at + 2] for at in range(max(1, len(text) - 1))]


_shared: dict[str, Matcher] = {}
"""What forked workers inherit: one matcher, created once."""


def count_facts(path: Path) -> Counter[str]:
    """In how many articles of one of WikiExtractor's files each fact occurs, by uuid."""
    counts: Counter[str] = Counter()
    for article in path.read_text("utf-8").split("\n</doc>\n"):
        counts.update(_shared["matcher"].find_facts(article.partition(">\n")[2]))
    return counts


def main() -> None:
    """Write in how many articles each fact occurs (JSON), for a folder that WikiExtractor has written."""
    language, folder, split, output, processes = sys.argv[1:]
    files = sorted(path for path in Path(folder).rglob("wiki_*") if path.is_file())
    _shared["matcher"] = Matcher(language, Path(split))
    counts: Counter[str] = Counter()
    with multiprocessing.get_context("fork").Pool(int(processes)) as pool:
        for part in pool.imap_unordered(count_facts, files):
            counts.update(part)
    Path(output).write_text(json.dumps(counts))


if __name__ == "__main__":
    main()
