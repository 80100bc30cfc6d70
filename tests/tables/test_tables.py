"""Interactions, embeddings, catalogue, top-k lists and the dataset on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsys import manifest
from recsys.errors import ArtefactError, DataError
from recsys.tables import Catalogue, Dataset, Embeddings, IdMap, Interactions, TopK

USERS, TRACKS = IdMap(["ann", "bo"], "user"), IdMap(["x", "y", "z"], "track")


def plays(**changes: object) -> Interactions:
    columns = {"user": [0, 0, 1], "track": [1, 1, 2], "weight": [1.0, 2.0, 3.0], "time": [30, 10, 20]}
    return Interactions(USERS, TRACKS, **{**columns, **changes})  # type: ignore[arg-type]


def world() -> Dataset:
    frame = pd.DataFrame({"title": ["X", None, "Z"], "year": [1990, np.nan, 2001], "genre": [["pop"], None, []]})
    content = {"sound": Embeddings.normalised(np.array([[1.0, 0], [0, 0], [3, 4]]), "sound")}
    lists = Interactions(IdMap(["mix"], "playlist"), TRACKS, [0, 0], [0, 1], [1, 1], [0, 1])
    return Dataset(plays(), Catalogue(frame), content, ratings=plays(weight=[5, 5, 1]), playlists=lists)


def test_matrix_sums_events() -> None:
    assert plays().matrix().toarray().tolist() == [[0, 3, 0], [0, 0, 3]]


def test_between_is_half_open() -> None:
    assert plays().between(10, 30).time.tolist() == [10, 20]


def test_between_needs_times() -> None:
    with pytest.raises(DataError, match="no times"):
        plays(time=None).between(0, 1)


@pytest.mark.parametrize("weight", [[1, 0, 1], [1, -1, 1], [1, np.nan, 1], [1, np.inf, 1]])
def test_weights_must_be_positive_and_finite(weight: list[float]) -> None:
    with pytest.raises(DataError, match="expected finite values > 0"):
        plays(weight=weight)


def test_rows_must_be_in_range() -> None:
    with pytest.raises(DataError, match=r"track rows span 0..3; expected 0..2"):
        plays(track=[0, 3, 1])


def test_columns_must_have_one_length() -> None:
    with pytest.raises(DataError, match="lengths"):
        plays(user=[0])


def test_unknown_vectors_are_zero_and_marked() -> None:
    found = Embeddings.normalised(np.array([[3.0, 4], [0, 0], [np.nan, 1]]), "sound")
    assert found.known.tolist() == [True, False, False]
    np.testing.assert_allclose(found.vectors, [[0.6, 0.8], [0, 0], [0, 0]], atol=1e-7)


def test_topk_shapes_must_agree() -> None:
    with pytest.raises(DataError, match="differ"):
        TopK(np.zeros((1, 2)), np.zeros((1, 3)))


def test_albums_of_two_artists_differ_and_unknown_is_minus_one() -> None:
    songs = Catalogue(pd.DataFrame({"album": ["Best", "Best", None], "artist": ["A", "B", "B"]}))
    assert songs.albums[0] != songs.albums[1]
    assert songs.albums[2] == -1


def test_parts_must_cover_the_same_tracks() -> None:
    with pytest.raises(DataError, match="catalogue covers 2 tracks; expected 3"):
        Dataset(plays(), Catalogue.empty(2))


def test_histories_are_listeners_then_playlists() -> None:
    assert world().histories().toarray().tolist() == [[0, 3, 0], [0, 0, 3], [1, 1, 0]]


def test_dataset_round_trip(tmp_path: Path) -> None:
    made = world()
    with manifest.fresh_folder(tmp_path / "tables") as work:
        made.save(work, inputs={}, facts={"made_from": 1})
    read = Dataset.open(tmp_path / "tables")
    assert read.users == made.users
    assert read.tracks == made.tracks
    assert (read.histories() != made.histories()).nnz == 0
    assert read.plays.time.tolist() == [30, 10, 20]
    pd.testing.assert_frame_equal(
        read.catalogue.frame[["title", "year"]].isna(), made.catalogue.frame[["title", "year"]].isna()
    )
    np.testing.assert_array_equal(read.contents["sound"].vectors, made.contents["sound"].vectors)
    assert read.catalogue.where("genre = 'pop'").tolist() == [True, False, False]
    assert manifest.problems(tmp_path / "tables") == []


def test_opening_something_else_says_what_it_is(tmp_path: Path) -> None:
    with manifest.fresh_folder(tmp_path / "other") as work:
        manifest.seal(work, "bundle", {})
    with pytest.raises(ArtefactError, match="holds a recsys bundle folder; expected a recsys tables folder"):
        Dataset.open(tmp_path / "other")
