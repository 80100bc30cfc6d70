"""What the API gives, as typed models with examples; the OpenAPI description is made from these."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from recsys.serving.questions import BUNDLE, TRACK, Model, example


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
    reasons: list[str] = Field([])


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
    unknown: list[str] = Field([])


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


class SimilarAnswers(Model):
    """An answer, or a problem, for each question in order."""

    answers: list[Similar | Problem]
    bundle: str = Field(examples=[BUNDLE])


class RecommendAnswers(Model):
    """An answer, or a problem, for each listener in order."""

    answers: list[Recommended | Problem]
    bundle: str = Field(examples=[BUNDLE])


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
    notes: list[str] = Field([])
    report: Report


class Playlists(Model):
    """The lists of a recipe; most kinds make one."""

    kind: str
    lists: list[MadeList]
    bundle: str = Field(examples=[BUNDLE])


class Way(Model):
    """Tracks from one to another in small steps; the score is how far along a track is, 0 to 1."""

    items: list[Item]
    notes: list[str] = Field([])
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
