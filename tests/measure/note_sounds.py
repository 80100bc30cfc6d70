"""Music in symbols in, worn sound and what is to be heard in it out: played by FluidSynth or by partials added up."""

from __future__ import annotations

import struct
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile
import soxr
from numpy.typing import NDArray

from recsys.audio.augment import through_codec
from recsys.producers.transcription.keys import HOP, KEYS, LOWEST
from tests.measure.arrange import _glide
from tests.measure.instrument_notes import PLAYED
from tests.measure.instrument_synthetic import RECIPES, note
from tests.measure.note_made import DRUMS, Music, Part
from tests.measure.perform import _variable

RATE = 22050
Sounds = NDArray[np.float32]
Floats = NDArray[np.float64]
Random = np.random.Generator
WIDTH = 2.2  # frames in which an onset fades


def played(music: Music, font: Path, rng: Random) -> Sounds:
    """Sound of FluidSynth; parts are louder or softer than each other."""
    with tempfile.TemporaryDirectory() as folder:
        score, wave = Path(folder) / "a.mid", Path(folder) / "a.wav"
        score.write_bytes(_midi(music, rng))
        reverb, chorus = str(int(rng.random() < 0.6)), str(int(rng.random() < 0.2))
        options = ["-ni", "-q", "-g", "0.4", "-r", str(RATE), "-R", reverb, "-C", chorus]
        options += ["-o", "synth.dynamic-sample-loading=1", "-o", "synth.polyphony=200"]
        subprocess.run(["fluidsynth", *options, "-F", wave, font, score], check=True, capture_output=True)
        return soundfile.read(wave, dtype="float32", always_2d=True)[0].mean(axis=1)


def _midi(music: Music, rng: Random) -> bytes:
    """A MIDI file whose ticks are milliseconds."""
    tracks, free = [b"\x00\xff\x51\x03" + (500_000).to_bytes(3, "big")], [c for c in range(16) if c != 9]
    for part in music.parts[:15]:
        channel = 9 if part.program == DRUMS else free.pop(0)
        events = [(0, 0, bytes([0xC0 | channel, max(part.program, 0)]))]
        events.append((0, 0, bytes([0xB0 | channel, 7, int(rng.integers(65, 120))])))
        for start, end in music.pedal:
            events += [(round(start * 1000), 0, bytes([0xB0 | channel, 64, 127]))]
            events += [(round(end * 1000), 0, bytes([0xB0 | channel, 64, 0]))]
        for onset, offset, pitch, velocity in part.rows:
            begin = round(onset * 1000)
            events.append((begin, 2, bytes([0x90 | channel, int(pitch), max(1, int(velocity))])))
            events.append((max(round(offset * 1000), begin + 20), 1, bytes([0x80 | channel, int(pitch), 0])))
        track, now = b"", 0
        for tick, _, message in sorted(events):
            track, now = track + _variable(tick - now) + message, tick
        tracks.append(track)
    body = b"".join(struct.pack(">4sI", b"MTrk", len(track) + 4) + track + b"\x00\xff\x2f\x00" for track in tracks)
    return struct.pack(">4sIHHH", b"MThd", 6, 1, len(tracks), 500) + body


def added(music: Music, seconds: float, rng: Random) -> tuple[Music, Sounds]:
    """The same music by partials that code adds up, one recipe to a part; moved into its instrument's range."""
    out, parts = np.zeros(round((seconds + 4) * RATE), np.float32), []
    for part in music.parts:
        if part.program == DRUMS:
            continue
        name, kept = str(rng.choice(list(RECIPES))), []
        if name in ("bells", "double bass"):
            name = "organ"
        low, high, _ = PLAYED[name]
        for onset, offset, pitch, velocity in part.rows:
            while pitch < low:
                pitch += 12
            while pitch > high:
                pitch -= 12
            length = min(offset - onset, 2.6)
            sound = note(RECIPES[name], pitch + rng.normal(0, 0.04), (pitch - low) / max(high - low, 1), rng)
            size = min(len(sound), round((length + 0.12) * RATE))
            fade = np.clip(1 - (np.arange(size) / RATE - length) / 0.12, 0, 1).astype(np.float32)
            start = round(onset * RATE)
            sound = sound[:size] * fade * np.float32((velocity / 127) ** 1.7 / (np.abs(sound).max() + 1e-6))
            out[start : start + size] += sound[: max(len(out) - start, 0)]
            kept.append((onset, onset + length, pitch, velocity))
        rows = np.array(kept)
        parts.append(Part(0, rows[rows[:, 0] < seconds]))
    return Music(parts), out


def worn(samples: Sounds, rng: Random) -> tuple[Sounds, float]:
    """Detuned, in a room, equalised, noisy, cut or coded, at some level; and by how much times grow."""
    peak = float(np.abs(samples).max())
    samples, grown = (samples / peak if peak > 1e-4 else samples), 1.0
    if rng.random() < 0.5:
        grown = float(2 ** (np.clip(rng.normal(0, 14), -40, 40) / 1200))
        samples = soxr.resample(samples, RATE, RATE * grown, quality="MQ")
    if rng.random() < 0.3:
        samples = _roomy(samples, rng)
    if rng.random() < 0.65:
        samples = _equalised(samples, rng)
    if rng.random() < 0.12:
        samples = np.tanh(samples * rng.uniform(1, 4))
    if rng.random() < 0.25:
        section = scipy.signal.butter(6, rng.uniform(2500, 9500), fs=RATE, output="sos")
        samples = scipy.signal.sosfilt(section, samples)
    if rng.random() < 0.6:
        noise = coloured(len(samples), rng)
        samples = samples + 10 ** (-rng.uniform(18, 65) / 20) * noise * (np.abs(samples).max() + 0.1)
    samples = (samples / (np.abs(samples).max() + 1e-3) * 10 ** (-rng.uniform(0.3, 22) / 20)).astype(np.float32)
    if rng.random() < 0.12:
        samples = through_codec(samples, RATE, codec="vorbis", squeeze=float(rng.uniform(0.3, 0.99)))
    return samples.astype(np.float32), grown


