"""A full disk and a read-only one: an error with a remedy, nothing published, the old data unchanged.

The file systems are real: a tmpfs of some megabytes, mounted in the mount namespace of a child process.
Skipped where the kernel does not allow that.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from functools import cache
from pathlib import Path

import pytest

from assets_tests.corpora.dumps import dump_xml, page_xml, write_dump
from assets_tests.project import PROJECT

PROGRAM = """
import hashlib, subprocess, sys
from pathlib import Path
import pyarrow as pa
import pyarrow.parquet as pq
from assets_tests.files import file_digests
from assets_tests.hostile.case import check_error
from factroots_dagster.errors import InputError
from factroots_dagster.store.store import Store

root, outside = Path(sys.argv[1]), Path(sys.argv[2])
schema = pa.schema([("n", pa.binary())])
store = Store(root, "sandbox")
noise = [hashlib.shake_128(str(n).encode()).digest(50_000) for n in range(200)]  # 10 MB that do not shrink


def publish(write):
    with store.write_partition("asset", "xx", code_version="2") as work:
        write(work.folder)


def assert_refused(write, reason):
    before = file_digests(root)
    try:
        publish(write)
    except InputError as error:
        print(error)
        check_error(error, (reason,))
    else:
        raise SystemExit("it was written")
    assert file_digests(root) == before, set(file_digests(root)) ^ set(before)
    assert store.read("asset", "xx")["n"].to_pylist() == [b"old"]


def small(folder):
    pq.write_table(pa.table({"n": [b"new"]}, schema=schema), folder / "data.parquet")


with store.write_partition("asset", "xx", code_version="1") as work:
    work.write(pa.table({"n": [b"old"]}), schema)
"""

AFTERWARDS = """
publish(small)
assert store.read("asset", "xx")["n"].to_pylist() == [b"new"]
assert not list(root.rglob(".*"))
"""

WRITERS = {
    "table": """
        def write(folder):
            pq.write_table(pa.table({"n": noise}, schema=schema), folder / "data.parquet")
    """,
    "tensor": """
        def write(folder):
            import torch
            from safetensors.torch import save_file
            save_file({"a": torch.zeros(3_000_000)}, folder / "a.safetensors")
    """,
    "release": """
        def write(folder):
            import zipfile
            from factroots_dagster.facts.mlama.release import acquire_release
            with zipfile.ZipFile(outside / "mlama.zip", "w") as out:
                for number, content in enumerate(noise):
                    out.writestr(f"qaa/P{number}.jsonl", content)
            (folder / "_release").mkdir()
            acquire_release(str(outside / "mlama.zip"), folder / "_release")
    """,
    "many files": """
        def write(folder):
            for number, content in enumerate(noise):
                (folder / f"{number}.bin").write_bytes(content)
    """,
    "download": """
        def write(folder):
            import threading
            from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
            from factroots_dagster.store.download import download

            class Handler(BaseHTTPRequestHandler):
                def do_GET(self):
                    self.send_response(200)
                    self.end_headers()
                    try:
                        self.wfile.write(b"".join(noise))
                    except OSError:
                        pass

                def log_message(self, *_):
                    pass

            server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            url = f"http://127.0.0.1:{server.server_port}/x"
            download(url, folder / "x", max_bytes=10**9, wait=lambda _: sys.exit("it tries again"))
    """,
    "Spark": """
        def write(folder):
            from factroots_dagster.corpora.wikipedia.articles import write_articles
            from factroots_dagster.corpora.wikipedia.dump import acquire_dump
            from factroots_dagster.spark.session import spark_session

            dump = acquire_dump("nl", str(outside), "latest", outside)
            write_articles(spark_session("local[2]"), dump, folder)
    """,
    "Spark's committer": """
        def write(folder):
            from factroots_dagster.spark.parts import Parts
            from factroots_dagster.spark.session import spark_session
            from factroots_dagster.spark.written import write_parts

            def compute(number):
                yield pa.table({"n": noise[number::4]}, schema=schema)
                return {}

            write_parts(spark_session("local[2]"), Parts("xx", [1] * 4, compute, schema), folder)
    """,
}


@cache
def can_mount() -> bool:
    done = subprocess.run(
        ["unshare", "-Urm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False
    )
    return done.returncode == 0


def run_on_small_disk(tmp_path: Path, program: str) -> str:
    """Run a program whose data root has 6 MB and return its output; fails if the program does."""
    if not can_mount():
        pytest.skip("this user may not mount a tmpfs in a namespace of its own")
    root, outside = tmp_path / "data", tmp_path / "outside"
    root.mkdir()
    outside.mkdir(exist_ok=True)
    mounted = 'mount -t tmpfs -o size=6m tmpfs "$1" && shift && exec "$@"'
    arguments = [sys.executable, "-c", program, str(root), str(outside)]
    done = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", mounted, "sh", str(root), *arguments],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        cwd=PROJECT,
        env=os.environ
        | {"FACTROOTS_SPARK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1", "PYTHONPATH": str(PROJECT)},
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_is_an_error_that_names_the_data_root_and_costs_nothing(
    writer: str, tmp_path: Path
) -> None:
    if writer == "Spark":
        (tmp_path / "outside").mkdir()
        texts = [
            " ".join(f"{number * 7919 * index % 10**9:x}" for index in range(9000)) for number in range(300)
        ]
        write_dump(
            tmp_path / "outside",
            dump_xml([page_xml(number, f"T{number}", text) for number, text in enumerate(texts, 1)]),
        )
    refuse = textwrap.dedent(WRITERS[writer]) + 'assert_refused(write, "no space left")\n'
    assert str(tmp_path / "data") in run_on_small_disk(tmp_path, PROGRAM + refuse + AFTERWARDS)


def test_a_read_only_data_root_is_an_error_that_names_the_partition(tmp_path: Path) -> None:
    program = PROGRAM + textwrap.dedent("""
        subprocess.run(["mount", "-o", "remount,ro", str(root)], check=True)
        assert_refused(small, "read-only file system")
        subprocess.run(["mount", "-o", "remount,rw", str(root)], check=True)
    """)
    assert "asset/xx" in run_on_small_disk(tmp_path, program + AFTERWARDS)
