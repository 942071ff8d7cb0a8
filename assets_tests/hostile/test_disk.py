"""A full disk and a read-only one: told in words, nothing published, the old data as they were.

Real file systems: a tmpfs of some megabytes, mounted in a mount namespace of a child process, of which the
machine sees nothing. Skipped where the kernel does not allow that.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from functools import cache
from pathlib import Path

import pytest

from assets_tests.conftest import PROJECT
from assets_tests.corpora.conftest import dump_xml, page_xml, write_dump

PROGRAM = """
import hashlib, subprocess, sys
from pathlib import Path
import pyarrow as pa
import pyarrow.parquet as pq
from factroots_dagster.errors import InputError
from factroots_dagster.store.store import Store

root, outside = Path(sys.argv[1]), Path(sys.argv[2])
schema = pa.schema([("n", pa.binary())])
store = Store(root, "sandbox")
noise = [hashlib.shake_128(str(n).encode()).digest(50_000) for n in range(200)]  # 10 MB that do not shrink


def tree():
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in root.rglob("*") if p.is_file()}


def publish(write):
    with store.write_partition("asset", "xx", code_version="2") as work:
        write(work.folder)


def refused(write, words):
    before = tree()
    try:
        publish(write)
    except InputError as error:
        print(error)
        assert words in str(error).lower() and "make" in str(error).lower(), str(error)
    else:
        raise SystemExit("it was written")
    assert tree() == before, set(tree()) ^ set(before)
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
}


@cache
def may_mount() -> bool:
    done = subprocess.run(
        ["unshare", "-Urm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False
    )
    return done.returncode == 0


def in_small_world(tmp_path: Path, program: str) -> str:
    """What a program prints that runs with a data root of 6 MB; it must end well."""
    if not may_mount():
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
        timeout=240,
        check=False,
        cwd=PROJECT,
        env=os.environ | {"FACTROOTS_SPARK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1"},
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


@pytest.mark.parametrize("what", WRITERS)
def test_a_full_disk_is_told_and_costs_nothing(what: str, tmp_path: Path) -> None:
    if what == "Spark":
        (tmp_path / "outside").mkdir()
        words = [
            " ".join(f"{number * 7919 * place % 10**9:x}" for place in range(9000)) for number in range(300)
        ]
        write_dump(tmp_path / "outside", dump_xml([page_xml(n, f"T{n}", w) for n, w in enumerate(words, 1)]))
    writer = textwrap.dedent(WRITERS[what])
    told = in_small_world(tmp_path, PROGRAM + writer + 'refused(write, "no space left")\n' + AFTERWARDS)
    assert str(tmp_path / "data") in told and "make room" in told.lower()


def test_a_read_only_data_root_is_told(tmp_path: Path) -> None:
    program = PROGRAM + textwrap.dedent("""
        subprocess.run(["mount", "-o", "remount,ro", str(root)], check=True)
        refused(small, "read-only file system")
        subprocess.run(["mount", "-o", "remount,rw", str(root)], check=True)
    """)
    assert "asset/xx" in in_small_world(tmp_path, program + AFTERWARDS)
