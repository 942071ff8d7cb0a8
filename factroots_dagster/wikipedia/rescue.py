"""What can still be read of a dump file whose compressed data is cut off or damaged."""

from __future__ import annotations

import bz2
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import pyarrow as pa

BLOCK = 2**16

DAMAGE_MARKS = (
    "FAILED_READ_FILE",
    "bad block header",
    "crc error",
    "EOFException",
    "ZstdIOException",
    "ZipException",
)
"""What Spark's errors say when a compressed file cannot be read."""


def is_damage(error: Exception) -> bool:
    """Whether a failed Spark job failed over a compressed file."""
    return any(mark in str(error) for mark in DAMAGE_MARKS)


def rescued(path: Path, target: Path) -> int:
    """Write all that can be read from the beginning of `path` to `target`, uncompressed.

    Returns how many bytes of the compressed file lie behind the damage (0: the file is whole).
    """
    with path.open("rb") as raw, target.open("wb") as out:
        try:
            for block in blocks(raw, path.suffix):
                out.write(block)
        except (OSError, EOFError, zlib.error):
            return max(1, path.stat().st_size - raw.tell())
    return 0


def blocks(raw: IO[bytes], suffix: str) -> Iterator[bytes]:
    """The decompressed bytes of a stream, as far as they go."""
    if suffix == ".bz2":
        stream = cast(IO[bytes], bz2.BZ2File(raw))
    elif suffix == ".gz":
        stream = cast(IO[bytes], gzip.GzipFile(fileobj=raw))
    elif suffix == ".zst":
        stream = cast(IO[bytes], pa.CompressedInputStream(pa.PythonFile(raw, "r"), "zstd"))
    else:
        stream = raw
    while block := stream.read(BLOCK):
        yield block
