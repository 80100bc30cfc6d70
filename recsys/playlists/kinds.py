"""What a recipe may say: one class per kind of list, and what all of them share."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from recsys.settings import Section

Id = str | int
Ids = list[Id]
Percent = Annotated[float, Field(ge=0, le=1)]
PER = 50  # tracks to which the usual cap of an artist refers
MOST_OF_ARTIST = 2  # in so many


class Which(Section):
    """A set of tracks by what they are; all that is said must hold, each by any of its values."""

    tracks: Ids = Field([])
    artists: list[str] = Field([])
    albums: list[str] = Field([])
    genres: list[str] = Field([])
    tags: list[str] = Field([])
    licences: list[str] = Field([])
    years: list[str | int] = Field([], description='years, or spans such as "1980-1989"')
    playlists: list[str] = Field([], description="playlist files")


class Share(Section):
    """A part of the list: a whole number counts tracks, a fraction is a share."""

    name: str | None = None
    where: str | None = Field(None, description="a filter over catalogue columns")
    of: Literal["new", "familiar", "recent"] | None = Field(
        None, description="never heard by the listener; heard; added lately"
    )
    at_least: int | float | None = None
    at_most: int | float | None = None

    @model_validator(mode="after")
    def _one(self) -> Share:
        if (self.where is None) == (self.of is None):
            raise ValueError("expected where or of, one of them")
        return self


class Different(Section):
    """How many different values of a column the list has at least; ``decade`` comes from ``year``."""

    column: str
    at_least: int = Field(2, ge=1)


class Rotation(Section):
    """Tracks that each come at least once within so many lists of this name."""

    where: str
    lists: int = Field(10, ge=1)


class Recipe(Section):
    """What every kind may say; each kind adds its own.

    Attributes are documented by their fields; ``kind`` names the class in ``KINDS``.
    """

    personal: ClassVar[bool] = False  # whether a listener is needed
    shared: ClassVar[bool] = False  # whether it is the same list for everybody

    title: str | None = Field(None, description="{name}, {listener} and {date} are filled in")
    n: int | None = Field(None, ge=1, le=10_000, description="tracks; 50 when minutes are not given")
    minutes: float | None = Field(None, gt=0, le=10_000)
    tolerance: float = Field(2.0, ge=0, description="minutes")
    listeners: Ids = Field([], description="whom it is for when the command does not say")
    household: bool = Field(False, description="one list for all of them, histories added")
    where: str | None = Field(None, description="a filter over catalogue columns")
    mood: str | None = Field(None, description='words such as "calm, tender", or "valence>.6,arousal<.4"')
    only: Which = Which()
    without: Which = Which()
    include: Ids = Field([], description="tracks that must be in it")
    explicit: bool = Field(True, description="false: no track that is marked explicit")
    max_per_artist: int | None = Field(None, ge=1, description="default: 2 per 50 tracks")
    artist_gap: int = Field(3, ge=0)
    max_per_album: int | None = Field(None, ge=1)
    album_gap: int = Field(0, ge=0)
    not_heard_days: float = Field(60, ge=0, description="0 = whatever was heard may come")
    not_listed_days: float = Field(0, ge=0, description="no track of any list of these days, by the ledger")
    max_overlap: Percent = Field(0.3, description="with the last lists of this name, by the ledger")
    last_lists: int = Field(7, ge=0)
    shares: list[Share] = Field([])
    different: list[Different] = Field([])
    rotation: Rotation | None = None
    curve: dict[str, str] = Field(
        {}, description='energy = "0:20% 50:90% 100:30%": from low to high end of the library'
    )
    relevance: float | None = Field(None, ge=0, description="weights of goals; what is not said is the solver's")
    smooth: float | None = Field(None, ge=0, description="weight of the transitions")
    diversity: float | None = Field(None, ge=0)
    familiar: Percent | None = Field(None, description="share of tracks that the listener knows")
    variety: Percent = Field(0.1, description="how much chance may change the order of what fits")
    every: Literal["day", "week", "month", "once"] = Field("day", description="how long a list stays the same")
    seed: int = Field(0, ge=0)
    format: Literal["m3u8", "m3u", "xspf", "jspf", "csv", "parquet"] = "m3u8"

    @model_validator(mode="after")
    def _one_length(self) -> Recipe:
        if self.n is not None and self.minutes is not None:
            raise ValueError("expected n or minutes, not both")
        return self

    @property
    def tracks(self) -> int | None:
        """Length in tracks; None where minutes are given."""
        return None if self.minutes is not None else self.n or 50

    def cap(self, tracks: int) -> int:
        """The most tracks of an artist in a list of so many.

        >>> Radio(kind="radio", seeds=["t1"]).cap(50), Radio(kind="radio", seeds=["t1"]).cap(120)
        (2, 6)
        """
        return self.max_per_artist or MOST_OF_ARTIST * -(-tracks // PER)


class Radio(Recipe):
    """Tracks like some and unlike others; a sound file may be a seed."""

    kind: Literal["radio"]
    seeds: Ids = Field(min_length=1)
    unlike: Ids = Field([])
    by: Literal["hybrid", "collaborative", "content", "sound"] = "hybrid"
    taste: Percent = Field(0.3, description="weight of the listener's own taste, where there is a listener")


class Mix(Recipe):
    """Some lists of a listener, each of one side of their taste, named by what it is."""

    personal: ClassVar[bool] = True
    kind: Literal["mix"]
    mixes: int = Field(6, ge=1, le=12)


class Continue(Recipe):
    """More like a list that is there."""

    shared: ClassVar[bool] = True
    kind: Literal["continue"]
    file: str | None = None
    tracks_: Ids = Field([], alias="tracks")
    keep: bool = Field(True, description="begin with what is there; n counts what is added")

    @model_validator(mode="after")
    def _some(self) -> Continue:
        if (self.file is None) == (not self.tracks_):
            raise ValueError("expected file or tracks, one of them")
        return self


class Path(Recipe):
    """From one track to another in small steps."""

    shared: ClassVar[bool] = True
    kind: Literal["path"]
    start: Id
    end: Id
    n: int | None = Field(25, ge=2, le=10_000)
    by: Literal["hybrid", "collaborative", "content", "sound"] = "hybrid"
    not_heard_days: float = Field(0, ge=0)


class Mood(Recipe):
    """Tracks of a mood: words, or valence and arousal as parts of the library."""

    kind: Literal["mood"]
    words: str | None = Field(None, description='e.g. "calm" or "happy energetic"')
    valence: Percent | None = None
    arousal: Percent | None = None
    taste: Percent = 0.3

    @model_validator(mode="after")
    def _some(self) -> Mood:
        if self.words is None and self.valence is None and self.arousal is None:
            raise ValueError("expected words, valence or arousal")
        return self


class CurveKind(Recipe):
    """Tracks that follow curves of traits, by a listener's taste or from seeds where they are given."""

    kind: Literal["curve"]
    curve: dict[str, str] = Field(min_length=1)
    seeds: Ids = Field([])


