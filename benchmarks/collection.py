"""Counts of facts in one corpus by factroots and by infini-gram, beside plain loops: exactness, time, size.

Run `python -m benchmarks.collection --help` from the project's folder, where the extra `bench` is installed.
The corpus is a real dump's articles in the shape of FineWeb-2. infini-gram indexes the same texts, byte by
byte, so that no tokenizer decides what can be found. A fact counts as found in a document that holds its
subject and its object, each as whole words; infini-gram counts pairs of places at most so many bytes apart.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import click
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from factroots_dagster.corpora.collection.choices import parse_corpora
from factroots_dagster.corpora.registry import acquire_files, write_all_documents
from factroots_dagster.facts.mlama.release import acquire_release
from factroots_dagster.facts.mlama.split import read_split
from factroots_dagster.spark.session import spark_session
from factroots_dagster.text.tokens import WORD, class_of
from factroots_dagster.tracing.mentions import write_mentions
from factroots_dagster.tracing.sources import write_sources

PROJECT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("FACTROOTS_TEST_DATA", PROJECT.parent / "shared" / "data"))
RESULTS = PROJECT / "benchmarks" / "results" / "collection.md"
DISTANCES = (100, 400)
"""Bytes that infini-gram lets the two names be apart: its default of 100 tokens, and about as much text."""

END_OF_TEXT, VOCABULARY = 254, 255
"""A byte that no UTF-8 has, and the largest vocabulary that fits into a byte."""

Found = Mapping[str, int]
"""Fact to the number of documents, or of places, that hold both of its names."""


class Measured(NamedTuple):
    """What one program found. index_seconds, index_bytes: of what it stores; query_seconds: of all facts."""

    name: str
    found: Found
    index_seconds: float
    query_seconds: float
    index_bytes: int


@click.command()
@click.option(
    "--language", "languages", multiple=True, default=("hy", "uk"), help="Languages with a real dump."
)
@click.option("--cores", default=2, help="Cores that each program may use.")
def main(languages: tuple[str, ...], cores: int) -> None:
    """Compare the programs on the dumps of some languages, and write a page of results."""
    if importlib.util.find_spec("infini_gram") is None:
        raise click.ClickException("infini-gram is not installed; run: pip install infini-gram==2.6.0")
    spark_session(f"local[{cores}]")  # whose start is part of no time
    text = (
        f"`python -m benchmarks.collection`, {cores} cores, infini-gram {version('infini-gram')} by bytes. "
        "The corpus is a Wikipedia's articles in the shape of FineWeb-2. True are the facts whose two names "
        "stand as whole words in one document, by loops over all documents; counts are of documents. "
        "`index` is what comes before the first fact can be asked about, of factroots documents and "
        "mentions; `facts` is the time for all facts. infini-gram's index answers any question, factroots' "
        "only about these facts, but by every matcher and with the sentences."
    )
    lines = ["# One corpus, counted by factroots and by infini-gram", "", text]
    for language in languages:
        with TemporaryDirectory() as folder:
            lines += ["", *compare(language, Path(folder), cores)]
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    click.echo("\n".join(lines))


def compare(language: str, folder: Path, cores: int) -> list[str]:
    """Lines of a page: what each program found in one language's corpus."""
    for name in ("dump", "wikipedia", "release", "json"):
        (folder / name).mkdir()
    spark = spark_session()
    choices = parse_corpora("wikipedia")
    files = acquire_files(
        language, choices, str(DATA / "wikipedia"), "latest", folder / "dump", spark_session
    )
    write_all_documents(lambda: spark, files, folder / "wikipedia")
    acquire_release(str(DATA / "mlama1.1.tar.xz"), folder / "release")
    split = read_split(folder / "release", language)
    articles = ds.dataset(folder / "wikipedia").to_table(filter=pc.field("redirect_to").is_null())
    texts = articles["text"].to_pylist()
    write_shaped(texts, folder / "web" / "0.parquet")
    truth = timed(lambda: count_by_loops(texts, split))
    programs = [
        count_with_factroots(language, split, folder),
        *count_with_infini_gram(texts, split, folder / "json", cores),
    ]
    size = sum(len(text.encode()) for text in texts)
    return [
        f"## {language}: {len(texts):,} documents, {size:,} bytes, {split.num_rows:,} facts, "
        f"{len(truth.value):,} of them true (loops: {truth.seconds:.1f} s)",
        "",
        "| program | true facts found | others found | same count | index, s | facts, s | bytes per byte |",
        "|---|---|---|---|---|---|---|",
        *(describe(program, truth.value, size) for program in programs),
    ]


def describe(program: Measured, truth: Found, size: int) -> str:
    """A row of the table."""
    right = truth.keys() & program.found.keys()
    same = sum(program.found[fact] == truth[fact] for fact in right)
    others = len(program.found.keys() - truth.keys())
    return (
        f"| {program.name} | {len(right):,} ({len(right) / len(truth):.1%}) | {others:,} | {same:,} | "
        f"{program.index_seconds:.1f} | {program.query_seconds:.1f} | {program.index_bytes / size:.2f} |"
    )


