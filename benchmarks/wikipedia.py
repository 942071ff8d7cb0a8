"""Times the steps from a dump to the sources of facts, compared with WikiExtractor and plain Python.

Run as `make bench-wikipedia`, or `python -m benchmarks.wikipedia --help` from the project's folder. Dumps
and mLAMA are not part of the repository; their licences would forbid it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks import baseline, results
from benchmarks.cleaners import time_cleaners
from benchmarks.costs import time_collection
from benchmarks.inputs import read_pages, write_repeated
from benchmarks.memory import PeakMemory, cpu_seconds
from benchmarks.splitters import time_splitters
from factroots_dagster.corpora.wikipedia.articles import write_articles
from factroots_dagster.corpora.wikipedia.dump import acquire_dump
from factroots_dagster.facts.mlama.release import acquire_release
from factroots_dagster.facts.mlama.split import read_split
from factroots_dagster.spark.session import spark_session
from factroots_dagster.store.parquet import main_files, read_batches
from factroots_dagster.text.wordpieces.search import read_tokenizer
from factroots_dagster.tracing.mentions import write_mentions
from factroots_dagster.tracing.sources import write_sources
from factroots_dagster.tracing.volume import measure_volume

PROJECT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("FACTROOTS_TEST_DATA", PROJECT.parent / "shared" / "data"))
VOCABULARY_SIZE = 30_000
TOOL_BYTES = 25_000_000
"""XML on which single tools are compared."""


@dataclass
class Run:
    """One run of a pipeline on one dump: seconds by phase, memory, and how many facts it found."""

    seconds: dict[str, float] = field(default_factory=dict)
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    peak_bytes: int = 0
    facts: int = 0

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time the body as a phase."""
        start, cpu_start = time.perf_counter(), cpu_seconds(os.getpid())
        yield
        self.seconds[name] = time.perf_counter() - start
        self.cpu_seconds[name] = cpu_seconds(os.getpid()) - cpu_start


@dataclass(frozen=True)
class Input:
    """One dump of a language, `factor` times the smallest, and the facts that are searched for in it."""

    language: str
    factor: int
    xml_bytes: int
    dump: pa.Table
    split: pa.Table
    split_file: Path


def run_platform(
    spark: Any, source: Input, work: Path, tokenizer_json: str | None, measure_memory: bool
) -> Run:
    """Run the platform's four phases, with wordpieces if there is a tokenizer; they write into `work`."""
    articles, mentions, sources = (work / name for name in ("articles", "mentions", "sources"))
    for folder in (articles, mentions, sources):
        folder.mkdir(parents=True)
    run = Run()
    with PeakMemory(os.getpid(), measure_memory) as memory:
        with run.phase("articles"):
            write_articles(spark, source.dump, articles)
        with run.phase("mentions"):
            write_mentions(spark, articles, source.split, mentions, tokenizer_json=tokenizer_json)
        with run.phase("volume"):
            measure_volume(source.dump, articles, mentions)
        with run.phase("sources"):
            table = write_sources(spark, articles, mentions, source.split, sources)
    run.peak_bytes = memory.bytes
    with_source = table.filter((pc.field("matcher") == "article") & (pc.field("windows") > 0))
    run.facts = len(with_source["uuid"].unique())
    return run


def run_baseline(source: Input, work: Path, cores: int, measure_memory: bool) -> Run:
    """Run WikiExtractor, then the plain-Python matcher, each with one process per core."""
    text, output = work / "text", work / "facts.json"
    (dump,) = source.dump["path"].to_pylist()
    run = Run()
    commands = {
        "extract": baseline.extraction_command(Path(dump), text, cores),
        "match": baseline.matching_command(source.language, text, source.split_file, output, cores),
    }
    work.mkdir()
    for name, command in commands.items():
        with run.phase(name), subprocess.Popen(command, cwd=PROJECT) as process:
            with PeakMemory(process.pid, measure_memory) as memory:
                process.wait()
            if process.returncode:
                raise click.ClickException(f"{' '.join(command)} ended with {process.returncode}")
        run.peak_bytes = max(run.peak_bytes, memory.bytes)
    run.facts = len(json.loads(output.read_text()))
    return run