class Rediscover(Recipe):
    """What a listener loved and has not heard for long."""

    personal: ClassVar[bool] = True
    kind: Literal["rediscover"]
    not_heard_days: float = Field(180, gt=0)
    loved: Percent = Field(0.5, description="the most played share of their tracks")


class Discover(Recipe):
    """What a listener has never heard."""

    personal: ClassVar[bool] = True
    kind: Literal["discover"]
    every: Literal["day", "week", "month", "once"] = "week"
    new_artists: Percent = Field(0.5, description="share by artists they have never heard")


class New(Recipe):
    """What was added lately and fits."""

    kind: Literal["new"]
    days: float = Field(30, gt=0, description="by the column added")
    years: int = Field(1, ge=1, description="by the column year, where there is no column added")


class SimilarArtists(Recipe):
    """Tracks by artists like some, and not by those."""

    shared: ClassVar[bool] = True
    kind: Literal["similar-artists"]
    artists: list[str] = Field(min_length=1)
    count: int = Field(20, ge=1, description="artists")
    by: Literal["hybrid", "collaborative", "content", "sound"] = "hybrid"


class ForScene(Recipe):
    """Music for a video: so long, with this tone, under these licences."""

    shared: ClassVar[bool] = True
    kind: Literal["for-scene"]
    minutes: float | None = Field(gt=0, le=10_000)
    tolerance: float = Field(0.25, ge=0, description="minutes")
    licences: list[str] = Field(min_length=1)
    seeds: Ids = Field([])
    max_per_artist: int | None = Field(1, ge=1)
    not_heard_days: float = Field(0, ge=0)


class LibraryMap(Recipe):
    """The whole library as named collections, one list each: all of it, or the most typical n or minutes."""

    shared: ClassVar[bool] = True
    kind: Literal["library-map"]
    collections: int = Field(12, ge=1, le=200)
    by: Literal["hybrid", "collaborative", "content", "sound"] = "hybrid"
    not_heard_days: float = Field(0, ge=0)
    max_overlap: Percent = 1.0
    every: Literal["day", "week", "month", "once"] = "once"


KINDS: dict[str, type[Recipe]] = {
    "radio": Radio,
    "mix": Mix,
    "continue": Continue,
    "path": Path,
    "mood": Mood,
    "curve": CurveKind,
    "rediscover": Rediscover,
    "discover": Discover,
    "new": New,
    "similar-artists": SimilarArtists,
    "for-scene": ForScene,
    "library-map": LibraryMap,
}


def fields(kind: str) -> dict[str, Any]:
    """What a recipe of a kind may say: names as written in TOML, and their fields."""
    return {field.alias or name: field for name, field in KINDS[kind].model_fields.items()}
