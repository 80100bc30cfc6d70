"""Windows of sound in, patterns out: how spectrum, timbre and harmony are shaped in blocks of time.

The patterns of blocks are after Seyerlehner, Widmer & Pohle (Fusing Block-Level Features for Music Similarity
Estimation, DAFx 2010): blocks of frames are described one by one and summed up by a percentile, so that no order of
events is told, but what happens inside of a block is. What is tonal is the same in every key, but for the register.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from recsys.audio.sound import Sound
from recsys.audio.spectra import Spectra, fold
from recsys.audio.timbre import mfcc

Floats = NDArray[np.float32]

VERSION = 3  # goes up when values change
FRAME_RATE = 22050 / 512
FINE, COARSE = 40, 20  # bands
SORTED = {"spectral": (10, (0, 5, 9)), "delta": (25, (12, 18, 24))}  # frames of a block, places in the sorted block
DELTA = 3  # frames between which the spectrum rises
LONG, STEP = 512, 128  # frames of a block in which modulation is heard, and between blocks
RATES = np.geomspace(0.3, 15, 17)  # Hz, edges of modulation bands
CEPSTRAL_RATES = np.geomspace(0.3, 20, 11)
LAGS = (1, 2, 4, 8, 16, 43, 172)  # frames
SECOND = 43  # frames
CHORD_LAGS = (0, 2, 5, 11, 22)  # frames of the long spectrum, 93 ms each
CHORDS = {"major": (0, 4, 7), "minor": (0, 3, 7), "diminished": (0, 3, 6), "augmented": (0, 4, 8), "fourth": (0, 5, 7)}
SHORTEST = 0.3  # seconds below which only what needs no time is known


def describe(sounds: Sequence[Sound]) -> dict[str, Floats]:
    """Patterns of one file, each the mean of what is known of its windows; NaN where nothing is.

    Returns:
        ``spectral`` (120,): sorted levels of 40 bands in blocks of .23 s; ``delta`` (120,): sorted rises in blocks of
        .58 s; ``variation`` (120,): deviations of the rises; ``fluctuation`` (320,): modulation of 20 bands at 16
        rates; ``correlation`` (190,): of bands with each other in blocks of 6 s; ``cepstral`` (200,): modulation of 20
        MFCC at 10 rates; ``lags`` (140,): how far MFCC move within 7 times; ``texture`` (60,): how windows of a second
        differ; ``register`` (168,): strength of notes; ``harmony`` (99,): intervals, chords and their succession;
        ``voices`` (31,): how many notes, how high, how they move.

    >>> tone = np.sin(2 * np.pi * 440 * np.arange(66150) / 22050).astype(np.float32)
    >>> {name: len(vector) for name, vector in describe([Sound(tone)]).items()}["fluctuation"]
    320
    """
    windows = [window(Spectra(sound)) for sound in sounds]
    return {name: _known_mean(np.stack([one[name] for one in windows])) for name in windows[0]}


def window(spectra: Spectra) -> dict[str, Floats]:
    """Patterns of one window; NaN where it is silent or too short."""
    if spectra.silent or spectra.seconds < SHORTEST:
        return {name: np.full(width, np.nan, np.float32) for name, width in WIDTHS.items()}
    level = spectra.mel - spectra.mel.mean()
    found = {**_of_bands(level), **_of_cepstrum(mfcc(level)), **_of_notes(spectra.notes)}
    return {name: vector.astype(np.float32) for name, vector in found.items()}


def _of_bands(level: Floats) -> dict[str, Floats]:
    fine, coarse = _in_bands(level, FINE), _in_bands(level, COARSE)
    rises = np.maximum(0, fine[DELTA:] - fine[:-DELTA])
    size, places = SORTED["delta"]
    blocks = _blocks(rises, size, 5)
    return {
        "spectral": _sorted(_blocks(fine, SORTED["spectral"][0], 5), SORTED["spectral"][1]),
        "delta": _sorted(blocks, places),
        "variation": np.percentile(blocks.std(axis=2), (10, 50, 90), axis=0).ravel(),
        "fluctuation": np.median(_modulation(coarse, RATES, 1.0), axis=0).ravel(),
        "correlation": _correlation(_blocks(coarse, 256, STEP)),
    }


def _of_cepstrum(cepstrum: Floats) -> dict[str, Floats]:
    moves = [np.abs(cepstrum[lag:] - cepstrum[:-lag]).mean(axis=0) for lag in LAGS if lag < len(cepstrum)]
    lags = np.full((len(LAGS), cepstrum.shape[1]), np.nan, np.float32)
    lags[: len(moves)] = moves
    seconds = _blocks(cepstrum, SECOND, SECOND // 2)
    means, spreads = seconds.mean(axis=2), seconds.std(axis=2)
    return {
        "cepstral": _modulation(cepstrum, CEPSTRAL_RATES, 1e-3).mean(axis=0).ravel(),
        "lags": lags.ravel(),
        "texture": np.concatenate([means.std(axis=0), spreads.mean(axis=0), spreads.std(axis=0)]),
    }


def _of_notes(notes: Floats) -> dict[str, Floats]:
    chroma = fold(notes, 28)
    total = chroma.sum(axis=1, keepdims=True)
    chroma = chroma / np.maximum(total + np.float32(0.05) * total.mean(), np.float32(1e-9))
    return {
        "register": np.concatenate([notes.mean(axis=0), notes.std(axis=0)]),
        "harmony": np.concatenate([_intervals(chroma), _succession(chroma), _chords(chroma)]),
        "voices": _voices(notes),
    }


def _intervals(chroma: Floats) -> Floats:
    """Strength of the six circles of intervals, in frames and over all, (24,); Quinn, PNM 44 (2006)."""
    circles = np.abs(np.fft.rfft(chroma, axis=1))[:, 1:]
    whole = np.abs(np.fft.rfft(chroma.mean(axis=0)))[1:]
    return np.concatenate([circles.mean(axis=0), circles.std(axis=0), np.percentile(circles, 90, axis=0), whole])


def _succession(chroma: Floats) -> Floats:
    """How much of each interval lies between now and some time later, (60,)."""
    rolled = np.stack([np.roll(chroma, step, axis=1) for step in range(12)], axis=2)
    there = [lag for lag in CHORD_LAGS if lag < len(chroma)]
    found = np.full((len(CHORD_LAGS), 12), np.nan)
    for place, lag in enumerate(there):
        late, early = chroma[lag:], rolled[: len(chroma) - lag]
        found[place] = np.einsum("ti,tik->k", late, early) / len(late)
    return found.ravel().astype(np.float32)


def _chords(chroma: Floats) -> Floats:
    """Best fit of each kind of chord: mean, deviation, and how far it is behind a major one, (15,)."""
    kinds = np.zeros((len(CHORDS), 12), np.float32)
    for kind, tones in zip(kinds, CHORDS.values(), strict=True):
        kind[list(tones)] = 1
    fits = np.stack([np.max([chroma @ np.roll(kind, step) for step in range(12)], axis=0) for kind in kinds], axis=1)
    return np.concatenate([fits.mean(axis=0), fits.std(axis=0), (fits[:, :1] - fits).mean(axis=0)])


def _voices(notes: Floats) -> Floats:
    """Of seven series their mean, deviation, 10th and 90th percentile; movement of top and bass; voices, (31,)."""
    total, place = notes.sum(axis=1), np.arange(notes.shape[1], dtype=np.float32)
    share = notes / np.maximum(total, np.float32(1e-9))[:, None]
    centre = share @ place
    width = np.sqrt((share * (place - centre[:, None]) ** 2).sum(axis=1))
    mixed = -(share * np.log(np.maximum(share, np.float32(1e-9)))).sum(axis=1)
    strong = (notes > 0.5 * notes.max(axis=1, keepdims=True)) & (total > 0)[:, None]
    low, top = strong.argmax(axis=1), notes.shape[1] - 1 - strong[:, ::-1].argmax(axis=1)
    rise = np.maximum(0, np.diff(notes, axis=0, prepend=notes[:1])).sum(axis=1)
    series = np.stack([total, centre, width, mixed, top, low, rise]).astype(np.float64)
    sums = [series.mean(axis=1), series.std(axis=1), *np.percentile(series, (10, 90), axis=1)]
    moves = [np.abs(np.diff(line)).mean() if len(line) > 1 else 0.0 for line in (top, low)]
    return np.concatenate([*sums, moves, [(notes > 0.3).sum(axis=1).mean()]])


def _modulation(series: Floats, edges: NDArray[np.float64], floor: float) -> Floats:
    """Log magnitude of the movement of each column in bands of rates, (blocks, columns, len(edges) − 1)."""
    blocks = _blocks(series, LONG, STEP)
    spectrum = np.abs(scipy.fft.rfft(blocks - blocks.mean(axis=2, keepdims=True), LONG, axis=2))
    bins = np.searchsorted(np.arange(spectrum.shape[2]) * FRAME_RATE / LONG, edges)
    bands = [spectrum[:, :, a : max(b, a + 1)].mean(axis=2) for a, b in pairwise(bins)]
    return np.asarray(np.log(np.stack(bands, axis=2) + np.float32(floor)))


def _correlation(blocks: Floats) -> Floats:
    """Median over blocks of the correlation of each band with each later one."""
    centred = blocks - blocks.mean(axis=2, keepdims=True)
    unit = centred / np.maximum(np.linalg.norm(centred, axis=2, keepdims=True), np.float32(1e-6))
    first, second = np.triu_indices(blocks.shape[1], 1)
    return np.asarray(np.median(unit @ unit.transpose(0, 2, 1), axis=0)[first, second])


def _sorted(blocks: Floats, places: Sequence[int]) -> Floats:
    """Each band's levels in order within each block, some of them, and their 90th percentile over blocks."""
    last = blocks.shape[2] - 1
    return np.percentile(np.sort(blocks, axis=2)[:, :, [min(place, last) for place in places]], 90, axis=0).ravel()


def _in_bands(level: Floats, bands: int) -> Floats:
    return level.reshape(len(level), bands, -1).mean(axis=2)


def _blocks(series: Floats, size: int, step: int) -> Floats:
    """(blocks, columns, frames) of a series (frames, columns); one shorter block of a shorter series."""
    return sliding_window_view(series, min(size, len(series)), axis=0)[::step]


def _known_mean(vectors: Floats) -> Floats:
    known = np.isfinite(vectors)
    total = np.where(known, vectors, 0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan).astype(np.float32)


WIDTHS = {
    "spectral": FINE * 3,
    "delta": FINE * 3,
    "variation": FINE * 3,
    "fluctuation": COARSE * 16,
    "correlation": COARSE * (COARSE - 1) // 2,
    "cepstral": 200,
    "lags": 20 * len(LAGS),
    "texture": 60,
    "register": 168,
    "harmony": 99,
    "voices": 31,
}
