"""Archives of mLAMA that are malicious or damaged."""

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

MEMBER = "qaa/P1.jsonl"
BOMB = b"\n" * 50_000_000
ROW = b'{"uuid": "u", "sub_label": "a", "obj_label": "b", "sub_uri": "c", "obj_uri": "d"}\n'


def acquire(content: Callable[[], bytes]) -> Callable[[Path, Path], object]:
    """Acquire a release from the archive, as from FACTROOTS_MLAMA_SOURCE."""

    def run(source: Path, target: Path) -> object:
        (source / "mlama.bin").write_bytes(content())
        (target / "_release").mkdir()
        return acquire_release(str(source / "mlama.bin"), target / "_release")

    return run


def unpack_with_limit(content: Callable[[], bytes]) -> Callable[[Path, Path], object]:
    """Unpack the archive with a limit of 1 MB; reaching the real one would take gigabytes."""

    def run(source: Path, target: Path) -> None:
        (source / "mlama.bin").write_bytes(content())
        unpack(source / "mlama.bin", target, max_bytes=1_000_000)

    return run


def make_zip(*members: tuple[str, bytes], mode: int = 0o100644, level: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", level) as out:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = level
            out.writestr(info, content)
    return buffer.getvalue()


def make_tar(
    *members: tuple[str, bytes],
    member_type: bytes = tarfile.REGTYPE,
    link: str = "/etc/passwd",
    mode: str = "w:gz",
) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as out:  # type: ignore[call-overload]
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = member_type, link
            info.size = len(content) if member_type == tarfile.REGTYPE else 0
            out.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def encrypted_zip() -> bytes:
    body = bytearray(make_zip(("qaa/P1.jsonl", ROW)))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        body[body.index(signature) + offset] |= 1
    return bytes(body)


def zip_with_a_name_that_is_not_utf8() -> bytes:
    return make_zip(("qaa/Pé.jsonl", ROW)).replace("é".encode(), b"\xff\xff")


def zip_with_a_torn_member() -> bytes:
    body = bytearray(make_zip(("qaa/P1.jsonl", ROW * 50)))
    body[60] ^= 0xFF
    return bytes(body)


def zip_with_an_unknown_method() -> bytes:
    body = bytearray(make_zip(("qaa/P1.jsonl", ROW)))
    for signature, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        body[body.index(signature) + offset] = 77
    return bytes(body)


def tar_with_a_false_size() -> bytes:
    """A tar whose header announces more bytes than follow."""
    body = bytearray(make_tar(("qaa/P1.jsonl", ROW), mode="w"))
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


def torn_parquet() -> bytes:
    return b"PAR1" + struct.pack("<I", 2**31 - 1) * 30 + b"PAR1"


NAME = "mlama.bin"
CASES = [
    Case(
        f"{archive_type} {what}",
        acquire(lambda make=make, member=member: make((member, ROW))),  # type: ignore[misc]
        (NAME, "outside"),
    )
    for archive_type, make in (("zip", make_zip), ("tar", make_tar))
    for what, member in (
        ("member that climbs out", "../../evil.jsonl"),
        ("member that climbs out in the middle", "qaa/../../../evil.jsonl"),
        ("member with an absolute path", "/etc/evil.jsonl"),
        ("member that climbs out on Windows", "qaa\\..\\..\\evil.jsonl"),
        ("member on a Windows drive", "C:/evil.jsonl"),
    )
]
CASES += [
    Case(
        f"tar {what}",
        acquire(lambda member_type=member_type: make_tar((MEMBER, b""), member_type=member_type)),  # type: ignore[misc]
        (NAME, MEMBER, "link or device"),
    )
    for what, member_type in (
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
        acquire(lambda: make_tar(("qaa", b""), member_type=tarfile.SYMTYPE, link="../..", mode="w")),
        (NAME, "'qaa'", "link or device"),
    ),
    Case(
        "zip symlink",
        acquire(lambda: make_zip((MEMBER, b"/etc/passwd"), mode=0o120777)),
        (NAME, MEMBER, "link or device"),
    ),
    Case(
        "zip device",
        acquire(lambda: make_zip((MEMBER, b""), mode=0o020666)),
        (NAME, MEMBER, "link or device"),
    ),
    Case("zip bomb", unpack_with_limit(lambda: make_zip((MEMBER, BOMB))), (NAME, "unpacks to more")),
    Case("tar bomb", unpack_with_limit(lambda: make_tar((MEMBER, BOMB))), (NAME, "unpacks to more")),
    Case(
        "tar bomb in a member that is skipped",
        unpack_with_limit(lambda: make_tar(("README", BOMB))),
        (NAME, "unpacks to more"),
    ),
    Case(
        "parquet bomb",
        unpack_with_limit(lambda: parquet(sub_label=["x" * 1000] * 30_000)),
        (NAME, "unpacks to more"),
    ),
    Case(
        "tar with too many members",
        acquire(lambda: make_tar(("x", b""), mode="w")[:512] * (MAX_MEMBERS + 1)),
        (NAME, f"{MAX_MEMBERS:,} members"),
    ),
    Case("zip encrypted", acquire(encrypted_zip), (NAME, MEMBER, "encrypted")),
    Case(
        "zip duplicate members",
        acquire(lambda: make_zip((MEMBER, ROW), ("qaa/./P1.jsonl", ROW))),
        (NAME, "P1.jsonl", "qaa", "twice"),
    ),
    Case(
        "tar duplicate members",
        acquire(lambda: make_tar((MEMBER, ROW), (MEMBER, ROW))),
        (NAME, "P1.jsonl", "qaa", "twice"),
    ),
    Case(
        "zip file that is also a folder",
        acquire(lambda: make_zip((MEMBER, ROW), (f"{MEMBER}/P2.jsonl", ROW))),
        (NAME, "name"),
    ),
    Case(
        "tar name of a thousand characters",
        acquire(lambda: make_tar((f"qaa/{'P' * 1000}.jsonl", ROW))),
        (NAME, "name"),
    ),
    Case("zip name that is not UTF-8", acquire(zip_with_a_name_that_is_not_utf8), (NAME, "damaged")),
    Case("zip torn", acquire(zip_with_a_torn_member), (NAME, "damaged")),
    Case("zip with an unknown compression method", acquire(zip_with_an_unknown_method), (NAME, "damaged")),
    Case("zip cut", acquire(lambda: make_zip((MEMBER, ROW))[:-30]), (NAME, "damaged")),
    Case("tar cut", acquire(lambda: make_tar((MEMBER, ROW * 99))[:-40]), (NAME, "damaged")),
    Case("tar with a false size", acquire(tar_with_a_false_size), (NAME,)),
    Case("empty file", acquire(lambda: b""), (NAME, "damaged")),
    Case("not an archive", acquire(lambda: b"<html>404</html>" * 99), (NAME, "damaged")),
    Case("parquet torn", acquire(torn_parquet), (NAME, "damaged")),
    Case(
        "parquet of something else",
        acquire(lambda: parquet(uuid=["x"]).replace(b"sub_label", b"sub_lable")),
        (NAME, "sub_label"),
    ),
    Case(
        "parquet language that climbs out",
        acquire(lambda: parquet(language=["../../evil"])),
        (NAME, "../../evil", "outside"),
    ),
    Case("parquet language with a slash", acquire(lambda: parquet(language=["a/b"])), (NAME, "a/b", "P1")),
    Case(
        "parquet with two templates",
        acquire(lambda: parquet(template=["[X] [Y]", "[Y] [X]"])),
        (NAME, "qaa/P1", "template"),
    ),
]
