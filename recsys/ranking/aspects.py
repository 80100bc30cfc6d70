"""What two tracks have in common that a person can hear or read: artist, album, genre, key, tempo, energy, sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.contracts import Floats, Rows
from recsys.tables import Catalogue

WORDS = (
    "by an artist you play",
    "same artist",
    "same album",
    "same genre",
    "same key",
    "similar tempo",
    "similar energy",
    "similar sound",
    "by its artist",
    "by its album",
    "by its genre",
    "by its tags",
    "by its year",
    "by how it is measured",
    "by its sound",
    "by its content",
)
PLAYED, ARTIST, ALBUM, GENRE, KEY, TEMPO, ENERGY, SOUND, *_LED = (1 << bit for bit in range(len(WORDS)))
BLOCKS = dict(zip(("artist", "album", "genre", "tags", "year", "numbers", "sound", ""), _LED, strict=True))
LED = sum(_LED)  # any block of content that led to a track
TEMPO_STEP = 0.05  # in octaves, double and half tempo counting as the same: about 3.5 %
ENERGY_STEP = 0.1  # of the scale from 0 to 1
ALIKE = 0.6  # cosine in the sound space


@dataclass(frozen=True, eq=False)
class Facts:
    """One value per track of what is compared: codes (−1 unknown) and numbers (NaN unknown), each (tracks,)."""

    artist: Rows
    album: Rows
    genre: Rows
    key: Rows
    tempo: Floats
    energy: Floats
    sound: Floats | None = None

    @classmethod
    def of(cls, catalogue: Catalogue, sound: Floats | None = None) -> Self:
        """From a catalogue, and the unit vectors of the sound space where there is one."""
        tempo, energy = (_numbers(catalogue, name) for name in ("tempo", "energy"))
        codes = catalogue.codes("key") if "key" in catalogue.frame else np.full(len(catalogue), -1, np.int32)
        genre = _first(catalogue.values("genre"))
        return cls(catalogue.artists, catalogue.albums, genre, codes, tempo, energy, sound)


def shared(facts: Facts, rows: Rows, others: Rows) -> NDArray[np.uint16]:
    """Which of ``WORDS`` hold between tracks, one bit each, uint16 of the shape of ``rows``; 0 where either is −1.

    >>> import pandas as pd
    >>> songs = Catalogue(pd.DataFrame({"artist": ["Ann", "Ann", "Bo"], "tempo": [120.0, 61.0, 90.0]}))
    >>> words(shared(Facts.of(songs), np.array([0, 0]), np.array([1, 2])))
    ['same artist, similar tempo', '']
    """
    found = np.zeros(rows.shape, np.uint16)
    for values, bit in ((facts.artist, ARTIST), (facts.album, ALBUM), (facts.genre, GENRE), (facts.key, KEY)):
        found |= np.where((values[rows] == values[others]) & (values[rows] >= 0), bit, 0).astype(np.uint16)
    with np.errstate(divide="ignore", invalid="ignore"):
        octaves = np.log2(facts.tempo[rows] / facts.tempo[others])
        close = np.abs(octaves - np.round(octaves)) <= TEMPO_STEP
        near = np.abs(facts.energy[rows] - facts.energy[others]) <= ENERGY_STEP
    found |= np.where(close, TEMPO, 0).astype(np.uint16) | np.where(near, ENERGY, 0).astype(np.uint16)
    if facts.sound is not None:
        cosine = np.einsum("...d,...d->...", facts.sound[rows], facts.sound[others])
        found |= np.where(cosine >= ALIKE, SOUND, 0).astype(np.uint16)
    return np.where((rows >= 0) & (others >= 0), found, 0).astype(np.uint16)


def by_played_artists(facts: Facts, rows: Rows, histories: sp.csr_array) -> NDArray[np.bool_]:
    """Whether each listener (q) plays the artist of each of these tracks (q, k)."""
    artists = facts.artist[histories.indices]
    owners = np.repeat(np.arange(histories.shape[0]), np.diff(histories.indptr))
    width = int(facts.artist.max(initial=0)) + 1
    played = np.unique((owners * width + artists)[artists >= 0])
    wanted = facts.artist[rows]
    keys = np.arange(len(rows))[:, None] * width + wanted
    place = np.minimum(np.searchsorted(played, keys), max(len(played) - 1, 0))
    return (rows >= 0) & (wanted >= 0) & (played[place] == keys if len(played) else False)


def leading(block: str) -> int:
    """The bit that says that a block of content led to a track.

    >>> words(np.array([leading("tags"), leading("my own space"), GENRE | leading("genre")], np.uint16))
    ['by its tags', 'by its content', 'same genre']
    """
    return BLOCKS.get(block, BLOCKS[""])


def words(bits: NDArray[np.uint16]) -> list[str]:
    """Each set of bits in words, with commas; what follows from another of them is not said again."""
    return [", ".join(_listed(int(each))) for each in bits.ravel()]


def _listed(bits: int) -> list[str]:
    for said, again in (
        (ARTIST | ALBUM | PLAYED, BLOCKS["artist"]),
        (ALBUM, BLOCKS["album"]),
        (GENRE, BLOCKS["genre"]),
        (SOUND, BLOCKS["sound"]),
        (ARTIST | ALBUM, PLAYED),
    ):
        bits &= ~again if bits & said else bits
    if bits & ALBUM:
        bits &= ~ARTIST
    return [word for number, word in enumerate(WORDS) if bits & (1 << number)]


def _numbers(catalogue: Catalogue, column: str) -> Floats:
    """A column of numbers, NaN where there is none."""
    if column not in catalogue.frame:
        return np.full(len(catalogue), np.nan, np.float32)
    values: Floats = pd.to_numeric(catalogue.frame[column], errors="coerce").to_numpy(np.float32, na_value=np.nan)
    return values


def _first(values: NDArray[Any]) -> Rows:
    """The first word of each list as a small integer, −1 where there is none."""
    number: dict[str, int] = {}
    found = np.full(len(values), -1, np.int32)
    for row, value in enumerate(values):
        first = value if isinstance(value, str) else value[0] if isinstance(value, list | tuple) and value else None
        if isinstance(first, str) and first:
            found[row] = number.setdefault(first.casefold(), len(number))
    return found