def coloured(count: int, rng: Random) -> Sounds:
    """Noise of some colour with a peak near 1."""
    colour = np.maximum(np.arange(count // 2 + 1), 30.0) ** -rng.uniform(0, 1)
    made = np.fft.irfft(np.fft.rfft(rng.standard_normal(count)) * colour, count)
    return (made / (np.abs(made).max() + 1e-9)).astype(np.float32)


def _roomy(samples: Sounds, rng: Random) -> Sounds:
    """Noise that dies away, after the sound itself."""
    time = np.arange(int(RATE * 1.2)) / RATE
    answer = rng.standard_normal(len(time)) * np.exp(-6.9 * time / rng.uniform(0.15, 1.5))
    answer *= 10 ** (-rng.uniform(6, 24) / 20) / np.sqrt(np.square(answer).sum())
    answer[0] = 1
    return scipy.signal.oaconvolve(samples, answer.astype(np.float32))[: len(samples)].astype(np.float32)


def _equalised(samples: Sounds, rng: Random) -> Sounds:
    size = len(samples)
    hz = np.fft.rfftfreq(size, 1 / RATE)
    knots = np.log2([40, 120, 350, 1000, 3000, 9000])
    gains = np.interp(np.log2(np.maximum(hz, 20)), knots, rng.normal(0, 5, len(knots)))
    return np.fft.irfft(np.fft.rfft(samples) * 10 ** (gains / 20), size).astype(np.float32)


def unmusical(seconds: float, rng: Random) -> Sounds:
    """Noise, a voice that glides as speech does, clicks, or nothing."""
    count, out = round(seconds * RATE), np.zeros(round(seconds * RATE), np.float32)
    for kind in rng.choice(["noise", "glide", "clicks", "nothing"], int(rng.integers(1, 3)), replace=False):
        if kind == "noise":
            out += coloured(count, rng) * np.float32(rng.uniform(0.1, 1))
        elif kind == "glide":
            voice = _glide(min(count, 45 * RATE), rng).astype(np.float32)
            out[: len(voice)] += voice / (np.abs(voice).max() + 1e-6) * np.float32(rng.uniform(0.1, 1))
        elif kind == "clicks":
            places = rng.integers(0, count, int(seconds * rng.uniform(0.5, 8)))
            out[places] += rng.uniform(-1, 1, len(places)).astype(np.float32)
            out = scipy.signal.lfilter([1], [1, -rng.uniform(0.5, 0.99)], out).astype(np.float32)
    return out


def targets(music: Music, frames: int, grown: float) -> NDArray[np.uint8]:
    """What is to be heard, uint8 (2, frames, KEYS): nearness of an onset (255: on it), velocity while it sounds."""
    told = np.zeros((2, frames, KEYS), np.uint8)
    rows = [part.rows for part in music.parts if part.program != DRUMS and len(part.rows)]
    if not rows:
        return told
    table = held(np.concatenate(rows), music.pedal)
    for onset, offset, pitch, velocity in table[np.argsort(table[:, 3])]:
        key, start, end = int(pitch) - LOWEST, onset * grown * RATE / HOP, offset * grown * RATE / HOP
        first, last = max(int(np.ceil(start - WIDTH)), 0), min(int(start + WIDTH), frames - 1)
        near = np.arange(first, last + 1)
        value = np.rint(255 * (1 - np.abs(near - start) / WIDTH)).clip(0, 255).astype(np.uint8)
        told[0, first : last + 1, key] = np.maximum(told[0, first : last + 1, key], value)
        told[1, round(start) : max(round(end), round(start) + 1), key] = int(velocity)
    return told


def held(rows: Floats, pedal: Floats) -> Floats:
    """Notes that sound on while the pedal is held, until their key is struck again."""
    rows = rows[np.lexsort((rows[:, 0], rows[:, 2]))].copy()
    if len(pedal):
        place = np.searchsorted(pedal[:, 0], rows[:, 1], "right") - 1
        inside = (place >= 0) & (rows[:, 1] < pedal[place, 1])
        rows[:, 1] = np.where(inside, np.minimum(pedal[place, 1], rows[:, 1] + 4), rows[:, 1])
        same = rows[1:, 2] == rows[:-1, 2]
        rows[:-1, 1] = np.where(same, np.minimum(rows[:-1, 1], rows[1:, 0]), rows[:-1, 1])
        rows[:, 1] = np.maximum(rows[:, 1], rows[:, 0] + 0.02)
    return rows


def fonts_by_name(fonts: Sequence[Path]) -> dict[str, Path]:
    """Soundfonts by the names of their files."""
    return {path.stem: path for path in fonts}
