"""Downloading dumps from a server in Wikimedia's layout on loopback: selected, resumed, verified."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from assets_tests.corpora.dumps import dump_xml, page_xml, write_dump
from assets_tests.facts.web_server import WebServer
from factroots_dagster.corpora.wikipedia.dump import acquire_dump
from factroots_dagster.errors import InputError, UnavailableError

XML = dump_xml([page_xml(1, "A", "Tekst.")])
INDEX = "".join(f"600:{page}:Titel {page}\n" for page in range(1, 251))


class Server(SimpleHTTPRequestHandler):
    """Serves a folder, ranges too (If-Range by ETag); can cut transfers short, then refuse to resume them."""

    requests: ClassVar[list[tuple[str, str | None]]] = []
    cuts: ClassVar[list[int]] = []
    refuse_after_cut = False

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        span = self.headers.get("Range")
        server = type(self)
        server.requests.append((path.name, span))
        if not path.is_file():
            super().do_GET()
            return
        if server.refuse_after_cut and span:
            self.send_error(403)
            return
        data = path.read_bytes()
        version = f'"{hashlib.md5(data).hexdigest()}"'
        if span and self.headers.get("If-Range") != version:
            span = None
        start = int(span.removeprefix("bytes=").rstrip("-")) if span else 0
        self.send_response(206 if span else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("ETag", version)
        if span:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        body = data[start:]
        if server.cuts and path.suffix == ".bz2":
            body = body[: server.cuts.pop(0)]
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Mirror:
    """A server in Wikimedia's layout on loopback."""

    def __init__(self, base: str, site: Path) -> None:
        self.base, self.wiki = base, site / "nlwiki"
        (self.wiki / "latest").mkdir(parents=True)

    def snapshot(self, date: str, *kinds: str, unlisted: tuple[str, ...] = ()) -> Path:
        """Publish files `nlwiki-<date>-<kind>.bz2` and the list of their sha1; returns their folder."""
        folder = self.wiki / date
        folder.mkdir()
        lines = [f"{'0' * 40}  nlwiki-{date}-abstract.xml.gz", "not a line"]
        for kind in (*kinds, *unlisted):
            path = write_dump(folder, INDEX if "index" in kind else XML, f"nlwiki-{date}-{kind}.bz2")
            if kind in kinds:
                lines.append(f"{hashlib.sha1(path.read_bytes()).hexdigest()}  {path.name}")
        sums = "\n".join(lines) + "\n"
        (folder / f"nlwiki-{date}-sha1sums.txt").write_text(sums)
        (self.wiki / "latest" / "nlwiki-latest-sha1sums.txt").write_text(sums)
        return folder

    def fetched(self) -> list[tuple[str, str | None]]:
        """The dump files requested since the last call, with their ranges."""
        requests = [request for request in Server.requests if request[0].endswith(".bz2")]
        Server.requests.clear()
        return requests


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    Server.requests, Server.cuts, Server.refuse_after_cut = [], [], False
    site = tmp_path / "site"
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Server, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield Mirror(f"http://127.0.0.1:{server.server_port}", site)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    folder = tmp_path / "downloads"
    folder.mkdir()
    return folder


SINGLE = "pages-articles.xml"
STREAMS = "pages-articles-multistream.xml"
STREAMS_INDEX = "pages-articles-multistream-index.txt"
PARTS = (f"{SINGLE[:-4]}2.xml-p11p90", f"{SINGLE[:-4]}1.xml-p1p10", f"{SINGLE[:-4]}2.xml-p91p99")
STREAM_PARTS = (f"{STREAMS[:-4]}1.xml-p1p10", "pages-articles-multistream-index1.txt-p1p10")


@pytest.mark.parametrize(
    ("offered", "selected"),
    [
        ((SINGLE, STREAMS, STREAMS_INDEX, *PARTS), [SINGLE]),
        ((STREAMS, STREAMS_INDEX, *PARTS), [STREAMS]),
        ((*STREAM_PARTS, *PARTS), [PARTS[1], PARTS[0], PARTS[2]]),
        (STREAM_PARTS, STREAM_PARTS[:1]),
    ],
)
def test_one_complete_dump_of_the_list_is_selected(
    mirror: Mirror, downloads: Path, offered: tuple[str, ...], selected: list[str]
) -> None:
    folder = mirror.snapshot("20240101", *offered)
    lines: list[str] = []
    rows = acquire_dump("nl", mirror.base, "latest", downloads, lines.append).to_pylist()
    assert [row["file"] for row in rows] == [f"nlwiki-20240101-{kind}.bz2" for kind in selected]
    for row in rows:
        assert Path(row["path"]).read_bytes() == (folder / row["file"]).read_bytes()
        assert row["sha1"] == hashlib.sha1((folder / row["file"]).read_bytes()).hexdigest()
        assert row["indexed_pages"] == (250 if "multistream" in row["file"] else None)
    assert "snapshot 20240101" in lines[0]
    assert sum("sha1 verified" in line for line in lines) == len(list(downloads.iterdir()))