def train_tokenizer(articles: Path) -> str:
    """Train a WordPiece tokenizer like those of cased BERT models on the text of `articles`; its JSON."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(
        vocab_size=VOCABULARY_SIZE, special_tokens=special, show_progress=False
    )
    texts = (text for batch in read_batches(main_files(articles), 100) for text in batch["text"].to_pylist())
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer.to_str()


def create_inputs(
    language: str, dumps: Path, release: Path, work: Path, megabytes: float, factors: list[int]
) -> list[Input]:
    """The language's dump repeated to about `megabytes` of XML, times each of `factors`."""
    (original,) = acquire_dump(language, str(dumps), "latest", work)["path"].to_pylist()
    pages = read_pages(Path(original), int(megabytes * 1e6))
    copies = max(1, round(megabytes * 1e6 / pages.xml_bytes))
    split, split_file = read_split(release, language), work / f"{language}.parquet"
    pq.write_table(split, split_file)
    inputs = []
    for factor in factors:
        folder = work / f"{language}-{factor}"
        folder.mkdir()
        name = f"{Path(original).name.partition('-pages-articles')[0]}-pages-articles.xml.bz2"
        size = write_repeated(pages, factor * copies, folder / name)
        dump = acquire_dump(language, str(folder), "latest", folder)
        inputs.append(Input(language, factor, size, dump, split, split_file))
        click.echo(f"{language}: {size / 1e6:.1f} MB of XML, the pages {factor * copies} times")
    return inputs


@click.command()
@click.option("--dumps", type=Path, default=DATA / "wikipedia", help="folder of dumps")
@click.option("--mlama", type=Path, default=DATA / "mlama1.1.tar.xz", help="mLAMA release, folder or archive")
@click.option("--languages", default="uk,en", show_default=True, help="comma-separated codes")
@click.option("--rounds", default=3, show_default=True, help="how often each pipeline is timed on each input")
@click.option("--megabytes", default=50.0, show_default=True, help="XML of the smallest input")
@click.option("--factors", default="1,2,4", show_default=True, help="sizes, as multiples of the smallest")
@click.option("--cores", default=2, show_default=True, help="cores that all processes are bound to")
@click.option("--tokenizer", type=Path, help="checkpoint folder; by default one is trained on the dump")
@click.option("--work", type=Path, help="folder for intermediate files; by default a temporary one")
@click.option("--output", type=Path, default=PROJECT / "benchmarks" / "results", help="folder of the results")
def main(
    dumps: Path,
    mlama: Path,
    languages: str,
    rounds: int,
    megabytes: float,
    factors: str,
    cores: int,
    tokenizer: Path | None,
    work: Path | None,
    output: Path,
) -> None:
    """Time dump to fact sources on 1, 2 and 4 times the given dumps; write tables, CSVs and a figure."""
    missing = [str(path) for path in (dumps, mlama) if not path.exists()]
    if missing:
        click.echo(
            f"Skipped, since these are missing: {', '.join(missing)}. Name the data with --dumps and --mlama."
        )
        return
    if importlib.util.find_spec("wikiextractor") is None:
        raise click.ClickException("WikiExtractor is not installed; run: pip install --editable '.[bench]'")
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < cores:
        raise click.ClickException(f"--cores {cores}: this process may only use {len(allowed)}")
    os.sched_setaffinity(0, allowed[:cores])
    sizes = [int(factor) for factor in factors.split(",")]
    with TemporaryDirectory(prefix="bench-wikipedia-", dir=work) as folder:
        scratch = Path(folder)
        conditions = results.describe_conditions(cores, rounds)
        release = scratch / "mlama"
        release.mkdir()
        acquire_release(str(mlama), release)
        inputs = [
            source
            for code in languages.split(",")
            for source in create_inputs(code, dumps, release, scratch, megabytes, sizes)
        ]
        measurements, collection = time_pipelines(inputs, scratch, rounds, cores, tokenizer)
        cleaners, splitters = [], []
        for code, path in list_dumps(dumps):
            cleaners += time_cleaners(code, path, TOOL_BYTES, rounds, click.echo)
            splitters += time_splitters(code, path, TOOL_BYTES, rounds, click.echo)
    output.mkdir(parents=True, exist_ok=True)
    results.write_csv(measurements, output / "wikipedia.csv")
    results.write_csv(cleaners, output / "wikipedia_cleaners.csv")
    results.write_csv(splitters, output / "wikipedia_splitters.csv")
    results.write_figure(measurements, cores, output / "wikipedia.png")
    results.write_markdown(measurements, collection, cleaners, splitters, conditions, output / "wikipedia.md")
    click.echo((output / "wikipedia.md").read_text())


