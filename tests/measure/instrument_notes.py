"""Single notes of every instrument, played by FluidSynth from a soundfont: what the instrument tagger learns from.

A preset is named by its bank and programme; banks other than 0 and 128 (drums) are those of the soundfonts
FluidR3 and MuseScore General and are passed over in fonts that lack them.
"""

from __future__ import annotations

import struct
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from recsys.producers.instruments.names import CLASSES, INSTRUMENTS

RATE, SECONDS, STEP = 22050, 2.8, 4.0
SAMPLES = round(RATE * SECONDS)
CHUNK = 150  # notes in one run of FluidSynth
DRUM_BANK = 128

# instrument: lowest and highest pitch, presets; sections of violins, violas, cellos and basses count as the instrument
PLAYED: dict[str, tuple[int, int, tuple[tuple[int, int], ...]]] = {
    "piano": (21, 108, ((0, 0), (0, 1), (0, 3), (0, 0), (8, 0))),
    "electric piano": (28, 96, ((0, 2), (0, 4), (0, 5), (8, 4), (8, 5))),
    "harpsichord": (29, 89, ((0, 6), (8, 6))),
    "organ": (29, 96, ((0, 16), (0, 17), (0, 18), (0, 19), (0, 20), (8, 16), (8, 17), (8, 19))),
    "accordion": (41, 93, ((0, 21), (0, 22), (0, 23), (8, 21))),
    "bells": (55, 108, ((0, 8), (0, 9), (0, 10), (0, 14), (8, 14))),
    "vibraphone": (48, 93, ((0, 11),)),
    "marimba": (45, 103, ((0, 12), (0, 13))),
    "guitar": (36, 88, ((0, 24), (0, 25), (8, 25))),
    "electric guitar": (36, 88, ((0, 26), (0, 27), (0, 28), (8, 28))),
    "distorted guitar": (36, 88, ((0, 29), (0, 30))),
    "banjo": (46, 90, ((0, 105),)),
    "mandolin": (53, 93, ((16, 25),)),
    "harp": (24, 103, ((0, 46),)),
    "electric bass": (23, 62, ((0, 33), (0, 34), (0, 35), (0, 36), (0, 37))),
    "synth bass": (23, 60, ((0, 38), (0, 39), (8, 38), (8, 39))),
    "double bass": (23, 68, ((0, 32), (0, 43), (0, 43), (50, 48), (50, 49), (50, 44))),
    "violin": (54, 103, ((0, 40), (0, 110), (8, 40), (20, 48), (20, 49), (25, 49))),
    "viola": (47, 91, ((0, 41), (30, 48), (30, 49))),
    "cello": (35, 84, ((0, 42), (40, 48), (40, 49))),
    "string ensemble": (28, 96, ((0, 44), (0, 45), (0, 48), (0, 49), (20, 45), (40, 45), (20, 44), (30, 44), (40, 44))),
    "choir": (40, 84, ((0, 52), (0, 53))),
    "trumpet": (51, 88, ((0, 56), (0, 56), (0, 59))),
    "trombone": (33, 82, ((0, 57),)),
    "tuba": (23, 66, ((0, 58),)),
    "french horn": (33, 80, ((0, 60),)),
    "brass section": (36, 84, ((0, 61), (8, 61))),
    "saxophone": (36, 91, ((0, 64), (0, 65), (0, 66), (0, 67))),
    "oboe": (56, 94, ((0, 68),)),
    "cor anglais": (50, 85, ((0, 69),)),
    "bassoon": (22, 77, ((0, 70),)),
    "clarinet": (35, 97, ((0, 71),)),
    "flute": (58, 103, ((0, 73), (0, 73), (0, 72))),
    "recorder": (60, 98, ((0, 74), (0, 75), (0, 77), (0, 78), (0, 79))),
    "synth lead": (36, 96, ((0, 80), (0, 81), (0, 82), (0, 86), (8, 80), (0, 90), (20, 81))),
    "synth pad": (36, 90, ((0, 88), (0, 89), (0, 92), (0, 93), (0, 94), (0, 95))),
    "drums": (35, 81, tuple((DRUM_BANK, kit) for kit in (0, 8, 16, 24, 25, 32, 40, 48))),
}
# presets of no instrument above, with their families
OTHERS: dict[tuple[int, int], tuple[str, ...]] = {
    (0, 7): ("keyboards",), (0, 15): ("plucked",), (0, 50): ("strings", "synth"), (0, 51): ("strings", "synth"),
    (8, 24): ("plucked",), (0, 104): ("plucked",), (0, 106): ("plucked",), (0, 107): ("plucked",),
    (0, 47): ("percussion",), (0, 116): ("percussion",), (0, 117): ("percussion",), (0, 118): ("percussion", "synth"),
    (0, 108): ("mallets",), (0, 114): ("mallets",), (0, 54): ("voices", "synth"), (0, 85): ("voices",),
    (0, 62): ("brass", "synth"), (0, 63): ("brass", "synth"), (0, 109): ("woodwind",), (0, 111): ("woodwind",),
    (0, 122): (), (0, 126): ("applause",),
}  # fmt: skip