def test_complete_files_are_not_downloaded_again(mirror: Mirror, downloads: Path) -> None:
    mirror.snapshot("20240101", *PARTS)
    first = acquire_dump("nl", mirror.base, "20240101", downloads)
    assert len(mirror.fetched()) == 3
    (downloads / "nlwiki-20240101-pages-articles1.xml-p1p10.bz2").write_bytes(b"rotten")
    assert acquire_dump("nl", mirror.base, "20240101", downloads) == first
    assert mirror.fetched() == [("nlwiki-20240101-pages-articles1.xml-p1p10.bz2", None)]


def test_an_interrupted_download_is_continued(mirror: Mirror, downloads: Path) -> None:
    folder = mirror.snapshot("20240101", SINGLE)
    Server.cuts = [100, 50]
    (row,) = acquire_dump("nl", mirror.base, "20240101", downloads).to_pylist()
    assert Path(row["path"]).read_bytes() == (folder / row["file"]).read_bytes()
    assert [span for _, span in mirror.fetched()] == [None, "bytes=100-", "bytes=150-"]


def test_a_later_call_continues_what_an_earlier_one_left(mirror: Mirror, downloads: Path) -> None:
    folder = mirror.snapshot("20240101", *PARTS)
    second = f"nlwiki-20240101-{PARTS[0]}.bz2"
    Server.cuts, Server.refuse_after_cut = [10**6, 100], True
    with pytest.raises(InputError, match="403"):
        acquire_dump("nl", mirror.base, "20240101", downloads)
    assert (downloads / f"{second}.part").stat().st_size == 100
    mirror.fetched()
    Server.refuse_after_cut = False
    rows = acquire_dump("nl", mirror.base, "20240101", downloads).to_pylist()
    assert mirror.fetched() == [(second, "bytes=100-"), (f"nlwiki-20240101-{PARTS[2]}.bz2", None)]
    assert all(Path(row["path"]).read_bytes() == (folder / row["file"]).read_bytes() for row in rows)
    assert not list(downloads.glob("*.part*"))


