"""Times the way from a dump to the sources of facts, beside WikiExtractor and a plain-Python matcher.

Run as `make bench-wikipedia`, or `python -m benchmarks.wikipedia --help` from the project's folder. Dumps
and mLAMA are given from outside; their licences forbid keeping them here.
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
from benchmarks.inputs import read_pages, write_repeated
from benchmarks.memory import PeakMemory
from factroots_dagster.corpora.wikipedia.articles import write_articles
from factroots_dagster.corpora.wikipedia.dump import acquire_dump
from factroots_dagster.facts.mlama.release import acquire_release
from factroots_dagster.facts.mlama.split import read_split
from factroots_dagster.spark.session import spark_session
from factroots_dagster.store.store import read_batches
from factroots_dagster.tracing.mentions import write_mentions
from factroots_dagster.tracing.sources import write_sources
from factroots_dagster.tracing.volume import measure_volume

PROJECT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("FACTROOTS_TEST_DATA", PROJECT.parent / "shared" / "data"))
VOCABULARY = 30_000
CLEANER_BYTES = 25_000_000


@dataclass
class Run:
    """One way from one dump to its facts: seconds by phase, memory, and how many facts it saw."""

    seconds: dict[str, float] = field(default_factory=dict)
    peak_bytes: int = 0
    facts: int = 0

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start


@dataclass(frozen=True)
class Input:
    """One dump of a language, `factor` times the smallest, and what is looked for in it."""

    language: str
    factor: int
    xml_bytes: int
    dump: pa.Table
    split: pa.Table
    split_file: Path


def ours(spark: Any, given: Input, work: Path, tokenizer_json: str | None, watch: bool) -> Run:
    """The platform's four phases, with wordpieces where a tokenizer is given; they write into `work`.

    Memory is measured when it is to be watched.
    """
    articles, mentions, sources = (work / name for name in ("articles", "mentions", "sources"))
    for folder in (articles, mentions, sources):
        folder.mkdir(parents=True)
    run = Run()
    with PeakMemory(os.getpid(), watch) as memory:
        with run.phase("articles"):
            write_articles(spark, given.dump, articles)
        with run.phase("mentions"):
            write_mentions(spark, articles, given.split, mentions, tokenizer_json=tokenizer_json)
        with run.phase("volume"):
            measure_volume(given.dump, articles, mentions)
        with run.phase("sources"):
            table = write_sources(spark, articles, mentions, given.split, sources)
    run.peak_bytes = memory.bytes
    seen = table.filter((pc.field("matcher") == "article") & (pc.field("windows") > 0))
    run.facts = len(seen["uuid"].unique())
    return run


def theirs(given: Input, work: Path, cores: int, watch: bool) -> Run:
    """WikiExtractor, then the plain-Python matcher, each with a process per core."""
    text, found = work / "text", work / "found.json"
    (dump,) = given.dump["path"].to_pylist()
    run = Run()
    commands = {
        "extract": baseline.extract_command(Path(dump), text, cores),
        "match": baseline.match_command(given.language, text, given.split_file, found, cores),
    }
    work.mkdir()
    for name, command in commands.items():
        with run.phase(name), subprocess.Popen(command, cwd=PROJECT) as process:
            with PeakMemory(process.pid, watch) as memory:
                process.wait()
            if process.returncode:
                raise click.ClickException(f"{' '.join(command)} ended with {process.returncode}")
        run.peak_bytes = max(run.peak_bytes, memory.bytes)
    run.facts = len(json.loads(found.read_text()))
    return run


def trained_tokenizer(articles: Path) -> str:
    """A WordPiece tokenizer as BERT's cased ones are, trained on the text of `articles`; its JSON."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=VOCABULARY, special_tokens=special, show_progress=False)
    texts = (text for batch in read_batches(articles, 100) for text in batch["text"].to_pylist())
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer.to_str()


def inputs_of(
    language: str, dumps: Path, release: Path, work: Path, megabytes: float, factors: list[int]
) -> list[Input]:
    """The language's dump repeated to about `megabytes` of XML, and that as often as `factors` say."""
    (original,) = acquire_dump(language, str(dumps), "latest", work)["path"].to_pylist()
    pages = read_pages(Path(original), int(megabytes * 1e6))
    copies = max(1, round(megabytes * 1e6 / pages.xml_bytes))
    split, split_file = read_split(release, language), work / f"{language}.parquet"
    pq.write_table(split, split_file)
    found = []
    for factor in factors:
        folder = work / f"{language}-{factor}"
        folder.mkdir()
        name = f"{Path(original).name.partition('-pages-articles')[0]}-pages-articles.xml.bz2"
        size = write_repeated(pages, factor * copies, folder / name)
        dump = acquire_dump(language, str(folder), "latest", folder)
        found.append(Input(language, factor, size, dump, split, split_file))
        click.echo(f"{language}: {size / 1e6:.1f} MB of XML, the pages {factor * copies} times")
    return found


