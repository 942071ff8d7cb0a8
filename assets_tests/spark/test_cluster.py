"""The same tables on one core, on two, and on a standalone Spark cluster of which executors are killed."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyspark

from assets_tests.corpora.collections import write_rows
from assets_tests.corpora.dumps import dump_xml, page_xml, write_dump
from assets_tests.serving import stop
from factroots_dagster.spark.java import java_home

RUN = """
import os, signal, sys
from pathlib import Path
import pyarrow as pa
from factroots_dagster.facts.schema import MLAMA_SPLIT
from factroots_dagster.tracing.sources import write_sources
from factroots_dagster.corpora.collection import documents
from factroots_dagster.corpora.collection.choices import parse_corpora
from factroots_dagster.corpora.collection.files import list_files
from factroots_dagster.corpora.wikipedia import articles
from factroots_dagster.corpora.wikipedia.dump import acquire_dump
from factroots_dagster.tracing import mentions
from factroots_dagster.spark.session import spark_session
from factroots_dagster.store.contents import digest_table
source, target, master = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
spark = spark_session(master)
folders = {name: target / name for name in ("articles", "mentions", "sources", "local", "remote")}
for folder in folders.values():
    folder.mkdir(parents=True)
def lose_the_executor_once(module, name):
    if not master.startswith("spark:"):
        return
    function, death = getattr(module, name), target / f"_death_in_{name}"
    def compute(part, *arguments, **options):
        outcome = yield from function(part, *arguments, **options)
        if getattr(part, "number", part) == 1 and not death.exists():
            death.touch()
            daemon = Path("/proc", str(os.getppid()), "stat").read_text()
            os.kill(int(daemon.rpartition(")")[2].split()[1]), signal.SIGKILL)
        return outcome
    setattr(module, name, compute)
lose_the_executor_once(articles, "convert_part")
lose_the_executor_once(mentions, "search_part")
dump = acquire_dump("nl", str(source), "latest", target)
articles.write_articles(spark, dump, folders["articles"], min_range_bytes=20_000)
def write_web(location, folder):
    (choice,) = parse_corpora(f"web={location}")
    web = list_files("nl", choice, lambda: spark)
    print(documents.write_documents(lambda: spark, web, folder))
write_web(f"{source}/web duplicates=merge", folders["local"])
lose_the_executor_once(documents, "convert_shard")
write_web(f"file://{source}/web", folders["remote"])
fact = {name: None for name in MLAMA_SPLIT.names} | {
    "uuid": "f", "language": "nl", "relation": "P1",
    "subject_uri": "Q1", "subject": "kaas", "object_uri": "Q2", "object": "wijn en",
}
split = pa.Table.from_pylist([fact], MLAMA_SPLIT)
mentions.write_mentions(spark, folders["articles"], split, folders["mentions"])
table = write_sources(spark, folders["articles"], folders["mentions"], split, folders["sources"])
print("windows", table["windows"].to_pylist())
print("executors", sorted({row[0] for row in spark.range(0, 40, 1, 40).mapInArrow(
    lambda batches: (pa.RecordBatch.from_pydict({"pid": [str(__import__("os").getppid())]}) for _ in batches),
    "pid STRING").collect()}).__len__())
for path in sorted(target.rglob("*")):
    if path.suffix == ".parquet":
        print(path.relative_to(target), digest_table([path]))
