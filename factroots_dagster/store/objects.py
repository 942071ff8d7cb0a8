"""Objects below a URI, s3://bucket/prefix or gs://bucket/prefix: requests for them.

Does not belong here: what the objects mean (see `remote`), and what errors mean (see `clients`). Credentials
and endpoint are those of the environment (AWS_*, GOOGLE_*); a URI holds none.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from factroots_dagster.errors import InputError
from factroots_dagster.store.clients import connect, explain, lacks_bucket
from factroots_dagster.store.digests import MATERIALIZE_AGAIN

if TYPE_CHECKING:
    from obstore.store import ObjectStore

SCHEMES = ("s3", "gs")
PIECE_BYTES = 16 << 20
"""Larger files come and go in pieces of this size, each a request of its own with its own patience."""
REQUEST_SECONDS = 60.0
LONGEST_NAME = 200
_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):/{1,2}([^/]*)/*(.*?)/*", re.DOTALL)
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,221}")
_CACHE = re.compile(rf"objects\+({'|'.join(SCHEMES)})(\+[^+]+)+")

Tag = Mapping[str, Any]
"""What tells one state of an object from another: its ETag, and its generation where there are such."""


def cache_folder(uri: str, caches: Path | None = None) -> Path:
    """The folder that caches what is below a URI: its name holds the URI, see `cached_uri`.

    caches: the folder of all caches; None for `factroots` in the user's.
    Raises InputError for a URI that is not s3://bucket/prefix or gs://bucket/prefix, without repeating it:
    it may hold a password.
    """
    scheme, bucket, prefix = _parse(uri)
    parts = [scheme, bucket, *prefix.split("/")] if prefix else [scheme, bucket]
    name = "+".join(["objects", *(quote(part, safe="").replace("%", "@") for part in parts)])
    if len(name) > LONGEST_NAME:
        raise InputError("the prefix is too long", f"use one of at most {LONGEST_NAME // 2} letters")
    return (caches or _user_caches()).absolute() / name


def cached_uri(folder: Path) -> str | None:
    """The URI whose cache a folder is; None for any other folder."""
    if not _CACHE.fullmatch(folder.name):
        return None
    scheme, *parts = (unquote(part.replace("@", "%")) for part in folder.name.split("+")[1:])
    return f"{scheme}://{'/'.join(parts)}"


def find_cache(path: Path) -> Path | None:
    """The folder of an object store's cache that a path is in; None for any other path."""
    return next((folder for folder in path.parents if cached_uri(folder)), None)


def _user_caches() -> Path:
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "factroots"
    except RuntimeError:
        raise InputError("there is no home folder for the cache", "set FACTROOTS_CACHE to a folder") from None


def _parse(uri: str) -> tuple[str, str, str]:
    """Scheme, bucket and prefix."""
    match = _URI.fullmatch(uri)
    scheme = match[1].lower() if match else ""
    if match is None or scheme not in SCHEMES:
        remedy = "name a folder, s3://bucket/prefix or gs://bucket/prefix"
        if scheme in ("s3a", "s3n"):
            remedy = "write s3://bucket/prefix"
        elif scheme == "hdfs":
            remedy = "mount it and name the folder, or use an object store: HDFS has no conditional writes"
        raise InputError(f"{scheme}:// does not work here", remedy)
    bucket, prefix = match[2], match[3]
    if "@" in bucket or not _BUCKET.fullmatch(bucket):
        raise InputError(
            f"{scheme}:// is not followed by the name of a bucket",
            "write s3://bucket/prefix, and give credentials in the environment (AWS_*, GOOGLE_*)",
        )
    if re.search(r"[?#\x00-\x1f]", prefix) or (prefix and {"", ".", ".."}.intersection(prefix.split("/"))):
        raise InputError("the prefix has an empty part, '.', '..', '?', '#' or a line break", "use another")
    return scheme, bucket, prefix


@dataclass(frozen=True)
class ObjectInfo:
    """What a listing says of an object. name: below the folder's URI. modified: seconds since the epoch."""

    name: str
    bytes: int
    tag: Tag
    modified: float


@dataclass(frozen=True)
class Content:
    """An object that was read. data: None where it is what it was before."""

    data: bytes | None
    tag: Tag
    modified: float


class ChangedError(Exception):
    """An object is not what it was when it was read, so that it was not replaced."""