class Timed(NamedTuple):
    """A value, and how long it took to compute."""

    value: Any
    seconds: float


def timed(function: Callable[[], Any]) -> Timed:
    """Call a function."""
    start = time.perf_counter()
    value = function()
    return Timed(value, time.perf_counter() - start)


def write_shaped(texts: list[str], path: Path) -> None:
    """The texts as one file of FineWeb-2's columns."""
    path.parent.mkdir(parents=True)
    count = len(texts)
    columns = {
        "text": texts,
        "id": [f"<urn:uuid:{number}>" for number in range(count)],
        "url": [f"https://example.org/{number}" for number in range(count)],
        **{name: [""] * count for name in ("dump", "date", "file_path", "language_script", "top_langs")},
        "language": pa.nulls(count, pa.string()),
        "language_score": [1.0] * count,
        "minhash_cluster_size": [1] * count,
    }
    pq.write_table(pa.table(columns), path, compression="zstd")


def count_by_loops(texts: Iterable[str], split: pa.Table) -> Found:
    """The truth: for every fact the number of documents with both of its labels as whole words."""
    facts = split.select(["uuid", "subject", "object"]).to_pylist()
    by_subject: dict[str, list[tuple[str, str]]] = {}
    for fact in facts:
        by_subject.setdefault(fact["subject"], []).append((fact["uuid"], fact["object"]))
    labels = {label for fact in facts for label in (fact["subject"], fact["object"])}
    found: dict[str, int] = {}
    for text in texts:
        present = {label for label in labels if label in text and stands_alone(label, text)}
        for subject in present & by_subject.keys():
            for uuid, target in by_subject[subject]:
                if target in present:
                    found[uuid] = found.get(uuid, 0) + 1
    return found


def stands_alone(label: str, text: str) -> bool:
    """Whether a label stands in a text somewhere without being cut out of a longer word."""
    start = text.find(label)
    while start >= 0:
        end = start + len(label)
        before, after = text[start - 1 : start + 1] if start else "", text[end - 1 : end + 1]
        if not (is_inside_word(before) or is_inside_word(after)):
            return True
        start = text.find(label, start + 1)
    return False


def is_inside_word(pair: str) -> bool:
    """Whether two characters are inside one word."""
    return len(pair) == 2 and all(class_of(ord(character)) == WORD for character in pair)


def count_with_factroots(language: str, split: pa.Table, folder: Path) -> Measured:
    """What the matcher `article` finds, with everything else that the graph computes."""
    spark = spark_session()
    names = ("documents", "mentions", "sources")
    for name in names:
        (folder / name).mkdir()

    def index() -> None:
        web = parse_corpora(f"web={folder}/web/*.parquet shape=fineweb2")
        files = acquire_files(language, web, "", "latest", folder, spark_session)
        write_all_documents(lambda: spark, files, folder / "documents")
        write_mentions(spark, folder / "documents", split, folder / "mentions")

    indexing = timed(index)
    query = timed(
        lambda: write_sources(spark, folder / "documents", folder / "mentions", split, folder / "sources")
    )
    table = query.value.filter(pc.equal(query.value["matcher"], "article"))
    counts = zip(table["uuid"].to_pylist(), table["windows"].to_pylist(), strict=True)
    size = sum(path.stat().st_size for name in names for path in (folder / name).iterdir())
    found = {uuid: windows for uuid, windows in counts if windows}
    return Measured("factroots, matcher article", found, indexing.seconds, query.seconds, size)


def count_with_infini_gram(texts: list[str], split: pa.Table, folder: Path, cores: int) -> list[Measured]:
    """What infini-gram finds at each of the DISTANCES."""
    from infini_gram.engine import InfiniGramEngine

    source, index = folder / "source", folder / "index"
    source.mkdir()
    with (source / "0.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)
    command = [
        sys.executable,
        "-m",
        "infini_gram.indexing",
        "--data_dir",
        str(source),
        "--save_dir",
        str(index),
    ]
    command += ["--token_dtype", "u8", "--cpus", str(cores), "--mem", "4", "--ulimit", "1024"]
    indexing = timed(lambda: subprocess.run(command, check=True, capture_output=True, timeout=1200))
    size = sum(path.stat().st_size for path in index.iterdir())
    engine = InfiniGramEngine(str(index), END_OF_TEXT, VOCABULARY, token_dtype="u8")
    facts = split.select(["uuid", "subject", "object"]).to_pylist()

    def count(distance: int) -> Found:
        found = {}
        for fact in facts:
            clauses = [[list(fact[side].encode())] for side in ("subject", "object")]
            answer = engine.count_cnf(cnf=clauses, max_diff_tokens=distance)
            if answer["count"]:
                found[fact["uuid"]] = answer["count"]
        return found

    answers = [(distance, timed(lambda distance=distance: count(distance))) for distance in DISTANCES]
    return [
        Measured(f"infini-gram, {distance} bytes apart", answer.value, indexing.seconds, answer.seconds, size)
        for distance, answer in answers
    ]


if __name__ == "__main__":
    main()
