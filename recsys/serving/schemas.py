"""What the API takes and gives, as typed models with examples; the OpenAPI description is made from these."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from recsys.playlists.kinds import KINDS

MOST = 500  # tracks in one answer
DEEPEST = 10_000  # places of a list that can be paged to
BATCH = 100  # questions in one batch
HISTORY = 5_000  # plays in one history
SEEDS = 50  # tracks that one question starts from
LONGEST = 512  # characters of an id or a search
MINUTES = 1440  # of a playlist


def no_flag(value: Any) -> Any:
    """True and false are no numbers here, as in JSON."""
    if isinstance(value, bool):
        raise ValueError("expected a number, not true or false")
    return value


NoFlag = BeforeValidator(no_flag)
Id = Annotated[str, Field(min_length=1, max_length=LONGEST)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), NoFlag]
Count = Annotated[int, Field(ge=1, le=MOST), NoFlag]
Offset = Annotated[int, Field(ge=0, le=DEEPEST), NoFlag]
Seconds = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False), NoFlag]
Time = Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False), NoFlag]
Where = Annotated[str, Field(min_length=1, max_length=2000)]
Kind = Annotated[str, Field(json_schema_extra={"enum": list(KINDS)})]
TRACK: dict[str, Any] = {
    **{"id": "t0042", "title": "Wesri River", "artist": "Mido Sulza", "album": "Lanterns", "genre": ["folk"]},
    **{"duration": 214.6, "licence": "CC-BY-4.0", "explicit": False, "generated": None, "audio": True},
}
BUNDLE = "20261120T181500Z-1a2b3c4d"


class Model(BaseModel):
    """Closed to unknown keys, so that a misspelt word is an error."""

    model_config = ConfigDict(extra="forbid")


def example(**values: Any) -> ConfigDict:
    """The settings of a model that has an example."""
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [values]})


class Track(Model):
    """What a list says of a track; null is unknown."""

    model_config = example(**TRACK)

    id: str
    title: str | None = None
    artist: str | None = None
    album: str | None = None
    genre: list[str] = Field([], description="as given, else as predicted")
    duration: float | None = Field(None, description="seconds")
    licence: str | None = None
    explicit: bool | None = None
    generated: bool | None = Field(None, description="made by a machine")
    audio: bool = Field(False, description="whether /tracks/{id}/audio plays it")


class Item(Model):
    """A track in a list, its score (larger is better), and why it is there."""

    model_config = example(track=TRACK, score=0.8731, reasons=["heard by the same listeners (0.91)", "same artist"])

    track: Track
    score: float | None
    reasons: list[str] = []


class Page(Model):
    """One page of a list."""

    items: list[Item]
    next: int | None = Field(None, description="offset of the next page; null at the end")
    bundle: str = Field(description="version of the bundle that answered", examples=[BUNDLE])


class Similar(Page):
    """Neighbours of a track."""

    track: Track
    blend: dict[str, float] = Field(description="weights of the spaces that were compared, adding up to 1")


class Recommended(Page):
    """Tracks for a listener; ``user`` is null for a history that belongs to nobody known."""

    user: str | None = None


class Found(Page):
    """Tracks that words, or a sound, mean; ``unknown`` are words that are nowhere."""

    query: str
    unknown: list[str] = []


class Listed(Model):
    """A page of the catalogue, in the order of ids."""

    items: list[Track]
    total: int
    next: int | None = None
    bundle: str = Field(examples=[BUNDLE])


class Trait(Model):
    """A number that was measured: its unit, and what it means."""

    value: float
    unit: str = ""
    definition: str = ""


class Label(Model):
    """What was given, or else what was predicted (chances by label, or a number with its deviation) and by whom."""

    given: list[str | float] | None = None
    predicted: dict[str, float] | float | None = None
    sigma: float | None = None
    by: str | None = None


class Known(Model):
    """Everything known about a track."""

    track: Track
    facts: dict[str, Any] = Field(description="the catalogue's columns where they are known")
    traits: dict[str, Trait] = Field({}, description="numbers heard in its sound")
    labels: dict[str, Label] = Field({}, description="given and predicted labels, kept apart")
    relations: dict[str, list[Track]] = Field({}, description="other tracks: same recording, same album, same artist")
    listeners: int = Field(description="how many have played it")
    spaces: list[str] = Field([], description="what it can be compared by")
    bundle: str = Field(examples=[BUNDLE])


class Explained(Model):
    """Why a listener would get a track: parts that sum to the score, and the own plays that speak for it."""

    user: str
    track: Track
    score: float
    parts: dict[str, float] = Field(examples=[{"collaborative": 0.61, "content: genre": 0.2}])
    plays: list[Track]
    reason: str
    heard: bool = Field(description="whether the listener has played it already")
    bundle: str = Field(examples=[BUNDLE])


class Play(Model):
    """One play of a history; a larger weight counts more, and ``time`` is in Unix seconds."""

    track: Id
    weight: Annotated[float, NoFlag] = Field(1.0, gt=0, le=1e6, allow_inf_nan=False)
    time: Time | None = None


class History(Model):
    """Somebody's plays, who need not be known here: they are folded in, nothing is kept."""

    model_config = example(history=[{"track": "t0042"}, {"track": "t0007", "weight": 3}], n=10, where="year >= 1990")

    history: list[Play] = Field(min_length=1, max_length=HISTORY)
    n: Count = 10
    offset: Offset = 0
    where: Where | None = Field(None, description="filter over catalogue columns, e.g. genre = 'jazz' and year < 1970")
    novelty: Share = Field(0.0, description="0 by score alone … 1 by rarity alone")
    max_per_artist: Count | None = None
    include_seen: bool = False


