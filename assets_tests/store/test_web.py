"""Downloads from servers that misbehave, written out byte by byte on loopback; addresses with credentials."""

from __future__ import annotations

import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factroots_dagster.errors import InputError, UnavailableError
from factroots_dagster.store.download import download
from factroots_dagster.store.web import Redirects, has_credentials, open_address, without_credentials

Answer = bytes | Callable[[socket.socket], None]
BODY = bytes(range(256)) * 8
OK = b"HTTP/1.1 200 OK\r\n"


class Script:
    """A server that sends its answers one a connection, and the last again and again; what it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers, self.requests = list(answers), list[str]()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.listener.getsockname()[1]}/file"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            request = b""
            while b"\r\n\r\n" not in request:
                request += connection.recv(4096)
            self.requests.append(request.decode("latin-1"))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if isinstance(answer, bytes):
                connection.sendall(answer)
            else:
                answer(connection)

    def ranges(self) -> list[str | None]:
        """The ranges that were asked for."""
        lines = [dict(line.split(": ", 1) for line in text.split("\r\n")[1:-2]) for text in self.requests]
        return [headers.get("Range") for headers in lines]


@contextmanager
def serving(*answers: Answer) -> Iterator[Script]:
    script = Script(*answers)
    try:
        yield script
    finally:
        script.listener.close()


def get(script: Script, folder: Path, patience: float = 5.0) -> bytes:
    return download(
        script.address, folder / "file", max_bytes=10**6, wait=lambda _: None, patience=patience
    ).read_bytes()


def whole(sent: bytes = BODY, more: bytes = b'ETag: "one"\r\n') -> bytes:
    return OK + more + b"Content-Length: %d\r\n\r\n" % len(BODY) + sent


def rest(start: int, more: bytes = b'ETag: "one"\r\n', sent: bytes = b"", begin: int | None = None) -> bytes:
    begin = start if begin is None else begin
    span = b"Content-Range: bytes %d-%d/%d\r\n" % (begin, len(BODY) - 1, len(BODY))
    body = sent or BODY[begin:]
    return b"HTTP/1.1 206 Partial\r\n" + more + span + b"Content-Length: %d\r\n\r\n" % len(body) + body


@pytest.mark.parametrize("more", [b'ETag: "one"\r\n', b""])
def test_the_rest_of_the_same_file_is_appended(tmp_path: Path, more: bytes) -> None:
    with serving(whole(BODY[:700]), rest(700, more)) as script:
        assert get(script, tmp_path) == BODY
    assert script.ranges() == [None, "bytes=700-"]


@pytest.mark.parametrize(
    "wrong",
    [
        rest(700, begin=0),
        rest(700, begin=699),
        rest(700, b'ETag: "two"\r\n', b"x" * (len(BODY) - 700)),
        rest(700, b'ETag: W/"one"\r\n', b"x" * (len(BODY) - 700)),
        b"HTTP/1.1 206 Partial\r\nContent-Length: 5\r\n\r\nxxxxx",
        b"HTTP/1.1 206 Partial\r\nContent-Range: bytes 700-1/5\r\nContent-Length: 5\r\n\r\nxxxxx",
        b"HTTP/1.1 206 Partial\r\nContent-Range: bytes */5\r\nContent-Length: 5\r\n\r\nxxxxx",
    ],
)
def test_another_part_or_file_is_not_appended(tmp_path: Path, wrong: bytes) -> None:
    with serving(whole(BODY[:700]), wrong, whole()) as script:
        assert get(script, tmp_path) == BODY
    assert script.ranges() == [None, "bytes=700-", None]


def test_a_server_that_always_continues_wrongly_ends(tmp_path: Path) -> None:
    answers = [whole(BODY[:700]), rest(700, begin=0)] * 20
    with serving(*answers) as script, pytest.raises(UnavailableError, match="no progress in 4 attempts"):
        get(script, tmp_path)
    assert len(script.requests) == 4


def test_a_part_that_nobody_asked_for_is_not_the_file(tmp_path: Path) -> None:
    with serving(rest(700)) as script, pytest.raises(UnavailableError, match="another place"):
        get(script, tmp_path)
    assert not (tmp_path / "file").exists()


def test_a_server_that_breaks_off_after_every_byte_ends(tmp_path: Path) -> None:
    def answer(connection: socket.socket) -> None:
        got = (tmp_path / "file.part").stat().st_size if (tmp_path / "file.part").exists() else 0
        connection.sendall(rest(got)[: -len(BODY) + got + 1] if got else whole(BODY[:1]))

    with serving(answer) as script, pytest.raises(UnavailableError, match="no progress in 4 attempts"):
        get(script, tmp_path)
    assert len(script.requests) == 4


def slowly(start: bytes, endless: bytes = b"x") -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        connection.sendall(start)
        for _ in range(600):
            connection.sendall(endless)
            time.sleep(0.1)

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        slowly(OK + b"Content-Length: 100000\r\n\r\n"),
        slowly(OK + b"\r\n"),  # of unknown length
        slowly(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        slowly(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
        slowly(OK + b"X-Header: "),
        slowly(b"HTTP/1.1 "),
        slowly(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["body", "no length", "chunks", "size of a chunk", "headers", "status", "100 Continue"],
)
def test_a_server_that_sends_a_byte_now_and_then_ends(tmp_path: Path, answer: Answer) -> None:
    """A byte ten times a second stands for a byte a minute; a second for a minute of patience."""
    with serving(answer) as script, pytest.raises(UnavailableError, match="less than 1,000 bytes a second"):
        get(script, tmp_path, patience=1.0)
    assert not (tmp_path / "file").exists()


def test_a_server_that_is_slow_but_sends_enough_is_read(tmp_path: Path) -> None:
    def answer(connection: socket.socket) -> None:
        connection.sendall(whole(b""))
        for start in range(0, len(BODY), 256):
            time.sleep(0.1)
            connection.sendall(BODY[start : start + 256])

    with serving(answer) as script:
        assert get(script, tmp_path, patience=0.5) == BODY


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\r\n\r\n",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 99 X\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\n\r\n",
        b"HTTP/1.1 302 Found\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: ftp://127.0.0.1/x\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:99999/\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:x/\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://" + b"a" * 70 + b".invalid/\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: /file\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: /\xff\xfe \r\n\r\n",
        OK + b"X: " + b"x" * 70_000 + b"\r\n\r\n",
        OK + b"X: y\r\n" * 200 + b"\r\n",
        OK + b"Content-Length: -5\r\n\r\n" + b"x" * 2_000_000,
        OK + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\nx",
        OK + "Content-Length: \u00b2\r\n\r\nx".encode("latin-1") + b"x" * 2_000_000,
        OK + b"Content-Length: 100\r\n\r\nx",
        OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nx",
        OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nx",
        OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\nx",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nx",
    ],
)
def test_an_odd_answer_is_an_error_in_words(tmp_path: Path, answer: bytes) -> None:
    with serving(answer) as script, pytest.raises(InputError, match=r"127\.0\.0\.1:\d+/file: "):
        get(script, tmp_path)
    assert not (tmp_path / "file").exists()


def redirect(given: str, old: str, new: str) -> urllib.request.Request | None:
    request = urllib.request.Request(old)
    return Redirects(given).redirect_request(request, None, 302, "Found", HTTPMessage(), new)  # type: ignore[arg-type]


PUBLIC, OTHER = "https://8.8.8.8/a", "https://1.1.1.1/b"


@pytest.mark.parametrize(
    ("given", "old", "new", "reason"),
    [
        (PUBLIC, PUBLIC, "http://1.1.1.1/b", "without encryption"),
        ("http://8.8.8.8/a", OTHER, "http://8.8.8.8/c", "without encryption"),
        (PUBLIC, PUBLIC, "https://127.0.0.1/", "private network"),
        (PUBLIC, OTHER, "https://localhost:8080/", "private network"),
        (PUBLIC, PUBLIC, "https://10.0.0.1/", "private network"),
        (PUBLIC, PUBLIC, "https://169.254.169.254/latest/meta-data", "private network"),
        (PUBLIC, PUBLIC, "https://[::1]/", "private network"),
        (PUBLIC, PUBLIC, "https://[::ffff:192.168.0.1]/", "private network"),
        (PUBLIC, PUBLIC, "https://2130706433/", "private network"),
        (PUBLIC, PUBLIC, "https://[fd00::1]/?token=secret", "private network"),
        (PUBLIC, PUBLIC, "ftp://1.1.1.1/", "no http or https"),
    ],
)
def test_a_redirect_to_less_safety_or_into_this_network_is_refused(
    given: str, old: str, new: str, reason: str
) -> None:
    with pytest.raises(InputError, match=reason) as refused:
        redirect(given, old, new)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "old", "new"),
    [
        (PUBLIC, PUBLIC, OTHER),
        ("http://8.8.8.8/", "http://8.8.8.8/", OTHER),
        ("http://127.0.0.1/", "http://127.0.0.1/", "http://localhost:9/"),
        ("http://127.0.0.1/", "http://127.0.0.1/", "http://8.8.8.8/"),
    ],
)
def test_other_redirects_are_followed(given: str, old: str, new: str) -> None:
    request = redirect(given, old, new)
    assert request is not None and request.full_url == new


def test_a_redirect_is_followed_to_the_file_and_the_password_is_not(tmp_path: Path) -> None:
    with serving(whole()) as second, serving(b"") as first:
        first.answers = [b"HTTP/1.1 302 Found\r\nLocation: %s\r\n\r\n" % second.address.encode()]
        address = first.address.replace("//", "//ada:s%40cret@")
        assert download(address, tmp_path / "file", max_bytes=10**6).read_bytes() == BODY
    assert "Authorization: Basic YWRhOnNAY3JldA==" in first.requests[0]  # ada:s@cret
    assert "Authorization" not in second.requests[0]


@pytest.mark.parametrize("code", [404, 503])
def test_what_is_secret_in_an_address_is_in_no_message(tmp_path: Path, code: int) -> None:
    with serving(b"HTTP/1.1 %d No\r\n\r\n" % code) as script:
        address = script.address.replace("//", "//ada:secret@") + "?X-Amz-Signature=secret&token=secret"
        with pytest.raises(InputError) as refused:
            download(address, tmp_path / "file", max_bytes=10, wait=lambda _: None)
    assert f"{script.address}?…: " in str(refused.value) and "secret" not in repr(refused.value)
    assert "?X-Amz-Signature=secret&token=secret " in script.requests[0]
    for broken in (
        "http://ada:secret@[::1/",
        "http://ada:secret@h:x/",
        "gopher://ada:secret@h/?token=secret",
    ):
        with pytest.raises(InputError) as refused:
            download(broken, tmp_path / "file", max_bytes=10)
        assert "secret" not in repr(refused.value)
        with pytest.raises(InputError) as refused, open_address(broken):
            pass
        assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://host/a/b.zip", "https://host/a/b.zip"),
        ("https://ada:pass@host:8/a@b", "https://host:8/a@b"),
        ("https://token@host", "https://host"),
        ("HTTPS://a:b@c@host/x?y=z#w", "HTTPS://host/x?…"),
        ("https://host/x#access_token=z", "https://host/x#…"),
        ("s3a://key:secret@bucket/x", "s3a://bucket/x"),
        ("abfss://container@account.dfs/x", "abfss://container@account.dfs/x"),
        ("'https://a:b@host/x?y' (https://c@host/y?z), then", "'https://host/x?…' (https://host/y?…), then"),
        ("/folder/a@b/what?", "/folder/a@b/what?"),
    ],
)
def test_an_address_is_shown_without_credentials(address: str, shown: str) -> None:
    assert without_credentials(address) == shown
    assert without_credentials(shown) == shown


@given(
    st.text("abcXYZ019._~-%:!$&()*+,;=@", min_size=1),
    st.from_regex(r"[a-z]{1,9}(:[0-9]{1,5})?", fullmatch=True),
)
def test_no_user_or_password_is_shown(user: str, host: str) -> None:
    assert without_credentials(f"https://{user}@{host}/a") == f"https://{host}/a"


@pytest.mark.parametrize(
    ("location", "secret"),
    [
        ("s3a://key:secret@bucket/*.parquet", True),
        ("https://host/a.parquet?X-Amz-Signature=1", True),
        ("s3a://bucket/part-?.parquet", False),
        ("s3a://bucket/part-?/lang=de/*", False),
        ("abfss://container@account.dfs/x", False),
        ("/data/a@b/?.parquet", False),
    ],
)
def test_locations_with_credentials_are_told_from_globs(location: str, secret: bool) -> None:
    assert has_credentials(location) == secret