@click.command()
@click.option("--dumps", type=Path, default=DATA / "wikipedia", help="folder of dumps")
@click.option("--mlama", type=Path, default=DATA / "mlama1.1.tar.xz", help="mLAMA release, folder or archive")
@click.option("--languages", default="uk,en", show_default=True, help="comma-separated codes")
@click.option("--rounds", default=3, show_default=True, help="how often each way is timed on each input")
@click.option("--megabytes", default=50.0, show_default=True, help="XML of the smallest input")
@click.option("--factors", default="1,2,4", show_default=True, help="sizes, as multiples of the smallest")
@click.option("--cores", default=2, show_default=True, help="cores that everything is bound to")
@click.option("--tokenizer", type=Path, help="checkpoint folder; by default one is trained on the dump")
@click.option("--work", type=Path, help="folder for what is written on the way; by default a temporary one")
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
    """Time dump to fact sources on 1, 2, 4 times the given dumps; write a table, a CSV and a picture."""
    missing = [str(path) for path in (dumps, mlama) if not path.exists()]
    if missing:
        click.echo(f"Skipped, not there: {', '.join(missing)}. Name the data with --dumps and --mlama.")
        return
    if importlib.util.find_spec("wikiextractor") is None:
        raise click.ClickException("WikiExtractor is not installed; run: pip install --editable '.[bench]'")
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < cores:
        raise click.ClickException(f"--cores {cores}: this process may use {len(allowed)}")
    os.sched_setaffinity(0, allowed[:cores])
    codes = languages.split(",")
    with TemporaryDirectory(prefix="bench-wikipedia-", dir=work) as folder:
        place = Path(folder)
        conditions = results.conditions(cores, rounds)
        release = place / "mlama"
        release.mkdir()
        acquire_release(str(mlama), release)
        inputs = [
            given
            for code in codes
            for given in inputs_of(
                code, dumps, release, place, megabytes, [int(f) for f in factors.split(",")]
            )
        ]
        measured = timed(inputs, place, rounds, cores, tokenizer)
        cleaners = [row for path in sorted(dumps.iterdir()) for row in cleaners_of(path, rounds)]
    output.mkdir(parents=True, exist_ok=True)
    results.write_csv(measured, output / "wikipedia.csv")
    results.write_csv(cleaners, output / "wikipedia_cleaners.csv")
    results.write_picture(measured, cores, output / "wikipedia.png")
    results.write_markdown(measured, cleaners, conditions, cores, output / "wikipedia.md")
    click.echo((output / "wikipedia.md").read_text())


def cleaners_of(path: Path, rounds: int) -> list[dict[str, Any]]:
    """The cleaners' rows for one dump of the folder, none for other files."""
    code = path.name.partition("wiki-")[0].replace("_", "-")
    if "-pages-articles" not in path.name or "index" in path.name:
        return []
    return time_cleaners(code, path, CLEANER_BYTES, rounds, click.echo)


def timed(
    inputs: list[Input], place: Path, rounds: int, cores: int, tokenizer: Path | None
) -> list[dict[str, Any]]:
    """Every way on every input, in turn, `rounds` times: a row per way, input, round and phase."""
    start = time.perf_counter()
    spark = spark_session(f"local[{cores}]")
    click.echo(f"Spark started in {time.perf_counter() - start:.1f} s, which is not counted")
    pieces: dict[str, str] = {}
    if tokenizer:
        from factroots_dagster.text.wordpieces.search import read_tokenizer

        pieces = dict.fromkeys((given.language for given in inputs), read_tokenizer(tokenizer))
    warm: set[str] = set()
    for given in inputs:  # Java compiles what it runs often: the first run is not counted
        if given.language not in warm:
            warm.add(given.language)
            ours(spark, given, place / "warm", None, False)
            if given.language not in pieces:
                pieces[given.language] = trained_tokenizer(place / "warm" / "articles")
            shutil.rmtree(place / "warm")
    rows = []
    peaks: dict[tuple[str, int, str], int] = {}
    for number in range(rounds + 1):  # round 0 is for memory: whoever samples it stops what is sampled
        for given in inputs:
            for way in results.WAYS:
                if way == results.BASELINE:
                    run = theirs(given, place / "run", cores, not number)
                else:
                    tokenizer_json = pieces[given.language] if way == results.ALL else None
                    run = ours(spark, given, place / "run", tokenizer_json, not number)
                shutil.rmtree(place / "run")
                key = (given.language, given.factor, way)
                if not number:
                    peaks[key] = run.peak_bytes
                    continue
                total = sum(run.seconds.values())
                rate = given.xml_bytes / 1e6 / total
                click.echo(f"round {number}, {given.language} x{given.factor}, {way}: {rate:.1f} MB/s")
                rows += [
                    {
                        "language": given.language,
                        "factor": given.factor,
                        "megabytes": given.xml_bytes / 1e6,
                        "way": way,
                        "round": number,
                        "phase": phase,
                        "seconds": seconds,
                        "peak_bytes": peaks[key],
                        "facts": run.facts,
                    }
                    for phase, seconds in run.seconds.items()
                ]
    spark.stop()
    return rows


if __name__ == "__main__":
    sys.exit(main())
