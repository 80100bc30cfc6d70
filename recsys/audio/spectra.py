"""The one front end: every spectrum of a window of sound, each computed once and shared by all descriptors.

All arrays have time first: (frames, bins). Frame ``i`` is centred on sample ``i · hop``; the ends are padded
with zeros. ``front_end_hash()`` names the parameters, and is stored with every value made from them.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from recsys.audio.kernels import Piece, bank, in_bands, mean_logs
from recsys.audio.notes import Peaks, Tuning, explain, find_peaks, find_tuning, semitones

if TYPE_CHECKING:
    from recsys.audio.sound import Sound

Floats = NDArray[np.float32]

FRONT_END: dict[str, float | int] = {
    "version": 1,
    "rate": 22050,
    "n_fft": 2048,
    "hop": 512,
    "mel_bands": 80,
    "mel_low": 30.0,
    "mel_high": 11025.0,
    "long_fft": 8192,
    "long_hop": 2048,
    "peak_low": 38.0,
    "peak_high": 5300.0,
    "peak_depth_db": 60.0,
    "lowest_note": 28,
    "notes": 84,
    "highest_bass_note": 51,
    "harmonics": 8,
    "harmonic_decay": 0.7,
    "note_rounds": 15,
    "note_compression": 100.0,
    "dynamic_range_db": 80.0,
}
BLOCK = 2**17  # samples transformed at a time: few enough to stay in the cache
PIECES = 8  # of a bank of filters: most of its zeros lie outside of them
QUIET = 1e-10  # power below which a spectrum is taken for silence, −100 dB


def front_end_hash() -> str:
    """Eight hex digits that change when any parameter of the front end does."""
    return hashlib.sha256(json.dumps(FRONT_END, sort_keys=True).encode()).hexdigest()[:8]


class _Short(NamedTuple):
    """Magnitude (frames, 1025), power in mel bands (frames, mel_bands), sum of power and mean of its logs (frames,)."""

    stft: Floats
    mel_power: Floats
    energy: Floats
    logs: Floats


class Spectra:
    """All spectra of one window of sound, computed when first asked for.

    >>> from types import SimpleNamespace
    >>> import numpy as np
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(22050) / 22050).astype(np.float32)
    >>> spectra = Spectra(SimpleNamespace(samples=tone, rate=22050, start=0.0))
    >>> spectra.stft.shape, int(spectra.stft[20].argmax())
    ((44, 1025), 41)
    """

    def __init__(self, sound: Sound) -> None:
        self.sound = sound
        self.samples: Floats = np.ascontiguousarray(sound.samples, dtype=np.float32)
        self.rate = int(sound.rate)
        self.hop = int(FRONT_END["hop"])

    @property
    def seconds(self) -> float:
        """Length of the window in seconds."""
        return len(self.samples) / self.rate

    @cached_property
    def silent(self) -> bool:
        """No sample louder than −80 dB of full scale, or none at all: nothing here can be described."""
        return self.peak < 1e-4

    @cached_property
    def peak(self) -> float:
        """Largest magnitude of a sample; 0 of none."""
        return max(float(self.samples.max(initial=0)), -float(self.samples.min(initial=0)))

    @cached_property
    def stft(self) -> Floats:
        """Magnitude spectrum by a Hann window, float32 (frames, 1025)."""
        return self._short.stft

    @cached_property
    def energy(self) -> Floats:
        """Sum of the power spectrum of each frame, float32 (frames,)."""
        return self._short.energy

    @cached_property
    def flatness(self) -> Floats:
        """Geometric over arithmetic mean of the power spectrum, 0 (a tone) to 1 (white noise), float32 (frames,)."""
        mean = self.energy / np.float32(self.stft.shape[1])
        return np.exp(self._short.logs) / np.maximum(mean, np.float32(QUIET))

    @cached_property
    def _short(self) -> _Short:
        """All that needs the whole power spectrum, made block by block while it is in the cache."""
        size, bands = int(FRONT_END["n_fft"]), int(FRONT_END["mel_bands"])
        low, high = float(FRONT_END["mel_low"]), min(float(FRONT_END["mel_high"]), self.rate / 2)
        filters = _mel_bank(self.rate, size, bands, low, high)
        stft = magnitude_spectrum(self.samples, size, self.hop)
        mel, energy, logs = (np.empty((len(stft), n), np.float32) for n in (bands, 1, 1))
        for start in range(0, len(stft), BLOCK // size):
            block = slice(start, start + BLOCK // size)
            power = np.square(stft[block])
            in_bands(power, filters, mel[block])
            np.sum(power, axis=1, keepdims=True, out=energy[block])
            logs[block, 0] = mean_logs(power, np.float32(QUIET))
        return _Short(stft, mel, energy[:, 0], logs[:, 0])

    @cached_property
    def power(self) -> Floats:
        """Power spectrum, float32 (frames, 1025)."""
        return np.square(self.stft)

    @cached_property
    def frequencies(self) -> Floats:
        """Centre of each bin of ``stft`` in Hz, float32 (1025,)."""
        return np.fft.rfftfreq(int(FRONT_END["n_fft"]), 1 / self.rate).astype(np.float32)

    @cached_property
    def times(self) -> Floats:
        """Centre of each frame of ``stft`` and ``mel`` in seconds, float32 (frames,)."""
        return (np.arange(len(self.stft)) * self.hop / self.rate).astype(np.float32)

    @cached_property
    def mel_power(self) -> Floats:
        """Power in mel bands, float32 (frames, mel_bands)."""
        return self._short.mel_power

    @cached_property
    def mel(self) -> Floats:
        """Power in mel bands in dB, at most 80 under the loudest cell, float32 (frames, mel_bands)."""
        decibels = 10 * np.log10(np.maximum(self.mel_power, np.float32(QUIET)))
        return np.maximum(decibels, decibels.max() - np.float32(FRONT_END["dynamic_range_db"]))

    @cached_property
    def peaks(self) -> Peaks:
        """Peaks of a longer spectrum that tells neighbouring bass notes apart; frames are ``long_times``."""
        size = int(FRONT_END["long_fft"])
        low, high, depth = (float(FRONT_END[name]) for name in ("peak_low", "peak_high", "peak_depth_db"))
        bins = min(int(high * size / self.rate) + 1, size // 2 + 1)
        power = np.square(magnitude_spectrum(self.samples, size, int(FRONT_END["long_hop"]), bins))
        return find_peaks(power, self.rate / size, low=low, high=high, depth_db=depth)

    @cached_property
    def long_times(self) -> Floats:
        """Centre of each frame of ``notes`` and ``chroma`` in seconds, float32 (long frames,)."""
        return (np.arange(self.peaks.frames) * int(FRONT_END["long_hop"]) / self.rate).astype(np.float32)

    @cached_property
    def tuning(self) -> Tuning:
        """Estimated once per window and used by everything tonal."""
        return find_tuning(self.peaks)

    @cached_property
    def notes(self) -> Floats:
        """Strength of each note from MIDI pitch 28 (E1), log-compressed, float32 (long frames, 84)."""
        lowest, count = int(FRONT_END["lowest_note"]), int(FRONT_END["notes"])
        spectrum = semitones(self.peaks, self.tuning.cents, lowest=lowest, count=count)
        harmonics, rounds = int(FRONT_END["harmonics"]), int(FRONT_END["note_rounds"])
        strength = explain(spectrum, harmonics=harmonics, decay=float(FRONT_END["harmonic_decay"]), rounds=rounds)
        loudest = max(float(strength.max(initial=0)), QUIET)
        return np.log1p(strength * np.float32(FRONT_END["note_compression"] / loudest))

    @cached_property
    def chroma(self) -> Floats:
        """Share of each pitch class from C, rows sum to about 1 (less where quiet), float32 (long frames, 12)."""
        return _shares(fold(self.notes, int(FRONT_END["lowest_note"])))

    @cached_property
    def bass_chroma(self) -> Floats:
        """``chroma`` of the notes up to MIDI pitch 51 (E♭3), float32 (long frames, 12)."""
        lowest, highest = int(FRONT_END["lowest_note"]), int(FRONT_END["highest_bass_note"])
        return _shares(fold(self.notes[:, : highest - lowest + 1], lowest))


def fold(notes: Floats, lowest: int) -> Floats:
    """Notes added up over octaves, pitch class C first, float32 (frames, notes) to (frames, 12)."""
    padded = np.pad(notes, ((0, 0), (lowest % 12, -(lowest + notes.shape[1]) % 12)))
    return padded.reshape(len(notes), -1, 12).sum(axis=1)


def _shares(chroma: Floats) -> Floats:
    total = chroma.sum(axis=1, keepdims=True)
    return chroma / np.maximum(total + np.float32(0.05) * total.mean(), np.float32(QUIET))


def power_spectrum(samples: Floats, n_fft: int, hop: int) -> Floats:
    """Squared ``magnitude_spectrum``."""
    return np.square(magnitude_spectrum(samples, n_fft, hop))


def magnitude_spectrum(samples: Floats, n_fft: int, hop: int, bins: int | None = None) -> Floats:
    """Magnitude of the short-time Fourier transform, float32 (1 + n // hop, bins); all n_fft // 2 + 1 bins if None.

    Frames are centred, the ends padded with zeros, the window is a periodic Hann window.
    """
    padded = np.pad(samples, n_fft // 2)
    frames, window = sliding_window_view(padded, n_fft)[::hop], _hann(n_fft)
    magnitude = np.empty((len(frames), bins or n_fft // 2 + 1), np.float32)
    step = max(1, BLOCK // n_fft)
    for start in range(0, len(frames), step):
        spectrum = scipy.fft.rfft(frames[start : start + step] * window, axis=1, overwrite_x=True)
        np.abs(spectrum[:, : magnitude.shape[1]], out=magnitude[start : start + step])
    return magnitude


@lru_cache(maxsize=8)
def _hann(n: int) -> Floats:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)).astype(np.float32)


@lru_cache(maxsize=8)
def mel_filters(rate: int, n_fft: int, bands: int, low: float, high: float) -> Floats:
    """Triangles of equal area on Slaney's mel scale, float32 (n_fft // 2 + 1, bands).

    Slaney, Auditory Toolbox, Interval Research technical report 1998-010: linear below 1 kHz, logarithmic above.
    """
    edges = _hz(np.linspace(_mels(low), _mels(high), bands + 2))
    frequencies = np.fft.rfftfreq(n_fft, 1 / rate)[:, None]
    rising = (frequencies - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequencies) / (edges[2:] - edges[1:-1])
    triangles = np.maximum(0, np.minimum(rising, falling))
    return (triangles * 2 / (edges[2:] - edges[:-2])).astype(np.float32)


@lru_cache(maxsize=8)
def _mel_bank(rate: int, n_fft: int, bands: int, low: float, high: float) -> tuple[Piece, ...]:
    return bank(mel_filters(rate, n_fft, bands, low, high), PIECES)


def _mels(hz: float) -> float:
    return hz * 3 / 200 if hz < 1000 else 15 + 27 * float(np.log(hz / 1000) / np.log(6.4))


def _hz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mels < 15, mels * 200 / 3, 1000 * np.exp((mels - 15) * np.log(6.4) / 27))
