"""Notes, beats and chords in, files that editors and programs read out; and back again."""

from recsys.producers.notation.files import Transcription, safe_names, write_transcription
from recsys.producers.notation.midi import write_midi
from recsys.producers.notation.midi_reading import read_midi
from recsys.producers.notation.musicxml import write_musicxml
from recsys.producers.notation.score import Metre, Notes, Part, Piece
from recsys.producers.notation.tables import (
    Segments,
    read_beats,
    read_lab,
    read_notes,
    write_beats,
    write_lab,
    write_notes,
    write_segments,
)

__all__ = [
    "Metre",
    "Notes",
    "Part",
    "Piece",
    "Segments",
    "Transcription",
    "read_beats",
    "read_lab",
    "read_midi",
    "read_notes",
    "safe_names",
    "write_beats",
    "write_lab",
    "write_midi",
    "write_musicxml",
    "write_notes",
    "write_segments",
    "write_transcription",
]