class ObjectFolder:
    """What is below a URI. Names are relative to it, with `/` between their parts.

    seconds: how long a request may take. Raises InputError where the library is not installed; every method
    raises it where the store refuses a request, and UnavailableError where it does not answer.
    """

    def __init__(self, uri: str, seconds: float = REQUEST_SECONDS) -> None:
        if find_spec("obstore") is None:
            problem = f"a data root at {uri.partition(':')[0]}:// needs obstore, which is not installed"
            raise InputError(problem, "run: pip install 'factroots-dagster[objects]'")
        self.uri, self._seconds = uri, seconds
        self._scheme, self._bucket, self._prefix = _parse(uri)

    def uri_of(self, name: str) -> str:
        """The URI of an object, for people."""
        return f"{self.uri}/{name}"

    def get(self, name: str, known: Tag | None = None) -> Content | None:
        """A small object; None where there is none. known: the tag of the state that need not be sent."""
        import obstore
        from obstore.exceptions import NotModifiedError

        # Google's ETags are of the content: written again it is another state, with the same ETag.
        options = {"if_none_match": known["e_tag"]} if known and "version" not in known else {}
        with self._errors():
            try:
                result = obstore.get(self._store, self._path(name), options=options)  # type: ignore[arg-type]
                data, tag = bytes(result.bytes()), _tag(result.meta)
                return Content(None if tag == known else data, tag, _modified(result.meta))
            except NotModifiedError:
                assert known is not None
                return Content(None, known, 0.0)
            except FileNotFoundError as error:
                self._check_bucket(error)
                return None

    def replace(self, name: str, data: bytes, seen: Tag | None) -> Tag:
        """Write a small object if it still is what was seen, or is still missing (None); its new tag.

        Raises ChangedError otherwise.
        """
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        mode: Any = dict(seen) if seen else "create"
        with self._errors():
            try:
                return _tag(obstore.put(self._store, self._path(name), data, mode=mode))
            except (AlreadyExistsError, PreconditionError) as error:
                raise ChangedError(name) from error

    def put(self, name: str, data: bytes) -> None:
        """Write a small object, whatever was there."""
        import obstore

        with self._errors():
            obstore.put(self._store, self._path(name), data)

    def upload(self, name: str, source: Path) -> None:
        """Write a file under a name that only this content ever has; a small one that is there is left."""
        import obstore
        from obstore.exceptions import AlreadyExistsError

        path = self._path(name)
        with self._errors():
            if source.stat().st_size > PIECE_BYTES:
                obstore.put(self._store, path, source, chunk_size=PIECE_BYTES, max_concurrency=2)
                return
            try:
                obstore.put(self._store, path, source.read_bytes(), mode="create")
            except AlreadyExistsError:
                return

    def read(self, name: str) -> Iterator[bytes]:
        """The content of an object, in pieces. Raises InputError where there is none."""
        import obstore

        path = self._path(name)
        with self._errors():
            try:
                result = obstore.get(self._store, path)
                size = result.meta["size"]
                if size <= PIECE_BYTES:
                    yield bytes(result.bytes())
                    return
                for start in range(0, size, PIECE_BYTES):
                    end = min(start + PIECE_BYTES, size)
                    yield bytes(obstore.get_range(self._store, path, start=start, end=end))
            except FileNotFoundError as error:
                self._check_bucket(error)
                raise InputError(f"{self.uri_of(name)}: the file is missing", MATERIALIZE_AGAIN) from None

    def find(self, name: str) -> Iterator[ObjectInfo]:
        """Every object below a name, however deep, in the order of their names."""
        import obstore

        with self._errors():
            for batch in obstore.list(self._store, prefix=self._path(name), chunk_size=1000):
                for meta in batch:
                    below = meta["path"].removeprefix(f"{self._prefix}/") if self._prefix else meta["path"]
                    yield ObjectInfo(below, meta["size"], _tag(meta), _modified(meta))

    def list_folders(self, name: str) -> list[str]:
        """The names of what looks like folders one level below a name, sorted."""
        import obstore

        with self._errors():
            found = obstore.list_with_delimiter(self._store, prefix=self._path(name))
            return sorted(path.rpartition("/")[2] for path in found["common_prefixes"])

    def delete(self, names: Iterable[str]) -> None:
        """Remove objects; those that are gone already are no error."""
        import obstore

        paths = [self._path(name) for name in names]
        with self._errors():
            try:
                obstore.delete(self._store, paths)
            except FileNotFoundError as error:  # of a store that removes one at a time, and stopped there
                self._check_bucket(error)
                for path in paths:
                    with suppress(FileNotFoundError):
                        obstore.delete(self._store, path)

    @property
    def _store(self) -> ObjectStore:
        environment = {
            name: value for name, value in os.environ.items() if name.startswith(("AWS_", "GOOGLE_"))
        }
        return connect(self._scheme, self._bucket, self._seconds, tuple(sorted(environment.items())))

    def _path(self, name: str) -> str:
        return "/".join(filter(None, (self._prefix, name)))

    def _check_bucket(self, error: Exception) -> None:
        if lacks_bucket(str(error)):
            raise explain(self.uri, error) from None

    @contextmanager
    def _errors(self) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, FileNotFoundError) as error:
            raise explain(self.uri, error) from None  # whose text has requests in full


def _tag(meta: Mapping[str, Any]) -> Tag:
    return {name: meta[name] for name in ("e_tag", "version") if meta.get(name)}


def _modified(meta: Mapping[str, Any]) -> float:
    seconds: float = meta["last_modified"].timestamp()
    return seconds
