"""Chords and notes beside the features of a library: heard once per sound, kept, joined, and searched by a tune."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from recsys import api, manifest
from recsys.audio import parts
from recsys.audio.relations import COLUMNS, COVER
from recsys.audio.sound import RATE
from recsys.audio.store import open_features
from recsys.errors import ArtefactError, DataError
from recsys.producers.melody.search import Tunes
from recsys.producers.notation import Notes, Part, Piece, write_midi
from recsys.producers.transcription import library, symbols
from recsys.producers.transcription.described import width
from recsys.producers.transcription.library import GEN, HARMONY, KIND, TABLE, TRANS, hear_library, open_symbols
from recsys.settings import parse
from recsys.tables import Catalogue, Dataset, IdMap, Interactions
from recsys.verbs.symbols import symbols_of, with_covers
from tests.producers.harmony.test_chords import song
from tests.producers.melody.test_search import changed, sung, tune


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    for name, steps in (("one", 0), ("two", 5)):
        soundfile.write(folder / f"{name}.wav", song(steps).samples, RATE)
    return folder


def test_chords_beside_the_features_are_heard_once_per_sound(music: Path, tmp_path: Path) -> None:
    here, features = tmp_path / "music", tmp_path / "features"
    shutil.copytree(music, here)
    made = api.analyze([here], out=features, with_="chords", workers=1)
    assert (made.facts["heard"], made.facts["symbols"], made.facts["not_heard"]) == (2, 2, {})
    beside = symbols_of(features)
    assert manifest.read(beside, KIND)["sounds"] == 2
    assert not manifest.problems(beside)
    again = api.analyze([here], out=features, with_="chords", workers=1)
    assert again.unchanged
    (here / "one.wav").rename(here / "another name.wav")
    moved = api.analyze([here], out=features, with_="chords", workers=1)
    assert moved.facts["heard"] == 0
    api.ingest(features=features, out=tmp_path / "tables")
    harmony = Dataset.open(tmp_path / "tables").contents[HARMONY]
    assert harmony.known.all()
    assert harmony.vectors[0] @ harmony.vectors[1] > 0.95
    (beside / TABLE).unlink()
    assert api.ingest(features=features, out=tmp_path / "tables", settings=parse({}), only_stale=True).unchanged


def test_what_is_finished_when_a_run_is_killed_stays(music: Path, tmp_path: Path) -> None:
    files = {f"{name}-digest": str(music / f"{name}.wav") for name in ("one", "two")}
    (tmp_path / "out" / "journal").mkdir(parents=True)
    row = {**dict.fromkeys(library.COLUMNS), **symbols.symbols(files["one-digest"], parts=("chords",))}
    row |= {"digest": "one-digest", "by_chords": library.made_by(("chords",), None)["chords"], "tries": 1}
    parts.write(tmp_path / "out" / "journal" / "00000001.parquet", library._table([row]))
    made = hear_library(files, tmp_path / "out", parts=("chords",), workers=1)
    assert (made["heard"], made["symbols"]) == (1, 2)
    found = open_symbols(tmp_path / "out", ["two-digest", None, "one-digest"])
    assert [row is None for row in found.rows] == [False, True, False]
    assert not list((tmp_path / "out" / "journal").glob("*.parquet"))


def test_failures_are_kept_with_their_cause(music: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.mp3").write_bytes(b"no sound at all")
    files = {"good": str(music / "one.wav"), "bad": str(tmp_path / "bad.mp3")}
    made = hear_library(files, tmp_path / "out", parts=("chords",), workers=1)
    assert (made["heard"], list(made["failures"])) == (1, [files["bad"]])
    again = hear_library(files, tmp_path / "out", parts=("chords",), workers=1)
    assert (again["heard"], list(again["failures"])) == (0, [files["bad"]])
    assert open_symbols(tmp_path / "out", ["bad"]).rows == [None]


def test_what_can_not_be_done_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="part 'drums'; expected one or more of chords, notes"):
        hear_library({}, tmp_path / "out", parts=("drums",))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(ArtefactError, match="holds no symbols"):
        hear_library({}, tmp_path / "mine", parts=("chords",))


@pytest.fixture(scope="module")
def bundle(music: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tracks whose notes are known, as if a note model had heard them."""
    place = tmp_path_factory.mktemp("bundle")
    api.analyze([music], out=place / "features", workers=1)
    table = open_features(place / "features").catalogue
    rows = []
    for path, digest in zip(table["path"], table["digest"], strict=True):
        notes = tune(1 if "one" in path else 2)
        said = symbols.of_notes(notes, np.arange(0, 60, 0.5), 0, 60.0)
        rows.append({**dict.fromkeys(library.COLUMNS), "digest": digest, "by_notes": "these", "tries": 1, **said})
    beside = symbols_of(place / "features")
    (beside / "journal").mkdir(parents=True)
    library._seal(beside, {row["digest"]: row for row in rows}, {})
    api.ingest(features=place / "features", out=place / "tables")
    trans = Dataset.open(place / "tables").contents[TRANS]
    assert trans.known.all()
    assert trans.dimensions == width()
    assert Dataset.open(place / "tables").contents[GEN].known.all()
    api.train(place / "tables", out=place / "bundles")
    return place / "bundles"


