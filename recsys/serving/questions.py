"""What the API takes, as typed models with examples, and how much of it; the OpenAPI description is made from these."""

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
MOOD = "moods, any of which will do, and limits of valence and arousal as parts of the library; beside `where`"
MOODS = ["calm, tender", "valence>.6,arousal<.4"]
Mood = Annotated[str, Field(min_length=1, max_length=LONGEST, description=MOOD, examples=MOODS)]
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
    mood: Mood | None = None
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
    mood: Mood | None = None
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
    mood: Mood | None = None
    context: list[Id] = Field([], max_length=SEEDS, description="tracks that were heard just now")


class SimilarBatch(Model):
    """Several questions at once."""

    queries: list[AskSimilar] = Field(min_length=1, max_length=BATCH)


class RecommendBatch(Model):
    """Several listeners at once."""

    queries: list[AskRecommend] = Field(min_length=1, max_length=BATCH)


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
    mood: Mood | None = None


class Export(Model):
    """Tracks to write as a playlist file."""

    model_config = example(tracks=["t0042", "t0007"], title="Evening", format="m3u8")

    tracks: list[Id] = Field(min_length=1, max_length=HISTORY)
    title: str = Field("Playlist", min_length=1, max_length=200)
    format: Literal["m3u8", "xspf", "jspf", "csv"] = "m3u8"


class Event(Model):
    """What somebody did with a track."""

    model_config = example(user="u0007", track="t0042", event="play", seconds=201.5, time=1_790_000_000)

    user: Id
    track: Id
    event: Literal["play", "skip", "like", "dislike"]
    seconds: Seconds | None = Field(None, description="how long it was heard")
    time: Time | None = Field(None, description="Unix seconds; default: now")
