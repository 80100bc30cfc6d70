"""What producers say of a library: as columns and spaces, on disk and back, asked once and honestly."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recsys import manifest
from recsys.joining import join
from recsys.models.blocks import blocks
from recsys.producers.labelling import examples as hearing
from recsys.producers.labelling.arms import Prediction
from recsys.producers.labelling.examples import Examples
from recsys.producers.labelling.hearing import kept as kept_at
from recsys.producers.tagging import tags as tagging
from recsys.producers.tagging.ask import ask, put_fair
from recsys.producers.tagging.kept import KIND, Labelled, Said, open_labels, save, told
from recsys.producers.tagging.tags import Library, lessons
from recsys.tables.predicted import targets
from recsys.tables.predicted import told as told_of
from recsys.verbs.raw import believed
from tests.test_joining import library as some_files
from tests.test_joining import log

NAN = np.nan
GENRE = Said(
    "genre", "single", ("Hip-Hop", "Jazz"), np.array([[0.9, 0.1], [0.45, 0.55], [NAN, NAN]], np.float32), None, "l@1"
)
MOOD = Said("mood", "multi", ("calm", "sad"), np.array([[0.7, 0.6], [0.2, 0.1], [NAN, NAN]], np.float32), None, "l@1")
FEEL = Said(
    "emotion",
    "numeric",
    ("valence", "arousal"),
    np.array([[0.1, 0.2], [NAN, NAN], [0.5, 0.6]], np.float32),
    np.full((3, 2), 0.3, np.float32),
    "l@1",
)


def test_columns_have_labels_of_even_chance_and_all_chances() -> None:
    frame = Labelled({"genre": GENRE, "mood": MOOD, "emotion": FEEL}, None).columns()
    assert targets(frame) == ["genre", "mood", "valence", "arousal"]
    assert frame["genre_predicted"].tolist() == [["Hip-Hop"], ["Jazz"], None]
    assert frame["mood_predicted"].tolist() == [["calm", "sad"], [], None]
    np.testing.assert_allclose(frame["p_genre_hip_hop"], [0.9, 0.45, NAN], rtol=1e-6)
    np.testing.assert_allclose(frame["p_genre"], [0.9, 0.55, NAN], rtol=1e-6)
    np.testing.assert_allclose(frame["valence_predicted"], [0.1, NAN, 0.5], rtol=1e-6)
    assert frame["genre_by"].tolist() == ["l@1", "l@1", None]
    assert list(told_of(frame, 0)["genre"]["predicted"]) == ["Hip-Hop", "jazz"]


def test_spaces_know_only_what_was_said() -> None:
    embedding = np.array([[3.0, 4.0], [NAN, NAN], [1.0, 0.0]], np.float32)
    spaces = {space.space: space for space in Labelled({"genre": GENRE, "emotion": FEEL}, embedding).spaces()}
    assert list(spaces) == ["tagger:genre", "tagger:emotion", "tagger:embedding"]
    assert spaces["tagger:genre"].known.tolist() == [True, True, False]
    assert spaces["tagger:emotion"].vectors.shape == (3, 4)
    np.testing.assert_allclose(spaces["tagger:embedding"].vectors, [[0.6, 0.8], [0, 0], [1, 0]], rtol=1e-6)


def test_written_and_read_for_other_tracks(tmp_path: Path) -> None:
    labelled = Labelled({"genre": GENRE, "emotion": FEEL}, np.eye(3, 4, dtype=np.float32))
    save(tmp_path, ["a", "b", "c"], labelled)
    manifest.seal(tmp_path, KIND, {"targets": told(labelled)})
    found = open_labels(tmp_path, ["c", "new", "a"])
    np.testing.assert_array_equal(found.said["genre"].mean, [[NAN, NAN], [NAN, NAN], GENRE.mean[0]])
    assert found.said["emotion"].sigma is not None
    np.testing.assert_array_equal(found.said["emotion"].sigma[2], FEEL.sigma[0])
    assert found.said["genre"].classes == GENRE.classes
    assert np.isnan(found.embedding[1]).all()


@dataclass(frozen=True)
class Learned:
    """A model of one target that says what the first descriptor is."""

    name: str = "genre"
    kind: str = "single"
    classes: tuple[str, ...] = ("Jazz", "Rock")

    def predict(self, heard: Examples) -> Prediction:
        share = heard.descriptors[:, 0]
        return Prediction(np.column_stack([share, 1 - share]).astype(np.float32))


MODEL: Any = SimpleNamespace(learned=(Learned(),), names=("x",))


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths that were heard; a file is its number, and "broken" can't be heard."""
    asked: list[str] = []

    def hear(paths: list[str], **_: Any) -> tuple[dict[str, str], dict[str, str]]:
        asked.extend(paths)
        return {path: f"d{path}" for path in paths if path != "broken"}, {}

    def assemble(paths: list[str], digests: list[str], *_: Any) -> Examples:
        values = np.array([[float(path)] for path in paths], np.float32)
        mel, mask = np.zeros((len(paths), 1, 8, 4), np.float16), np.ones((len(paths), 1), bool)
        return Examples(tuple(paths), mel, mask, values, ("x",), np.arange(len(paths)), tuple(digests))

    monkeypatch.setattr(hearing, "hear", hear)
    monkeypatch.setattr(hearing, "assemble", assemble)
    return asked


def library(paths: list[str], folder: Path, **columns: Any) -> Library:
    frame = pd.DataFrame({"artist": paths, **columns})
    return Library(paths, [f"d{path}" for path in paths], np.arange(len(paths), dtype=np.int32), frame, folder)


