"""Values in four bits each: in every block of 128, one of 16 equidistant values, with subtractive dither.

Four bits a value, and 32 for the lowest value and step of a block: 4.25 bits. Before a value is rounded,
noise of up to half a step is added, which is known when it is read and taken off again (Roberts 1962;
Schuchman 1964). A value is kept within half a step, and its error has mean 0 whatever it is, so that errors
of vectors with alike values do not add up in their inner product. Without noise they do: neurons are near 0
in most facts.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

BLOCK = 128
_LARGEST = 15
_UPPER = np.uint32(0xFFFF0000)  # the upper half of a float32 is a bfloat16


def pack(values: npt.NDArray[np.float32], seed: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint16]]:
    """Float32 [rows, layers, values] as uint8 [rows, layers, ceil(values / 2)], and grids.

    Grids are uint16 [rows, layers, blocks, 2]: a grid is a block's lowest value and its step, as the bits of
    bfloat16. A block in which a value is not finite is not finite when it is unpacked. seed: of the noise, 32
    bits.
    """
    rows, layers, count = values.shape
    blocks = -(-count // BLOCK)
    packed = np.empty((rows, layers, (count + 1) // 2), np.uint8)
    grids = np.empty((rows, layers, blocks, 2), np.uint16)
    for row, one in enumerate(values):
        filled = np.pad(one, [(0, 0), (0, blocks * BLOCK - count)], mode="edge")
        filled = filled.reshape(layers, blocks, BLOCK)
        with np.errstate(invalid="ignore", over="ignore"):
            lowest = _round_down(filled.min(-1))
            # rounded up: the highest value is on the grid
            step = -_round_down((lowest - filled.max(-1)) / np.float32(_LARGEST))
            steps = (filled - lowest[..., None]) / np.where(step > 0, step, 1)[..., None]
            steps += _dither(seed, row, layers, blocks)
            codes = np.clip(np.nan_to_num(steps, nan=0.0), 0, _LARGEST).astype(np.uint8)
        codes = codes.reshape(layers, -1)
        packed[row] = codes[:, : count + count % 2 : 2] | (codes[:, 1 : count + count % 2 : 2] << 4)
        grids[row] = np.stack([lowest, step], axis=-1).view(np.uint32) >> 16
    return packed, grids


def unpack(
    packed: npt.NDArray[np.uint8], grids: npt.NDArray[np.uint16], count: int, seed: int
) -> npt.NDArray[np.float32]:
    """The values that `pack` kept: float32 [rows, layers, count]. Raises ValueError where shapes disagree."""
    rows, layers, pairs = packed.shape
    blocks = -(-count // BLOCK)
    if pairs != (count + 1) // 2 or grids.shape != (rows, layers, blocks, 2):
        raise ValueError(f"{pairs} pairs and grids {grids.shape} are not {count} values in four bits")
    values = np.empty((rows, layers, count), np.float32)
    codes = np.zeros((layers, blocks * BLOCK), np.float32)
    for row, (codes_of_row, grid) in enumerate(zip(packed, grids, strict=True)):
        codes[:, : 2 * pairs : 2] = codes_of_row & 15
        codes[:, 1 : 2 * pairs : 2] = codes_of_row >> 4
        lowest, step = np.moveaxis(read_bfloat16(grid), -1, 0)
        steps = codes.reshape(layers, blocks, BLOCK) + np.float32(0.5) - _dither(seed, row, layers, blocks)
        with np.errstate(invalid="ignore"):  # what was not finite
            values[row] = (steps * step[..., None] + lowest[..., None]).reshape(layers, -1)[:, :count]
    return values


def read_bfloat16(bits: npt.NDArray[np.uint16]) -> npt.NDArray[np.float32]:
    """The values of bfloat16 numbers, which NumPy does not know: the upper halves of float32 ones."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def _dither(seed: int, row: int, layers: int, blocks: int) -> npt.NDArray[np.float32]:
    """Noise between 0 and 1 for each value of a row: [layers, blocks, BLOCK], the same at every call."""
    key = _mix(_mix(np.array([seed], np.uint32)) ^ np.uint32(row))
    mixed = _mix(np.arange(layers * blocks * BLOCK, dtype=np.uint32) ^ key)
    noise = ((mixed >> 16).astype(np.float32) + np.float32(0.5)) / np.float32(65536)
    return noise.reshape(layers, blocks, BLOCK)


def _mix(numbers: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Hash 32-bit numbers one to one: the constants are those of C. Wellons' lowbias32 (public domain)."""
    numbers = (numbers ^ (numbers >> np.uint32(16))) * np.uint32(0x7FEB352D)
    numbers = (numbers ^ (numbers >> np.uint32(15))) * np.uint32(0x846CA68B)
    return numbers ^ (numbers >> np.uint32(16))


def _round_down(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The largest bfloat16 that is at most as large; NaN and infinity stay."""
    bits = values.view(np.uint32)
    cut = bits & _UPPER
    below = (cut != bits) & (values < 0) & np.isfinite(values)
    rounded = np.where(below, cut + np.uint32(0x10000), cut).view(np.float32)
    return np.where(np.isnan(values), np.float32(np.nan), rounded)
