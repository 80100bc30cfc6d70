"""Windows of sound in, the same made comparable out: silence cut off the ends, and one loudness."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recsys.audio.dynamics import block_loudness, integrated_loudness, silence, weighted_power
from recsys.audio.sound import Sound

LOUDEST = 0.99  # of full scale: gain stops there


def prepared(sounds: Sequence[Sound], *, trim: bool = False, loudness: float | None = None) -> Sequence[Sound]:
    """Windows as the settings want them: ``trimmed``, then ``levelled``; as they are where nothing is wanted."""
    ready = trimmed(sounds) if trim else sounds
    return ready if loudness is None else levelled(ready, loudness)


def trimmed(sounds: Sequence[Sound]) -> list[Sound]:
    """Windows without the silence at the start of the first and at the end of the last.

    Silence is more than 60 dB under the loudest 10 ms of its window; a window of nothing else stays as it is.

    >>> tone = np.r_[np.zeros(22050), np.ones(22050), np.zeros(11025)].astype(np.float32)
    >>> [(round(sound.start, 1), round(sound.seconds, 1)) for sound in trimmed([Sound(tone, start=7.0)])]
    [(8.0, 1.0)]
    """
    cut = list(sounds)
    cut[0] = _without(cut[0], silence(cut[0].samples, cut[0].rate)[0], 0.0)
    cut[-1] = _without(cut[-1], 0.0, silence(cut[-1].samples, cut[-1].rate)[1])
    return cut


def levelled(sounds: Sequence[Sound], target: float) -> list[Sound]:
    """All windows under one gain, which brings their integrated loudness to ``target`` LUFS, short of clipping.

    >>> time = np.arange(5 * 22050) / 22050
    >>> quiet = Sound((0.01 * np.sin(2 * np.pi * 997 * time)).astype(np.float32))
    >>> round(float(levelled([quiet], -20.0)[0].samples.max()), 2)
    0.1
    """
    blocks = [block_loudness(weighted_power(sound.samples, sound.rate), 4) for sound in sounds]
    loudness = integrated_loudness(np.concatenate(blocks))
    peak = max(float(np.abs(sound.samples).max(initial=0)) for sound in sounds)
    if np.isnan(loudness) or not peak > 0:
        return list(sounds)
    gain = np.float32(min(10 ** ((target - loudness) / 20), LOUDEST / peak))
    return [Sound(sound.samples * gain, sound.rate, sound.start) for sound in sounds]


def _without(sound: Sound, head: float, tail: float) -> Sound:
    """A window less some seconds at its ends; unchanged where they are unknown."""
    first, last = (round(float(np.nan_to_num(seconds)) * sound.rate) for seconds in (head, tail))
    return Sound(sound.samples[first : len(sound.samples) - last], sound.rate, sound.start + first / sound.rate)
