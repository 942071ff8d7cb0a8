"""The graph at mLAMA's full size: every asset's time, memory and disk in 12, 25 or 53 languages.

Run `python -m benchmarks.full_mlama --help` from the project's folder. The facts are those of the real mLAMA
1.1, the neurons as many as mBERT's; the model is a load generator (`load_model`), and languages without a
real dump have a generated one (`generated_dumps`): amounts are measured, and nothing is learnt about a model.
`factroots run` makes everything, so that a benchmark that was stopped goes on where it was.
"""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import pyarrow as pa

from benchmarks import mbert
from benchmarks.forward_passes import read_looks
from benchmarks.generated_dumps import generate_pages, write_dump
from benchmarks.load_model import make_load_model
from benchmarks.measured_run import (
    LOOKS,
    SAMPLES,
    Cost,
    cost_by_step,
    mlama_environment,
    read_samples,
    read_steps,
    run_factroots,
)
from benchmarks.probing import DATA, PROJECT
from benchmarks.probing_results import describe_processor
from benchmarks.real_model import has_dump, link_dumps
from benchmarks.real_model_results import as_table, describe_versions, write_csv
from factroots_dagster.cli.instance import dagster_instance
from factroots_dagster.facts.mlama.release import acquire_release
from factroots_dagster.facts.mlama.split import list_languages, read_split
from factroots_dagster.orchestration.catalog import CATALOG
from factroots_dagster.orchestration.versions import StoreSnapshot
from factroots_dagster.settings import Settings, load_settings
from factroots_dagster.store.store import Store

MODEL = "load-model"
SEED, ROWS, STEPS = 0, 1500, 150
"""Of everything that is drawn; on how many rows of a language the model is trained, and in how many steps."""
TIME_IMPORT = "import factroots_dagster.definitions"
ALL_FACTS = 843_143
"""Of mLAMA 1.1 in all languages."""
MODELS = {"mBERT": 12 * 3_072, "XLM-R large": 24 * 4_096, "Mistral 7B": 32 * 14_336}
"""Layers times neurons of a layer."""
BYTES = {"fp32": 4.0, "bf16": 2.0, "int4": 4.25 / 8}
"""Of a stored neuron."""
FIGURES = (
    "partitions",
    "rows",
    "wall_seconds",
    "model_seconds",
    "cpu_seconds",
    "peak_megabytes",
    "disk_megabytes",
)


def prepare(mlama: Path, wikipedia: Path, folder: Path, count: int, *, with_model: bool) -> None:
    """Make the inputs of the run: the release, the dumps, the model where one is asked, a Dagster home."""
    (folder / "release").mkdir()
    acquire_release(str(mlama), folder / "release")
    languages = choose_languages(folder / "release", count)
    splits = {language: read_split(folder / "release", language) for language in languages}
    (folder / "wikipedia").mkdir()
    real = [language for language in languages if has_dump(wikipedia, language)]
    link_dumps(wikipedia, folder / "wikipedia", real)
    for language in languages:
        if language not in real:
            write_dump(language, generate_pages(splits[language], SEED), folder / "wikipedia")
    if with_model:
        _train_model(list(splits.values()), folder / MODEL)
    (folder / "home").mkdir()


def _train_model(splits: Sequence[pa.Table], folder: Path) -> None:
    tokenizer = mbert.tokenizer()
    if tokenizer is None:
        raise click.ClickException("mBERT's vocabulary is missing: pip install blingfire")
    make_load_model(
        tokenizer,
        splits,
        folder,
        seed=SEED,
        rows=ROWS,
        steps=STEPS * len(splits),
        progress=click.echo,
    )


def choose_languages(release: Path, count: int) -> list[str]:
    """The first so many languages of a release, in the order of their codes."""
    return list_languages(release)[:count]


def environment(folder: Path, languages: Sequence[str]) -> dict[str, str]:
    """The settings of the run, as a user sets them."""
    return mlama_environment(folder, languages, MASK_COUNTS="object")