class Note(NamedTuple):
    """What is played: preset, MIDI pitch, velocity, seconds held, and its class ("" for none of the instruments)."""

    preset: tuple[int, int]
    pitch: int
    velocity: int
    held: float
    instrument: str


def presets(font: Path) -> set[tuple[int, int]]:
    """Bank and programme of every preset in a soundfont."""
    data = font.read_bytes()
    start = data.index(b"phdr")
    size = struct.unpack_from("<I", data, start + 4)[0]
    rows = (struct.unpack_from("<20sHH", data, start + 8 + place) for place in range(0, size - 38, 38))
    return {(bank, programme) for _, programme, bank in rows}


def drawn(font: Path, count: int, rng: np.random.Generator) -> list[Note]:
    """``count`` notes of each instrument (a third of it of each other preset) of those that the font has."""
    there, notes = presets(font), []
    for instrument, (low, high, listed) in PLAYED.items():
        kept = [preset for preset in listed if preset in there]
        notes += [
            _note(kept[k % len(kept)], low + (high - low) * (k + rng.random()) / count, instrument, rng)
            for k in range(count if kept else 0)
        ]
    for preset in sorted(there & OTHERS.keys()):
        low, high = (24, 48) if "percussion" in OTHERS[preset] else (45, 90)
        notes += [_note(preset, rng.uniform(low, high), "", rng) for _ in range(max(1, count // 3))]
    return [notes[place] for place in rng.permutation(len(notes))]


def _note(preset: tuple[int, int], pitch: float, instrument: str, rng: np.random.Generator) -> Note:
    held = float(np.exp(rng.uniform(np.log(0.12), np.log(1.2)))) if rng.random() < 0.5 else rng.uniform(1.2, 2.7)
    return Note(preset, round(pitch), int(rng.integers(25, 128)), held, instrument)


def labels(notes: list[Note]) -> NDArray[np.float32]:
    """1 for each class of a note, float32 (notes, classes)."""
    out = np.zeros((len(notes), len(CLASSES)), np.float32)
    for row, note in zip(out, notes, strict=True):
        told = (note.instrument, *INSTRUMENTS[note.instrument]) if note.instrument else OTHERS[note.preset]
        row[[CLASSES.index(name) for name in told]] = 1
    return out


def played(notes: list[Note], font: Path) -> NDArray[np.int16]:
    """Sound of each note, int16 (notes, SAMPLES), without reverberation or chorus."""
    out = np.zeros((len(notes), SAMPLES), np.int16)
    for start in range(0, len(notes), CHUNK):
        chunk = notes[start : start + CHUNK]
        sound = _run(chunk, font)
        for place in range(len(chunk)):
            first = round(place * STEP * RATE)
            heard = sound[first : first + SAMPLES]
            peak = float(np.abs(heard).max(initial=0))
            out[start + place, : len(heard)] = heard * (30000 / peak) if peak > 1e-4 else 0
    return out


def _run(notes: list[Note], font: Path) -> NDArray[np.float32]:
    """Played at 44.1 kHz, so that nothing folds back, and brought to ``RATE``, mono."""
    with tempfile.TemporaryDirectory() as folder:
        score, sound = Path(folder) / "a.mid", Path(folder) / "a.wav"
        score.write_bytes(_midi(notes))
        command = ["fluidsynth", "-ni", "-q", "-g", "0.5", "-r", "44100", "-R", "0", "-C", "0"]
        command += ["-o", "synth.midi-bank-select=mma", "-F", str(sound), str(font), str(score)]
        subprocess.run(command, check=True, capture_output=True)
        samples = soundfile.read(sound, dtype="float32", always_2d=True)[0].mean(axis=1)
    return np.asarray(soxr.resample(samples, 44100, RATE), np.float32)


def _midi(notes: list[Note]) -> bytes:
    """One note every STEP seconds; ticks are milliseconds. Bank 128 is the drum channel."""
    events: list[tuple[int, bytes]] = []
    for place, note in enumerate(notes):
        start, (bank, programme) = round(1000 * place * STEP), note.preset
        channel = 9 if bank == DRUM_BANK else place % 8
        events += [(start, bytes([0xB0 | channel, 0, bank >> 7 if bank < DRUM_BANK else 0]))]
        events += [(start, bytes([0xB0 | channel, 32, bank % 128 if bank < DRUM_BANK else 0]))]
        events += [(start, bytes([0xC0 | channel, programme]))]
        events += [(start, bytes([0x90 | channel, note.pitch, note.velocity]))]
        events += [(start + round(1000 * note.held), bytes([0x80 | channel, note.pitch, 0]))]
        events += [(start + round(1000 * STEP) - 50, bytes([0xB0 | channel, 120, 0]))]
    track, now = b"\x00\xff\x51\x03" + (500_000).to_bytes(3, "big"), 0
    for tick, message in events:
        track, now = track + _variable(tick - now) + message, tick
    track += _variable(100) + b"\xff\x2f\x00"
    return struct.pack(">4sIHHH", b"MThd", 6, 0, 1, 500) + struct.pack(">4sI", b"MTrk", len(track)) + track


def _variable(number: int) -> bytes:
    """A MIDI number of variable length."""
    out = [number & 127]
    while number := number >> 7:
        out.append(number & 127 | 128)
    return bytes(reversed(out))
