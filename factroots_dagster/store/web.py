"""Requests over HTTP to servers that need not be trusted, and addresses in words."""

from __future__ import annotations

import base64
import ipaddress
import re
import socket
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPResponse, HTTPSConnection, InvalidURL
from typing import IO, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from factroots_dagster.errors import InputError, UnavailableError

BLOCK_BYTES = 1 << 20
PATIENCE_SECONDS = 60.0
MIN_BYTES_PER_SECOND = 1_000
_ADDRESS = re.compile(
    r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)(?P<user>[^\s/?#]*@)?(?P<place>[^\s?#'\"<>]*)(?P<more>[?#][^\s'\"<>)]*)?",
    re.IGNORECASE,
)
_AZURE = ("abfs", "wasb")
"""Begins of schemes in which a container, no user, stands before the host."""


def without_credentials(text: str) -> str:
    """An address, or a text with addresses in it, as it may be shown and stored.

    A user and password before the host are left out, and of what follows a `?` or `#` (signatures, tokens)
    only `?…` is left.
    """

    def shown(found: re.Match[str]) -> str:
        user = found["user"] if found["scheme"].lower().startswith(_AZURE) else ""
        return (
            found["scheme"]
            + (user or "")
            + found["place"]
            + (f"{found['more'][0]}…" if found["more"] else "")
        )

    return _ADDRESS.sub(shown, text)


def has_credentials(address: str) -> bool:
    """Whether an address holds a user, or values after a `?`; a `?` alone may be a glob's."""
    found = _ADDRESS.match(address)
    if found is None:
        return False
    user = found["user"] and not found["scheme"].lower().startswith(_AZURE)
    return bool(user or re.search(r"[?&#][\w-]+=", found["more"] or ""))


class Reply:
    """The answer to a request. length: bytes of the body, where the server announces them."""

    def __init__(self, response: HTTPResponse, watch: _Watch) -> None:
        self.status, self.headers, self.length = response.status, response.headers, response.length
        self._response, self._watch = response, watch

    def blocks(self) -> Iterator[bytes]:
        """The body, piece by piece as it arrives; raises EOFError when it ends early."""
        while block := self._response.read1(BLOCK_BYTES):
            self._watch.received += len(block)
            yield block
        self._watch.end()  # what is done with the body may take its time
        if self._watch.too_slow:  # the end of a body without a length
            raise EOFError("the server sends too little")
        if self._response.length:
            raise EOFError(f"{self._response.length:,} bytes are missing at the end")


@contextmanager
def open_address(
    url: str,
    headers: Mapping[str, str] | None = None,
    patience: float = PATIENCE_SECONDS,
    *,
    method: str = "GET",
) -> Iterator[Reply]:
    """Ask for `url`; a user and password in it are sent as HTTP's basic authentication.

    patience: seconds in which something must arrive, and from the connection on in each such period
    `MIN_BYTES_PER_SECOND` on average, unless the answer is complete before.

    Redirects from https to http are refused, and so are those to a private address (of this machine or its
    network), unless `url` itself has one.
    Raises InputError for such redirects and what is no HTTP, UnavailableError for a server that is too slow;
    OSError, EOFError and HTTPException, HTTPError among them, are left to the caller.
    """
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https"):
            raise ValueError(f"{parts.scheme or 'no scheme'} instead of http or https")
        user, _, place = parts.netloc.rpartition("@")
        address = urlunsplit(parts._replace(netloc=place))
        request = urllib.request.Request(address, headers=dict(headers or {}), method=method)
        request.add_header("User-Agent", "factroots")
        if user:
            token = base64.b64encode(unquote(user).encode()).decode()
            request.add_unredirected_header("Authorization", f"Basic {token}")
        with _Watch(patience) as watch:
            opener = urllib.request.build_opener(_Web(watch), Redirects(url))
            try:
                with opener.open(request, timeout=patience) as response:
                    announced = "Content-Length" in response.headers and not response.chunked
                    if announced and response.length is None:
                        raise ValueError("its Content-Length is no number")
                    yield Reply(response, watch)
            except (OSError, EOFError, HTTPException) as error:
                if not watch.too_slow:
                    raise
                raise _too_slow(url) from error
    except InputError:
        raise
    except (ValueError, OverflowError, InvalidURL) as error:  # of what is no address or no number
        problem = f"{without_credentials(url)}: the address or the answer is not valid ({error})"
        raise InputError(without_credentials(problem), "check the address, or use a local copy") from error


def _too_slow(url: str) -> UnavailableError:
    problem = (
        f"{without_credentials(url)}: the server sends less than {MIN_BYTES_PER_SECOND:,} bytes a second"
    )
    return UnavailableError(problem, "try again later, or use a local copy")


class _Watch:
    """Ends the connections of a request when too little arrives: a read alone waits for every single byte."""

    def __init__(self, patience: float) -> None:
        self.received, self.too_slow = 0, False
        self.sockets: list[socket.socket] = []
        self._patience, self._ended = patience, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

    def end(self) -> None:
        """Watch no longer."""
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        before = 0
        while not self._ended.wait(self._patience):
            if self.received - before < MIN_BYTES_PER_SECOND * self._patience:
                self.too_slow = True
                for connection in self.sockets:
                    with suppress(OSError):  # of socket, not of SSLSocket, which another thread is reading
                        socket.socket.shutdown(connection, socket.SHUT_RDWR)
                return
            before = self.received


class _Watched(HTTPConnection):
    """A connection that a watch can end."""

    def __init__(self, *arguments: Any, watch: _Watch, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._watch = watch

    def connect(self) -> None:
        super().connect()
        self._watch.sockets.append(self.sock)


class _WatchedSecurely(_Watched, HTTPSConnection):
    """The same, encrypted."""


class _Web(urllib.request.HTTPHandler, urllib.request.HTTPSHandler):
    """Opens connections that a watch can end, in place of both handlers of urllib."""

    def __init__(self, watch: _Watch) -> None:
        super().__init__()
        self._watch = watch

    def http_open(self, req: urllib.request.Request) -> HTTPResponse:
        return self.do_open(partial(_Watched, watch=self._watch), req)

    def https_open(self, req: urllib.request.Request) -> HTTPResponse:
        return self.do_open(partial(_WatchedSecurely, watch=self._watch), req)


class Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but for those that `open_address` refuses. given: the address that was asked for."""

    def __init__(self, given: str) -> None:
        self.given = given

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        target, reason = urlsplit(newurl), None
        if target.scheme not in ("http", "https"):
            reason = f"is no http or https address: {target.scheme}"
        elif req.type == "https" and target.scheme == "http":
            reason = "would be read without encryption"
        elif _is_private(target.hostname) and not _is_private(urlsplit(self.given).hostname):
            reason = "is in a private network"
        if reason is not None:
            problem = without_credentials(f"{self.given}: redirects to {newurl}, which {reason}")
            raise InputError(problem, "check the address; if the other one is right, give that")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _is_private(host: str | None) -> bool:
    """Whether a host is this machine or in a network of its own; not if its name is unknown here."""
    try:
        found = {str(entry[4][0]).partition("%")[0] for entry in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        return False
    addresses = [ipaddress.ip_address(text) for text in found]
    return any(not (getattr(address, "ipv4_mapped", None) or address).is_global for address in addresses)
