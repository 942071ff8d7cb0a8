"""What the benchmark of Wikipedia writes: a CSV of every measurement, a table in Markdown, a picture."""

from __future__ import annotations

import csv
import itertools
import os
import platform
import re
import statistics
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ALL, SURFACE = "all matchers", "surface matchers"
BASELINE = "WikiExtractor + plain Python"
WAYS = (ALL, BASELINE, SURFACE)
"""In the order in which they take turns."""

WIKIPEDIAS_MEGABYTES = 250_000
"""XML of the 53 Wikipedias of mLAMA, about."""

COLOURS = {ALL: "#0072B2", SURFACE: "#009E73", BASELINE: "#D55E00"}
SHADES = (1.0, 0.7, 0.45, 0.25)

Rows = list[dict[str, Any]]


def conditions(cores: int, rounds: int) -> list[str]:
    """On what is measured, in sentences."""
    cpu = Path("/proc/cpuinfo").read_text("utf-8")
    model = re.search(r"^model name\s*:\s*(.+)$", cpu, re.MULTILINE)
    load = os.getloadavg()[0]
    return [
        f"{cores} cores ({model[1].strip() if model else platform.machine()}), Python "
        f"{platform.python_version()}, PySpark {version('pyspark')}, WikiExtractor "
        f"{version('wikiextractor')}; load average before the start {load:.1f}.",
        f"Median of {rounds} rounds (in brackets the fastest and the slowest), all ways on the same cores, "
        "in turn.",
        "MB are 10^6 bytes of uncompressed XML. Larger inputs are the same real pages repeated with new page "
        "ids, so whatever remembers words is favoured over a dump of that size.",
        f"*{ALL}*: sentence, chunk and article, also with aliases and suffixes, and wordpieces; *{SURFACE}*: "
        "the same without wordpieces. Start-up of Spark and one run before are not counted.",
        f"*{BASELINE}*: `--no-templates` (its fastest setting; templates are expanded by neither), a process "
        "per core, then labels found by set intersection and substrings; one window (the article), no "
        "offsets, no lists, no aliases.",
        "Memory is the largest sum (PSS) over the tree of processes, Spark's Java included, in runs of their "
        "own that are not timed.",
    ]


def totals(rows: Rows, language: str, factor: int, way: str) -> list[float]:
    """Seconds of each round from dump to facts."""
    rounds: dict[int, float] = {}
    for row in rows:
        if (row["language"], row["factor"], row["way"]) == (language, factor, way):
            rounds[row["round"]] = rounds.get(row["round"], 0.0) + row["seconds"]
    return list(rounds.values())


def phases(rows: Rows, language: str, factor: int, way: str) -> dict[str, float]:
    """Median seconds by phase."""
    found: dict[str, list[float]] = {}
    for row in rows:
        if (row["language"], row["factor"], row["way"]) == (language, factor, way):
            found.setdefault(row["phase"], []).append(row["seconds"])
    return {phase: statistics.median(seconds) for phase, seconds in found.items()}


def inputs(rows: Rows) -> list[tuple[str, int, float]]:
    """Language, factor and megabytes of every input, in order."""
    return list(dict.fromkeys((row["language"], row["factor"], row["megabytes"]) for row in rows))


def rate(rows: Rows, way: str) -> float:
    """MB/s on the largest input of all languages together."""
    largest = max(row["factor"] for row in rows)
    chosen = [one for one in inputs(rows) if one[1] == largest]
    seconds = sum(statistics.median(totals(rows, language, largest, way)) for language, _, _ in chosen)
    return sum(megabytes for _, _, megabytes in chosen) / seconds


def linearity(rows: Rows, language: str, way: str) -> tuple[float, float, float, float]:
    """Least squares of seconds over megabytes, every round a point.

    Returns seconds per MB, seconds at 0 MB, R², and the medians' ratio of the largest input to the smallest.
    """
    points = [
        (megabytes, seconds)
        for code, factor, megabytes in inputs(rows)
        if code == language
        for seconds in totals(rows, language, factor, way)
    ]
    x, y = np.array(points).T
    slope, start = np.polyfit(x, y, 1) if len(set(x)) > 1 else (float(y.mean() / x.mean()), 0.0)
    spread = ((y - y.mean()) ** 2).sum()
    fit = 1 - ((y - slope * x - start) ** 2).sum() / spread if spread else 1.0
    ratio = float(np.median(y[x == x.max()]) / np.median(y[x == x.min()]))
    return float(slope), float(start), float(fit), ratio


def write_csv(rows: Rows, path: Path) -> None:
    """Every measurement, as it was taken."""
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({k: f"{v:.4f}" if isinstance(v, float) else v for k, v in row.items()})