def test_a_hummed_tune_and_a_midi_file_find_their_track(bundle: Path, tmp_path: Path) -> None:
    part = changed(tune(2).take(np.arange(20, 40)), -9, 1.2, tune(2).onset[20])
    soundfile.write(tmp_path / "hum.wav", sung(part).samples, RATE)
    write_midi(tmp_path / "tune.mid", Piece([Part(part)]))
    for query in ({"hum": tmp_path / "hum.wav"}, {"midi": tmp_path / "tune.mid"}):
        found = api.similar(bundle=bundle, **query)
        assert found["title"][0] == "two"
        assert found["score"][0] > 0.8
        assert "9 semitones higher, 1.2" in found["reason"][0]
    none = api.similar(bundle=bundle, midi=tmp_path / "tune.mid", where="title = 'one'")
    assert "two" not in none["title"].tolist()


def test_tracks_are_compared_by_their_melodies(bundle: Path) -> None:
    engine = api.open_engine(bundle)
    one = engine.tracks.at(np.flatnonzero(engine.catalogue.values("title") == "one"))[0]
    found = api.similar([one], bundle=bundle, by="melody")
    assert one not in found["track_id"].tolist()
    assert (found["score"] < 0.6).all()
    with pytest.raises(DataError, match="like or unlike by melody"):
        api.similar([one], like=[one], bundle=bundle, by="melody")


def test_tracks_that_share_a_melody_are_told_as_covers() -> None:
    ids = IdMap(["a", "b", "c", "d"], "track")
    artists = Catalogue(pd.DataFrame({"artist": ["x", "y", "x", "x"]}))
    dataset = Dataset(Interactions.empty(IdMap([], "user"), ids), artists)
    none = pd.DataFrame([], columns=COLUMNS)
    tunes = Tunes.of([tune(1), changed(tune(1), 3, 1.1), tune(2), changed(tune(2), -2, 0.9)])
    told = with_covers(none, tunes, dataset)
    assert told[["track_a", "track_b", "relation"]].to_numpy().tolist() == [["a", "b", COVER]]
    assert with_covers(told, tunes, dataset).equals(told)


def test_an_update_keeps_the_melodies_with_their_tracks(bundle: Path, tmp_path: Path) -> None:
    pd.DataFrame({"track_id": ["a new one", "zz"], "title": ["x", "y"]}).to_csv(tmp_path / "tracks.csv", index=False)
    updated = api.update(bundle, tracks=[tmp_path / "tracks.csv"], out=tmp_path / "updated")
    write_midi(tmp_path / "tune.mid", Piece([Part(tune(2))]))
    found = api.similar(bundle=updated.path, midi=tmp_path / "tune.mid")
    assert found["title"][0] == "two"


def test_an_update_brings_the_melodies_of_late_tracks(bundle: Path, music: Path, tmp_path: Path) -> None:
    late, features = tmp_path / "late", tmp_path / "features"
    late.mkdir()
    soundfile.write(late / "three.wav", song(3).samples, RATE)
    api.analyze([late], out=features, workers=1)
    (digest,) = open_features(features).catalogue["digest"]
    row = {**dict.fromkeys(library.COLUMNS), "digest": digest, "by_notes": "these", "tries": 1}
    (symbols_of(features) / "journal").mkdir(parents=True)
    said = symbols.of_notes(tune(3), np.arange(0, 60, 0.5), 0, 60.0)
    library._seal(symbols_of(features), {digest: row | said}, {})
    updated = api.update(bundle, features=features, out=tmp_path / "updated")
    for place, name in ((2, "two"), (3, "three")):
        write_midi(tmp_path / "tune.mid", Piece([Part(tune(place))]))
        assert api.similar(bundle=updated.path, midi=tmp_path / "tune.mid")["title"][0] == name
    engine = api.open_engine(updated.path)
    assert engine.contents[TRANS].known[engine.catalogue.values("title") == "three"].all()


def test_a_tune_that_can_not_be_searched_is_said(bundle: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silence.wav", np.zeros(RATE), RATE)
    with pytest.raises(DataError, match="no voice with a clear pitch"):
        api.similar(bundle=bundle, hum=tmp_path / "silence.wav")
    with pytest.raises(DataError, match="expected a MIDI file"):
        api.similar(bundle=bundle, midi=tmp_path / "none.mid")
    with pytest.raises(DataError, match="expected the tune alone"):
        api.similar(["x"], bundle=bundle, midi=tmp_path / "none.mid")
    write_midi(tmp_path / "short.mid", Piece([Part(Notes.of([(0, 1, 60, 80)]))]))
    with pytest.raises(DataError, match="hum some bars"):
        api.similar(bundle=bundle, midi=tmp_path / "short.mid")
