"""Sound in, music in symbols out: transcribe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from recsys.settings import Settings, changed
from recsys.verbs.made import Made, Pathlike, Paths, Progress
from recsys.verbs.raw import need_audio
from recsys.verbs.symbols import parts_of

USUAL = "notes,chords"


def transcribe(
    audio: Paths,
    *,
    out: Pathlike,
    with_: str | Sequence[str] = USUAL,
    vocabulary: str = "majmin",
    note_model: Pathlike | None = None,
    musicxml: bool = False,
    workers: int | None = None,
    settings: Settings | None = None,
    only_stale: bool = False,
    progress: Progress | None = None,
) -> Made:
    """Sound files to notes, chords, keys and beats, one set of files each, in a folder; what is done is not done again.

    Per track: ``NAME.mid``, ``.beats.csv``, with chords ``.chords.lab`` and ``.keys.lab`` (as ``.csv`` with how sure
    each is), with notes ``.notes.csv``, and a picture where matplotlib is installed. ``harmony.parquet`` holds a vector
    of each track's harmony, to be ingested as content.

    Args:
        audio: folders or files; the result holds these and no others.
        out: the folder to write or to bring up to date; a killed run goes on where it stopped.
        with_: "chords", "notes", or both, also with commas between; beats are always there. Chords alone take a fifth
            of the time.
        vocabulary: of chords: "majmin", "sevenths" or "all".
        note_model: a file that hears notes, weights of this kind or basic-pitch's ``nmp.onnx``; default: the one that
            comes along.
        musicxml: a lead sheet of each too, ``NAME.musicxml``: the melody where notes are asked for, and the chords.
        workers: processes.
        only_stale: nothing to say here: finished work is never done again.
        progress: called with (what, done, total).

    Raises:
        MissingExtra: packages that read sound are not installed.
        DataError: a folder does not exist, an unknown part, or a note model that is none.
        ArtefactError: ``out`` holds something else.
    """
    need_audio()
    from recsys.producers.transcription.folder import transcribe_folder

    wanted = changed(settings or Settings(), "analyze", workers=workers).analyze
    model = None if note_model is None else str(note_model)
    facts = transcribe_folder(
        audio,
        out,
        parts=parts_of(with_),
        vocabulary=vocabulary,
        note_model=model,
        musicxml=musicxml,
        workers=wanted.workers,
        progress=progress,
    )
    return Made("transcribe", Path(out), facts, unchanged=facts["unchanged"])
