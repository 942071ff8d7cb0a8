"""A web server on loopback: an mLAMA release, and dumps as Wikimedia lays them out."""

from __future__ import annotations

import hashlib
import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa

from assets_tests.corpora.dumps import dump_xml, page_xml, write_dump


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


class Site:
    """A folder and the address at which it is served."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url

    def release(self, splits: dict[str, pa.Table]) -> str:
        """Publish rows of MLAMA_SPLIT by language as a release; its address."""
        with zipfile.ZipFile(self.folder / "mlama.zip", "w") as archive:
            for language, split in splits.items():
                lines: dict[str, list[str]] = {}
                for row in split.to_pylist():
                    lines.setdefault(row["relation"], []).append(
                        json.dumps(
                            {
                                "uuid": row["uuid"],
                                "sub_label": row["subject"],
                                "obj_label": row["object"],
                                "sub_uri": row["subject_uri"],
                                "obj_uri": row["object_uri"],
                                "lineid": row["line"],
                            }
                        )
                    )
                templates = {row["relation"]: row["template"] for row in split.to_pylist()}
                told = [json.dumps({"relation": name, "template": text}) for name, text in templates.items()]
                archive.writestr(f"mlama1.1/{language}/templates.jsonl", "\n".join(told) + "\n")
                for name, rows in lines.items():
                    archive.writestr(f"mlama1.1/{language}/{name}.jsonl", "\n".join(rows) + "\n")
        return f"{self.url}/mlama.zip"

    def snapshot(self, language: str, date: str, texts: dict[str, str]) -> None:
        """Publish a dump of articles, texts by title, with the list that says it is complete."""
        wiki = f"{language}wiki"
        folder = self.folder / wiki / date
        folder.mkdir(parents=True)
        pages = [page_xml(number, title, text) for number, (title, text) in enumerate(texts.items(), 1)]
        dump = write_dump(folder, dump_xml(pages, language), f"{wiki}-{date}-pages-articles.xml.bz2")
        sums = f"{hashlib.sha1(dump.read_bytes()).hexdigest()}  {dump.name}\n"
        (folder / f"{wiki}-{date}-sha1sums.txt").write_text(sums)


@contextmanager
def serving(folder: Path) -> Iterator[Site]:
    """The site in a new folder, answering until the block ends."""
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Site(folder, f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