def test_a_partial_download_of_another_version_is_started_anew(mirror: Mirror, downloads: Path) -> None:
    folder = mirror.snapshot("20240101", SINGLE)
    name = f"nlwiki-20240101-{SINGLE}.bz2"
    (downloads / f"{name}.part").write_bytes(b"of an older file")
    (downloads / f"{name}.part.version").write_text('"older"')
    acquire_dump("nl", mirror.base, "20240101", downloads)
    assert (downloads / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.parametrize("wrong", [SINGLE, STREAMS_INDEX])
def test_a_wrong_checksum_is_refused_and_deleted(mirror: Mirror, downloads: Path, wrong: str) -> None:
    folder = mirror.snapshot("20240101", *([SINGLE] if wrong == SINGLE else [STREAMS, STREAMS_INDEX]))
    write_dump(folder, XML + "\n", f"nlwiki-20240101-{wrong}.bz2")
    with pytest.raises(InputError, match=rf"{wrong}.*published sha1"):
        acquire_dump("nl", mirror.base, "20240101", downloads)
    assert not list(downloads.glob(f"*{wrong}*"))


def test_a_listed_file_that_is_missing_stops_the_download(mirror: Mirror, downloads: Path) -> None:
    folder = mirror.snapshot("20240101", *PARTS)
    (folder / f"nlwiki-20240101-{PARTS[2]}.bz2").unlink()
    with pytest.raises(InputError, match=rf"{PARTS[2]}.*404"):
        acquire_dump("nl", mirror.base, "20240101", downloads)
    assert len(list(downloads.glob("*.bz2"))) == 2


def test_a_missing_snapshot_is_refused(mirror: Mirror, downloads: Path) -> None:
    mirror.snapshot("20240101", SINGLE)
    with pytest.raises(InputError, match="404"):
        acquire_dump("nl", mirror.base, "20200101", downloads)


def test_latest_is_the_newest_complete_dump(mirror: Mirror, downloads: Path) -> None:
    """Newer ones are unfinished: one lists no articles, one only some parts, one nothing at all."""
    mirror.snapshot("20230101", SINGLE)
    mirror.snapshot("20240101", STREAMS, STREAMS_INDEX)
    mirror.snapshot("20240201", *PARTS, STREAM_PARTS[1])
    (mirror.wiki / "20240201" / "dumpstatus.json").write_text(
        '{"version": "0.8", "jobs": {"articlesdump": {"status": "in-progress"}}}'
    )
    mirror.snapshot("20240301", PARTS[0], PARTS[2])
    mirror.snapshot("20240401", unlisted=(SINGLE,))
    (mirror.wiki / "20240501").mkdir()
    (row,) = acquire_dump("nl", mirror.base, "latest", downloads).to_pylist()
    assert row["snapshot"] == "20240101"
    for unfinished in ("20240201", "20240301", "20240401"):
        with pytest.raises(InputError, match=f"{unfinished}.*no complete dump"):
            acquire_dump("nl", mirror.base, unfinished, downloads)
    (mirror.wiki / "20240201" / "dumpstatus.json").write_text(
        '{"jobs": {"articlesdump": {"status": "done"}}}'
    )
    assert set(acquire_dump("nl", mirror.base, "latest", downloads)["snapshot"].to_pylist()) == {"20240201"}


def cut_list(folder: Path, kept: int) -> None:
    """Cut the snapshot's list of checksums after so many of its parts, in the order of their numbers."""
    path = folder / f"nlwiki-{folder.name}-sha1sums.txt"
    parts = sorted(line for line in path.read_text().splitlines() if "articles" in line)
    parts.sort(key=lambda line: line.split()[1])
    path.write_text("\n".join(parts[:kept]) + "\n")


@pytest.mark.parametrize("kept", [1, 2])
@pytest.mark.parametrize("witness", ["list of files", "status", "nothing"])
def test_a_cut_list_of_checksums_makes_no_piece_a_whole(
    mirror: Mirror, downloads: Path, kept: int, witness: str
) -> None:
    folder = mirror.snapshot("20240101", *PARTS)
    names = [f"nlwiki-20240101-{kind}.bz2" for kind in PARTS]
    cut_list(folder, kept)
    if witness != "list of files":
        (folder / "index.html").write_text("no list")
    if witness == "status":
        files = {name: {"size": 1} for name in names}
        status = {"jobs": {"articlesdump": {"status": "done", "files": files}}}
        (folder / "dumpstatus.json").write_text(json.dumps(status))
    for snapshot in ("20240101", "latest"):
        with pytest.raises(InputError, match="no complete dump"):
            acquire_dump("nl", mirror.base, snapshot, downloads)
    assert not list(downloads.iterdir())


@pytest.mark.parametrize("witness", ["list of files", "status"])
def test_numbered_parts_that_are_confirmed_are_a_whole(mirror: Mirror, downloads: Path, witness: str) -> None:
    folder = mirror.snapshot("20240101", *PARTS)
    if witness == "status":
        (folder / "index.html").write_text("no list")
        files = dict.fromkeys((f"nlwiki-20240101-{kind}.bz2" for kind in PARTS), 1)
        status = {"jobs": {"articlesdump": {"status": "done", "files": files}}}
        (folder / "dumpstatus.json").write_text(json.dumps(status))
    assert acquire_dump("nl", mirror.base, "20240101", downloads).num_rows == 3


def test_a_list_of_checksums_that_breaks_off_on_the_way_is_asked_for_again(downloads: Path) -> None:
    """Its length is announced: the rest is missing."""
    server = WebServer()
    server.files = {"/nlwiki/20240101/nlwiki-20240101-sha1sums.txt": b"a" * 1000}
    server.break_after = [500]
    try:
        with pytest.raises(UnavailableError, match="bytes are missing at the end"):
            acquire_dump("nl", server.url, "20240101", downloads)
    finally:
        server.close()


def test_a_password_in_the_address_is_in_no_message(mirror: Mirror, downloads: Path) -> None:
    mirror.snapshot("20240101", SINGLE)
    base, lines = mirror.base.replace("//", "//ada:secret@"), list[str]()
    acquire_dump("nl", base, "latest", downloads, lines.append)
    assert lines and "secret" not in "".join(lines)
    for snapshot in ("20200101", "20230101"):
        with pytest.raises(InputError) as refused:
            acquire_dump("nl", base, snapshot, downloads)
        assert "secret" not in str(refused.value)


def test_a_server_without_a_complete_dump_is_refused(mirror: Mirror, downloads: Path) -> None:
    with pytest.raises(InputError, match="does not list its snapshots"):
        acquire_dump("nl", mirror.base, "latest", downloads)
    mirror.snapshot("20240101", unlisted=(SINGLE,))
    with pytest.raises(InputError, match="none of 20240101 lists one"):
        acquire_dump("nl", mirror.base, "latest", downloads)


def test_a_snapshot_without_checksums_is_downloaded_unverified(mirror: Mirror, downloads: Path) -> None:
    folder = mirror.snapshot("20240101", SINGLE)
    (folder / "nlwiki-20240101-sha1sums.txt").unlink()
    lines: list[str] = []
    (row,) = acquire_dump("nl", mirror.base, "20240101", downloads, lines.append).to_pylist()
    assert Path(row["path"]).read_bytes() == (folder / row["file"]).read_bytes()
    assert "not verified" in lines[0] and not any("sha1 verified" in line for line in lines)


def test_a_server_that_cannot_be_reached_is_reported(downloads: Path) -> None:
    with pytest.raises(InputError, match="cannot be reached"):
        acquire_dump("nl", "http://127.0.0.1:1", "latest", downloads)
