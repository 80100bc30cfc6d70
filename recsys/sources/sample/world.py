"""Artists, albums and tracks of the sample world, with the hidden facts that listeners and composers use."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from recsys.sources.sample.genres import GENRES

SYLLABLES = (
    *("ka", "lo", "mi", "ren", "sul", "ta", "vo", "ne", "bri", "do", "fen", "gal", "hu", "ith", "jo"),
    *("lar", "mon", "nu", "or", "pe", "qua", "ri", "sha", "tel", "um", "va", "wes", "xi", "yor", "za"),
)
ENDINGS = ("Road", "River", "Lights", "Morning", "Machine", "Garden", "Season", "Signal", "Harbour", "Letters")
LICENCES = ("CC-BY-4.0", "CC-BY-SA-4.0", "CC0-1.0", "CC-BY-NC-4.0", "all rights reserved")
LAST_YEAR = 2024
STYLES = 4  # hidden directions of style that artists and listeners share within and across genres


@dataclass(frozen=True)
class Artist:
    """A name, a home genre, a second one, a place in style space and how well known they are."""

    name: str
    genre: int
    second: int
    style: tuple[float, ...]
    fame: float
    debut: int


@dataclass(frozen=True)
class Track:
    """What the tables say (None where they are silent) and the sound behind it.

    Attributes:
        artist: index of the artist.
        genres: indices into ``GENRES``, the main one first.
        duration: seconds of the whole recording; the clip is an excerpt.
        tempo: beats per minute; key: 0 = C … 11 = B; mode: "major" or "minor".
        brightness, energy, acoustic: 0 to 1.
        instruments: harmony and lead; style: the artist's place in style space.
        popularity: relative; 0 means that nobody has heard it yet.
        release_day: day of the simulated year from which it can be heard.
    """

    id: str
    title: str
    artist: int
    artist_name: str
    album: str | None
    year: int
    duration: float
    genres: tuple[int, ...]
    tags: tuple[str, ...]
    explicit: bool
    licence: str
    isrc: str | None
    tempo: float
    key: int
    mode: str
    brightness: float
    energy: float
    acoustic: float
    instruments: tuple[str, str]
    style: tuple[float, ...]
    popularity: float
    release_day: int


def make_tracks(count: int, rng: Generator) -> list[Track]:
    """``count`` tracks by about a fifth as many artists; the last few are re-releases of earlier ones.

    >>> tracks = make_tracks(40, np.random.default_rng(0))
    >>> len(tracks), tracks[0].id
    (40, 't01')
    """
    artists = _make_artists(max(3, round(count * 60 / 320)), rng)
    fame = np.array([a.fame for a in artists])
    owners = np.concatenate([np.arange(len(artists)), rng.choice(len(artists), count, p=fame / fame.sum())])[:count]
    albums = [_make_albums(artist, rng) for artist in artists]
    tracks = [_make_track(i, int(a), artists[a], albums[a], rng) for i, a in enumerate(np.sort(owners))]
    tracks = [replace(t, id=f"t{i + 1:0{len(str(count))}d}") for i, t in enumerate(tracks)]
    return _with_twins(_with_cold(tracks, rng), rng)


def _make_artists(count: int, rng: Generator) -> list[Artist]:
    share = np.array([g.share for g in GENRES])
    names = _unique_names(count, rng)
    genres = np.concatenate([np.arange(len(GENRES)), rng.choice(len(GENRES), count, p=share / share.sum())])[:count]
    fame = np.arange(1, count + 1) ** -0.7
    rng.shuffle(fame)
    return [
        Artist(
            name,
            int(genre),
            int(rng.integers(len(GENRES))),
            tuple(rng.normal(size=STYLES)),
            float(known),
            int(rng.integers(1968, LAST_YEAR - 4)),
        )
        for name, genre, known in zip(names, genres, fame, strict=True)
    ]


def _make_albums(artist: Artist, rng: Generator) -> list[tuple[str, int, str]]:
    """Title, year and licence of one to three albums."""
    years = np.sort(rng.integers(artist.debut, LAST_YEAR + 1, size=rng.integers(1, 4)))
    return [(_title(rng), int(year), str(rng.choice(LICENCES))) for year in years]


def _make_track(i: int, owner: int, artist: Artist, albums: list[tuple[str, int, str]], rng: Generator) -> Track:
    genre = GENRES[artist.genre]
    album, year, licence = albums[rng.integers(len(albums))]
    mixed = artist.genre != artist.second and rng.random() < 0.4
    low, high = genre.tempo
    tempo = np.clip(
        rng.normal((low + high) / 2, 0.15 * (high - low)) + 0.15 * (high - low) * artist.style[0], low, high
    )
    sound = [
        float(np.clip(rng.normal(mean + 0.05 * artist.style[d], 0.07), 0, 1))
        for d, mean in enumerate((genre.brightness, genre.energy, genre.acoustic), start=1)
    ]
    harmony = str(rng.choice(genre.harmony))
    lead = str(rng.choice([i for i in genre.leads if i != harmony]))
    return Track(
        id="",
        title=_title(rng),
        artist=owner,
        artist_name=artist.name,
        album=album if rng.random() > 0.04 else None,
        year=year,
        duration=round(float(np.clip(rng.normal(225, 55), 70, 540)), 1),
        genres=(artist.genre, artist.second) if mixed else (artist.genre,),
        tags=tuple(sorted(rng.choice(genre.tags, size=rng.integers(1, 4), replace=False))),
        explicit=bool(rng.random() < (0.12 if genre.acoustic < 0.5 else 0.02)),
        licence=licence,
        isrc=f"XXREC{year % 100:02d}{i + 1:05d}" if rng.random() < 0.6 else None,
        tempo=round(float(tempo), 2),
        key=int(rng.integers(12)),
        mode="major" if rng.random() < genre.major else "minor",
        brightness=sound[0],
        energy=sound[1],
        acoustic=sound[2],
        instruments=(harmony, lead),
        style=artist.style,
        popularity=float(artist.fame * rng.lognormal(0, 0.8)),
        release_day=int(rng.integers(0, 300)) if year == LAST_YEAR else 0,
    )


def _with_cold(tracks: list[Track], rng: Generator) -> list[Track]:
    """A twentieth of the tracks has just come out: nobody has heard it."""
    cold = set(rng.choice(len(tracks), max(1, len(tracks) // 20), replace=False).tolist())
    return [replace(t, popularity=0.0, year=LAST_YEAR) if i in cold else t for i, t in enumerate(tracks)]


def _with_twins(tracks: list[Track], rng: Generator) -> list[Track]:
    """One track in eighty is an earlier recording again, on a collection: same title, same artist, another id."""
    twins = list(tracks)
    for i in rng.choice(np.arange(1, len(tracks)), len(tracks) // 80, replace=False):
        mates = [t for t in tracks[:i] if t.artist == tracks[i].artist]
        if mates:
            twins[i] = replace(mates[0], id=tracks[i].id, album="Collected", year=LAST_YEAR - 1, isrc=None)
    return twins


def _unique_names(count: int, rng: Generator) -> list[str]:
    names: dict[str, None] = {}
    while len(names) < count:
        names.setdefault(_word(rng) + (f" {_word(rng)}" if rng.random() < 0.5 else ""))
    return list(names)


def _title(rng: Generator) -> str:
    return _word(rng) + (f" {rng.choice(ENDINGS)}" if rng.random() < 0.6 else "")


def _word(rng: Generator) -> str:
    return "".join(rng.choice(SYLLABLES, size=rng.integers(2, 4))).capitalize()