def write_markdown(rows: Rows, cleaners: Rows, said: list[str], cores: int, path: Path) -> None:
    """The tables of what was measured and what follows from it."""
    lines = ["# From a dump to the sources of facts", "", *(f"- {line}" for line in said), ""]
    lines += ["![Seconds by phase and by size](wikipedia.png)", "", "## Dump to fact sources", ""]
    lines += table(
        [
            "language",
            "MB",
            "way",
            "seconds by phase",
            "seconds",
            "MB/s",
            "times baseline",
            "peak GB",
            "facts",
        ],
        [end_to_end(rows, *one, way) for one in inputs(rows) for way in WAYS],
    )
    lines += ["", "## Time over size", "", "Least squares over all rounds and sizes.", ""]
    languages = list(dict.fromkeys(row["language"] for row in rows))
    sizes = sorted({factor for _, factor, _ in inputs(rows)})
    fits = [(language, way, linearity(rows, language, way)) for language in languages for way in WAYS]
    slope_of = {(language, way): slope for language, way, (slope, *_) in fits}
    lines += table(
        [
            *("language", "way", "s per MB", "s at 0 MB", "R²", "MB/s by slope", "times baseline by slope"),
            f"time of {sizes[-1]}x over {sizes[0]}x",
        ],
        [
            [
                *(language, way, f"{slope:.4f}", f"{start:.2f}", f"{fit:.4f}", f"{1 / slope:.1f}"),
                *(f"{slope_of[language, BASELINE] / slope:.2f}", f"{ratio:.2f}"),
            ]
            for language, way, (slope, start, fit, ratio) in fits
        ],
    )
    lines += [
        "",
        "## All 53 Wikipedias",
        "",
        f"Computed, not run: hours = {WIKIPEDIAS_MEGABYTES:,} MB / (rate x cores / {cores}) / 3600, the rate "
        "being that of the largest inputs together. Cores are taken to help in proportion, so that more of "
        "them will take longer than this; and whole Wikipedias have more short pages than these dumps.",
        "",
    ]
    lines += table(
        ["way", f"MB/s on {cores} cores", "hours on 2 cores", "hours on 64 cores"],
        [
            [way, f"{rate(rows, way):.1f}", *(hours(rate(rows, way), cores, n) for n in (2, 64))]
            for way in WAYS
        ],
    )
    lines += ["", "## The cleaner alone, one core", "", "F1 of tokens against mwparserfromhell's prose.", ""]
    lines += table(
        ["language", "cleaner", "pages compared", "MB of wikitext", "MB per CPU second", "P", "R", "F1"],
        [
            [
                *(str(row[name]) for name in ("language", "cleaner", "pages")),
                *(f"{row[name]:.1f}" for name in ("megabytes", "megabytes_per_cpu_second")),
                *(f"{row[name]:.4f}" for name in ("precision", "recall", "f1")),
            ]
            for row in cleaners
        ],
    )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def end_to_end(rows: Rows, language: str, factor: int, megabytes: float, way: str) -> list[str]:
    """One line of the first table."""
    seconds = totals(rows, language, factor, way)
    median = statistics.median(seconds)
    # Round by round, since the machine's speed drifts.
    other = totals(rows, language, factor, BASELINE)
    times = statistics.median(theirs / ours for theirs, ours in zip(other, seconds, strict=True))
    same = [row for row in rows if (row["language"], row["factor"], row["way"]) == (language, factor, way)]
    return [
        language,
        f"{megabytes:.1f}",
        way,
        ", ".join(f"{name} {taken:.1f}" for name, taken in phases(rows, language, factor, way).items()),
        f"{median:.1f} ({min(seconds):.1f}-{max(seconds):.1f})",
        f"{megabytes / median:.1f}",
        f"{times:.2f}",
        f"{max(row['peak_bytes'] for row in same) / 1e9:.2f}",
        f"{same[0]['facts']:,}",
    ]


def hours(megabytes_per_second: float, cores: int, wanted: int) -> str:
    return f"{WIKIPEDIAS_MEGABYTES / (megabytes_per_second * wanted / cores) / 3600:.2f}"


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """A Markdown table."""
    return ["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]]


def write_picture(rows: Rows, cores: int, path: Path) -> None:
    """Two drawings: seconds by phase on the largest inputs, and seconds over megabytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2), layout="constrained")
    bars, lines = figure.subplots(1, 2)
    draw_phases(bars, rows)
    bars.set_xlabel(f"seconds on {cores} cores")
    draw_sizes(lines, rows)
    for axes in (bars, lines):
        axes.spines[["top", "right"]].set_visible(False)
    FigureCanvasAgg(figure).print_png(path, metadata={"Software": None})


def draw_phases(axes: Axes, rows: Rows) -> None:
    """A bar per language and way, cut into its phases."""
    largest = max(row["factor"] for row in rows)
    labels: dict[int, str] = {}
    for language, factor, megabytes in inputs(rows):
        if factor != largest:
            continue
        for way in WAYS:
            place, left = len(labels), 0.0
            labels[place] = f"{language}, {megabytes:.0f} MB\n{way}"
            for shade, (phase, seconds) in zip(
                SHADES, phases(rows, language, factor, way).items(), strict=False
            ):
                axes.barh(place, seconds, left=left, color=COLOURS[way], alpha=shade, edgecolor="white")
                if seconds > 1.5:
                    axes.text(left + seconds / 2, place, phase, ha="center", va="center", fontsize=7)
                left += seconds
            axes.text(left, place, f" {megabytes / left:.1f} MB/s", va="center", fontsize=8)
    axes.set_yticks(list(labels), list(labels.values()), fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.2)


def draw_sizes(axes: Axes, rows: Rows) -> None:
    """Median seconds over megabytes, a line per language and way, with the fastest and slowest round."""
    languages = dict.fromkeys(row["language"] for row in rows)
    for style, language in zip(itertools.cycle(("-", "--", ":", "-.")), languages, strict=False):
        sizes = [(factor, megabytes) for code, factor, megabytes in inputs(rows) if code == language]
        for way in WAYS:
            rounds = np.array([totals(rows, language, factor, way) for factor, _ in sizes])
            middle = np.median(rounds, axis=1)
            axes.errorbar(
                [megabytes for _, megabytes in sizes],
                middle,
                yerr=[middle - rounds.min(axis=1), rounds.max(axis=1) - middle],
                color=COLOURS[way],
                linestyle=style,
                marker="o",
                markersize=3,
                capsize=2,
                label=f"{language}, {way}",
            )
    axes.set_xlabel("MB of XML")
    axes.set_ylabel("seconds, dump to facts")
    axes.set_xlim(0)
    axes.set_ylim(0)
    axes.legend(fontsize=7, frameon=False)
