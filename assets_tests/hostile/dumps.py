"""Dumps of Wikipedia that cannot be read at all; damaged ones are read as far as they go."""

from __future__ import annotations

import bz2
import gzip
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from assets_tests.corpora.conftest import dump_xml, page_xml, write_dump
from assets_tests.hostile.case import Case
from factroots_dagster.corpora.wikipedia.dump import acquire_dump

XML = dump_xml([page_xml(1, "A", "Tekst.")])
NAME = "nlwiki-20240101-pages-articles.xml"
AGAIN = "Remedy: get the (file|dump)"
LOLS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BOMB = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{LOLS}]>'
EXTERNAL = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'


def file(content: bytes, name: str = f"{NAME}.bz2") -> Callable[[Path, Path], object]:
    """A folder with one file as FACTROOTS_WIKIPEDIA_SOURCE."""

    def ask(source: Path, target: Path) -> object:
        (source / name).write_bytes(content)
        return acquire_dump("nl", str(source), "latest", target)

    return ask


def plain(xml: str) -> Callable[[Path, Path], object]:
    return file(xml.encode(), NAME)


def index(content: bytes) -> Callable[[Path, Path], object]:
    def ask(source: Path, target: Path) -> object:
        write_dump(source, XML, "nlwiki-20240101-pages-articles-multistream.xml.bz2")
        (source / "nlwiki-20240101-pages-articles-multistream-index.txt.bz2").write_bytes(content)
        return acquire_dump("nl", str(source), "latest", target)

    return ask


