"""recsys.toml in, typed settings out; unknown keys are errors that guess what was meant."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recsys.errors import SettingsError, did_you_mean

FILE = "recsys.toml"


class Section(BaseModel):
    """A table of the settings file; frozen, and closed to unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Paths(Section):
    """Where things are, relative to the settings file; outputs default to the layout of ``data/``."""

    plays: list[str] = []
    tracks: list[str] = []
    playlists: list[str] = []
    content: list[str] = []
    listeners: list[str] = []
    audio: list[str] = []
    features: str = "data/features"
    tables: str = "data/tables"
    bundles: str = "data/bundles/main"
    out: str = "data/out"


class Analyze(Section):
    """How a library of sound is heard."""

    workers: int = Field(2, ge=1, le=256, description="processes")
    windows: int = Field(3, ge=1, le=100, description="windows of at most 30 s heard of each file")
    trim: bool = Field(False, description="cut silence off head and tail before describing")
    loudness: float | None = Field(None, ge=-60, le=0, description="LUFS to bring each file to before describing")
    symbols: list[Literal["chords", "notes"]] = Field([], description="hear these of whole files too; costs time")
    note_model: str | None = Field(
        None, description="other weights, or basic-pitch's nmp.onnx, in place of the note model that comes along"
    )


class Ingest(Section):
    """How raw rows become weights; see ``recsys.sources.weights`` for the rule."""

    columns: dict[str, str] = Field({}, description="our column name = the name in your files")
    max_reject_share: float = Field(0.05, ge=0, le=1, description="more bad rows than this is an error")
    skip_seconds: float = Field(30.0, ge=0, description="heard for less than this counts as a skip")
    lyrics: bool = Field(False, description="read the words sung in music files: .lrc or .txt beside them, or tags")
    text: bool = Field(False, description="make titles, genres, tags and lyrics a content space too")


class Label(Section):
    """What a library teaches about its own tracks, filled in where nobody said it."""

    targets: list[str] = Field(["genre", "mood", "emotion"], description="empty = learn nothing")
    instruments: bool = Field(True, description="hear instruments too, with the weights that come along")
    minutes: float = Field(5.0, gt=0, description="for choosing how to learn; hearing is not counted")
    tracks: int = Field(1200, ge=50, description="labelled tracks at most to learn from")


class Train(Section):
    """What is fitted, and from which seed."""

    model: str | None = Field(None, description="fit only this model; default: the best on validation")
    seed: int = Field(0, ge=0)
    valid_share: float = Field(0.1, gt=0, lt=1, description="share of each listener's tracks held out to choose")
    without: list[str] = Field(["tagger", "gen"], description="content spaces that models leave out")
    keep: list[str] = Field(["tagger:genre"], description="of these, what models read all the same")
    next_track: bool | None = Field(
        None, description="learn what comes next in lists, and use it where it is better; default: of 500 playlists on"
    )


class Recommend(Section):
    """Batch lists."""

    n: int = Field(100, ge=1, le=10_000)
    format: Literal["parquet", "csv", "jsonl"] = "parquet"
    users_per_part: int = Field(10_000, ge=1)
    novelty: float = Field(0.0, ge=0, le=1, description="0 by score alone, 1 by rarity alone")
    calibrate: float = Field(0.0, ge=0, le=1, description="towards the listener's own mix of popularity and genre")
    not_heard_days: float | None = Field(None, ge=0, description="nothing heard within so many days; older may return")
    max_per_artist: int | None = Field(None, ge=1)
    dislike: float = Field(0.1, ge=0, le=10, description="deviations that likeness to a skipped track costs")
    half_life: float = Field(60.0, gt=0, description="days after which a skip counts half")
    even: float = Field(0.0, ge=0, le=1, description="exposure: 0 as it is, 1 as even_to says, over groups of tracks")
    even_by: str = Field("popularity", description="what makes the groups: popularity, decade, or a column")
    even_to: Literal["catalogue", "plays"] = "catalogue"
    explore: float = Field(0.0, ge=0, le=1, description="share of places drawn by lot from other sources")
    feedback: str | None = Field(None, description="folder that recsys feedback wrote: better sources get more places")


class Similar(Section):
    """Neighbours of a track; ``taste`` is the collaborative share of the hybrid score, the rest is content."""

    n: int = Field(10, ge=1, le=10_000)
    by: Literal["hybrid", "collaborative", "content", "sound", "harmony", "melody"] = "hybrid"
    taste: float = Field(0.5, ge=0, le=1)
    max_per_artist: int | None = Field(None, ge=1)


class Playlist(Section):
    """Defaults that listeners expect: at most two per artist, the same artist at least three tracks apart."""

    n: int = Field(50, ge=1, le=10_000)
    max_per_artist: int = Field(2, ge=1)
    artist_gap: int = Field(3, ge=0)


class Evaluate(Section):
    """How the engine measures itself."""

    protocol: Literal["warm", "strong", "cold", "continuation", "temporal", "thaw", "all"] = "warm"
    seed: int = Field(42, ge=0)
    bootstrap: int = Field(1000, ge=100)
    ablate: bool = Field(False, description="measure too what each block of content is worth")
    seeds: int = Field(5, ge=1, le=100, description="splits of the ablation")


