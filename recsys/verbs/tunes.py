"""A hummed tune or a MIDI file in, the tracks that have it out: similar --hum, --midi."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recsys.errors import DataError
from recsys.verbs.made import Pathlike

if TYPE_CHECKING:
    import pandas as pd

    from recsys.engine import Engine
    from recsys.producers.notation import Notes
    from recsys.tables.merge import Place

HUMMED = "recsys.producers.melody.voice:hummed"
MOST = 10_000  # notes of a MIDI file that are looked at: more than a search makes use of


def one_question(
    hum: Pathlike | None, midi: Pathlike | None, seeds: Sequence[Any], by: str | None, not_same_album: bool
) -> None:
    """DataError where a tune comes with something that a tune has no use for."""
    if hum is not None and midi is not None:
        raise DataError("both --hum and --midi; expected one tune at a time")
    if seeds or by or not_same_album:
        raise DataError("a tune together with tracks, --by or --not-same-album; expected the tune alone")


def found(engine: Engine, hum: Pathlike | None, midi: Pathlike | None, n: int | None, **rules: Any) -> pd.DataFrame:
    """Tracks of a bundle that have a tune.

    Raises:
        DataError: no such file, no clear voice, too short a tune, or a bundle without melodies.
    """
    path = Path(str(hum if hum is not None else midi))
    if not path.is_file():
        raise DataError(f"no file {path}; expected {'a sound file' if hum is not None else 'a MIDI file'} with a tune")
    if not len(engine.tunes):
        raise DataError(f"{engine.folder} knows no melodies; expected: recsys analyze --with notes, ingest, train")
    tune = _hummed(path) if hum is not None else _played(path)
    return engine.similar_tunes(tune, n, name=str(path), **rules)


def carry_melodies(
    engine: Engine, folder: Path, tracks: Place, features: Pathlike | None, digests: pd.Series | None
) -> None:
    """Take the melodies of a bundle along to one whose catalogue has more tracks, with those that were heard of these.

    Args:
        engine: the bundle.
        folder: where the other is being written.
        tracks: where the tracks of the bundle went.
        features: a library with what was heard of it beside it, and ``digests`` which of its sounds each track has.
    """
    from recsys.bundle import save_arrays
    from recsys.opened import MELODY
    from recsys.producers.melody.search import Tunes
    from recsys.verbs.symbols import melodies_of

    lines: list[Notes | None] = [None] * tracks.size
    if features is not None and digests is not None:
        lines = melodies_of(features, digests)
    if (engine.folder / MELODY).is_dir():
        for row, line in engine.tunes.moved(tracks.rows).lines():
            lines[row] = lines[row] or line
    tunes = Tunes.of(lines)
    if len(tunes):
        save_arrays(folder / MELODY, tunes.arrays())


def _hummed(path: Path) -> Notes:
    """Heard in a process of its own, as any file from outside."""
    from recsys.audio.alone import alone

    notes: Notes = alone(HUMMED, str(path))
    return notes


def _played(path: Path) -> Notes:
    from recsys.producers.melody.line import melody
    from recsys.producers.notation import read_midi

    notes = read_midi(path).notes
    return melody(notes.take(np.arange(min(len(notes), MOST))))