def list_dumps(folder: Path) -> list[tuple[str, Path]]:
    """Language and path of the dumps in a folder."""
    return [
        (path.name.partition("wiki-")[0].replace("_", "-"), path)
        for path in sorted(folder.iterdir())
        if "-pages-articles" in path.name and "index" not in path.name
    ]


def time_pipelines(
    inputs: list[Input], scratch: Path, rounds: int, cores: int, tokenizer: Path | None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Run every pipeline on every input, in turn, `rounds` times: a row per run and phase; and those of
    `time_collection` on the last input."""
    start = time.perf_counter()
    spark = spark_session(f"local[{cores}]")
    click.echo(f"Spark started in {time.perf_counter() - start:.1f} s, which is not counted")
    tokenizers = warm_up(spark, inputs, scratch, tokenizer)

    def run_pipeline(pipeline: str, source: Input, measure_memory: bool) -> Run:
        work = scratch / "run"
        if pipeline == results.BASELINE:
            run = run_baseline(source, work, cores, measure_memory)
        else:
            tokenizer_json = tokenizers[source.language] if pipeline == results.ALL else None
            run = run_platform(spark, source, work, tokenizer_json, measure_memory)
        shutil.rmtree(work)
        return run

    turns = [(source, pipeline) for source in inputs for pipeline in results.PIPELINES]
    # Sampling memory suspends what it measures, so these runs are not timed.
    peaks = [run_pipeline(pipeline, source, measure_memory=True).peak_bytes for source, pipeline in turns]
    rows = []
    for number in range(1, rounds + 1):
        for (source, pipeline), peak_bytes in zip(turns, peaks, strict=True):
            run = run_pipeline(pipeline, source, measure_memory=False)
            rate = source.xml_bytes / 1e6 / sum(run.seconds.values())
            click.echo(f"round {number}, {source.language} x{source.factor}, {pipeline}: {rate:.1f} MB/s")
            rows += [
                {
                    "language": source.language,
                    "factor": source.factor,
                    "megabytes": source.xml_bytes / 1e6,
                    "pipeline": pipeline,
                    "round": number,
                    "phase": phase,
                    "seconds": seconds,
                    "cpu_seconds": run.cpu_seconds[phase],
                    "peak_bytes": peak_bytes,
                    "facts": run.facts,
                }
                for phase, seconds in run.seconds.items()
            ]
    last, work = inputs[-1], scratch / "collection"
    (work / "articles").mkdir(parents=True)
    write_articles(spark, last.dump, work / "articles")
    collection = time_collection(
        spark, last.language, work / "articles", last.split, tokenizers[last.language], rounds, work
    )
    spark.stop()
    return rows, collection


def warm_up(spark: Any, inputs: list[Input], scratch: Path, tokenizer: Path | None) -> dict[str, str]:
    """Run the platform once per language, since Java compiles code that runs often; return tokenizers.

    They are those of the checkpoint folder `tokenizer`, else trained on the language's articles.
    """
    tokenizers: dict[str, str] = {}
    for source in inputs:
        if source.language in tokenizers:
            continue
        work = scratch / "warm-up"
        run_platform(spark, source, work, None, measure_memory=False)
        if tokenizer:
            tokenizers[source.language] = read_tokenizer(tokenizer)
        else:
            tokenizers[source.language] = train_tokenizer(work / "articles")
        shutil.rmtree(work)
    return tokenizers


if __name__ == "__main__":
    sys.exit(main())