class Privacy(Section):
    """What reports and counts tell of listeners."""

    audience: int = Field(10, ge=1, description="what concerns fewer listeners is told together with the rest")


class Serve(Section):
    """Answering over HTTP, and how much anybody may ask of it."""

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65_535, description="0 = any that is free")
    library: list[str] = Field([], description="folders of sound files that may be sent; default: paths.audio")
    origins: list[str] = Field([], description="pages of other addresses that may ask (CORS)")
    hosts: list[str] = Field([], description="further names by which this machine is called")
    body_kilobytes: int = Field(1024, ge=1, description="most of a question")
    upload_megabytes: int = Field(30, ge=1, description="most of a sound file to search by")
    hear_seconds: float = Field(20.0, gt=0, description="longest time to hear one")
    body_seconds: float = Field(15.0, gt=0, description="longest time for a question to arrive")
    answer_seconds: float = Field(30.0, gt=0, description="longest time for an answer")
    rate: float = Field(0.0, ge=0, description="questions a second and client; 0 = any number")
    connections: int = Field(512, ge=1, description="open at a time")
    threads: int = Field(2, ge=1, le=64, description="answers that take long are made in so many")
    waiting: int = Field(64, ge=1, description="questions that may wait for a thread")
    watch_seconds: float = Field(1.0, gt=0, description="how often CURRENT is looked at")


class Onnx(Section):
    """An encoder of one's own; see ``recsys.producers.encoders.sidecar``."""

    path: str | None = Field(None, description="an ONNX file with its .json beside it; its vectors become a space")
    threads: int = Field(1, ge=1, le=256)


class Torch(Section):
    """The same as a state-dict and declared layers; see ``recsys.producers.encoders.sidecar``."""

    path: str | None = Field(None, description=".pt, .pth or .safetensors with its .json beside it")
    threads: int = Field(1, ge=1, le=256)


class Producers(Section):
    """What makes more features of sound."""

    onnx: Onnx = Onnx()
    torch: Torch = Torch()


class Settings(Section):
    """All settings; every field has a default that works.

    >>> Settings().recommend.n
    100
    """

    paths: Paths = Paths()
    analyze: Analyze = Analyze()
    ingest: Ingest = Ingest()
    label: Label = Label()
    train: Train = Train()
    recommend: Recommend = Recommend()
    similar: Similar = Similar()
    playlist: Playlist = Playlist()
    evaluate: Evaluate = Evaluate()
    privacy: Privacy = Privacy()
    serve: Serve = Serve()
    producers: Producers = Producers()
    models: dict[str, dict[str, Any]] = Field({}, description="hyper-parameters by model name")


def load(path: Path) -> Settings:
    """Read a settings file.

    Raises:
        SettingsError: no such file, broken TOML, an unknown key or a value out of range.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(f"no {path}; make one with: recsys init") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from error
    return parse(content, str(path))


def parse(content: Mapping[str, Any], where: str = "settings") -> Settings:
    """Nested mappings to settings, with errors that name the key and the value found."""
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        raise SettingsError(f"{where}: {_first(error)}") from error


def changed(settings: Settings, section: str, **values: Any) -> Settings:
    """The settings with some values of one section replaced; None leaves a value as it is.

    Raises:
        SettingsError: a value out of range.

    >>> changed(Settings(), "recommend", n=5, format=None).recommend.n
    5
    """
    content = settings.model_dump()
    content[section] |= {name: value for name, value in values.items() if value is not None}
    return parse(content)


def override(settings: Settings, assignments: Iterable[str]) -> Settings:
    """Apply ``--set`` options: keys of sections (``recommend.n=50``, ``producers.onnx.path=x``) or models.

    >>> override(Settings(), ["ials.factors=64"]).models
    {'ials': {'factors': 64}}
    """
    content = settings.model_dump()
    for text in assignments:
        key, sign, value = text.partition("=")
        *sections, name = (part.strip() for part in key.split("."))
        if not sign or not sections or not all([*sections, name]):
            raise SettingsError(f"--set {text!r}: expected section.key=value, e.g. ials.factors=128")
        table = content if sections[0] in Settings.model_fields else content["models"]
        for section in sections:
            table = table.setdefault(section, {})
            if not isinstance(table, dict):
                raise SettingsError(f"--set {text!r}: {section} is a value, {table!r}, and has no {name}")
        table[name] = _value(value.strip())
    return parse(content, "--set")


def _value(text: str) -> Any:
    """A TOML value, or the text itself when it is none (so that quotes are optional)."""
    try:
        return tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        return text


def _first(error: ValidationError) -> str:
    detail = error.errors()[0]
    place = ".".join(map(str, detail["loc"]))
    if detail["type"] != "extra_forbidden":
        return f"{place} = {detail['input']!r}: {detail['msg'].lower()}"
    *parents, name = detail["loc"]
    return f"unknown key {place!r}{did_you_mean(str(name), _fields(parents))}"


def _fields(parents: list[Any]) -> list[str]:
    section: Any = Settings
    for name in parents:
        section = section.model_fields[name].annotation
    return list(section.model_fields)
