"""Pieces in symbols in, a model of them out: learn generation; and the model's own pieces: compose."""

from __future__ import annotations

import json
import os
import time as clock
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsys import manifest
from recsys.errors import DataError, MissingExtra
from recsys.freshness import is_current
from recsys.settings import Settings
from recsys.verbs.made import Made, Pathlike, Progress

if TYPE_CHECKING:
    from numpy.random import Generator

    from recsys.producers.generation.arranging import Band
    from recsys.producers.generation.composer import Stored
    from recsys.producers.generation.composing import Wish
    from recsys.producers.generation.rolls import Rolls
    from recsys.producers.generation.songs import Song

VERB = "learn generation"
TRAINED_ON = "POP909 (Wang et al., ISMIR 2020; MIT)"
CARD = "recsys/producers/generation/CARD.md"


def learn_generation(
    *,
    out: Pathlike,
    midi: Pathlike | None = None,
    rolls: Pathlike | None = None,
    arm: str | None = None,
    epochs: int | None = None,
    shift: int | None = None,
    threads: int = 2,
    seed: int | None = None,
    settings: Settings | None = None,
    only_stale: bool = False,
    progress: Progress | None = None,
) -> Made:
    """Learn what comes next in polyphonic pieces; ``metrics.json`` of the folder has ``valid_nll`` and ``test_nll``.

    Both are nats per step, summed over 88 keys, mean over all steps of a part. The valid part says when to stop;
    where there is no test part, ``test_nll`` is null. A run that was killed goes on where it stopped.

    Args:
        out: the folder of the model; an older one is replaced.
        midi: a folder of MIDI files, four steps to a beat; folders in it called train, valid and test are those parts.
        rolls: or an .npz with ``train``, ``valid`` and, if there, ``test``, steps × 88, and the lengths ``*_len``.
        arm: recurrent, tied or attention; default: what suits the size of the data.
        epochs: at most.
        shift: semitones that pieces are moved by at most while learning.
        threads: of the processor.
        seed: of weights and of the order of pieces.

    Raises:
        MissingExtra: torch is not installed.
        DataError: no pieces, or not one source of them.
        ArtefactError: ``out`` holds something else.
    """
    found, place = _rolls(midi, rolls), Path(os.path.abspath(out))
    from recsys.producers.generation.kept import write_model
    from recsys.producers.generation.learning import learn, nll
    from recsys.producers.generation.usual import usual

    started = clock.perf_counter()
    number = (settings or Settings()).train.seed if seed is None else seed
    manifest.replaceable(place)
    plan, lesson = usual(found, arm=arm, epochs=epochs, shift=shift)
    asked = {"arm": arm, "epochs": epochs, "shift": shift, "seed": number}
    made_from = {"rolls": found.digest, "asked": asked}
    if only_stale and is_current(place, made_from):
        return Made(VERB, place, manifest.read(place), unchanged=True)
    kept = place.parent / f".{place.name}.learning"
    with limited(threads):
        learned = learn(found, plan, lesson, number, kept=kept, progress=progress)
        tested = round(nll(learned.network, found.test, learned.steps), 4) if found.test else None
    seconds = round(clock.perf_counter() - started, 1)
    metrics = {"valid_nll": round(learned.valid_nll, 4), "test_nll": tested, "epochs": len(learned.course)}
    counts = {part: len(pieces) for part, pieces in zip(found._fields, found, strict=True)}
    facts = {"verb": VERB, "seed": number, "pieces": counts, "made_from": made_from, "seconds": seconds}
    with manifest.fresh_folder(place) as work:
        written = write_model(work, learned, {**metrics, "seconds": seconds, "course": learned.course}, facts | metrics)
    kept.unlink(missing_ok=True)
    return Made(VERB, place, {**written, "headline": _headline(metrics, plan.arm)})


def _rolls(midi: Pathlike | None, rolls: Pathlike | None) -> Rolls:
    """The pieces of the one source that was named."""
    need_torch()
    from recsys.producers.generation.rolls import read_folder, read_rolls

    if (midi is None) == (rolls is None):
        found = "neither --midi nor --rolls" if midi is None else "both --midi and --rolls"
        raise DataError(f"{found} given; expected a folder of MIDI files or an .npz of rolls")
    return read_folder(midi) if midi is not None else read_rolls(str(rolls))


