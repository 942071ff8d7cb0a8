"""Blocks of bzip2 files, found and decompressed one by one, against the whole file decompressed."""

from __future__ import annotations

import bz2
import io
import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from factroots_dagster.corpora.wikipedia import bzip2
from factroots_dagster.corpora.wikipedia.bzip2 import (
    BLOCK_MARKER,
    END_MARKER,
    Marker,
    find_markers,
    read_blocks,
)


def text(size: int, seed: int = 0) -> bytes:
    return bytes(random.Random(seed).choices(b"abcdefgh \n<page>", k=size))


@given(st.integers(0, 1_200_000), st.integers(1, 9), st.integers(0, 10**6), st.integers(1, 5))
@settings(max_examples=25, deadline=None)
def test_the_blocks_of_any_byte_ranges_make_up_the_file(
    size: int, level: int, stream: int, ranges: int
) -> None:
    """Single streams and many of them one after another, cut into ranges of bytes anywhere."""
    data = text(size)
    step = max(stream, 20_000)
    packed = b"".join(bz2.compress(data[at : at + step], level) for at in range(0, max(size, 1), step))
    edges = [len(packed) * number // ranges for number in range(ranges + 1)]
    contents = [
        block.data
        for start, end in pairwise(edges)
        for block in read_blocks(io.BytesIO(packed), start)
        if block.start < end
    ]
    assert None not in contents
    assert b"".join(contents) == data  # type: ignore[arg-type]


def test_a_corrupt_block_costs_only_itself() -> None:
    data = text(300_000)
    packed = bz2.compress(data, 1)
    intact = list(read_blocks(io.BytesIO(packed), 0))
    assert len(intact) == 4
    for number in range(3):
        for offset in (2, 8, 20, 1000):  # in the marker, in the checksum, in the tables, in the data
            damaged = bytearray(packed)
            damaged[intact[number].start + offset] ^= 0xFF
            blocks = list(read_blocks(io.BytesIO(bytes(damaged)), 0))
            lost = {block.data for block in intact} - {block.data for block in blocks}
            # Without its marker a block cannot be told from the one before.
            both = {intact[number - 1].data} if offset == 2 and number else set()
            assert lost == {intact[number].data} | both
            assert sum(block.compressed for block in blocks if block.data is None) >= 47_000


def test_a_file_that_is_cut_keeps_the_blocks_before_the_cut() -> None:
    packed = bz2.compress(text(300_000), 1)
    intact = list(read_blocks(io.BytesIO(packed), 0))
    for keep in (intact[1].start + 900, intact[2].start, len(packed) - 100, 20, 4, 0):
        blocks = list(read_blocks(io.BytesIO(packed[:keep]), 0))
        good = [block.data for block in blocks if block.data is not None]
        assert good == [block.data for block in intact][: len(good)]
        assert len(good) == sum(block.start + block.compressed < keep for block in intact)
        assert len(good) == len(intact) or keep <= 4 or blocks[-1].data is None or keep == intact[2].start


def test_bytes_that_look_like_a_marker_by_chance_are_passed_over() -> None:
    packed = bz2.compress(text(400_000), 1)
    chance_markers = [
        (position + 8_000, bool(number % 2))
        for number, (position, begins_block) in enumerate(find_markers(packed))
        if begins_block
    ]

    def find_more(data: bytes) -> Iterator[Marker]:
        extra = [marker for marker in chance_markers if marker[0] < len(data) * 8]
        return iter(sorted([*find_markers(data), *extra]))

    expected = [block.data for block in read_blocks(io.BytesIO(packed), 0)]
    actual = [block.data for block in read_blocks(io.BytesIO(packed), 0, find=find_more)]
    assert actual == expected


@given(
    st.binary(max_size=60),
    st.integers(0, 7),
    st.sampled_from([BLOCK_MARKER, END_MARKER]),
    st.binary(max_size=60),
)
def test_markers_are_found_at_every_bit(before: bytes, shift: int, marker: int, after: bytes) -> None:
    bits = (
        "".join(f"{byte:08b}" for byte in before)
        + "0" * shift
        + f"{marker:048b}"
        + "".join(f"{byte:08b}" for byte in after)
    )
    bits += "0" * (-len(bits) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big")
    expected = []
    for position in range(len(bits) - 47):
        value = int(bits[position : position + 48], 2)
        if value in (BLOCK_MARKER, END_MARKER):
            expected.append((position, value == BLOCK_MARKER))
    assert list(find_markers(data)) == expected


def test_a_long_stretch_without_markers_does_not_fill_the_memory() -> None:
    packed = bz2.compress(text(100_000), 1)
    window = bzip2.Window(io.BytesIO(packed[:30_000] + bytes(40 * 2**20) + packed), 0)
    longest = 0
    for _ in window.markers():
        longest = max(longest, len(window.data))
    assert longest <= 2 * bzip2.MAX_BLOCK_BYTES + 2 * bzip2.READ_BYTES
    stream = io.BytesIO(packed[:30_000] + bytes(40 * 2**20) + packed)
    assert b"".join(block.data or b"" for block in read_blocks(stream, 0)) == text(100_000)


def test_the_lost_first_block_of_a_stream_is_reported() -> None:
    """After the end of a stream the first marker of the next one must follow."""
    first, second = bz2.compress(text(50_000), 1), bz2.compress(text(50_000, 1), 1)
    damaged = bytearray(first + second)
    damaged[len(first) + 6] ^= 0xFF
    assert [block.data is None for block in read_blocks(io.BytesIO(bytes(damaged)), 0)] == [False, True]


def test_the_blocks_of_real_dumps_make_up_the_files(real_data: Path) -> None:
    for path in sorted((real_data / "wikipedia").glob("*.bz2")):
        with path.open("rb") as raw:
            assert b"".join(block.data or b"" for block in read_blocks(raw, 0)) == bz2.decompress(
                path.read_bytes()
            )
