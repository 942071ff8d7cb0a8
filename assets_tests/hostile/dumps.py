"""Wikipedia dumps that cannot be read at all; of damaged ones, what is complete is read (test_damage)."""

from __future__ import annotations

import bz2
import gzip
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from assets_tests.corpora.dumps import dump_xml, page_xml, write_dump
from assets_tests.hostile.case import Case
from factroots_dagster.corpora.wikipedia.dump import acquire_dump

XML = dump_xml([page_xml(1, "A", "Tekst.")])
NAME = "nlwiki-20240101-pages-articles.xml"
INDEX = "nlwiki-20240101-pages-articles-multistream-index.txt.bz2"
LOLS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BOMB = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{LOLS}]>'
EXTERNAL = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'


def acquire(content: bytes, name: str = f"{NAME}.bz2") -> Callable[[Path, Path], object]:
    """Acquire a dump from a folder with one file, as from FACTROOTS_WIKIPEDIA_SOURCE."""

    def run(source: Path, target: Path) -> object:
        (source / name).write_bytes(content)
        return acquire_dump("nl", str(source), "latest", target)

    return run


def acquire_xml(xml: str) -> Callable[[Path, Path], object]:
    """Acquire an uncompressed dump."""
    return acquire(xml.encode(), NAME)


def acquire_with_index(content: bytes) -> Callable[[Path, Path], object]:
    """Acquire a good multistream dump with this index beside it."""

    def run(source: Path, target: Path) -> object:
        write_dump(source, XML, "nlwiki-20240101-pages-articles-multistream.xml.bz2")
        (source / INDEX).write_bytes(content)
        return acquire_dump("nl", str(source), "latest", target)

    return run


def acquire_from_server(
    answers: dict[str, bytes], snapshot: str = "latest"
) -> Callable[[Path, Path], object]:
    """Acquire a dump from a hostile server on loopback; `answers` are raw, by the end of the path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            matching = [answer for end, answer in answers.items() if self.path.endswith(end)]
            self.wfile.write(matching[0] if matching else b"HTTP/1.0 404 Not Found\r\n\r\n")

        def log_message(self, format: str, *args: object) -> None:
            pass

    def run(source: Path, target: Path) -> object:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            return acquire_dump("nl", f"http://127.0.0.1:{server.server_port}", snapshot, target)
        finally:
            server.shutdown()
            server.server_close()

    return run


def ok(body: bytes) -> bytes:
    """A raw HTTP answer with this body."""
    return b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


DUMP = f"{NAME}.bz2"
SUMS = "nlwiki-20240101-sha1sums.txt"
LATEST_SUMS = {"nlwiki-latest-sha1sums.txt": ok(f"{'0' * 40}  {DUMP}\n".encode())}
PART = "nlwiki-20240101-pages-articles1.xml-p1p9.bz2"
LISTED = LATEST_SUMS | {SUMS: LATEST_SUMS["nlwiki-latest-sha1sums.txt"]}

CASES = [
    Case("dump with an entity bomb", acquire_xml(BOMB + XML), (NAME, "entities")),
    Case("dump with an external entity", acquire_xml(EXTERNAL + XML), (NAME, "entities")),
    Case("dump in UTF-16", acquire(XML.encode("utf-16"), NAME), (NAME, "UTF-8")),
    Case("dump of another wiki", acquire_xml(XML.replace("nlwiki", "frwiki")), (NAME, "frwiki")),
    Case("page of HTML", acquire_xml("<html>404</html>"), (NAME, "MediaWiki")),
    Case("empty dump", acquire_xml(""), (NAME, "MediaWiki")),
    Case("dump of NUL", acquire(bytes(5000), NAME), (NAME,)),
    Case("siteinfo cut", acquire_xml(XML.replace("</siteinfo>", "")), (NAME, "<siteinfo>")),
    Case(
        "siteinfo with a namespace that is no number",
        acquire_xml(XML.replace('key="6"', 'key="six"')),
        (NAME, "<siteinfo>"),
    ),
    Case("siteinfo with an entity", acquire_xml(XML.replace("Bestand", "&bestand;")), (NAME, "<siteinfo>")),
    Case("bz2 with a wrong magic", acquire(b"BZq9" + bz2.compress(XML.encode())[4:]), (DUMP, "decompress")),
    Case("bz2 that is gzip", acquire(gzip.compress(XML.encode())), (DUMP, "decompress")),
    Case("bz2 cut in its head", acquire(bz2.compress(XML.encode())[:20]), (DUMP,)),
    Case("gzip with a wrong magic", acquire(XML.encode(), f"{NAME}.gz"), (f"{NAME}.gz", "decompress")),
    Case("zstd with a wrong magic", acquire(XML.encode(), f"{NAME}.zst"), (f"{NAME}.zst", "decompress")),
    Case("dump in xz", acquire(b"\xfd7zXZ\0", f"{NAME}.xz"), (f"{NAME}.xz",)),
    Case("index torn", acquire_with_index(bz2.compress(b"1:1:A\n" * 999)[:-9]), (INDEX, "decompress")),
    Case("index with a wrong magic", acquire_with_index(b"no bz2"), (INDEX, "decompress")),
    Case(
        "folder without a dump of the language",
        acquire(b"", "frwiki-20240101-pages-articles.xml.bz2"),
        ("'nl'", "no Wikipedia dump"),
    ),
    Case(
        "dump with a part number beyond all limits",
        acquire(b"", f"nlwiki-20240101-pages-articles{'9' * 150}.xml.bz2"),
        ("'nl'", "no Wikipedia dump"),
    ),
    Case(
        "folder that does not exist",
        lambda source, target: acquire_dump("nl", str(source / "nowhere"), "latest", target),
        ("nowhere",),
    ),
    Case("server that does not speak HTTP", acquire_from_server({"": b"SSH-2.0\r\n\r\n"}), ("127.0.0.1",)),
    Case(
        "server whose answer breaks off",
        acquire_from_server({"sha1sums.txt": b"HTTP/1.0 200 OK\r\nContent-Length: 999\r\n\r\nabc"}),
        ("127.0.0.1",),
    ),
    Case(
        "server whose list climbs out",
        acquire_from_server(LATEST_SUMS | {SUMS: ok(f"{'0' * 40}  ../../evil.xml.bz2\n".encode())}),
        ("127.0.0.1", "no complete dump", "20240101"),
    ),
    Case(
        "server whose list has a part number beyond all limits",
        acquire_from_server(
            LATEST_SUMS
            | {SUMS: ok(f"{'0' * 40}  nlwiki-20240101-pages-articles{'9' * 9000}.xml.bz2\n".encode())}
        ),
        ("127.0.0.1", "no complete dump"),
    ),
    Case(
        "server whose status is nested 100,000 deep",
        acquire_from_server(
            LATEST_SUMS | {SUMS: ok(f"{'0' * 40}  {PART}\n".encode()), "dumpstatus.json": ok(b"[" * 100_000)}
        ),
        ("127.0.0.1", "no complete dump"),
    ),
    Case(
        "server that sends another file than it lists",
        acquire_from_server(LISTED | {".bz2": ok(b"evil")}, "20240101"),
        (DUMP, "sha1"),
    ),
    Case(
        "server that announces more bytes than any disk holds",
        acquire_from_server(LISTED | {".bz2": b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\nabc" % 2**50}),
        (DUMP, "bytes"),
    ),
]