class AskSimilar(Model):
    """One question of a batch; see GET /similar."""

    model_config = example(track="t0042", n=10, taste=0.7)

    track: Id
    n: Count = 10
    offset: Offset = 0
    where: Where | None = None
    taste: Share | None = Field(None, description="0 by what tracks are … 1 by who listens")
    blend: dict[str, Share] | None = Field(None, examples=[{"taste": 0.5, "sound": 0.5}])
    like: list[Id] = Field([], max_length=SEEDS)
    unlike: list[Id] = Field([], max_length=SEEDS)
    max_per_artist: Count | None = None


class AskRecommend(Model):
    """One question of a batch; see GET /recommend."""

    model_config = example(user="u0007", n=10)

    user: Id
    n: Count = 10
    offset: Offset = 0
    where: Where | None = None
    context: list[Id] = Field([], max_length=SEEDS, description="tracks that were heard just now")


class SimilarBatch(Model):
    """Several questions at once."""

    queries: list[AskSimilar] = Field(min_length=1, max_length=BATCH)


class RecommendBatch(Model):
    """Several listeners at once."""

    queries: list[AskRecommend] = Field(min_length=1, max_length=BATCH)


class SimilarAnswers(Model):
    """An answer, or a problem, for each question in order."""

    answers: list[Similar | Problem]
    bundle: str = Field(examples=[BUNDLE])


class RecommendAnswers(Model):
    """An answer, or a problem, for each listener in order."""

    answers: list[Recommended | Problem]
    bundle: str = Field(examples=[BUNDLE])


class Recipe(BaseModel):
    """A playlist of any kind; besides ``kind`` everything that a recipe of it may say, but files.

    Without ``start`` and the like, ``seeds`` are where it begins. See the how-to on recipes for every word.
    """

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {"kind": "radio", "seeds": ["t0042"], "minutes": 45, "curve": {"energy": "0:30% 50:90% 100:20%"}},
                {"kind": "path", "start": "t0001", "end": "t0009", "n": 12},
            ]
        },
    )

    kind: Kind = "radio"
    seeds: list[Id] | None = Field(None, max_length=SEEDS)
    listeners: list[Id] = Field([], max_length=SEEDS, description="whom it is for; several are one household")
    n: Count | None = None
    minutes: Annotated[float, Field(gt=0, le=MINUTES, allow_inf_nan=False), NoFlag] | None = None
    title: str | None = Field(None, max_length=200)
    where: Where | None = None


class Report(Model):
    """How a list turned out: length, traits place by place, steps between neighbours."""

    model_config = ConfigDict(extra="allow")

    tracks: int
    seconds: float | None = None
    artists: int
    traits: dict[str, list[float | None]] = Field({}, description="tempo, energy, … in order of play")
    keys: list[str | None] = Field([], description="Camelot codes in order of play")
    curves: dict[str, list[float]] = Field({}, description="what was asked for, place by place")


class MadeList(Model):
    """One playlist in order."""

    title: str
    items: list[Item]
    relaxed: list[str] = Field([], description="rules that gave way, by how much, and what would help")
    notes: list[str] = []
    report: Report


class Playlists(Model):
    """The lists of a recipe; most kinds make one."""

    kind: str
    lists: list[MadeList]
    bundle: str = Field(examples=[BUNDLE])


class Export(Model):
    """Tracks to write as a playlist file."""

    model_config = example(tracks=["t0042", "t0007"], title="Evening", format="m3u8")

    tracks: list[Id] = Field(min_length=1, max_length=HISTORY)
    title: str = Field("Playlist", min_length=1, max_length=200)
    format: Literal["m3u8", "xspf", "jspf", "csv"] = "m3u8"


class Way(Model):
    """Tracks from one to another in small steps; the score is how far along a track is, 0 to 1."""

    items: list[Item]
    notes: list[str] = []
    bundle: str = Field(examples=[BUNDLE])


class Place(Model):
    """A track on the map; nearby tracks are alike."""

    id: str
    x: float = Field(ge=-1, le=1)
    y: float = Field(ge=-1, le=1)
    title: str | None = None
    artist: str | None = None
    genre: str | None = None


class Map(Model):
    """The catalogue in two dimensions, or a sample of it."""

    points: list[Place]
    total: int = Field(description="tracks in the catalogue")
    sampled: bool
    bundle: str = Field(examples=[BUNDLE])


class Event(Model):
    """What somebody did with a track."""

    model_config = example(user="u0007", track="t0042", event="play", seconds=201.5, time=1_790_000_000)

    user: Id
    track: Id
    event: Literal["play", "skip", "like", "dislike"]
    seconds: Seconds | None = Field(None, description="how long it was heard")
    time: Time | None = Field(None, description="Unix seconds; default: now")


class Taken(Model):
    """How many events were written down; they count from the next training or update on."""

    taken: int


class Health(Model):
    """Whether the process lives, and whether it can answer."""

    status: Literal["ok", "starting"]
    bundle: str | None = Field(None, examples=[BUNDLE])
    tracks: int | None = None
    users: int | None = None
    version: str


class Problem(BaseModel):
    """What went wrong (RFC 9457): what was found, what was expected, what to do."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **{"type": "about:blank", "title": "Not Found", "status": 404, "code": "unknown-id"},
                    "detail": "unknown track 't042'; nearest by spelling: t0042, t0420",
                    "nearest": ["t0042", "t0420"],
                }
            ]
        }
    )

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    nearest: list[str] | None = Field(None, description="known ids that are spelt alike")


for model in (SimilarAnswers, RecommendAnswers):
    model.model_rebuild()
