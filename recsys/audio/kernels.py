"""Loops over spectra and samples that numpy has no fast word for; compiled by numba on first use, then cached."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
FAST = {"reassoc", "contract", "nsz"}  # sums may be reordered, so that they are vectorised; NaN stays NaN
LANES = 16


class Piece(NamedTuple):
    """Neighbouring bands of a bank and the bins they reach over, with their weights (bins, bands)."""

    bins: slice
    bands: slice
    weights: Floats


def bank(filters: Floats, pieces: int) -> tuple[Piece, ...]:
    """Dense filters (bins, bands) in pieces without most of their zeros, for filters that follow each other.

    >>> [piece.weights.shape for piece in bank(np.eye(4, dtype=np.float32), 2)]
    [(2, 2), (2, 2)]
    """
    out = []
    for bands in np.array_split(np.arange(filters.shape[1]), pieces):
        own = slice(int(bands[0]), int(bands[-1]) + 1)
        used = np.flatnonzero(filters[:, own].any(axis=1))
        bins = slice(int(used[0]), int(used[-1]) + 1) if len(used) else slice(0, 1)
        out.append(Piece(bins, own, np.ascontiguousarray(filters[bins, own])))
    return tuple(out)


def in_bands(values: Floats, filters: tuple[Piece, ...], out: Floats | None = None) -> Floats:
    """The product of values (frames, bins) and the filters of a bank, (frames, bands).

    >>> in_bands(np.ones((1, 4), np.float32), bank(np.eye(4, dtype=np.float32), 2))
    array([[1., 1., 1., 1.]], dtype=float32)
    """
    made = np.empty((len(values), filters[-1].bands.stop), np.float32) if out is None else out
    for piece in filters:
        made[:, piece.bands] = values[:, piece.bins] @ piece.weights
    return made


class Maxima(NamedTuple):
    """Local maxima of a spectrum (frames, bins): frame and bin (n,), and the values before, at and after it (3, n)."""

    frame: NDArray[np.int64]
    column: NDArray[np.int64]
    values: Floats


def maxima(power: Floats, floor: Floats) -> Maxima:
    """Those above a floor (frames,); the first and the last bin are none, of equal neighbours the first may be one.

    >>> maxima(np.array([[0, 2, 1, 5, 0]], np.float32), np.array([3], np.float32)).column
    array([3])
    """
    return Maxima(*_around(power, *_peaks(power, floor)))


@numba.njit(cache=True, nogil=True)
def _peaks(power: Any, floor: Any) -> Any:
    frames, bins = power.shape
    counts, columns = np.empty(frames, np.int64), np.empty(frames * (bins // 2 + 1) + 1, np.int32)
    count = 0
    for t in range(frames):
        before, here, least, start = power[t, 0], power[t, min(1, bins - 1)], floor[t], count
        for i in range(1, bins - 1):
            after = power[t, i + 1]
            columns[count] = i  # overwritten by the next when it is none: no branch to guess
            count += (here > least) & (here > before) & (here >= after)
            before, here = here, after
        counts[t] = count - start
    return counts, columns[:count]


@numba.njit(cache=True, nogil=True)
def _around(power: Any, counts: Any, columns: Any) -> Any:
    frame, column = np.empty(len(columns), np.int64), np.empty(len(columns), np.int64)
    values = np.empty((3, len(columns)), np.float32)
    place = 0
    for t in range(len(counts)):
        for n in range(place, place + counts[t]):
            i = columns[n]
            frame[n], column[n] = t, i
            values[0, n], values[1, n], values[2, n] = power[t, i - 1], power[t, i], power[t, i + 1]
        place += counts[t]
    return frame, column, values


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def mean_logs(power: Any, least: Any) -> Any:
    """Mean logarithm of each row of positive values (frames, bins), taken as ``least`` at least; float32 (frames,).

    Products of sixteen values have one logarithm: from 1e-10 to 1e19 none of them leaves the range of a double.
    """
    frames, bins = power.shape
    out = np.empty(frames, np.float32)
    products = np.empty(LANES, np.float64)
    for t in range(frames):
        total = 0.0
        whole = bins // (LANES * LANES) * (LANES * LANES)
        for start in range(0, whole, LANES * LANES):
            products[:] = 1.0
            for step in range(start, start + LANES * LANES, LANES):
                for lane in range(LANES):
                    products[lane] *= max(power[t, step + lane], least)
            for lane in range(LANES):
                total += np.log(products[lane])
        for i in range(whole, bins):
            total += np.log(max(power[t, i], least))
        out[t] = total / bins
    return out


@numba.njit(cache=True, nogil=True)
def reached(values: Any, totals: Any) -> Any:
    """Of each row (frames, bins) the first bin up to which the sum is ``totals`` at least; int64 (frames,)."""
    frames, bins = values.shape
    out = np.empty(frames, np.int64)
    for t in range(frames):
        total, i = values[t, 0], 0
        while total < totals[t] and i < bins - 1:
            i += 1
            total += values[t, i]
        out[t] = i
    return out


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def two_sections(samples: Any, sections: Any, unit: int) -> Any:
    """Mean square of every full ``unit`` samples after two second-order sections (2, 6), float64 (n // unit,).

    Sixteen stretches are filtered side by side in transposed direct form II; each is entered one ``unit`` before it
    begins, which must be longer than the filters ring.
    """
    blocks = len(samples) // unit
    each = (blocks + LANES - 1) // LANES
    lanes = np.zeros(((each + 1) * unit, LANES))
    for lane in range(LANES):
        start = (lane * each - 1) * unit
        for i in range(max(0, -start), min(len(lanes), len(samples) - start)):
            lanes[i, lane] = samples[start + i]
    b0, b1, b2, _, a1, a2 = sections[0]
    c0, c1, c2, _, d1, d2 = sections[1]
    s1, s2, r1, r2, total = (np.zeros(LANES), np.zeros(LANES), np.zeros(LANES), np.zeros(LANES), np.zeros(LANES))
    out = np.zeros((LANES, each + 1))
    for block in range(each + 1):
        total[:] = 0
        for i in range(block * unit, (block + 1) * unit):
            for lane in range(LANES):
                x = lanes[i, lane]
                y = b0 * x + s1[lane]
                s1[lane] = b1 * x - a1 * y + s2[lane]
                s2[lane] = b2 * x - a2 * y
                z = c0 * y + r1[lane]
                r1[lane] = c1 * y - d1 * z + r2[lane]
                r2[lane] = c2 * y - d2 * z
                total[lane] += z * z
        for lane in range(LANES):
            out[lane, block] = total[lane] / unit
    return out[:, 1:].copy().ravel()[:blocks]


@numba.njit(cache=True, nogil=True, fastmath=FAST)
def rises(levels: Any, lag: int) -> Any:
    """How much each band (frames, bands) rose above its neighbourhood ``lag`` frames before, at least 0, of that shape.

    Then the mean of the rises of each frame, and the mean of their power of 1.5, float32 (frames,).
    """
    frames, bands = levels.shape
    out, mean, steep = np.zeros_like(levels), np.zeros(frames, np.float32), np.zeros(frames, np.float32)
    near = np.empty(bands, np.float32)
    for t in range(lag, frames):
        before, here, own = levels[t - lag], levels[t], out[t]
        near[0] = max(before[0], before[min(1, bands - 1)])
        near[bands - 1] = max(before[max(bands - 2, 0)], before[bands - 1])
        for b in range(1, bands - 1):
            near[b] = max(before[b - 1], before[b], before[b + 1])
        total, powers = np.float32(0), np.float32(0)
        for b in range(bands):
            rise = max(here[b] - near[b], np.float32(0))
            own[b] = rise
            total += rise
            powers += rise * np.sqrt(rise)
        mean[t], steep[t] = total / np.float32(bands), powers / np.float32(bands)
    return out, mean, steep


@lru_cache(maxsize=8)
def pooling(bands: int, width: int) -> Floats:
    """A matrix whose product with a spectrum (frames, bands) is the mean of every ``width`` bands."""
    groups = bands // width
    return np.repeat(np.eye(groups, dtype=np.float32), width, axis=0) / np.float32(width)


def crc16(data: bytes) -> int:
    """CRC of bytes by the polynomial x¹⁶ + x¹⁵ + x² + 1, most significant bit first, from 0.

    >>> crc16(b"123456789") == 0xFEE8
    True
    """
    return int(_crc16(np.frombuffer(data, np.uint8), _crc16_tables()))


@lru_cache(maxsize=1)
def _crc16_tables() -> NDArray[np.uint16]:
    """Of a byte that is followed by 0 to 7 zeros, uint16 (8, 256)."""
    table = np.arange(256, dtype=np.uint16) << 8
    for _ in range(8):
        table = np.where(table & 0x8000, table << 1 ^ 0x8005, table << 1).astype(np.uint16)
    out = [table]
    for _ in range(7):
        out.append(out[-1] << 8 ^ table[out[-1] >> 8])
    return np.stack(out).astype(np.uint16)


@numba.njit(cache=True, nogil=True)
def _crc16(data: Any, tables: Any) -> Any:
    register = np.uint16(0)
    whole = len(data) // 8 * 8
    for i in range(0, whole, 8):
        high = data[i] ^ np.uint8(register >> 8)
        low = data[i + 1] ^ np.uint8(register & 0xFF)
        register = tables[7, high] ^ tables[6, low] ^ tables[5, data[i + 2]] ^ tables[4, data[i + 3]]
        register ^= tables[3, data[i + 4]] ^ tables[2, data[i + 5]] ^ tables[1, data[i + 6]] ^ tables[0, data[i + 7]]
    for i in range(whole, len(data)):
        register = np.uint16(register << 8) ^ tables[0, np.uint8(register >> 8) ^ data[i]]
    return register
