"""A piece in symbols in, a sound file out: by FluidSynth where it has a soundfont, else by our own synthesizer."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from recsys import manifest
from recsys.errors import DataError
from recsys.producers.notation import Piece, write_midi
from recsys.sources.sample.compose import HAT, KICK, SNARE, Note
from recsys.sources.sample.synth import RATE, render

FONTS = (
    "/usr/share/sounds/sf2",
    "/usr/share/soundfonts",
    "/usr/local/share/soundfonts",
    "/opt/homebrew/share/soundfonts",
)
SECONDS = 300  # that FluidSynth may take
TAIL = 1.0  # seconds after the last note
TIMBRES = (("piano", 16), ("organ", 24), ("pluck", 32), ("bass", 40), ("pad", 56), ("flute", 80), ("organ", 88))
DRUMS = {35: KICK, 36: KICK, 38: SNARE, 40: SNARE}
ENDINGS = (".wav", ".flac", ".ogg", ".mp3")


def sound(path: Path, piece: Piece, remark: str) -> str:
    """Write the sound of a piece, the remark among its tags; the name of what played it.

    Raises:
        DataError: an ending that is none of ``ENDINGS``.
    """
    if path.suffix.lower() not in ENDINGS:
        raise DataError(f"audio {path.name!r}; expected a name that ends in {', '.join(ENDINGS)}")
    with tempfile.TemporaryDirectory() as folder:
        found = _fluidsynth(piece, Path(folder))
        samples, rate, player = found if found is not None else (_own(piece), RATE, "recsys synthesizer")
        work = Path(folder) / f"sound{path.suffix}"
        with soundfile.SoundFile(work, "w", rate, 1 if samples.ndim == 1 else samples.shape[1]) as file:
            file.comment, file.software, file.title = remark, "recsys", piece.title
            file.write(samples)
        manifest.write_bytes(path, work.read_bytes())
    return player


def soundfont() -> Path | None:
    """A soundfont: of the variable SOUNDFONT, else the smallest in the usual places."""
    named = os.environ.get("SOUNDFONT")
    if named:
        return Path(named)
    found = [path for folder in FONTS if Path(folder).is_dir() for path in Path(folder).glob("*.sf2")]
    return min(found, key=lambda path: (path.stat().st_size, path.name), default=None)


def _fluidsynth(piece: Piece, folder: Path) -> tuple[NDArray[np.float32], int, str] | None:
    program, font = shutil.which("fluidsynth"), soundfont()
    if program is None or font is None:
        return None
    write_midi(folder / "piece.mid", piece)
    words = [program, "-ni", "-q", "-g", "0.6", "-r", "44100", "-F", str(folder / "raw.wav"), str(font)]
    try:
        subprocess.run([*words, str(folder / "piece.mid")], check=True, capture_output=True, timeout=SECONDS)
        samples, rate = soundfile.read(folder / "raw.wav", dtype="float32")
    except (subprocess.SubprocessError, OSError, soundfile.LibsndfileError):
        return None
    return samples, rate, f"FluidSynth, {font.name}"


def _own(piece: Piece) -> NDArray[np.float32]:
    notes = [
        Note(onset, offset, _drum(pitch) if part.drums else pitch, _timbre(part.program, part.drums), velocity / 127)
        for part in piece.parts
        for onset, offset, pitch, velocity in zip(
            part.notes.onset.tolist(),
            part.notes.offset.tolist(),
            part.notes.pitch.tolist(),
            part.notes.velocity.tolist(),
            strict=True,
        )
    ]
    return render(notes, max((note.offset_s for note in notes), default=0.0) + TAIL)


def _drum(pitch: int) -> int:
    return DRUMS.get(pitch, HAT)


def _timbre(program: int | None, drums: bool) -> str:
    """The timbre of ours that is nearest to a program of General MIDI."""
    if drums:
        return "drums"
    return next((name for name, end in TIMBRES if (program or 0) < end), "pad")
