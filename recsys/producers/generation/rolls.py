"""Pieces in, rolls out: which of 88 keys sound at each step; from an .npz of rolls, or a folder of MIDI files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys.errors import DataError
from recsys.producers.notation import Piece, read_midi

Roll = NDArray[np.bool_]
KEYS = 88
LOWEST = 21  # MIDI pitch of the first key
PARTS = ("train", "valid", "test")
PER_BEAT = 4  # steps of a beat where MIDI files are read
SHARES = {"valid": 10, "test": 10}  # of a hundred pieces, where a folder says nothing of parts
LONGEST = 100_000  # steps of a piece


class Rolls(NamedTuple):
    """Pieces by part, each bool (steps, 88); a part that is not there has none."""

    train: Sequence[Roll]
    valid: Sequence[Roll]
    test: Sequence[Roll] = ()

    @property
    def digest(self) -> str:
        """A short hash of all of it."""
        found = hashlib.sha256()
        for part in self:
            for piece in part:
                found.update(repr(piece.shape).encode() + np.packbits(piece).tobytes())
            found.update(b"|")
        return found.hexdigest()[:16]


def read_rolls(path: str | os.PathLike[str]) -> Rolls:
    """Read a file of rolls: ``train``, ``valid`` and, if there, ``test``, 0/1 steps × 88, and ``*_len`` of each.

    Raises:
        DataError: no such file, or it holds something else.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            held = {name: stored[name] for name in stored.files}
    except FileNotFoundError as error:
        raise DataError(f"no {path}; expected an .npz of rolls") from error
    except (ValueError, OSError, EOFError) as error:
        raise DataError(f"{path} is no .npz of arrays ({error})") from error
    parts = [_pieces(held, part, str(path)) for part in PARTS]
    for part, pieces in zip(PARTS[:2], parts, strict=False):
        if not pieces:
            raise DataError(f"{path} has no pieces of {part!r}; expected {part!r} and '{part}_len'")
    return Rolls(*parts)


def _pieces(held: dict[str, NDArray[Any]], part: str, path: str) -> list[Roll]:
    if part not in held:
        return []
    steps, lengths = np.asarray(held[part]), held.get(f"{part}_len")
    if steps.ndim != 2 or steps.shape[1] != KEYS:
        raise DataError(f"{path}: {part!r} has the shape {steps.shape}; expected (steps, {KEYS})")
    if lengths is None or int(lengths.sum()) != len(steps) or (lengths < 1).any():
        total = None if lengths is None else int(lengths.sum())
        raise DataError(f"{path}: '{part}_len' adds up to {total}; expected the {len(steps)} steps of {part!r}")
    if not np.isin(steps, (0, 1)).all():
        raise DataError(f"{path}: {part!r} holds values beside 0 and 1")
    return np.split(steps.astype(np.bool_), np.cumsum(lengths.astype(np.int64))[:-1])


def read_folder(folder: str | os.PathLike[str], per_beat: int = PER_BEAT) -> Rolls:
    """Rolls of all MIDI files below a folder, ``per_beat`` steps of a beat.

    Parts are folders called train, valid and test where there are such; else a file's content says where it belongs.
    Files that can't be read, or hold no note, are left out.

    Raises:
        DataError: no folder, or too few files that can be read.
    """
    found: dict[str, list[Roll]] = {part: [] for part in PARTS}
    paths = midi_files(folder)
    named = {part for part in PARTS if any(part in path.relative_to(folder).parts[:-1] for path in paths)}
    for path in paths:
        try:
            roll = of_piece(read_midi(path), per_beat)
        except (DataError, OSError):
            continue
        if roll.any():
            inside = [part for part in PARTS if part in path.relative_to(folder).parts[:-1]]
            found[(inside or ["train"])[0] if named >= {"train", "valid"} else part_of(roll)].append(roll)
    if not found["train"] or not found["valid"]:
        counts = {part: len(pieces) for part, pieces in found.items()}
        raise DataError(f"{folder} gives {counts} pieces; expected some ten MIDI files or more")
    return Rolls(*(found[part] for part in PARTS))


def midi_files(folder: str | os.PathLike[str]) -> list[Path]:
    """All MIDI files below a folder, sorted.

    Raises:
        DataError: no such folder, or none in it.
    """
    if not Path(folder).is_dir():
        raise DataError(f"{folder} is not a folder; expected one with MIDI files")
    paths = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in (".mid", ".midi"))
    if not paths:
        raise DataError(f"{folder} holds no .mid file")
    return paths


def part_of(roll: Roll) -> str:
    """The part a piece belongs to, by a hash of its content, so that copies stay together.

    >>> part_of(np.zeros((4, 88), np.bool_))
    'train'
    """
    place = int.from_bytes(hashlib.sha256(np.packbits(roll).tobytes()).digest()[:4]) % 100
    if place < SHARES["valid"]:
        return "valid"
    return "test" if place < SHARES["valid"] + SHARES["test"] else "train"


def of_piece(piece: Piece, per_beat: int = PER_BEAT) -> Roll:
    """A piece as a roll, by its own beats; drums and pitches that no piano has are left out.

    >>> from recsys.producers.notation import Notes, Part
    >>> beats = np.arange(0.0, 2.0, 0.5)
    >>> roll = of_piece(Piece([Part(Notes.of([(0.5, 1.0, 60, 80)]))], beats=beats), per_beat=2)
    >>> np.argwhere(roll).tolist()
    [[2, 39], [3, 39]]
    """
    notes = piece.notes
    if not len(notes) or len(piece.beats) < 2:
        return np.zeros((0, KEYS), np.bool_)
    start, end = (in_steps(times, piece.beats, per_beat) for times in (notes.onset, notes.offset))
    key = notes.pitch.astype(np.int64) - LOWEST
    roll = np.zeros((min(int(end.max()) + 1, LONGEST), KEYS), np.bool_)
    for first, last, place in zip(start.tolist(), end.tolist(), key.tolist(), strict=True):
        if 0 <= place < KEYS:
            roll[first : max(last, first + 1), place] = True
    sounding = np.flatnonzero(roll.any(axis=1))
    return roll[: sounding[-1] + 1] if len(sounding) else roll[:0]


def in_steps(times: NDArray[np.float64], beats: NDArray[np.float64], per_beat: int) -> NDArray[np.int64]:
    """The nearest steps of times, each beat divided evenly; before the first and after the last beat as there."""
    gap = beats[-1] - beats[-2]
    more = max(int(np.ceil((times.max(initial=0.0) - beats[-1]) / gap)) + 1, 1)
    longer = np.concatenate([beats, beats[-1] + gap * np.arange(1, more + 1)])
    return np.maximum(np.rint(per_beat * np.interp(times, longer, np.arange(len(longer)))), 0).astype(np.int64)


def moved(roll: Roll, steps: int) -> Roll:
    """A roll higher by so many semitones; what leaves the keyboard is lost.

    >>> np.flatnonzero(moved(np.eye(88, dtype=np.bool_)[39:40], -2)[0]).tolist()
    [37]
    """
    out = np.zeros_like(roll)
    if steps >= 0:
        out[:, steps:] = roll[:, : KEYS - steps]
    else:
        out[:, :steps] = roll[:, -steps:]
    return out
