"""What the Wikipedia benchmark writes: a CSV of every measurement, tables in Markdown, a figure."""

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

from benchmarks.costs import FINEWEB_MEGABYTES, WIKIPEDIAS_MEGABYTES, cost_table, rate_of_collection

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ALL, SURFACE = "all matchers", "surface matchers"
BASELINE = "WikiExtractor + plain Python"
PIPELINES = (ALL, BASELINE, SURFACE)
"""In the order in which they take turns."""

COLOURS = {ALL: "#0072B2", SURFACE: "#009E73", BASELINE: "#D55E00"}
SHADES = (1.0, 0.7, 0.45, 0.25)

Rows = list[dict[str, Any]]


def describe_conditions(cores: int, rounds: int) -> list[str]:
    """The machine, the versions and the method, in sentences."""
    cpu = Path("/proc/cpuinfo").read_text("utf-8")
    model = re.search(r"^model name\s*:\s*(.+)$", cpu, re.MULTILINE)
    load = os.getloadavg()[0]
    return [
        f"{cores} cores ({model[1].strip() if model else platform.machine()}), Python "
        f"{platform.python_version()}, PySpark {version('pyspark')}, WikiExtractor "
        f"{version('wikiextractor')}; load average before the start {load:.1f}.",
        f"Median of {rounds} rounds (in brackets the fastest and the slowest), all pipelines on the same "
        "cores, in turn.",
        "MB are 10^6 bytes of uncompressed XML. Larger inputs are the same real pages repeated with new page "
        "ids, so whatever caches words is faster than on a dump of that size.",
        f"*{ALL}*: sentence, chunk and article, also with aliases, suffixes and forms, and wordpieces; "
        f"*{SURFACE}*: the same without wordpieces. Starting Spark and one warm-up run are not counted.",
        f"*{BASELINE}*: `--no-templates` (its fastest setting; templates are expanded by neither), a process "
        "per core, then labels matched by set intersection and substrings; one window (the article), no "
        "offsets, no lists, no aliases.",
        "CPU seconds are those of the whole process tree, Spark's Java included: unlike seconds they hardly "
        "depend on what else the machine does.",
        "Memory is the largest sum (PSS) over the process tree, including Spark's Java, in separate runs "
        "that are not timed.",
    ]


def total_seconds(rows: Rows, language: str, factor: int, pipeline: str) -> list[float]:
    """Seconds of each round, from dump to facts."""
    rounds: dict[int, float] = {}
    for row in rows:
        if (row["language"], row["factor"], row["pipeline"]) == (language, factor, pipeline):
            rounds[row["round"]] = rounds.get(row["round"], 0.0) + row["seconds"]
    return list(rounds.values())


def median_by_phase(rows: Rows, language: str, factor: int, pipeline: str) -> dict[str, float]:
    """Median seconds by phase."""
    seconds_by_phase: dict[str, list[float]] = {}
    for row in rows:
        if (row["language"], row["factor"], row["pipeline"]) == (language, factor, pipeline):
            seconds_by_phase.setdefault(row["phase"], []).append(row["seconds"])
    return {phase: statistics.median(seconds) for phase, seconds in seconds_by_phase.items()}


def list_inputs(rows: Rows) -> list[tuple[str, int, float]]:
    """Language, factor and megabytes of every input, in order."""
    return list(dict.fromkeys((row["language"], row["factor"], row["megabytes"]) for row in rows))


def rate_per_core(rows: Rows, pipeline: str) -> float:
    """MB per CPU second on the largest inputs of all languages together."""
    largest = max(row["factor"] for row in rows)
    chosen = [row for row in rows if (row["factor"], row["pipeline"]) == (largest, pipeline)]
    runs = {(row["language"], row["round"]): row["megabytes"] for row in chosen}
    return float(sum(runs.values()) / sum(row["cpu_seconds"] for row in chosen))


def fit_line(rows: Rows, language: str, pipeline: str) -> tuple[float, float, float, float]:
    """Least squares of seconds over megabytes, every round a point.

    Returns seconds per MB, seconds at 0 MB, R², and the medians' ratio of the largest input to the smallest.
    """
    points = [
        (megabytes, seconds)
        for code, factor, megabytes in list_inputs(rows)
        if code == language
        for seconds in total_seconds(rows, language, factor, pipeline)
    ]
    x, y = np.array(points).T
    slope, intercept = np.polyfit(x, y, 1) if len(set(x)) > 1 else (float(y.mean() / x.mean()), 0.0)
    spread = ((y - y.mean()) ** 2).sum()
    r_squared = 1 - ((y - slope * x - intercept) ** 2).sum() / spread if spread else 1.0
    ratio = float(np.median(y[x == x.max()]) / np.median(y[x == x.min()]))
    return float(slope), float(intercept), float(r_squared), ratio