def asset_figures(
    store: Store, settings: Settings, costs: Mapping[tuple[str, ...], Cost]
) -> list[dict[str, Any]]:
    """A row of figures for each group of assets that are made together, in the order in which they were."""
    snapshot, processor = StoreSnapshot(store, settings), describe_processor()
    rows = []
    for assets, cost in costs.items():
        manifests = [
            store.manifest(asset, *parts)
            for asset in assets
            if asset in CATALOG
            for parts in snapshot.partitions(asset, [None] * len(CATALOG[asset].partitioned_by))
        ]
        rows.append(
            {
                "languages": len(settings.active_languages),
                "processor": processor,
                "assets": ", ".join(assets) or "everything else",
                "partitions": len(manifests),
                "rows": sum(manifest["rows"] or 0 for manifest in manifests),
                "wall_seconds": cost.wall,
                "model_seconds": cost.model,
                "cpu_seconds": cost.cpu,
                "peak_megabytes": cost.peak / 1e6,
                "disk_megabytes": sum(manifest["bytes"] for manifest in manifests) / 1e6,
            }
        )
    return rows


def time_command(*command: str, settings: Mapping[str, str]) -> float:
    """Wall-clock seconds of a command; raises CalledProcessError where it fails."""
    before = time.perf_counter()
    subprocess.run(command, env=settings, check=True, capture_output=True)
    return time.perf_counter() - before


def write_results(
    output: Path, rows: Sequence[Mapping[str, Any]], share: float | None, answers: Sequence[str]
) -> None:
    """Write full_mlama.csv, where rows of other numbers of languages are kept, and full_mlama.md.

    rows: `asset_figures`. share: of the facts that the model is right about, None where none is asked.
    answers: sentences that follow the table.
    """
    output.mkdir(parents=True, exist_ok=True)
    path = output / "full_mlama.csv"
    count = rows[0]["languages"]
    earlier: list[dict[str, Any]] = []
    if path.exists():
        with path.open(encoding="utf-8") as file:
            others = [row for row in csv.DictReader(file) if int(row["languages"]) != count]
        earlier = [dict.fromkeys(rows[0], "") | row for row in others]
    write_csv(path, sorted([*earlier, *rows], key=lambda row: int(row["languages"])))
    lines = [
        "# All of mLAMA",
        "",
        f"`python -m benchmarks.full_mlama --languages {count}`: the first {count} languages of mLAMA 1.1, "
        "mBERT's vocabulary and 36,864 neurons in a load generator that is cheap to run, real dumps where "
        "there are some and generated ones of 2,500 articles elsewhere. "
        f"{rows[0]['processor']}, no GPU; "
        f"{describe_versions('torch', 'transformers', 'pyspark', 'dagster')}.",
        "",
        *as_table(
            ["made", "partitions", "rows", "wall s", "of which model", "CPU s", "peak MB", "disk MB"],
            [[row["assets"], *(f"{row[name]:,.0f}" for name in FIGURES)] for row in rows],
        ),
        "",
        "Of which model: wall-clock seconds of the model's own forward passes. CPU seconds and memory are "
        "those of all processes of the run, Spark's too; peak memory is 0 where an asset took less than the "
        "half second between two samples. Disk is what is published.",
        "",
        *(f"- {answer}" for answer in answers),
        "",
        *([] if share is None else describe_activations(share)),
        *describe_growth([*earlier, *rows]),
    ]
    (output / "full_mlama.md").write_text("\n".join(lines), encoding="utf-8")


def describe_activations(share: float) -> list[str]:
    """What the stored neurons of larger models would take, as lines. share: of facts that a model knows."""
    facts = ALL_FACTS * share
    rows = [
        [name, f"{neurons:,}", *(f"{facts * neurons * size / 1e9:,.1f}" for size in BYTES.values())]
        for name, neurons in MODELS.items()
    ]
    return [
        f"Counted: what the neurons of that share of all {ALL_FACTS:,} facts take on the disk, in GB, by "
        "`FACTROOTS_ACTIVATIONS`:",
        "",
        *as_table(["model", "neurons", *BYTES], rows),
        "",
    ]


