"""Finding, downloading and opening dumps."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pytest

from assets_tests.wikipedia.conftest import dump_xml, page_xml, write_dump
from factroots_dagster.errors import InputError
from factroots_dagster.wikipedia.dump import acquire_dump
from factroots_dagster.wikipedia.schema import WIKIPEDIA_DUMP

XML = dump_xml([page_xml(1, "A", "Tekst.")])


def files_of(folder: Path, snapshot: str = "latest", language: str = "nl") -> list[str]:
    return acquire_dump(language, str(folder), snapshot, folder)["file"].to_pylist()


def test_a_folder_is_read_where_it_lies(tmp_path: Path) -> None:
    path = write_dump(tmp_path, XML)
    table = acquire_dump("nl", str(tmp_path), "latest", tmp_path)
    assert table.schema == WIKIPEDIA_DUMP
    (row,) = table.to_pylist()
    assert row["path"] == str(path) and row["snapshot"] == "20240101" and row["compression"] == "bz2"
    assert row["bytes"] == path.stat().st_size
    assert row["sha1"] == hashlib.sha1(path.read_bytes()).hexdigest()
    assert row["sitename"] == "Wikipedia" and {"key": 6, "name": "Bestand"} in row["namespaces"]
    assert [path] == list(tmp_path.iterdir())


def test_snapshots_and_kinds_of_files(tmp_path: Path) -> None:
    """The newest snapshot unless one is named; one whole dump of it, never the same pages twice."""
    for name in (
        "nlwiki-20230101-pages-articles.xml.bz2",
        "nlwiki-20240101-pages-articles.xml.bz2",
        "nlwiki-20240101-pages-articles-multistream.xml.bz2",
        "nlwiki-20240101-pages-articles1.xml-p1p10.bz2",
        "nlwiki-20240201-pages-articles-multistream.xml.bz2",
        "nlwiki-20240201-pages-articles-multistream1.xml-p1p10.bz2",
        "nlwiki-20240301-pages-articles10.xml-p91p99.bz2",
        "nlwiki-20240301-pages-articles2.xml-p11p20.bz2",
        "nlwiki-20240301-pages-articles2.xml-p21p90.bz2",
    ):
        write_dump(tmp_path, XML, name)
    (tmp_path / "nlwiki-20240201-pages-articles-multistream-index.txt.bz2").write_bytes(b"")
    (tmp_path / "nlwiki-20250101-pages-meta-current.xml.bz2").write_bytes(b"")
    assert files_of(tmp_path) == [
        "nlwiki-20240301-pages-articles2.xml-p11p20.bz2",
        "nlwiki-20240301-pages-articles2.xml-p21p90.bz2",
        "nlwiki-20240301-pages-articles10.xml-p91p99.bz2",
    ]
    assert files_of(tmp_path, "20240201") == ["nlwiki-20240201-pages-articles-multistream.xml.bz2"]
    assert files_of(tmp_path, "20240101") == ["nlwiki-20240101-pages-articles.xml.bz2"]
    with pytest.raises(InputError, match=r"20220101.*snapshots there: 20230101, 20240101"):
        files_of(tmp_path, "20220101")


@pytest.mark.parametrize("ending", ["", ".bz2", ".gz", ".zst"])
def test_compressions(tmp_path: Path, ending: str) -> None:
    data = XML.encode()
    packed = {
        "": data,
        ".bz2": bz2.compress(data),
        ".gz": gzip.compress(data),
        ".zst": pa.compress(data, codec="zstd", asbytes=True),
    }
    (tmp_path / f"nlwiki-20240101-pages-articles.xml{ending}").write_bytes(packed[ending])
    table = acquire_dump("nl", str(tmp_path), "20240101", tmp_path)
    assert table["sitename"].to_pylist() == ["Wikipedia"]


def test_database_names_with_underscores(tmp_path: Path) -> None:
    write_dump(tmp_path, dump_xml([], "zh-yue", "zh_yue"), "zh_yuewiki-20240101-pages-articles.xml.bz2")
    assert files_of(tmp_path, language="zh-yue") == ["zh_yuewiki-20240101-pages-articles.xml.bz2"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "frwiki-20240101-pages-articles.xml.bz2",
            bz2.compress(XML.encode()),
            r"nlwiki-<date>-pages-articles",
        ),
        ("nlwiki-20240101-pages-articles.xml.xz", b"x", r"recompress"),
        ("nlwiki-20240101-pages-articles.xml.bz2", b"not bz2", r"cannot be decompressed"),
        ("nlwiki-20240101-pages-articles.xml", b"<html></html>", r"no MediaWiki XML dump"),
        ("nlwiki-20240101-pages-articles.xml", XML.encode("utf-16"), r"not UTF-8"),
        (
            "nlwiki-20240101-pages-articles.xml",
            b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + XML.encode(),
            r"declares its own XML entities",
        ),
        (
            "nlwiki-20240101-pages-articles.xml",
            XML.replace("<sitename>", "<sitname>").encode(),
            r"<siteinfo> is damaged",
        ),
        ("nlwiki-20240101-pages-articles.xml", XML.replace("nlwiki", "frwiki").encode(), r"this is frwiki"),
    ],
)
def test_what_is_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        acquire_dump("nl", str(tmp_path), "latest", tmp_path)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a folder"):
        acquire_dump("nl", str(tmp_path / "no"), "latest", tmp_path)


class Server(SimpleHTTPRequestHandler):
    """Serves a folder, ranges too; cuts the first transfer of a dump short when told to."""

    requests: ClassVar[list[tuple[str, str | None]]] = []
    cut_at: int | None = None

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        span = self.headers.get("Range")
        type(self).requests.append((self.path, span))
        if not path.is_file():
            super().do_GET()
            return
        data = path.read_bytes()
        start = int(span.removeprefix("bytes=").rstrip("-")) if span else 0
        self.send_response(206 if span else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT")
        if span:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        body = data[start:]
        if type(self).cut_at is not None and path.suffix == ".bz2":
            body, type(self).cut_at = body[: type(self).cut_at], None
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Base URL and folder of a Wikimedia-like server on loopback with one snapshot of nlwiki."""
    Server.requests, Server.cut_at = [], None
    site = tmp_path / "site"
    snapshot = site / "nlwiki" / "20240101"
    snapshot.mkdir(parents=True)
    (site / "nlwiki" / "latest").mkdir()
    path = write_dump(snapshot, XML)
    digest = hashlib.sha1(path.read_bytes()).hexdigest()
    sums = f"{'0' * 40}  nlwiki-20240101-abstract.xml.gz\n{digest}  {path.name}\n"
    (snapshot / "nlwiki-20240101-sha1sums.txt").write_text(sums)
    (site / "nlwiki" / "latest" / "nlwiki-latest-sha1sums.txt").write_text(sums)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Server, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", snapshot
    server.shutdown()
    thread.join()
    server.server_close()