def write_csv(rows: Rows, path: Path) -> None:
    """Write every measurement."""
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({k: f"{v:.4f}" if isinstance(v, float) else v for k, v in row.items()})


def write_markdown(
    rows: Rows,
    collection: Rows,
    cleaners: Rows,
    splitters: Rows,
    conditions: list[str],
    path: Path,
) -> None:
    """Write the tables of the measurements and what follows from them."""
    lines = ["# From a dump to the sources of facts", "", *(f"- {line}" for line in conditions), ""]
    lines += ["![Seconds by phase and by size](wikipedia.png)", "", "## Dump to fact sources", ""]
    lines += format_table(
        [
            *("language", "MB", "pipeline", "seconds by phase", "seconds", "MB/s", "MB per CPU second"),
            *("times baseline", "peak GB", "facts"),
        ],
        [end_to_end_row(rows, *item, pipeline) for item in list_inputs(rows) for pipeline in PIPELINES],
    )
    if len({factor for _, factor, _ in list_inputs(rows)}) > 1:
        lines += ["", "## Time over size", "", "Least squares over all rounds and sizes.", ""]
        lines += size_table(rows)
    sizes = ", ".join(f"{row['megabytes']:.1f} MB of {row['language']}" for row in collection[:1])
    lines += [
        "",
        "## All 53 Wikipedias, and 1 TB of FineWeb-2",
        "",
        "Computed, not run, from CPU seconds: a core does in a second what is divided by them. The rate on "
        "dumps is that of the largest inputs together; that on FineWeb-2 was measured on articles' texts in "
        f"its columns ({sizes}). Sizes are assumed: of the dumps the sum of the `pages-articles.xml` on "
        "dumps.wikimedia.org, some 250 GB; of FineWeb-2, 20 TB of text in all (Penedo et al. 2025, "
        "arXiv:2506.20920), a twentieth. All cores are taken to be busy all the time, so more of them will "
        "take longer than this; and whole corpora have more short pages than these dumps.",
        "",
    ]
    costs = [
        (f"53 Wikipedias: {pipeline}", WIKIPEDIAS_MEGABYTES, rate_per_core(rows, pipeline))
        for pipeline in PIPELINES
    ]
    costs.append((f"1 TB of FineWeb-2: {ALL}", FINEWEB_MEGABYTES, rate_of_collection(collection)))
    lines += format_table(*cost_table(costs))
    lines += ["", "## Sentences alone, one core", ""]
    lines += [
        "Of articles' texts, one per call. P, R and F1 are those of this project's borders within lines if "
        "the other splitter's were right: agreement, not correctness.",
        "",
        *splitter_table(splitters),
    ]
    lines += ["", "## The cleaner alone, one core", ""]
    lines += ["F1 of tokens against mwparserfromhell's text.", "", *cleaner_table(cleaners)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def size_table(rows: Rows) -> list[str]:
    """How the time of each pipeline grows with the size of the input, per language."""
    languages = list(dict.fromkeys(row["language"] for row in rows))
    factors = sorted({factor for _, factor, _ in list_inputs(rows)})
    fits = {
        (language, pipeline): fit_line(rows, language, pipeline)
        for language in languages
        for pipeline in PIPELINES
    }
    return format_table(
        [
            *("language", "pipeline", "s per MB", "s at 0 MB", "R²", "MB/s by slope"),
            *("times baseline by slope", f"time of {factors[-1]}x over {factors[0]}x"),
        ],
        [
            [
                *(language, pipeline, f"{slope:.4f}", f"{intercept:.2f}", f"{r_squared:.4f}"),
                *(f"{1 / slope:.1f}", f"{fits[language, BASELINE][0] / slope:.2f}", f"{ratio:.2f}"),
            ]
            for (language, pipeline), (slope, intercept, r_squared, ratio) in fits.items()
        ],
    )


def cleaner_table(cleaners: Rows) -> list[str]:
    """Speed and agreement of each cleaner, per language."""
    return format_table(
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


def splitter_table(splitters: Rows) -> list[str]:
    """Speed and agreement of each splitter, per language."""
    return format_table(
        ["language", "splitter", "MB of text", "MB per CPU second", "borders", "P", "R", "F1"],
        [
            [
                *(row["language"], row["splitter"]),
                *(f"{row[name]:.1f}" for name in ("megabytes", "megabytes_per_cpu_second")),
                f"{row['borders']:,}",
                *(f"{row[name]:.4f}" for name in ("precision", "recall", "f1")),
            ]
            for row in splitters
        ],
    )


def end_to_end_row(rows: Rows, language: str, factor: int, megabytes: float, pipeline: str) -> list[str]:
    """One row of the table of times from dump to fact sources."""
    seconds = total_seconds(rows, language, factor, pipeline)
    median = statistics.median(seconds)
    # Round by round, since the machine's speed drifts.
    baseline = total_seconds(rows, language, factor, BASELINE)
    speedup = statistics.median(theirs / ours for theirs, ours in zip(baseline, seconds, strict=True))
    selected = [
        row
        for row in rows
        if (row["language"], row["factor"], row["pipeline"]) == (language, factor, pipeline)
    ]
    cpu = sum(row["cpu_seconds"] for row in selected) / len(seconds)
    return [
        language,
        f"{megabytes:.1f}",
        pipeline,
        ", ".join(
            f"{name} {value:.1f}" for name, value in median_by_phase(rows, language, factor, pipeline).items()
        ),
        f"{median:.1f} ({min(seconds):.1f}-{max(seconds):.1f})",
        f"{megabytes / median:.1f}",
        f"{megabytes / cpu:.2f}",
        f"{speedup:.2f}",
        f"{max(row['peak_bytes'] for row in selected) / 1e9:.2f}",
        f"{selected[0]['facts']:,}",
    ]


def format_table(header: list[str], rows: list[list[str]]) -> list[str]:
    """A Markdown table."""
    return ["| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *rows]]


def write_figure(rows: Rows, cores: int, path: Path) -> None:
    """Plot seconds by phase on the largest inputs, and seconds over megabytes."""
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
    """Plot a bar per language and pipeline, divided into its phases."""
    largest = max(row["factor"] for row in rows)
    labels: list[str] = []
    for language, factor, megabytes in list_inputs(rows):
        if factor != largest:
            continue
        for pipeline in PIPELINES:
            y, left = len(labels), 0.0
            labels.append(f"{language}, {megabytes:.0f} MB\n{pipeline}")
            for shade, (phase, seconds) in zip(
                SHADES, median_by_phase(rows, language, factor, pipeline).items(), strict=False
            ):
                axes.barh(y, seconds, left=left, color=COLOURS[pipeline], alpha=shade, edgecolor="white")
                if seconds > 1.5:
                    axes.text(left + seconds / 2, y, phase, ha="center", va="center", fontsize=7)
                left += seconds
            axes.text(left, y, f" {megabytes / left:.1f} MB/s", va="center", fontsize=8)
    axes.set_yticks(range(len(labels)), labels, fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.2)


def draw_sizes(axes: Axes, rows: Rows) -> None:
    """Plot median seconds over megabytes per language and pipeline, with the fastest and slowest round."""
    languages = dict.fromkeys(row["language"] for row in rows)
    for style, language in zip(itertools.cycle(("-", "--", ":", "-.")), languages, strict=False):
        sizes = [(factor, megabytes) for code, factor, megabytes in list_inputs(rows) if code == language]
        for pipeline in PIPELINES:
            rounds = np.array([total_seconds(rows, language, factor, pipeline) for factor, _ in sizes])
            median = np.median(rounds, axis=1)
            axes.errorbar(
                [megabytes for _, megabytes in sizes],
                median,
                yerr=[median - rounds.min(axis=1), rounds.max(axis=1) - median],
                color=COLOURS[pipeline],
                linestyle=style,
                marker="o",
                markersize=3,
                capsize=2,
                label=f"{language}, {pipeline}",
            )
    axes.set_xlabel("MB of XML")
    axes.set_ylabel("seconds, dump to facts")
    axes.set_xlim(0)
    axes.set_ylim(0)
    axes.legend(fontsize=7, frameon=False)