"""


def environment() -> dict[str, str]:
    return os.environ | {
        "JAVA_HOME": str(java_home()),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "FACTROOTS_SPARK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1",
    }


@contextmanager
def daemon(
    folder: Path,
    name: str,
    *arguments: str,
    hidden: Sequence[Path] = (),
    variables: Mapping[str, str] | None = None,
) -> Iterator[Path]:
    """Run a Spark daemon; yields its log file. hidden: folders of which it sees empty ones of its own."""
    log = folder / f"{name}.log"
    command = [str(Path(pyspark.__file__).parent / "bin" / "spark-class"), *arguments]
    if hidden:
        mounts = [f"mount -t tmpfs none {shlex.quote(str(path))}" for path in hidden]
        command = ["unshare", "-m", "sh", "-c", " && ".join([*mounts, f"exec {shlex.join(command)}"])]
    extra = {"SPARK_WORKER_DIR": str(folder / name), "SPARK_DAEMON_MEMORY": "256m"}
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            stdout=out,
            stderr=out,
            env=environment() | extra | (variables or {}),
            start_new_session=True,
        )
    try:
        yield log
    finally:
        stop(process)  # a loaded machine's daemon once did not end when it was asked to


def wait_for_line(log: Path, pattern: str) -> re.Match[str]:
    for _ in range(3000):
        if match := re.search(pattern, log.read_text(errors="replace")):
            return match
        time.sleep(0.1)
    raise AssertionError(
        f"{log.name} does not contain {pattern!r}:\n{log.read_text(errors='replace')[-2000:]}"
    )


@contextmanager
def standalone_cluster(
    folder: Path, hidden: Sequence[Path] = (), variables: Mapping[str, str] | None = None
) -> Iterator[str]:
    """The URL of a standalone master on loopback with two workers of one core each.

    hidden: see `daemon`. variables: of the workers' environment.
    """
    deploy = "org.apache.spark.deploy"
    here = ("--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
    with ExitStack() as stack:
        master = stack.enter_context(daemon(folder, "master", f"{deploy}.master.Master", *here))
        url = wait_for_line(master, r"spark://127\.0\.0\.1:\d+")[0]
        for number in range(2):
            worker = (f"{deploy}.worker.Worker", *here, "--cores", "1", "--memory", "1g", url)
            log = stack.enter_context(
                daemon(folder, f"worker{number}", *worker, hidden=hidden, variables=variables)
            )
            wait_for_line(log, "Successfully registered")
        yield url


def test_the_tables_are_the_same_whatever_spark_runs_on_and_loses(tmp_path: Path) -> None:
    words = ["kaas", "en", "wijn", "en", "brood", "in", "de", "grote", "stad", "land", "van"]
    pages = [
        page_xml(
            n,
            f"T{n}",
            " ".join(words[int(c, 16) % len(words)] for c in hashlib.sha512(str(n).encode()).hexdigest() * 8),
        )
        for n in range(1, 600)
    ]
    write_dump(tmp_path, dump_xml(pages))
    for number, ending in enumerate(("jsonl", "parquet", "jsonl.gz", "parquet")):
        texts = [{"text": f"{words[n % 11]} {n % 60}"} for n in range(number, 100, 4)]
        write_rows(tmp_path / "web" / f"{number}.{ending}", texts)
    outputs = {}
    with standalone_cluster(tmp_path) as url:
        for name, master in {"one": "local[1]", "two": "local[2]", "cluster": url}.items():
            done = subprocess.run(
                [sys.executable, "-c", RUN, str(tmp_path), str(tmp_path / name), master],
                env=environment(),
                capture_output=True,
                text=True,
                timeout=900,
            )
            assert done.returncode == 0, done.stderr[-3000:]
            outputs[name] = done.stdout
    files = {name: re.sub(r"executors \d+\n", "", out) for name, out in outputs.items()}
    assert files["one"] == files["two"] == files["cluster"]
    assert "windows [0" not in files["one"]
    assert files["one"].count("articles/part-") > 2 and files["one"].count("mentions/part-") > 2
    assert files["one"].count("local/part-") == files["one"].count("remote/part-") == 4
    assert {path.name for path in (tmp_path / "cluster").glob("_death_in_*")} == {
        f"_death_in_{name}" for name in ("convert_part", "search_part", "convert_shard")
    }
    assert "executors 2" in outputs["cluster"] and "executors 1" in outputs["one"]