def test_download_of_the_latest_snapshot(mirror: tuple[str, Path], tmp_path: Path) -> None:
    base, snapshot = mirror
    target = tmp_path / "down"
    target.mkdir()
    (row,) = acquire_dump("nl", base, "latest", target).to_pylist()
    assert row["snapshot"] == "20240101"
    assert Path(row["path"]).read_bytes() == (snapshot / row["file"]).read_bytes()
    dumps = [request for request in Server.requests if request[0].endswith(".bz2")]
    assert acquire_dump("nl", base, "20240101", target)["path"].to_pylist() == [row["path"]]
    assert [request for request in Server.requests if request[0].endswith(".bz2")] == dumps


def test_a_broken_download_goes_on(mirror: tuple[str, Path], tmp_path: Path) -> None:
    base, snapshot = mirror
    target = tmp_path / "down"
    target.mkdir()
    Server.cut_at = 100
    (row,) = acquire_dump("nl", base, "20240101", target).to_pylist()
    assert Path(row["path"]).read_bytes() == (snapshot / row["file"]).read_bytes()
    assert ("/nlwiki/20240101/" + row["file"], "bytes=100-") in Server.requests


def test_a_wrong_checksum_is_refused_and_deleted(mirror: tuple[str, Path], tmp_path: Path) -> None:
    base, snapshot = mirror
    target = tmp_path / "down"
    target.mkdir()
    write_dump(snapshot, XML + "\n")
    with pytest.raises(InputError, match="published sha1"):
        acquire_dump("nl", base, "20240101", target)
    assert not list(target.glob("*.bz2"))


def test_a_missing_snapshot_is_refused(mirror: tuple[str, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="404"):
        acquire_dump("nl", mirror[0], "20200101", tmp_path)
