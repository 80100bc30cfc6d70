"""A window of sound in, a picture out: waveform with beats, mel spectrum, chroma, and how probable each key is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recsys.audio.decode import windows
from recsys.audio.rhythm import describe as describe_rhythm
from recsys.audio.spectra import FRONT_END, Spectra
from recsys.audio.tonal import PITCH_NAMES, camelot, key_posterior
from recsys.errors import DataError, MissingExtra

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from recsys.audio.sound import Sound

Floats = NDArray[np.float32]
BLUE, ORANGE, GREY = "#2f5d8a", "#d9822b", "#9aa5b1"
COLUMNS = 2000  # of the waveform
FORMATS = (".png", ".svg", ".pdf")


def draw_file(path: str | Path, out: str | Path, title: str = "") -> None:
    """Draw the middle window of a sound file.

    Raises:
        MissingExtra: matplotlib is not installed.
        DataError: nothing in it can be decoded, or ``out`` is not a picture's name.
        OSError: it cannot be read.
    """
    sounds = windows(path)
    draw(sounds[len(sounds) // 2], out, title)


def draw(sound: Sound, out: str | Path, title: str = "") -> None:
    """Draw one window into a PNG, SVG or PDF.

    Raises:
        MissingExtra: matplotlib is not installed.
        DataError: ``out`` is not a picture's name.
    """
    out = Path(out)
    if out.suffix.lower() not in FORMATS:
        raise DataError(f"a picture named {out.name}; expected a name that ends with {', '.join(FORMATS)}")
    figure, axes = _canvas(title)
    spectra = Spectra(sound)
    events = describe_rhythm(spectra).events
    _waveform(axes[0], spectra, events)
    _mel(axes[1], spectra)
    _chroma(axes[2], spectra)
    _keys(axes[3], spectra)
    for axis in axes[:3]:
        axis.set_xlim(sound.start, sound.start + sound.seconds)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out)


def _canvas(title: str) -> tuple[Any, list[Axes]]:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra("matplotlib", "notebooks") from error
    figure = Figure(figsize=(11, 9.5), dpi=110, layout="constrained")
    axes = list(figure.subplots(4, 1, height_ratios=[1, 2, 1.6, 1.1]))
    for axis in axes[1:3]:
        axis.sharex(axes[0])
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
    if title:  # a dollar sign is no formula here
        figure.suptitle(title.replace("$", r"\$"), x=0.01, ha="left", fontsize=13)
    return figure, axes


def _waveform(axis: Axes, spectra: Spectra, events: dict[str, Floats]) -> None:
    """The range of the samples in each of 2000 columns, with a line at each beat, a stronger one at each downbeat."""
    start, samples = spectra.sound.start, spectra.samples
    edges = np.linspace(0, len(samples), min(COLUMNS, len(samples)) + 1).astype(int)[:-1]
    low, high = np.minimum.reduceat(samples, edges), np.maximum.reduceat(samples, edges)
    axis.fill_between(start + edges / spectra.rate, low, high, color=BLUE, linewidth=0)
    beats, downbeats = (events.get(name, np.empty(0, np.float32)) for name in ("beats", "downbeats"))
    axis.vlines(start + beats, -1, 1, color=GREY, linewidth=0.7, label="beats")
    axis.vlines(start + downbeats, -1, 1, color=ORANGE, linewidth=1.1, label="downbeats")
    reach = max(float(np.abs(samples).max(initial=0)) * 1.1, 0.01)
    axis.set(ylim=(-reach, reach), ylabel="amplitude")
    axis.set_title(f"waveform, {len(beats)} beats, {len(downbeats)} downbeats", loc="left", fontsize=10)
    axis.legend(loc="upper right", fontsize=8, frameon=True, framealpha=0.9, ncols=2)


def _mel(axis: Axes, spectra: Spectra) -> None:
    start, bands = spectra.sound.start, int(FRONT_END["mel_bands"])
    extent = (start, start + spectra.seconds, 0.0, float(bands))
    axis.imshow(spectra.mel.T, origin="lower", aspect="auto", cmap="magma", extent=extent, interpolation="nearest")
    wanted = np.array([250, 500, 1000, 2000, 4000, 8000])
    edges = _mels(np.array([FRONT_END["mel_low"], FRONT_END["mel_high"]]))
    places = (_mels(wanted) - edges[0]) / (edges[1] - edges[0]) * bands
    axis.set_yticks(places, [str(hz) for hz in wanted])
    axis.set_ylabel("Hz")
    axis.set_title("mel spectrum, dB, 80 under the loudest", loc="left", fontsize=10)


def _chroma(axis: Axes, spectra: Spectra) -> None:
    start = spectra.sound.start
    extent = (start, start + spectra.seconds, -0.5, 11.5)
    axis.imshow(spectra.chroma.T, origin="lower", aspect="auto", cmap="Blues", extent=extent, interpolation="nearest")
    axis.set_yticks(range(12), PITCH_NAMES)
    axis.set(xlabel="seconds from the start of the file", ylabel="pitch class")
    axis.set_title("chroma: share of each pitch class", loc="left", fontsize=10)


def _keys(axis: Axes, spectra: Spectra) -> None:
    """Bars by Camelot code: neighbours are related keys."""
    posterior = np.nan_to_num(key_posterior(spectra.chroma.mean(axis=0)))
    order = sorted(range(24), key=lambda key: (int(camelot(key)[:-1]), camelot(key)[-1]))
    colours = [BLUE if key < 12 else ORANGE for key in order]
    axis.bar(range(24), posterior[order], color=colours)
    names = [f"{PITCH_NAMES[key % 12]}{'' if key < 12 else 'm'}\n{camelot(key)}" for key in order]
    axis.set_xticks(range(24), names)
    axis.set(ylim=(0, 1), xlim=(-0.6, 23.6), ylabel="probability")
    axis.set_title("key of this window: major blue, minor orange", loc="left", fontsize=10)


def _mels(hz: NDArray[Any]) -> NDArray[np.float64]:
    """Slaney's mel scale, as in the front end."""
    hz = np.asarray(hz, np.float64)
    return np.where(hz < 1000, hz * 3 / 200, 15 + 27 * np.log(np.maximum(hz, 1) / 1000) / np.log(6.4))
