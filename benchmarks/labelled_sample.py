"""What each matcher gains and costs: facts that only it finds, and how often its evidence states the fact.

`labelled_sample.csv` holds judgements of one reader on the five truncated dumps of bn, el, en, hy and uk: of
the facts that a matcher finds and a narrower one does not, some were drawn at random, and the best evidence
of each was read. `states`: the passage says it (or as plainly as "Catalonia, Spain" names a country);
`suggests`: it can be guessed from the passage or from the name itself; `no`: the two only stand together.

    python -m benchmarks.labelled_sample [FOLDER...]

Folders of `fact_sources` (data root/world/fact_sources/<language>) add the numbers of facts found.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq

from factroots_dagster.stats.intervals import wilson
from factroots_dagster.tracing.matchers import MATCHERS

SAMPLE = Path(__file__).with_name("labelled_sample.csv")

NARROWER = {
    "chunk": "sentence",
    "article": "chunk",
    "chunk_with_aliases": "chunk",
    "sentence_with_suffixes": "sentence",
    "wordpiece_chunk": "chunk",
}
"""A matcher's gain is counted over this one."""


def judged() -> dict[str, Counter[str]]:
    """For every matcher how many passages were judged how."""
    counts: dict[str, Counter[str]] = {}
    with SAMPLE.open(newline="") as file:
        for row in csv.DictReader(file):
            counts.setdefault(row["matcher"], Counter())[row["judged"]] += 1
    return counts


def gains(folder: Path) -> dict[str, int]:
    """For every matcher how many facts it finds and its narrower one does not."""
    table = pq.read_table(folder / "data.parquet", columns=["uuid", "matcher", "windows"])
    found: dict[str, set[str]] = {}
    for row in table.to_pylist():
        if row["windows"]:
            found.setdefault(row["matcher"], set()).add(row["uuid"])
    return {
        name: len(found[name] - found.get(NARROWER.get(name, ""), set()))
        for name in MATCHERS
        if name in found
    }


def main(folders: list[str]) -> None:
    counts = judged()
    more = {Path(folder).name: gains(Path(folder)) for folder in folders}
    names = ["matcher", *(f"facts gained, {name}" for name in more), "read", "states", "95%", "suggests"]
    print("| " + " | ".join(names) + " |\n|" + "---|" * len(names))
    for matcher in (name for name in MATCHERS if name in counts):
        tally = counts[matcher]
        read = sum(tally.values())
        low, high = wilson(tally["states"], read)
        cells = [matcher, *(more[name].get(matcher, 0) for name in more), read]
        cells += [tally["states"], f"{low:.2f} to {high:.2f}", tally["suggests"]]
        print("| " + " | ".join(map(str, cells)) + " |")


if __name__ == "__main__":
    main(sys.argv[1:])
