"""What each matcher gains and costs: facts that only it finds, and how often its evidence states the fact.

`labelled_sample.csv` contains the judgements of one reader. Those drawn as `gain`, which are counted here,
are of
the five truncated dumps of bn, el, en, hy and uk (`benchmarks.statements` uses the others, too). Of the
facts that a matcher finds and a narrower one does not, a random sample was drawn, and the best evidence of
each was read. `states`: the passage says it (or implies it as plainly as "Catalonia, Spain");
`suggests`: it can be guessed from the passage or from the name itself; `no`: the two only occur together.

    python -m benchmarks.labelled_sample [FOLDER...]

Folders of `fact_sources` (data root/world/fact_sources/<language>) add the numbers of facts gained.
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
"""The matcher over which another one's gain is counted."""


def count_judgements() -> dict[str, Counter[str]]:
    """How many passages of each matcher received each judgement."""
    counts: dict[str, Counter[str]] = {}
    with SAMPLE.open(newline="") as file:
        for row in csv.DictReader(file):
            if row["drawn"] != "gain":
                continue
            counts.setdefault(row["matcher"], Counter())[row["judged"]] += 1
    return counts


def count_gains(folder: Path) -> dict[str, int]:
    """How many facts each matcher finds and its narrower one does not."""
    table = pq.read_table(folder / "data.parquet", columns=["uuid", "matcher", "windows"])
    facts: dict[str, set[str]] = {}
    for row in table.to_pylist():
        if row["windows"]:
            facts.setdefault(row["matcher"], set()).add(row["uuid"])
    return {
        name: len(facts[name] - facts.get(NARROWER.get(name, ""), set()))
        for name in MATCHERS
        if name in facts
    }


def main(folders: list[str]) -> None:
    judgements = count_judgements()
    gains = {Path(folder).name: count_gains(Path(folder)) for folder in folders}
    header = [
        "matcher",
        *(f"facts gained, {name}" for name in gains),
        "passages read",
        "states",
        "95%",
        "suggests",
    ]
    print("| " + " | ".join(header) + " |\n|" + "---|" * len(header))
    for matcher in (name for name in MATCHERS if name in judgements):
        counts = judgements[matcher]
        passages = sum(counts.values())
        low, high = wilson(counts["states"], passages)
        cells = [matcher, *(gain.get(matcher, 0) for gain in gains.values()), passages]
        cells += [counts["states"], f"{low:.2f} to {high:.2f}", counts["suggests"]]
        print("| " + " | ".join(map(str, cells)) + " |")


if __name__ == "__main__":
    main(sys.argv[1:])
