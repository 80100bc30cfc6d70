"""Notes made unlike each other: single notes varied as sound, then put together as log-mel windows.

As sound: pitch and body together (speed), vibrato, swell, a lost attack, an early end, an echoing room. As spectra,
where many more can be made: chords, melodies and mixtures (powers add up), equalisers, background noise, floors,
and holes in time and frequency (Park et al., "SpecAugment", Interspeech 2019).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from scipy.ndimage import map_coordinates

from recsys.producers.instruments.names import INSTRUMENTS
from recsys.producers.labelling.hearing import log_mel

RATE, HOP, FRAMES, CUT = 22050, 512, 128, 80
LENGTH = (FRAMES - 1) * HOP
NATS = float(np.log(10) / 10)  # per dB
Floats = NDArray[np.float32]


def mels(sounds: NDArray[np.int16], rng: np.random.Generator, *, plain: float = 0.1) -> NDArray[np.float16]:
    """Log-mel window of each sound, varied but for a share of ``plain`` ones, float16 (n, FRAMES, 64)."""
    out = np.empty((len(sounds), FRAMES, 64), np.float16)
    for row, sound in zip(out, sounds, strict=True):
        whole = sound.astype(np.float32) / 32768
        heard = np.resize(np.pad(whole, (0, LENGTH)), LENGTH) if rng.random() < plain else varied(whole, rng)
        row[:] = log_mel(heard / max(float(np.abs(heard).max()), 1e-6))
    return out


def varied(sound: Floats, rng: np.random.Generator) -> Floats:
    """One note otherwise: float32 (LENGTH,)."""
    sound = _bent(sound, rng)
    if rng.random() < 0.3:
        first = round(RATE * rng.uniform(0.02, 0.5) * min(1.0, _loud(sound) / RATE))
        sound = sound[first:] * np.minimum(np.arange(len(sound) - first) / (RATE * rng.uniform(0.003, 0.1)), 1)
    if rng.random() < 0.35:
        held, fall = round(RATE * np.exp(rng.uniform(np.log(0.1), np.log(2)))), RATE * rng.uniform(0.02, 0.3)
        sound = sound * np.clip(1 - (np.arange(len(sound)) - held) / fall, 0, 1)
    if rng.random() < 0.3:
        knots = NATS / 2 * rng.normal(0, 3, 5)
        sound = sound * np.exp(np.interp(np.arange(len(sound)), np.linspace(0, len(sound), 5), knots))
    start = round(RATE * max(0.0, rng.uniform(-0.2, 0.5)))
    out = np.zeros(LENGTH, np.float32)
    out[start : start + len(sound)] = sound[: LENGTH - start]
    return _echoing(out, rng) if rng.random() < 0.65 else out


def _loud(sound: Floats) -> int:
    """The last sample that is loud."""
    return int(np.flatnonzero(np.abs(sound) > 0.05 * np.abs(sound).max(initial=1e-9)).max(initial=0))


def _bent(sound: Floats, rng: np.random.Generator) -> Floats:
    """Faster or slower by up to a major third, and for some with vibrato that sets in later."""
    speed, time = 2 ** (np.clip(rng.normal(0, 2), -4, 4) / 12), np.arange(len(sound)) / RATE
    depth = abs(rng.normal(0, 0.25)) * (rng.random() < 0.4)  # semitones
    slow = rng.uniform(4, 7.5) * 2 * np.pi
    sway = depth * 0.0578 / slow * np.sin(slow * time + rng.uniform(0, 6)) * np.minimum(time / rng.uniform(0.1, 1), 1)
    places = (time * speed + sway) * RATE
    places = places[(places >= 0) & (places < len(sound) - 1)]
    return np.asarray(map_coordinates(sound, [places], order=3, mode="nearest"), np.float32)


def _echoing(sound: Floats, rng: np.random.Generator) -> Floats:
    """A room of noise that dies away, as in Schroeder, "Natural sounding artificial reverberation", 1962."""
    seconds = np.exp(rng.uniform(np.log(0.1), np.log(2.5)))
    time = np.arange(round(RATE * min(seconds, 1.5))) / RATE
    room = rng.standard_normal(len(time)) * np.exp(-6.9 * time / seconds)
    room = np.convolve(room, [1, -rng.uniform(-0.9, 0.3)], "same") / np.sqrt((room**2).sum())
    room[0] += 10 ** rng.uniform(-0.4, 1)  # the direct sound
    size = next_fast_len(len(sound) + len(room), real=True)
    spectrum = rfft(sound, size) * rfft(room.astype(np.float32), size)
    return np.asarray(irfft(spectrum, size)[: len(sound)], np.float32)


class Notes(NamedTuple):
    """Log-mel windows half precision (n, FRAMES, 64), labels (n, classes) and how often each is drawn (n,)."""

    mel: torch.Tensor
    labels: torch.Tensor
    shares: NDArray[np.float64]


def notes(mel: NDArray[np.float16], labels: Floats) -> Notes:
    """Every instrument is drawn equally often, all others together as often as two instruments."""
    played = labels[:, : len(INSTRUMENTS)]
    kind = np.where(played.any(axis=1), played.argmax(axis=1), len(INSTRUMENTS))
    share = np.where(np.arange(len(INSTRUMENTS) + 1) == len(INSTRUMENTS), 2.0, 1.0) / np.maximum(
        np.bincount(kind, minlength=len(INSTRUMENTS) + 1), 1
    )
    shares = share[kind]
    return Notes(torch.from_numpy(mel), torch.from_numpy(labels), shares / shares.sum())


class Batch(NamedTuple):
    """Windows (b, CUT, 64), labels (b, classes), NaN for what is too soft to tell, and which are one voice (b,)."""

    mel: torch.Tensor
    labels: torch.Tensor
    alone: torch.Tensor


class Mixer:
    """Draws notes and puts them together; the same seed draws the same batches.

    Attributes:
        bank: what it draws from.
        hardness: 1 for all that can happen to a note, less for less of it.
        warp: how far the axis of frequency is stretched and moved, as a standard deviation in bands at its middle.
        alive: how far loudness moves within a note, in dB as a standard deviation; brightness moves with it.
        colour: how strong the equalisers are, 1 for about 5 dB as a standard deviation at either end.
        contrast: how far the peaks of a spectrum stand out, as a standard deviation of a factor of its decibels.
    """

    def __init__(
        self,
        bank: Notes,
        seed: int,
        *,
        hardness: float = 1.0,
        warp: float = 0.0,
        alive: float = 0.0,
        contrast: float = 0.0,
        colour: float = 1.0,
    ) -> None:
        self.bank, self.hardness, self.warp = bank, hardness, warp
        self.alive, self.contrast, self.colour = alive, contrast, colour
        self._rng = np.random.default_rng(seed)
        self._noise = torch.Generator().manual_seed(seed)
        played = bank.labels[:, : len(INSTRUMENTS)]
        kinds = torch.where(played.any(1), played.argmax(1), -1).numpy()
        self._kinds = kinds
        self._alike = {kind: np.flatnonzero(kinds == kind) for kind in np.unique(kinds)}

    def batch(self, size: int) -> Batch:
        """``size`` windows, two in five of them mixtures of two to four voices."""
        rows = self._rng.choice(len(self.bank.shares), size, p=self.bank.shares)
        power, labels = self._voice(rows), self.bank.labels[torch.from_numpy(rows)].clone()
        alone = torch.ones(size, dtype=torch.bool)
        count = round(0.4 * self.hardness * size)
        loudest = _level(power)
        for voices in (count, count // 2, count // 4):
            if not voices:
                continue
            others = self._rng.choice(len(self.bank.shares), voices, p=self.bank.shares)
            gain = torch.from_numpy(self._rng.uniform(-18, 6, voices).astype(np.float32))
            added = self._voice(others)
            ratio = 10 ** (gain / 10) * loudest[:voices] / _level(added)
            power[:voices] += added * ratio[:, None, None]
            labels[:voices] = _heard(labels[:voices], self.bank.labels[torch.from_numpy(others)], gain)
            alone[:voices] = False
        first = int(self._rng.integers(FRAMES - CUT + 1))
        return Batch(self._finished(power)[:, first : first + CUT], labels, alone)

    def _voice(self, rows: NDArray[np.int64]) -> torch.Tensor:
        """Power of the notes, for some with further notes of the same instrument, each voice through an equaliser."""
        power = self._moving(self.bank.mel[torch.from_numpy(rows)].float()).exp()
        more = self._rng.random(len(rows)) / max(self.hardness, 0.01)
        for bound in (0.4, 0.25, 0.1):
            for place in np.flatnonzero(more < bound):
                other = int(self._rng.choice(self._alike[self._kinds[rows[place]]]))
                if self._kinds[rows[place]] < 0 and not torch.equal(
                    self.bank.labels[other], self.bank.labels[rows[place]]
                ):
                    continue
                shift = int(self._rng.integers(FRAMES)) if self._rng.random() < 0.7 else 0
                note = self.bank.mel[other, : FRAMES - shift].float().exp()
                power[place, shift:] += note * float(10 ** self._rng.uniform(-0.6, 0.6))
        return self._warped(power) * self._equaliser(len(rows))

    def _moving(self, mel: torch.Tensor) -> torch.Tensor:
        """Log-mel windows in which a player swells and fades: louder is brighter; with more or less contrast."""
        size = len(mel)
        if self.contrast:
            factor = 1 + self.contrast * torch.randn(size, 1, 1, generator=self._noise)
            peak = mel.amax((1, 2), keepdim=True)
            mel = peak + (mel - peak) * factor.clamp(0.7, 1.4)
        if self.alive:
            knots = self.alive * torch.randn(size, 1, 6, generator=self._noise)
            curve = torch.nn.functional.interpolate(knots, mel.shape[1], mode="linear", align_corners=True)
            mel = mel + NATS * curve.transpose(1, 2) * (1 + torch.linspace(0, 1.5, mel.shape[2]))
        return mel

    def _warped(self, power: torch.Tensor) -> torch.Tensor:
        """Another size of instrument, as Jaitly & Hinton vary speakers ("Vocal tract length perturbation", 2013)."""
        if not self.warp:
            return power
        stretch, move = self.warp * torch.randn(2, len(power), 1, generator=self._noise)
        places = (torch.arange(64) * (1 + stretch / 32) + move).clamp(0, 62.99)
        below = places.long()
        share = (places - below)[:, None]
        index = below[:, None].expand(-1, power.shape[1], -1)
        return power.gather(2, index) * (1 - share) + power.gather(2, index + 1) * share

    def _equaliser(self, count: int) -> torch.Tensor:
        """Smooth curve over the bands, factors (count, 1, 64)."""
        knots = 2.5 * torch.randn(count, 1, 10, generator=self._noise)
        curve = torch.nn.functional.interpolate(knots, 64, mode="linear", align_corners=True)
        tilt = 4 * torch.randn(count, 1, 1, generator=self._noise) * torch.linspace(-1, 1, 64)
        return torch.exp(NATS * self.colour * (curve + tilt))

    def _finished(self, power: torch.Tensor) -> torch.Tensor:
        """Noise, a floor, sometimes a low-pass filter or holes; natural logs of the power."""
        size = len(power)
        peak = power.amax((1, 2))
        level = torch.from_numpy(10 ** self._rng.uniform(-7, -2.5, size).astype(np.float32)) * peak
        slope = 8 * torch.randn(size, 1, 1, generator=self._noise) * torch.linspace(-1, 1, 64)
        grain = -torch.rand(power.shape, generator=self._noise).clamp_min(1e-6).log()
        power = power + level[:, None, None] * torch.exp(NATS * slope) * grain
        floor = torch.from_numpy(10 ** self._rng.uniform(-7, -3.5, size).astype(np.float32)) * peak
        out = torch.maximum(power, floor[:, None, None]).log()
        for place in np.flatnonzero(self._rng.random(size) < 0.15 * self.hardness):
            cut = int(self._rng.integers(36, 62))
            out[place, :, cut:] = floor[place].log()
        for place in np.flatnonzero(self._rng.random(size) < 0.3 * self.hardness):
            first, wide = int(self._rng.integers(60)), int(self._rng.integers(1, 8))
            out[place, :, first : first + wide] = out[place].mean()
        for place in np.flatnonzero(self._rng.random(size) < 0.3 * self.hardness):
            first, wide = int(self._rng.integers(FRAMES - 10)), int(self._rng.integers(3, 30))
            out[place, first : first + wide] = floor[place].log()
        return out


def _level(power: torch.Tensor) -> torch.Tensor:
    """Mean power of the louder frames, (b,)."""
    return power.sum(2).topk(FRAMES // 4, dim=1).values.mean(1).clamp_min(1e-9)


def _heard(labels: torch.Tensor, added: torch.Tensor, gain: torch.Tensor) -> torch.Tensor:
    """Labels of both; what is 12 dB softer than the other voice is unknown unless it is there anyway."""
    soft = torch.where((added == 1) & (gain < -12)[:, None], torch.nan, added)
    return torch.where(
        (labels == 1) | (soft == 1), 1.0, torch.where(torch.isnan(soft) | torch.isnan(labels), torch.nan, 0.0)
    )