def test_every_track_is_asked_about_once(heard: list[str], tmp_path: Path) -> None:
    tracks = library([".1", "broken", ".9"], tmp_path)
    first = ask(tracks, MODEL, None, "1")
    np.testing.assert_allclose(first.said["genre"].mean, [[0.1, 0.9], [NAN, NAN], [0.9, 0.1]], rtol=1e-6)
    assert first.said["genre"].by == "library@1"
    ask(tracks, MODEL, None, "1")
    assert heard == [".1", "broken", ".9"]  # the second time from the part that was kept
    more = library([".1", "broken", ".9", ".5"], tmp_path / "other")
    before = first.take(np.array([0, 1, 2, -1]))
    again = ask(more, MODEL, None, "1", before=before)
    assert heard[3:] == ["broken", ".5"]
    np.testing.assert_allclose(again.said["genre"].mean[3], [0.5, 0.5], rtol=1e-6)


def test_another_model_is_asked_about_everything(heard: list[str], tmp_path: Path) -> None:
    tracks = library([".1", ".9"], tmp_path)
    before = ask(tracks, MODEL, None, "1")
    after = ask(tracks, MODEL, None, "2", before=before)
    assert after.said["genre"].by == "library@2"
    assert heard == [".1", ".9"] * 2


def test_what_was_heard_to_learn_is_not_heard_again_and_the_rest_not_kept(heard: list[str], tmp_path: Path) -> None:
    place = kept_at(tmp_path, "d.1")
    place.parent.mkdir(parents=True)
    place.touch()
    found = ask(library([".1", ".9"], tmp_path), MODEL, None, "1")
    assert heard == [".9"]
    np.testing.assert_allclose(found.said["genre"].mean[:, 0], [0.1, 0.9], rtol=1e-6)
    assert place.is_file()
    assert not kept_at(tmp_path, "d.9").exists()


def test_only_what_another_producer_says_is_asked_again(heard: list[str], tmp_path: Path) -> None:
    tracks = library([".1", ".9"], tmp_path)
    before = ask(tracks, MODEL, None, "1")
    before.said["genre"].mean[0] = [0.25, 0.75]  # said before it had been learned from
    shutil.rmtree(tmp_path / "parts")
    other = SimpleNamespace(learned=(*MODEL.learned, Learned("mood")), names=("x",))
    after = ask(tracks, other, None, "1", before=before)
    np.testing.assert_allclose(after.said["genre"].mean, [[0.25, 0.75], [0.9, 0.1]], rtol=1e-6)
    np.testing.assert_allclose(after.said["mood"].mean, [[0.1, 0.9], [0.9, 0.1]], rtol=1e-6)


def test_of_what_was_learned_from_counts_what_was_said_unseen(heard: list[str], tmp_path: Path) -> None:
    tracks = library([".1", ".9"], tmp_path)
    labelled = ask(tracks, MODEL, None, "1")
    put_fair(labelled, tracks.digests, {"genre": {"d.9": (np.array([0.6, 0.4], np.float32), None)}})
    np.testing.assert_allclose(labelled.said["genre"].mean, [[0.1, 0.9], [0.6, 0.4]], rtol=1e-6)


def test_a_target_that_every_track_has_teaches_nobody(tmp_path: Path) -> None:
    genres = [["Rock"], ["Jazz"]] * 40
    tracks = library([str(i) for i in range(80)], tmp_path, genre=genres)
    made, reasons = lessons(tracks, ["genre", "mood"])
    assert not made
    assert reasons["genre"] == "every track has it"
    some = library([str(i) for i in range(80)], tmp_path, genre=[*genres[:-1], None])
    assert list(lessons(some, ["genre"])[0]) == ["genre"]


def test_what_is_learned_from_is_drawn_evenly(tmp_path: Path) -> None:
    genres = [["Rock"]] * 170 + [["Jazz"]] * 29 + [None]
    tracks = library([str(i) for i in range(200)], tmp_path, genre=genres)
    made, _ = lessons(tracks, ["genre"])
    rows = tagging._drawn(made, 60, 0)
    counts = made["genre"].values[rows].sum(axis=0)
    assert len(rows) == 60
    assert counts.min() == 29
    np.testing.assert_array_equal(rows, tagging._drawn(made, 60, 0))


def test_a_library_that_was_labelled_joins_its_tracks() -> None:
    said = Labelled({"genre": GENRE.take(np.array([0, 1]))}, None)
    dataset = log(path=["/1", "/2"], title=["A", "B"], genre=[["jazz"], None])
    files = some_files({"path": "/1"}, {"path": "/2"})
    joined = join(dataset, files, said.spaces(), said=said.columns()).dataset
    frame = joined.catalogue.frame
    assert frame["genre"].tolist() == [["jazz"], None]
    assert frame["genre_predicted"].tolist() == [None, ["Jazz"]]
    assert frame["genre_by"].tolist() == [None, "l@1"]
    assert np.isnan(frame["p_genre"][0])
    assert joined.catalogue.where("genre = 'jazz' and p_genre > .5").tolist() == [True, True]
    assert [block.name for block in blocks(joined)] == ["genre", "numbers", "sound", "tagger:genre"]
    sure = believed(joined, said).contents["tagger:genre"]
    np.testing.assert_allclose(sure.vectors, [[0, 1], [0.45, 0.55]], rtol=1e-6)
    assert list(joined.without(["tagger"]).contents) == ["sound"]
