"""Blocks of bzip2 files, found and decompressed one by one, against the whole file decompressed."""

from __future__ import annotations

import bz2
import io
import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factroots_dagster.corpora.wikipedia import bzip2
from factroots_dagster.corpora.wikipedia.bzip2 import BLOCK_MARK, END_MARK, blocks, marks


def text(size: int, seed: int = 0) -> bytes:
    return bytes(random.Random(seed).choices(b"abcdefgh \n<page>", k=size))


@given(st.integers(0, 1_200_000), st.integers(1, 9), st.integers(0, 10**6), st.integers(1, 5))
@settings(max_examples=25, deadline=None)
def test_the_blocks_of_any_ranges_make_up_the_file(size: int, level: int, stream: int, ranges: int) -> None:
    """Single streams and many of them one after another, cut into ranges of bytes anywhere."""
    data = text(size)
    step = max(stream, 20_000)
    packed = b"".join(bz2.compress(data[at : at + step], level) for at in range(0, max(size, 1), step))
    edges = [len(packed) * number // ranges for number in range(ranges + 1)]
    found = [
        block.data
        for start, end in pairwise(edges)
        for block in blocks(io.BytesIO(packed), start)
        if block.start < end
    ]
    assert None not in found
    assert b"".join(found) == data  # type: ignore[arg-type]


def test_a_corrupt_block_costs_itself_alone() -> None:
    data = text(300_000)
    packed = bz2.compress(data, 1)
    whole = list(blocks(io.BytesIO(packed), 0))
    assert len(whole) == 4
    for number in range(3):
        for place in (2, 8, 20, 1000):  # in the mark, in the checksum, in the tables, in the data
            torn = bytearray(packed)
            torn[whole[number].start + place] ^= 0xFF
            found = list(blocks(io.BytesIO(bytes(torn)), 0))
            lost = {block.data for block in whole} - {block.data for block in found}
            # With its mark a block loses its border to the one before.
            both = {whole[number - 1].data} if place == 2 and number else set()
            assert lost == {whole[number].data} | both
            assert sum(block.compressed for block in found if block.data is None) >= 47_000


def test_a_file_that_is_cut() -> None:
    packed = bz2.compress(text(300_000), 1)
    whole = list(blocks(io.BytesIO(packed), 0))
    for keep in (whole[1].start + 900, whole[2].start, len(packed) - 100, 20, 4, 0):
        found = list(blocks(io.BytesIO(packed[:keep]), 0))
        good = [block.data for block in found if block.data is not None]
        assert good == [block.data for block in whole][: len(good)]
        assert len(good) == sum(block.start + block.compressed < keep for block in whole)
        assert len(good) == len(whole) or keep <= 4 or found[-1].data is None or keep == whole[2].start


def test_bytes_that_look_like_a_mark_by_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mark inside a block's data is tried and passed over."""
    packed = bz2.compress(text(400_000), 1)
    real = list(marks(packed))

    def with_more(data: bytes):  # type: ignore[no-untyped-def]
        extra = [(place + 8_000, bool(number % 2)) for number, (place, begins) in enumerate(real) if begins]
        return iter(sorted([*marks(data), *(each for each in extra if each[0] < len(data) * 8)]))

    expected = [block.data for block in blocks(io.BytesIO(packed), 0)]
    monkeypatch.setattr(bzip2, "marks", with_more)
    found = list(blocks(io.BytesIO(packed), 0))
    assert [block.data for block in found] == expected


@given(
    st.binary(max_size=60), st.integers(0, 7), st.sampled_from([BLOCK_MARK, END_MARK]), st.binary(max_size=60)
)
def test_marks_are_found_at_every_bit(before: bytes, shift: int, mark: int, after: bytes) -> None:
    bits = (
        "".join(f"{byte:08b}" for byte in before)
        + "0" * shift
        + f"{mark:048b}"
        + "".join(f"{byte:08b}" for byte in after)
    )
    bits += "0" * (-len(bits) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big")
    wanted = []
    for place in range(len(bits) - 47):
        value = int(bits[place : place + 48], 2)
        if value in (BLOCK_MARK, END_MARK):
            wanted.append((place, value == BLOCK_MARK))
    assert list(marks(data)) == wanted


def test_a_long_stretch_of_nothing_does_not_fill_the_memory() -> None:
    packed = bz2.compress(text(100_000), 1)
    window = bzip2.Window(io.BytesIO(packed[:30_000] + bytes(40 * 2**20) + packed), 0)
    longest = 0
    for _ in window.marks():
        longest = max(longest, len(window.data))
    assert longest <= 2 * bzip2.LONGEST_BLOCK + 2 * bzip2.READ
    stream = io.BytesIO(packed[:30_000] + bytes(40 * 2**20) + packed)
    assert b"".join(block.data or b"" for block in blocks(stream, 0)) == text(100_000)


def test_a_stream_whose_first_block_is_lost_says_so() -> None:
    """Behind a stream's end the next one's first mark must follow; its loss is no silence."""
    first, second = bz2.compress(text(50_000), 1), bz2.compress(text(50_000, 1), 1)
    torn = bytearray(first + second)
    torn[len(first) + 6] ^= 0xFF
    assert [block.data is None for block in blocks(io.BytesIO(bytes(torn)), 0)] == [False, True]


def test_real_dumps(real_data: Path) -> None:
    for path in sorted((real_data / "wikipedia").glob("*.bz2")):
        with path.open("rb") as raw:
            assert b"".join(block.data or b"" for block in blocks(raw, 0)) == bz2.decompress(
                path.read_bytes()
            )