def served(answers: dict[str, bytes], snapshot: str = "latest") -> Callable[[Path, Path], object]:
    """A hostile server on loopback as FACTROOTS_WIKIPEDIA_SOURCE; `answers` are raw, by the path's end."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = [raw for end, raw in answers.items() if self.path.endswith(end)]
            self.wfile.write(found[0] if found else b"HTTP/1.0 404 Not Found\r\n\r\n")

        def log_message(self, format: str, *args: object) -> None:
            pass

    def ask(source: Path, target: Path) -> object:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            return acquire_dump("nl", f"http://127.0.0.1:{server.server_port}", snapshot, target)
        finally:
            server.shutdown()
            server.server_close()

    return ask


def ok(body: bytes) -> bytes:
    return b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


SUMS = "nlwiki-20240101-sha1sums.txt"
LATEST_SUMS = {"nlwiki-latest-sha1sums.txt": ok(f"{'0' * 40}  {NAME}.bz2\n".encode())}

CASES = [
    Case("dump with an entity bomb", plain(BOMB + XML), "declares its own XML entities", AGAIN),
    Case("dump with an external entity", plain(EXTERNAL + XML), "declares its own XML entities", AGAIN),
    Case("dump in UTF-16", file(XML.encode("utf-16"), NAME), "is not UTF-8", "Remedy: recode it"),
    Case(
        "dump of another wiki", plain(XML.replace("nlwiki", "frwiki")), "this is frwiki, not nlwiki", "name"
    ),
    Case("page of HTML", plain("<html>404</html>"), "is no MediaWiki XML dump", AGAIN),
    Case("empty dump", plain(""), "is no MediaWiki XML dump", AGAIN),
    Case("dump of NUL", file(bytes(5000), NAME), "is not UTF-8|is no MediaWiki XML dump", "Remedy"),
    Case(
        "siteinfo cut",
        plain(XML.replace("</siteinfo>", "")),
        r"is no MediaWiki XML dump \(no <siteinfo>",
        AGAIN,
    ),
    Case(
        "siteinfo with a name space that is no number",
        plain(XML.replace('key="6"', 'key="six"')),
        "its <siteinfo> is damaged",
        AGAIN,
    ),
    Case(
        "siteinfo with an entity",
        plain(XML.replace("Bestand", "&bestand;")),
        "its <siteinfo> is damaged",
        AGAIN,
    ),
    Case("bz2 of a wrong magic", file(b"BZq9" + bz2.compress(XML.encode())[4:]), "be decompressed", AGAIN),
    Case("bz2 that is gzip", file(gzip.compress(XML.encode())), "cannot be decompressed", AGAIN),
    Case(
        "bz2 cut in its head",
        file(bz2.compress(XML.encode())[:20]),
        "no MediaWiki XML dump|decompress",
        AGAIN,
    ),
    Case("gzip of a wrong magic", file(XML.encode(), f"{NAME}.gz"), "cannot be decompressed", AGAIN),
    Case("zstd of a wrong magic", file(XML.encode(), f"{NAME}.zst"), "cannot be decompressed", AGAIN),
    Case("dump of xz", file(b"\xfd7zXZ\0", f"{NAME}.xz"), r"\.xz cannot be read", "Remedy: recompress it"),
    Case("index torn", index(bz2.compress(b"1:1:A\n" * 999)[:-9]), "the index cannot be", "get it again"),
    Case("index of a wrong magic", index(b"no bz2"), "the index cannot be decompressed", "or remove it"),
    Case(
        "folder without a dump of the language",
        file(b"", "frwiki-20240101-pages-articles.xml.bz2"),
        "No Wikipedia dump of language 'nl'",
        "Remedy: put nlwiki-<date>-pages-articles",
    ),
    Case(
        "dump's name of a part beyond all numbers",
        file(b"", f"nlwiki-20240101-pages-articles{'9' * 150}.xml.bz2"),
        "No Wikipedia dump of language 'nl'",
        "Remedy: put",
    ),
    Case(
        "folder that is not there",
        lambda source, target: acquire_dump("nl", str(source / "no"), "latest", target),
        "no is not a folder",
        "Remedy: set it",
    ),
    Case("server that does not speak HTTP", served({"": b"SSH-2.0\r\n\r\n"}), "cannot be reached", "Remedy"),
    Case(
        "server whose answer breaks off",
        served({"sha1sums.txt": b"HTTP/1.0 200 OK\r\nContent-Length: 999\r\n\r\nabc"}),
        "cannot be reached|offers no complete dump",
        "Remedy",
    ),
    Case(
        "server whose list climbs out",
        served(LATEST_SUMS | {SUMS: ok(f"{'0' * 40}  ../../evil.xml.bz2\n".encode())}),
        "offers no complete dump of articles: none of 20240101 lists one",
        "Remedy: name a snapshot",
    ),
    Case(
        "server whose list names a part beyond all numbers",
        served(
            LATEST_SUMS
            | {SUMS: ok(f"{'0' * 40}  nlwiki-20240101-pages-articles{'9' * 9000}.xml.bz2\n".encode())}
        ),
        "offers no complete dump",
        "Remedy: name a snapshot",
    ),
    Case(
        "server whose status is nested 100,000 deep",
        served(
            LATEST_SUMS
            | {
                SUMS: ok(f"{'0' * 40}  nlwiki-20240101-pages-articles1.xml-p1p9.bz2\n".encode()),
                "dumpstatus.json": ok(b"[" * 100_000),
            }
        ),
        "pages-articles1.xml-p1p9.bz2: the server answers 404",
        "check the address",
    ),
    Case(
        "server that sends another file than it lists",
        served(
            LATEST_SUMS | {SUMS: LATEST_SUMS["nlwiki-latest-sha1sums.txt"], ".bz2": ok(b"evil")}, "20240101"
        ),
        r"\.xml\.bz2: what arrived has not the published sha1 0{40}",
        "Remedy: run again",
    ),
    Case(
        "server that promises more than any disk holds",
        served(
            LATEST_SUMS
            | {
                SUMS: LATEST_SUMS["nlwiki-latest-sha1sums.txt"],
                ".bz2": b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\nabc" % 2**50,
            }
        ),
        "bytes offered, more than the 1,099,511,627,776 allowed",
        "is the address right",
    ),
]