def describe_growth(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """CPU seconds by number of languages, as lines; none where there is only one such number."""
    counts = sorted({int(row["languages"]) for row in rows})
    if len(counts) == 1:
        return []
    cells = {(row["assets"], int(row["languages"])): f"{float(row['cpu_seconds']):,.0f}" for row in rows}
    named = dict.fromkeys(row["assets"] for row in rows)
    table = [[assets, *(cells.get((assets, count), "") for count in counts)] for assets in named]
    processors: dict[str, list[str]] = {}
    for count, processor in sorted({int(row["languages"]): row["processor"] for row in rows}.items()):
        processors.setdefault(processor or "a processor that was not noted", []).append(str(count))
    return [
        "CPU seconds by number of languages:",
        "",
        *as_table(["made", *map(str, counts)], table),
        "",
        *(f"- {', '.join(measured)}: {processor}." for processor, measured in processors.items()),
        "",
    ]


@click.command(help=__doc__)
@click.option(
    "--mlama", type=Path, default=DATA / "mlama1.1.tar.xz", help="mLAMA release: folder or archive."
)
@click.option("--wikipedia", type=Path, default=DATA / "wikipedia", help="Folder of dumps.")
@click.option("--languages", "count", default=53, show_default=True, help="How many languages.")
@click.option("--until", multiple=True, help="Only this asset and what it is made from; no model is asked.")
@click.option("--folder", type=Path, help="Where the world is kept.  [default: nowhere]")
@click.option("--output", type=Path, default=PROJECT / "benchmarks" / "results", help="For the results.")
def main(
    mlama: Path, wikipedia: Path, count: int, until: tuple[str, ...], folder: Path | None, output: Path
) -> None:
    if not mlama.exists():
        click.echo(f"Skipped: there is no mLAMA release at {mlama} (give --mlama).")
        return
    with TemporaryDirectory(prefix="bench-full-mlama-") if folder is None else nullcontext(folder) as name:
        root = Path(name).resolve()
        if not (root / "home").exists():
            draft = root.with_name(f"{root.name}.draft")  # so that one that was stopped is made again
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)
            prepare(mlama, wikipedia, draft, count, with_model=not until)
            draft.rename(root)
        languages = choose_languages(root / "release", count)
        variables = environment(root, languages)
        if not until and not (root / "data").exists():
            run_factroots(root, variables, "checkpoints", "add", str(root / MODEL))
        run_factroots(root, variables, "run", *(word for asset in until for word in ("--until", asset)))
        os.environ |= variables
        settings = load_settings()
        store = Store(settings.data_root, settings.world)
        with dagster_instance() as instance:
            costs = cost_by_step(read_steps(instance), read_samples(root / SAMPLES), read_looks(root / LOOKS))
        rows = asset_figures(store, settings, costs)
        published = sum(row["disk_megabytes"] for row in rows)
        loading = time_command(sys.executable, "-c", TIME_IMPORT, settings=variables)
        answers = [
            f"All that is published has {published:,.0f} MB.",
            f"From the start of the process, loading the definitions takes {loading:.1f} s.",
        ]
        share = None
        if not until:
            share, answers_of_model = describe_model(store, languages, variables)
            answers = answers_of_model + answers
        write_results(output, rows, share, answers)
        click.echo((output / "full_mlama.md").read_text(encoding="utf-8"))


def describe_model(
    store: Store, languages: Sequence[str], variables: Mapping[str, str]
) -> tuple[float, list[str]]:
    """The share of the facts that the model is right about, and what is to be said of its page and facts."""
    scores = store.read("probing_scores", MODEL).to_pylist()
    of_all = [row for row in scores if row["relation"] == "*" and row["language"] in languages]
    questions = sum(row["n"] for row in of_all)
    answered = sum(row["n"] * row["full_match"] for row in of_all)
    page = store.shown_folder("categorization_report", MODEL) / "index.html"
    subject = store.read("mlama_split", languages[0], columns=["subject"])["subject"][0].as_py()
    factroots = str(Path(sys.executable).with_name("factroots"))
    tracing = time_command(factroots, "trace", subject, settings=variables)
    return answered / questions, [
        f"The model is asked {questions:,} facts and right about {answered:,.0f} "
        f"({answered / questions:.1%}).",
        f"The report's page has {page.stat().st_size / 1e6:.1f} MB.",
        f"From the start of the process, `factroots trace` of one subject takes {tracing:.1f} s.",
    ]


if __name__ == "__main__":
    main()
