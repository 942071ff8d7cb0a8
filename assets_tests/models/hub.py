"""A server on loopback that speaks the part of the hub's API that is used: models, revisions, files."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

FILES = ("config.json", "tokenizer.json", "model.safetensors")


class Hub:
    """Repositories and their commits; `status` other than 200 is what a broken hub answers.

    revisions: by repository and branch, the folder with the files; its commit is the digest of the branch.
    """

    def __init__(self) -> None:
        self.commits: dict[str, str] = {}
        self.revisions: dict[str, dict[str, Path]] = {}
        self.status = 200
        self.asked: list[str] = []
        self.downloaded: list[str] = []
        self.url = ""

    def answer(self, path: str) -> tuple[int, dict[str, object]]:
        """The answer to a question about a model."""
        source, _, revision = unquote(path).split("?")[0].removeprefix("/api/models/").partition("/revision/")
        source, is_refs = source.removesuffix("/refs"), source.endswith("/refs")
        self.asked.append(source)
        if self.status != 200:
            return self.status, {"error": "out of order"}
        branches = self.revisions.get(source, {})
        revision = next((name for name in branches if commit_of(name) == revision), revision)
        if is_refs:
            refs = [
                {"name": name, "ref": f"refs/heads/{name}", "targetCommit": commit_of(name)}
                for name in branches
            ]
            return 200, {"branches": refs, "tags": [], "converts": []}
        if source not in self.commits and (revision or "main") not in branches:
            return 404, {"error": "Repository not found"}
        folder = branches.get(revision or "main")
        return 200, {
            "id": source,
            "modelId": source,
            "sha": commit_of(revision or "main") if folder else self.commits[source],
            "private": False,
            "siblings": list(siblings(folder)),
            "tags": [],
        }

    def file(self, path: str) -> tuple[str, bytes] | None:
        """The commit and content of `/<repository>/resolve/<commit>/<file>`."""
        source, _, rest = path.removeprefix("/").partition("/resolve/")
        commit, _, name = rest.partition("/")
        for branch, folder in self.revisions.get(source, {}).items():
            if commit in (branch, commit_of(branch)) and (folder / name).is_file():
                return commit_of(branch), (folder / name).read_bytes()
        return None


def commit_of(branch: str) -> str:
    return hashlib.sha1(branch.encode()).hexdigest()


def siblings(folder: Path | None) -> Iterator[dict[str, object]]:
    """The files of a model; weights are kept in LFS, which knows their SHA-256."""
    for name in FILES:
        file: dict[str, object] = {"rfilename": name}
        if folder and name.endswith(".safetensors"):
            content = (folder / name).read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            file |= {
                "size": len(content),
                "blobId": digest[:40],
                "lfs": {"sha256": digest, "size": len(content), "pointerSize": 134},
            }
        yield file


@contextmanager
def serving() -> Iterator[Hub]:
    """The hub, answering on `hub.url` until the block ends."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            if self.path.startswith("/api/models/"):
                status, content = hub.answer(self.path)
                self.reply(status, json.dumps(content).encode(), {"Content-Type": "application/json"})
            elif found := hub.file(unquote(self.path)):
                commit, body = found
                if self.command == "GET":
                    hub.downloaded.append(self.path.rpartition("/")[2])
                digest = hashlib.sha1(body).hexdigest()
                self.reply(200, body, {"ETag": f'"{digest}"', "X-Repo-Commit": commit})
            else:
                self.reply(404, b"{}", {"X-Error-Code": "EntryNotFound"})

        def reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            if status == 404 and "X-Error-Code" not in headers:
                self.send_header("X-Error-Code", "RepoNotFound")
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