def need_torch() -> None:
    """Say how to install what learns.

    Raises:
        MissingExtra: torch or safetensors is not installed.
    """
    from importlib.util import find_spec

    for package in ("torch", "safetensors"):
        if find_spec(package) is None:
            raise MissingExtra(package, "torch")


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """Torch with so many threads, and as it was afterwards."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _headline(metrics: dict[str, Any], arm: str) -> str:
    tested = "" if metrics["test_nll"] is None else f", test {metrics['test_nll']:.3f}"
    return f"{arm}: valid {metrics['valid_nll']:.3f}{tested} nats per step after {metrics['epochs']} epochs"


def compose(
    *,
    out: Pathlike,
    like: Pathlike | None = None,
    to: Pathlike | None = None,
    manner: Pathlike | None = None,
    bars: int = 16,
    key: str | None = None,
    tempo: float | None = None,
    chords: str | None = None,
    temperature: float = 1.0,
    audio: Pathlike | None = None,
    seed: int | None = None,
    settings: Settings | None = None,
    only_stale: bool = False,
    progress: Progress | None = None,
) -> Made:
    """Compose melody, harmony, bass and drums; the file says that it is AI-generated, by which model and from what.

    Args:
        out: the .mid file to write.
        like: a MIDI file, or a track that was transcribed: the piece goes on where it ends.
        to: with ``like``, another one: the piece leads from the end of the first to the beginning of this.
        manner: with ``like``, another one: melody and chords of the first, accompanied and scored like this.
        bars: of four beats.
        key: such as C, Am or "F# minor"; default: as it comes, or that of ``like``.
        tempo: beats a minute.
        chords: one a bar, again and again, such as "C G Am F".
        temperature: 1 as learned; lower is plainer, higher wilder.
        audio: a sound file to write too.
        seed: another one, another piece.
        only_stale: nothing to say here: the same wish gives the same file.

    Raises:
        DataError: a file that is no MIDI file, a key or chords that can't be read, or nothing but copies was drawn.
    """
    from recsys.producers.generation import harmonies
    from recsys.producers.generation.composing import Wish

    place = Path(out)
    if place.suffix.lower() not in (".mid", ".midi"):
        raise DataError(f"out {place.name!r}; expected a name that ends in .mid")
    number = (settings or Settings()).train.seed if seed is None else seed
    wish = Wish(
        bars,
        None if key is None else harmonies.read_key(key),
        tempo,
        [] if chords is None else harmonies.read_chords(chords),
        temperature,
    )
    sources = {"like": like, "to": to, "manner": manner}
    paths = {name: _score(given, settings or Settings()) for name, given in sources.items() if given is not None}
    return _write(place, wish, number, paths, None if audio is None else Path(audio))


def _write(place: Path, wish: Wish, seed: int, paths: dict[str, Path], audio: Path | None) -> Made:
    import numpy as np

    from recsys.audio.tonal import key_name
    from recsys.producers.generation import arranging, harmonies
    from recsys.producers.generation.composer import stored
    from recsys.producers.generation.copies import copied
    from recsys.producers.notation.midi import midi_bytes

    model = stored()
    song, band = _song(model, wish, np.random.default_rng(seed), paths)
    piece, chords = arranging.arrange(song, band, title=f"Composed by recsys, seed {seed}")
    prompt = {**asdict(wish), "chords": [harmonies.label(chord) for chord in wish.chords]}
    prompt |= {name: path.name for name, path in paths.items()}
    origin = {"origin": "generated", "model": f"recsys composer {model.digest}", "seed": seed, "prompt": prompt}
    origin |= {"trained_on": TRAINED_ON, "card": CARD}
    remarks = ["AI-generated", json.dumps(origin)]
    content = midi_bytes(piece, chords, remarks)
    same = place.is_file() and place.read_bytes() == content
    manifest.write_bytes(place, content)
    facts = {**origin, "bars": song.bars, "key": key_name(song.key), "tempo": round(song.tempo, 1)}
    facts |= {"notes": len(song.notes), "copied_beats": copied(song, model.learned)}
    if audio is not None:
        from recsys.verbs.sounding import sound

        facts |= {"audio": str(audio), "played_by": sound(audio, piece, "; ".join(remarks))}
    told = f"{song.bars} bars in {facts['key']}, {facts['tempo']:g} beats a minute"
    return Made("compose", place, {**facts, "headline": told}, unchanged=same)


def _song(model: Stored, wish: Wish, rng: Generator, paths: dict[str, Path]) -> tuple[Song, Band | None]:
    """The song that was wished for, and the band of ``manner``."""
    from recsys.producers.generation import composing
    from recsys.producers.generation.arranging import band_of
    from recsys.producers.generation.songs import of_piece
    from recsys.producers.notation import read_midi

    pieces = {name: read_midi(path) for name, path in paths.items()}
    songs = {name: of_piece(piece) for name, piece in pieces.items()}
    if "like" not in songs:
        if songs:
            raise DataError(f"--{next(iter(songs))} without --like; expected a piece to begin from")
        return composing.compose(model, wish, rng), None
    if len(songs) == 3:
        raise DataError("both --to and --manner given; expected one of them")
    if "to" in songs:
        return composing.bridge(model, songs["like"], songs["to"], wish, rng), band_of(pieces["like"])
    if "manner" in songs:
        return composing.restyle(model, songs["like"], songs["manner"], wish, rng), band_of(pieces["manner"])
    return composing.go_on(model, songs["like"], wish, rng), band_of(pieces["like"])


def _score(given: Pathlike, settings: Settings) -> Path:
    """The MIDI file of a path, or of a track that was transcribed.

    Raises:
        DataError: there is none.
    """
    transcribed = Path(settings.paths.out) / "transcribed" / f"{given}.mid"
    found = next((path for path in (Path(given), transcribed) if path.is_file()), None)
    if found is None:
        raise DataError(
            f"no MIDI file {given}, nor {transcribed}; expected one, or recsys transcribe --with notes first"
        )
    return found
