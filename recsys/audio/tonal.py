"""Key, tuning and harmony of a window of sound.

The key is the one of 24 whose profile fits the mean chroma best; keys are numbered 0 to 11 for C major to
B major and 12 to 23 for C minor to B minor. The profiles are the means, in standard units, of those of
Temperley (Music and Probability, 2007) and of Albrecht & Shanahan (Music Perception 31, 2013).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recsys.audio.described import Described, mean_of
from recsys.audio.notes import find_tuning
from recsys.audio.spectra import Spectra

Floats = NDArray[np.float32]

VERSION = 2  # goes up when values change
PITCH_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
PROFILES = np.array(
    [
        [1.776, -1.078, 0.442, -1.035, 0.968, 0.277, -0.942, 1.556, -0.972, 0.002, -1.071, 0.075],
        [1.735, -1.100, 0.408, 0.840, -1.078, 0.372, -1.014, 1.763, -0.040, -1.019, -0.602, -0.264],
    ],
    np.float32,
)
SHARPNESS = 3.0  # how fast probability falls with the fit of a key
KNOWN = 0.15  # a key less probable than this is not a key
TUNED = 0.1  # agreement of the peaks below which there is no tuning
SHORTEST = 1.0  # seconds below which there is no key
STEADY_HZ = (200.0, 500.0)  # where pitch_steadiness is measured
NAMES = ("key", "mode", "key_clarity", "tuning", "harmonic_change", "chroma_entropy", "pitch_steadiness")


def key_name(key: float) -> str:
    """The name of a key number; empty when it is NaN.

    >>> key_name(0), key_name(21.0), key_name(float("nan"))
    ('C major', 'A minor', '')
    """
    return "" if np.isnan(key) else f"{PITCH_NAMES[int(key) % 12]} {'major' if key < 12 else 'minor'}"


def camelot(key: float) -> str:
    """The Camelot code of a key number: neighbours on the wheel mix well; empty when it is NaN.

    >>> camelot(0), camelot(21), camelot(7)
    ('8B', '8A', '9B')
    """
    if np.isnan(key):
        return ""
    tonic = int(key) % 12 + (0 if key < 12 else 3)
    return f"{(7 * tonic + 7) % 12 + 1}{'B' if key < 12 else 'A'}"


def key_posterior(chroma: Floats) -> Floats:
    """Probability of each of the 24 keys given a mean chroma (12,) of any scale, float32 (24,).

    A flat chroma gives a flat posterior; a chroma of zeros gives NaN.
    """
    total = chroma.sum()
    if not total > 0:
        return np.full(24, np.nan, np.float32)
    fit = SHARPNESS * (_KEYS @ (12 * chroma / total - 1))
    odds = np.exp(fit - fit.max())
    return (odds / odds.sum()).astype(np.float32)


def tonnetz(chroma: Floats) -> Floats:
    """Place of each chroma on the circles of fifths, minor thirds and major thirds, float32 (frames, 6).

    Harte, Sandler & Gasser, Detecting Harmonic Change in Musical Audio, AMCMM 2006.
    """
    share = chroma / np.maximum(chroma.sum(axis=-1, keepdims=True), np.float32(1e-10))
    return share @ _TONNETZ


def describe(spectra: Spectra) -> Described:
    """Key and harmony of one window; all NaN and no vector when it is silent or too short.

    ``extra`` holds the mean chroma (12,), its bass (12,) and the key posterior (24,), all from C; the vector,
    float32 (41,), is the same in every key, so that transposed music stays near.
    """
    if spectra.silent or spectra.seconds < SHORTEST or not spectra.chroma.sum() > 0:
        return Described(dict.fromkeys(NAMES, float("nan")))
    places = tonnetz(spectra.chroma)
    move = float(np.linalg.norm(np.diff(places, axis=0), axis=1).mean())
    cents = spectra.tuning.cents if spectra.tuning.agreement >= TUNED else float("nan")
    steadiness = find_tuning(spectra.peaks, *STEADY_HZ).agreement
    values = {"tuning": cents, "harmonic_change": move, "pitch_steadiness": steadiness}
    extra = {"chroma": spectra.chroma.mean(axis=0), "bass_chroma": spectra.bass_chroma.mean(axis=0)}
    return _complete(values, extra, places.std(axis=0))


def merge(windows: Sequence[Described]) -> Described:
    """Windows of one file as one: the key of their mean chroma, the mean of everything else."""
    known = [window for window in windows if window.vector is not None]
    if not known:
        return Described(dict.fromkeys(NAMES, float("nan")))
    whole = mean_of(known)
    assert whole.vector is not None
    return _complete(whole.values, whole.extra, whole.vector[24:30])


def _complete(values: dict[str, float], extra: dict[str, Floats], spread: Floats) -> Described:
    """Add what follows from the mean chroma: key, mode, clarity, and the vector relative to the tonic."""
    posterior = key_posterior(extra["chroma"])
    best = int(posterior.argmax())
    known = bool(posterior[best] >= KNOWN)
    share = extra["chroma"] / extra["chroma"].sum()
    entropy = float(-(share * np.log2(np.maximum(share, 1e-10))).sum() / np.log2(12))
    derived = {
        "key": float(best) if known else float("nan"),
        "mode": float(posterior[:12].sum()) if known else float("nan"),
        "key_clarity": float(posterior[best]),
        "chroma_entropy": entropy,
    }
    chosen = {name: {**values, **derived}[name] for name in NAMES}
    vector = _relative(posterior, extra, spread, chosen)
    return Described(chosen, vector, extra={**extra, "key_posterior": posterior})


def _relative(posterior: Floats, extra: dict[str, Floats], spread: Floats, values: dict[str, float]) -> Floats:
    tonic = int((posterior[:12] + posterior[12:]).argmax())
    chroma, bass = (np.roll(extra[name], -tonic) for name in ("chroma", "bass_chroma"))
    mode = float(posterior[:12].sum())
    rest = [*tonnetz(chroma), mode, *(values[name] for name in NAMES[2:] if name != "tuning")]
    return np.nan_to_num(np.concatenate([chroma, bass, spread, rest])).astype(np.float32)


def _all_keys() -> Floats:
    return np.stack([np.roll(profile, tonic) for profile in PROFILES for tonic in range(12)])


_KEYS = _all_keys()
_ANGLES = np.arange(12)[:, None] * np.pi * np.array([7 / 6, 3 / 2, 2 / 3])
_TONNETZ = np.concatenate([np.sin(_ANGLES), np.cos(_ANGLES)], axis=1) * np.array([1, 1, 0.5, 1, 1, 0.5])
_TONNETZ = _TONNETZ.astype(np.float32)
