"""Archives of mLAMA that nobody should trust."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from assets_tests.hostile.case import Case
from factroots_dagster.facts.mlama.archive import MAX_MEMBERS, unpack
from factroots_dagster.facts.mlama.release import acquire_release

PUBLISHER = "get the release from its publisher"
AGAIN = "fetch it again"
ROW = b'{"uuid": "u", "sub_label": "a", "obj_label": "b", "sub_uri": "c", "obj_uri": "d"}\n'


def taken(content: Callable[[], bytes]) -> Callable[[Path, Path], object]:
    """The archive as FACTROOTS_MLAMA_SOURCE."""

    def ask(source: Path, target: Path) -> object:
        (source / "mlama.bin").write_bytes(content())
        (target / "_release").mkdir()
        return acquire_release(str(source / "mlama.bin"), target / "_release")

    return ask


def unpacked(content: Callable[[], bytes], limit: int) -> Callable[[Path, Path], object]:
    """The archive unpacked with a lower limit than the real one, which would take gigabytes to reach."""

    def ask(source: Path, target: Path) -> None:
        (source / "mlama.bin").write_bytes(content())
        unpack(source / "mlama.bin", target, max_bytes=limit)

    return ask


def zip_of(*members: tuple[str, bytes], kind: int = 0o100644, level: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", level) as out:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = kind << 16
            info.compress_type = level
            out.writestr(info, content)
    return buffer.getvalue()


def tar_of(
    *members: tuple[str, bytes], kind: bytes = tarfile.REGTYPE, link: str = "/etc/passwd", mode: str = "w:gz"
) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as out:  # type: ignore[call-overload]
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, link
            info.size = len(content) if kind == tarfile.REGTYPE else 0
            out.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def encrypted_zip() -> bytes:
    body = bytearray(zip_of(("qaa/P1.jsonl", ROW)))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        body[body.index(mark) + flags] |= 1
    return bytes(body)


def zip_whose_name_is_not_utf8() -> bytes:
    return zip_of(("qaa/Pé.jsonl", ROW)).replace("é".encode(), b"\xff\xff")


def zip_with_a_torn_member() -> bytes:
    body = bytearray(zip_of(("qaa/P1.jsonl", ROW * 50)))
    body[60] ^= 0xFF
    return bytes(body)


def zip_of_an_unknown_method() -> bytes:
    body = bytearray(zip_of(("qaa/P1.jsonl", ROW)))
    for mark, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        body[body.index(mark) + place] = 77
    return bytes(body)


def tar_with_a_false_size() -> bytes:
    """A header that promises more than follows."""
    body = bytearray(tar_of(("qaa/P1.jsonl", ROW), mode="w"))
    body[124:136] = b"77777777777\0"
    body[148:156] = b" " * 8
    body[148:156] = f"{sum(body[:512]):06o}\0 ".encode()
    return bytes(body)


def parquet(**changed: list[object]) -> bytes:
    columns: dict[str, list[Any]] = {
        name: ["x"] for name in ("uuid", "obj_uri", "obj_label", "sub_uri", "sub_label")
    } | {"template": ["[X] [Y]"], "language": ["qaa"], "predicate_id": ["P1"]}
    rows = max(len(values) for values in changed.values())
    buffer = io.BytesIO()
    pq.write_table(pa.table({name: values * rows for name, values in columns.items()} | changed), buffer)
    return buffer.getvalue()


def parquet_that_is_torn() -> bytes:
    return b"PAR1" + struct.pack("<I", 2**31 - 1) * 30 + b"PAR1"


CASES = [
    Case(
        f"{kind} {what}",
        taken(lambda make=make, name=name: make((name, ROW))),  # type: ignore[misc]
        r"mlama\.bin: .*would be written outside the folder",
        PUBLISHER,
    )
    for kind, make in (("zip", zip_of), ("tar", tar_of))
    for what, name in (
        ("slip", "../../evil.jsonl"),
        ("slip in the middle", "qaa/../../../evil.jsonl"),
        ("absolute path", "/etc/evil.jsonl"),
        ("slip of Windows", "qaa\\..\\..\\evil.jsonl"),
        ("drive of Windows", "C:/evil.jsonl"),
    )
]
CASES += [
    Case(
        f"tar {what}",
        taken(lambda kind=kind: tar_of(("qaa/P1.jsonl", b""), kind=kind)),  # type: ignore[misc]
        r"mlama\.bin: 'qaa/P1.jsonl' is a link or device",
        PUBLISHER,
    )
    for what, kind in (
        ("symlink", tarfile.SYMTYPE),
        ("hardlink", tarfile.LNKTYPE),
        ("character device", tarfile.CHRTYPE),
        ("block device", tarfile.BLKTYPE),
        ("named pipe", tarfile.FIFOTYPE),
    )
]
CASES += [
    Case(
        "tar link to a folder, then a file through it",
        taken(lambda: tar_of(("qaa", b""), kind=tarfile.SYMTYPE, link="../..", mode="w")),
        "'qaa' is a link or device",
        PUBLISHER,
    ),
    Case(
        "zip symlink",
        taken(lambda: zip_of(("qaa/P1.jsonl", b"/etc/passwd"), kind=0o120777)),
        "'qaa/P1.jsonl' is a link or device",
        PUBLISHER,
    ),
    Case(
        "zip device",
        taken(lambda: zip_of(("qaa/P1.jsonl", b""), kind=0o020666)),
        "'qaa/P1.jsonl' is a link or device",
        PUBLISHER,
    ),
    Case(
        "zip bomb",
        unpacked(lambda: zip_of(("qaa/P1.jsonl", b"\n" * 50_000_000)), 1_000_000),
        "unpacks to more than is allowed",
        PUBLISHER,
    ),
    Case(
        "tar bomb",
        unpacked(lambda: tar_of(("qaa/P1.jsonl", b"\n" * 50_000_000)), 1_000_000),
        "unpacks to more than is allowed",
        PUBLISHER,
    ),
    Case(
        "tar bomb in what is passed over",
        unpacked(lambda: tar_of(("README", b"\n" * 50_000_000)), 1_000_000),
        "unpacks to more than is allowed",
        PUBLISHER,
    ),
    Case(
        "parquet bomb",
        unpacked(lambda: parquet(sub_label=["x" * 1000] * 30_000), 1_000_000),
        "unpacks to more than is allowed",
        PUBLISHER,
    ),
    Case(
        "tar with too many members",
        taken(lambda: tar_of(("x", b""), mode="w")[:512] * (MAX_MEMBERS + 1)),
        "more than 100,000 members",
        PUBLISHER,
    ),
    Case("zip encrypted", taken(encrypted_zip), "'qaa/P1.jsonl' is encrypted", "give an open archive"),
    Case(
        "zip duplicate members",
        taken(lambda: zip_of(("qaa/P1.jsonl", ROW), ("qaa/./P1.jsonl", ROW))),
        "P1.jsonl of qaa is in it twice",
        PUBLISHER,
    ),
    Case(
        "tar duplicate members",
        taken(lambda: tar_of(("qaa/P1.jsonl", ROW), ("qaa/P1.jsonl", ROW))),
        "P1.jsonl of qaa is in it twice",
        PUBLISHER,
    ),
    Case(
        "zip file that is also a folder",
        taken(lambda: zip_of(("qaa/P1.jsonl", ROW), ("qaa/P1.jsonl/P2.jsonl", ROW))),
        r"mlama\.bin: a member's name cannot be written",
        PUBLISHER,
    ),
    Case(
        "tar name of a thousand characters",
        taken(lambda: tar_of((f"qaa/{'P' * 1000}.jsonl", ROW))),
        r"mlama\.bin: a member's name cannot be written",
        PUBLISHER,
    ),
    Case("zip name that is not UTF-8", taken(zip_whose_name_is_not_utf8), r"mlama\.bin: damaged", AGAIN),
    Case("zip torn", taken(zip_with_a_torn_member), r"mlama\.bin: damaged", AGAIN),
    Case("zip of an unknown method", taken(zip_of_an_unknown_method), r"mlama\.bin: damaged", AGAIN),
    Case("zip cut", taken(lambda: zip_of(("qaa/P1.jsonl", ROW))[:-30]), r"mlama\.bin: damaged", AGAIN),
    Case("tar cut", taken(lambda: tar_of(("qaa/P1.jsonl", ROW * 99))[:-40]), r"mlama\.bin: damaged", AGAIN),
    Case("tar with a false size", taken(tar_with_a_false_size), r"mlama\.bin: ", f"{AGAIN}|{PUBLISHER}"),
    Case("empty file", taken(lambda: b""), r"mlama\.bin: damaged, or not a", AGAIN),
    Case("not an archive", taken(lambda: b"<html>404</html>" * 99), r"mlama\.bin: damaged, or not a", AGAIN),
    Case("parquet torn", taken(parquet_that_is_torn), r"mlama\.bin: damaged", AGAIN),
    Case(
        "parquet of something else",
        taken(lambda: parquet(uuid=["x"]).replace(b"sub_label", b"sub_lable")),
        r"mlama\.bin: column sub_label missing",
        "is it the m_lama data set",
    ),
    Case(
        "parquet language that climbs out",
        taken(lambda: parquet(language=["../../evil"])),
        "would be written outside the folder",
        PUBLISHER,
    ),
    Case(
        "parquet language with a folder",
        taken(lambda: parquet(language=["a/b"])),
        "language 'a/b', relation 'P1' cannot name files",
        PUBLISHER,
    ),
    Case(
        "parquet with two templates",
        taken(lambda: parquet(template=["[X] [Y]", "[Y] [X]"])),
        "two templates for qaa/P1",
        "keep one",
    ),
]
