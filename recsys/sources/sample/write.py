"""The sample world on disk, as files such as a listener or a label would have them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import pandas as pd
from numpy.random import Generator

from recsys import manifest
from recsys.errors import DataError
from recsys.sources.sample.compose import PITCHES, Score, compose
from recsys.sources.sample.genres import GENRES
from recsys.sources.sample.listeners import make_playlists, simulate_plays
from recsys.sources.sample.ogg import with_serial
from recsys.sources.sample.synth import RATE, render
from recsys.sources.sample.world import Track, make_tracks

CLIP_SECONDS = 6.0
PLAYLISTS = 12
KIND = "sample world"
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class World:
    """What ``write_world`` wrote.

    Attributes:
        folder: where; holds plays.csv, tracks.csv, descriptors.csv, truth.jsonl, playlists/ and audio/.
        tracks, artists, listeners, plays, playlists: counts.
        cold: ids of tracks that nobody has played.
        audio_bytes: size of all clips; 0 without audio.
    """

    folder: Path
    tracks: int
    artists: int
    listeners: int
    plays: int
    playlists: int
    cold: tuple[str, ...]
    audio_bytes: int


def write_world(
    folder: Path,
    *,
    seed: int = 0,
    tracks: int = 320,
    listeners: int = 300,
    audio: bool = True,
    progress: Progress | None = None,
) -> World:
    """Make the sample world and write it into ``folder``, with a manifest; an earlier one is replaced as a whole.

    The same arguments give the same bytes; the tables do not depend on ``audio``.

    Args:
        audio: also write a clip of 6 s for each track: Ogg Vorbis, 22.05 kHz, mono.
        progress: called with ("write clips", done, total) after each clip.

    Raises:
        DataError: fewer than 24 tracks or fewer than 1 listener.
        ArtefactError: ``folder`` holds something that this package did not make.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as name:
    ...     world = write_world(Path(name), tracks=40, listeners=20, audio=False)
    >>> world.tracks, world.listeners, world.audio_bytes
    (40, 20, 0)
    """
    if tracks < 24 or listeners < 1:
        raise DataError(f"{tracks} tracks and {listeners} listeners; expected at least 24 and 1")
    made = make_tracks(tracks, _rng(seed, "tracks"))
    plays = simulate_plays(made, listeners, _rng(seed, "plays"))
    lists = make_playlists(made, PLAYLISTS, _rng(seed, "playlists"))
    scores = [compose(track, CLIP_SECONDS, _rng(seed, "music", i)) for i, track in enumerate(made)]
    with manifest.fresh_folder(folder) as work:
        _csv(work / "plays.csv", _named(plays, made, listeners))
        _csv(work / "tracks.csv", _track_table(made, _rng(seed, "gaps")))
        _csv(work / "descriptors.csv", _sound_table(made, scores, _rng(seed, "sound")))
        _write_truth(work / "truth.jsonl", made, scores)
        _write_playlists(work / "playlists", lists, made)
        size = _write_audio(work, made, scores, progress) if audio else 0
        manifest.seal(work, KIND, {"seed": seed, "tracks": tracks, "listeners": listeners})
    heard = set(plays["track"])
    cold = tuple(t.id for i, t in enumerate(made) if i not in heard)
    return World(folder, tracks, len({t.artist for t in made}), listeners, len(plays), len(lists), cold, size)


def _rng(seed: int, part: str, number: int = 0) -> Generator:
    """A stream of its own for each part, so that one part can change without moving the others."""
    return np.random.default_rng([seed, *part.encode(), number])


def _csv(path: Path, frame: pd.DataFrame) -> None:
    frame.to_csv(path, index=False, lineterminator="\n")


def _text(path: Path, content: str) -> None:
    path.write_text(content, encoding="utf-8", newline="\n")


def _named(plays: pd.DataFrame, tracks: Sequence[Track], listeners: int) -> pd.DataFrame:
    """The log with outside ids in place of indices."""
    width = len(str(listeners))
    users = plays["user"].map(lambda u: f"u{u + 1:0{width}d}")
    ids = np.array([t.id for t in tracks])[plays["track"]]
    named = pd.DataFrame({"user_id": users, "track_id": ids})
    return pd.concat(
        [named, plays[["timestamp", "ms_played"]], plays["skipped"].map({True: "true", False: "false"})], axis=1
    )


def _track_table(tracks: Sequence[Track], rng: Generator) -> pd.DataFrame:
    """The catalogue; some cells are left empty, as they are in life."""
    table = pd.DataFrame(
        {
            "track_id": [t.id for t in tracks],
            "title": [t.title for t in tracks],
            "artist": [t.artist_name for t in tracks],
            "album": [t.album for t in tracks],
            "year": pd.array([t.year for t in tracks], dtype="Int64"),
            "duration": [t.duration for t in tracks],
            "genre": [";".join(GENRES[g].name for g in t.genres) for t in tracks],
            "tags": [";".join(t.tags) for t in tracks],
            "explicit": ["true" if t.explicit else "false" for t in tracks],
            "licence": [t.licence for t in tracks],
            "isrc": [t.isrc for t in tracks],
            "path": [_clip(t) for t in tracks],
        }
    )
    for column, share in (("year", 0.08), ("duration", 0.05), ("genre", 0.02), ("tags", 0.1), ("explicit", 0.05)):
        table.loc[rng.random(len(table)) < share, column] = pd.NA
    return table


def _clip(track: Track) -> str:
    return f"audio/{track.id}.ogg"


def _sound_table(tracks: Sequence[Track], scores: Sequence[Score], rng: Generator) -> pd.DataFrame:
    """What a sound analyser might have said: the truth with some noise; one track in fifty is missing."""
    truth = {
        "tempo": [t.tempo for t in tracks],
        "brightness": [t.brightness for t in tracks],
        "energy": [t.energy for t in tracks],
        "acousticness": [t.acoustic for t in tracks],
        "happiness": [0.7 * (t.mode == "major") + 0.3 * t.energy for t in tracks],
        "notes_per_second": [sum(n.instrument != "drums" for n in s.notes) / CLIP_SECONDS for s in scores],
        "percussion": [sum(n.instrument == "drums" for n in s.notes) / CLIP_SECONDS for s in scores],
    }
    table = pd.DataFrame({name: _blurred(np.array(values, float), rng) for name, values in truth.items()})
    table.insert(0, "track_id", [t.id for t in tracks])
    return table[rng.random(len(table)) >= 0.02]


def _blurred(values: np.ndarray, rng: Generator) -> np.ndarray:
    return (values + 0.15 * values.std() * rng.normal(size=len(values))).round(4)


def _write_truth(path: Path, tracks: Sequence[Track], scores: Sequence[Score]) -> None:
    lines = (json.dumps(_truth(t, s)) for t, s in zip(tracks, scores, strict=True))
    _text(path, "".join(f"{line}\n" for line in lines))


def _truth(track: Track, score: Score) -> dict[str, Any]:
    return {
        "track_id": track.id,
        "seconds": CLIP_SECONDS,
        "tempo": score.tempo,
        "key": PITCHES[score.key],
        "mode": score.mode,
        "instruments": score.instruments,
        "beats": [round(b, 4) for b in score.beats],
        "chords": [
            {"start_s": round(c.start_s, 4), "end_s": round(c.end_s, 4), "label": c.label} for c in score.chords
        ],
        "notes": [
            {
                "onset_s": round(n.onset_s, 4),
                "offset_s": round(n.offset_s, 4),
                "midi": n.midi,
                "instrument": n.instrument,
            }
            for n in score.notes
        ],
    }


def _write_playlists(folder: Path, lists: dict[str, list[int]], tracks: Sequence[Track]) -> None:
    """All as M3U8 but the last two, which are XSPF and JSPF."""
    folder.mkdir()
    suffixes = [".m3u8"] * (len(lists) - 2) + [".xspf", ".jspf"]
    makers = {".m3u8": _m3u8, ".xspf": _xspf, ".jspf": _jspf}
    for (name, members), suffix in zip(lists.items(), suffixes, strict=True):
        _text(folder / f"{name}{suffix}", makers[suffix](name, [tracks[i] for i in members]))


def _m3u8(name: str, tracks: Iterable[Track]) -> str:
    entries = (f"#EXTINF:{round(t.duration)},{t.artist_name} - {t.title}\n../{_clip(t)}\n" for t in tracks)
    return f"#EXTM3U\n#PLAYLIST:{name}\n" + "".join(entries)


def _xspf(name: str, tracks: Iterable[Track]) -> str:
    entries = (
        f"  <track><location>../{_clip(t)}</location><title>{escape(t.title)}</title>"
        f"<creator>{escape(t.artist_name)}</creator><duration>{round(t.duration * 1000)}</duration></track>\n"
        for t in tracks
    )
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<playlist version="1" xmlns="http://xspf.org/ns/0/">\n'
    return f"{head} <title>{escape(name)}</title>\n <trackList>\n{''.join(entries)} </trackList>\n</playlist>\n"


def _jspf(name: str, tracks: Iterable[Track]) -> str:
    entries = [
        {
            "location": [f"../{_clip(t)}"],
            "title": t.title,
            "creator": t.artist_name,
            "duration": round(t.duration * 1000),
        }
        for t in tracks
    ]
    return json.dumps({"playlist": {"title": name, "track": entries}}, indent=1) + "\n"


def _write_audio(folder: Path, tracks: Sequence[Track], scores: Sequence[Score], progress: Progress | None) -> int:
    """One clip per track; returns their size in bytes."""
    import soundfile

    def write(track: Track, score: Score) -> int:
        sound = render(score.notes, CLIP_SECONDS, track.brightness, loudness=0.4 + 0.4 * track.energy)
        path = folder / _clip(track)
        soundfile.write(path, sound, RATE, format="OGG", subtype="VORBIS")
        return path.write_bytes(with_serial(path.read_bytes(), serial=0))

    (folder / "audio").mkdir()
    size = 0
    with ThreadPoolExecutor(max_workers=2) as pool:  # the encoder works outside Python's lock
        for done, written in enumerate(pool.map(write, tracks, scores), start=1):
            size += written
            if progress:
                progress("write clips", done, len(tracks))
    return size
