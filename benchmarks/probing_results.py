"""The results of the benchmark of probing: a CSV of every measurement, a Markdown page, a figure."""

from __future__ import annotations

import csv
import os
import platform
import re
import statistics
from importlib.metadata import version
from pathlib import Path
from typing import Any

Rows = list[dict[str, Any]]
GOALS = {"loop": 5.0, "pipeline": 5.0, "typed": 2.0}
TITLES = {
    "loop": "the paper's loop",
    "pipeline": "the fill-mask pipeline, prompts of one mask",
    "typed": "lm-pub-quiz, typed ranking",
}


def write(rows: Rows, agreement: dict[str, dict[str, int]], sample: str, rounds: int, folder: Path) -> None:
    """Writes probing.csv, probing.md and probing.png.

    rows: comparison, way, round, cpu_seconds, seconds. agreement: counts by comparison. sample: a sentence.
    """
    with (folder / "probing.csv").open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({k: f"{v:.3f}" if isinstance(v, float) else v for k, v in row.items()})
    lines = [*conditions(sample, rounds), "", "![CPU seconds by way](probing.png)", "", *comparison(rows)]
    (folder / "probing.md").write_text(
        "\n".join([*lines, "", *describe_agreement(agreement)]) + "\n", "utf-8"
    )
    draw(rows, folder / "probing.png")


def conditions(sample: str, rounds: int) -> list[str]:
    """The machine, the software, and what is measured."""
    return [
        "# Probing",
        "",
        f"- {describe_processor()}, torch {version('torch')}, transformers {version('transformers')}, "
        f"lm-pub-quiz {version('lm-pub-quiz')}; load average at the end {os.getloadavg()[0]:.1f}.",
        f"- {sample}",
        "- A BERT of 12 layers x 768, 3,072 neurons, vocabulary 119,547, random weights; mBERT's own "
        "tokenizer.",
        f"- Seconds of CPU: median of {rounds} rounds, fastest and slowest in brackets; all ways in turn.",
        "- The prober also scores every candidate and asks with the subject masked; the loop and the "
        "pipeline do neither. With `FACTROOTS_MASK_COUNTS=object` (own mask counts) it does neither too, and "
        "asks a row only with as many masks as its object has tokens: what P@1, neurons and types need.",
    ]


def describe_processor() -> str:
    """The processor, and what of its instructions matters."""
    cpu = Path("/proc/cpuinfo").read_text("utf-8")
    name = re.search(r"^model name\s*:\s*(.+)$", cpu, re.MULTILINE)
    flags = [flag for flag in ("avx512f", "avx512_bf16", "amx_bf16") if re.search(rf"\b{flag}\b", cpu)]
    named = f"One thread of {name[1].strip() if name else platform.machine()}"
    return f"{named} ({', '.join(flags)})" if flags else named


def seconds_by_way(rows: Rows) -> dict[tuple[str, str], list[float]]:
    """CPU seconds of all rounds by comparison and way, in the order of the first round."""
    by_way: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        by_way.setdefault((row["comparison"], row["way"]), []).append(row["cpu_seconds"])
    return by_way


def comparison(rows: Rows) -> list[str]:
    """A Markdown table of every way beside the prober, with how many times as long it takes."""
    by_way = seconds_by_way(rows)
    lines = ["| compared with | way | CPU seconds | times ours | goal |", "| --- | --- | --- | --- | --- |"]
    for (name, way), seconds in by_way.items():
        median = statistics.median(seconds)
        ours = statistics.median(by_way[name, "ours"])
        goal = f"{GOALS[name]:.0f}" if way.startswith("theirs") else ""
        spread = f"{median:.1f} ({min(seconds):.1f}-{max(seconds):.1f})"
        lines.append(f"| {TITLES[name]} | {way} | {spread} | {median / ours:.2f} | {goal} |")
    theirs, own = (statistics.median(by_way["loop", way]) for way in ("theirs", "ours, own mask counts"))
    times = f"{theirs / own:.2f} times"
    return [*lines, "", f"The paper's loop takes {times} as long as ours with own mask counts (goal 5)."]


def describe_agreement(agreement: dict[str, dict[str, int]]) -> list[str]:
    """How many of the answers are the same."""
    loop, own, half = agreement["loop"], agreement["own"], agreement["bf16"]
    pipeline, typed = agreement["pipeline"], agreement["typed"]
    return [
        f"In fp32 {loop['same']:,} of {loop['prompts']:,} prompts have the ids of the paper's loop, and the "
        f"same {loop['correct']} rows are correct, with the same neurons; {pipeline['same']:,} of "
        f"{pipeline['prompts']:,} prompts have the ids of the pipeline; the object's log-probability is that "
        f"of lm-pub-quiz in {typed['same']:,} of {typed['prompts']:,} rows.",
        "",
        f"With own mask counts {own['same']:,} of {own['prompts']:,} prompts have the ids of the paper's "
        f"loop, and the same {own['correct']} rows are correct, with the same neurons.",
        "",
        f"In bf16 {half['same']:,} of {half['prompts']:,} prompts have the ids of fp32; {half['correct']} "
        f"rows are correct, in fp32 {loop['correct']}.",
    ]


def draw(rows: Rows, path: Path) -> None:
    """One bar per way, grouped by comparison."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    labels = []
    for position, ((name, way), seconds) in enumerate(seconds_by_way(rows).items()):
        median = statistics.median(seconds)
        colour = "#0072B2" if way.startswith("ours") else "#D55E00"
        axes.barh(position, median, color=colour)
        axes.text(median, position, f" {median:.1f}", va="center", fontsize=8)
        labels.append(f"{TITLES[name]}\n{way}")
    axes.set_yticks(range(len(labels)), labels, fontsize=7)
    axes.invert_yaxis()
    axes.set_xlabel("seconds of one thread")
    axes.spines[["top", "right"]].set_visible(False)
    FigureCanvasAgg(figure).print_png(path, metadata={"Software": None})
