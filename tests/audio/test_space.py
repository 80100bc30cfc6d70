"""The content space of descriptor blocks: robust, storable, and better with artists known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.audio.space import ENOUGH, Space
from recsys.errors import ArtefactError, DataError
from recsys.tables import Embeddings

SIZES = {"timbre": 12, "rhythm": 5}


def blocks(n: int, seed: int = 0) -> dict[str, Embeddings]:
    rng = np.random.default_rng(seed)
    return {name: Embeddings(rng.normal(size=(n, d)), np.ones(n, bool), name) for name, d in SIZES.items()}


@given(n=st.integers(2, 40), seed=st.integers(0, 5))
@settings(max_examples=20, deadline=None)
def test_vectors_are_unit_and_finite_however_few_the_tracks(n: int, seed: int) -> None:
    made = blocks(n, seed)
    found = Space.fit(made).vectors(made)
    assert np.isfinite(found.vectors).all()
    np.testing.assert_allclose(np.linalg.norm(found.vectors[found.known], axis=1), 1, atol=1e-5)


@given(scale=st.floats(1e-3, 1e3), shift=st.floats(-100, 100))
@settings(max_examples=20, deadline=None)
def test_units_of_a_feature_do_not_matter(scale: float, shift: float) -> None:
    made = blocks(30)
    other = dict(made, rhythm=Embeddings(made["rhythm"].vectors * scale + shift, made["rhythm"].known, "rhythm"))
    first, second = (Space.fit(b).vectors(b).vectors for b in (made, other))
    np.testing.assert_allclose(first @ first.T, second @ second.T, atol=0.02)


def test_one_odd_file_moves_little() -> None:
    made = blocks(200)
    odd = {n: Embeddings(np.vstack([e.vectors, np.full((1, e.dimensions), 1e6)]), np.ones(201, bool), n)
           for n, e in made.items()}  # fmt: skip
    first, second = Space.fit(made).vectors(made).vectors, Space.fit(odd).vectors(odd).vectors[:200]
    assert np.abs(first @ first.T - second @ second.T).mean() < 0.04


def test_a_block_that_is_unknown_counts_as_the_middle() -> None:
    made = blocks(50)
    known = np.ones(50, bool)
    known[:2] = False
    made["rhythm"] = Embeddings(made["rhythm"].vectors, known, "rhythm")
    space = Space.fit(made)
    found = space.vectors(made)
    assert found.known.all()
    middle = space.middle[: SIZES["rhythm"]].astype(np.float32)
    np.testing.assert_allclose(
        space.place({"timbre": made["timbre"].vectors[0]}),
        space.place({"timbre": made["timbre"].vectors[0], "rhythm": middle}),
        atol=1e-5,
    )
    np.testing.assert_allclose(found.vectors[0], space.place({"timbre": made["timbre"].vectors[0]}), atol=1e-5)


def test_a_track_of_which_nothing_is_heard_has_no_vector() -> None:
    made = blocks(20)
    silent = np.ones(20, bool)
    silent[7] = False
    made = {name: Embeddings(e.vectors, silent, name) for name, e in made.items()}
    space = Space.fit(made)
    assert space.vectors(made).known.tolist() == silent.tolist()
    with pytest.raises(DataError, match="nothing to hear"):
        space.place({})


def test_stored_and_opened_it_places_the_same(tmp_path: Path) -> None:
    made = blocks(30)
    space = Space.fit(made, facts={"analyser": "abc"})
    space.save(tmp_path / "sound")
    again = Space.open(tmp_path / "sound")
    assert again.facts == {"analyser": "abc"}
    assert np.array_equal(again.vectors(made).vectors, space.vectors(made).vectors)
    (tmp_path / "sound" / "middle.npy").unlink()
    with pytest.raises(ArtefactError, match="train again"):
        Space.open(tmp_path / "sound")


def test_blocks_of_another_length_are_refused() -> None:
    space = Space.fit(blocks(20))
    with pytest.raises(DataError, match="analyze again"):
        space.place({"timbre": np.zeros(3, np.float32)})
    with pytest.raises(DataError, match="no descriptor block"):
        Space.fit({})


def test_known_artists_teach_what_to_overlook() -> None:
    """Loud directions that vary within an artist hide a quiet one that tells artists apart."""
    rng = np.random.default_rng(0)
    artists = np.repeat(np.arange(60), 4).astype(np.int32)
    values = rng.normal(size=(len(artists), 12))
    values[:, :5] = np.repeat(rng.normal(size=(60, 5)), 4, axis=0) + 0.3 * rng.normal(size=(len(artists), 5))
    made = {"timbre": Embeddings(values, np.ones(len(artists), bool), "timbre")}
    plain = same_artist(Space.fit(made).vectors(made).vectors, artists)
    taught = same_artist(Space.fit(made, artists).vectors(made).vectors, artists)
    assert taught > plain + 0.1


def labelled() -> tuple[dict[str, Embeddings], np.ndarray, np.ndarray]:
    """Sixty artists in three genres; what tells genres apart is weak beside what tells artists apart."""
    rng = np.random.default_rng(0)
    artists = np.repeat(np.arange(60), 4).astype(np.int32)
    genres = artists % 3
    values = np.repeat(rng.normal(size=(60, 12)), 4, axis=0) + 0.5 * rng.normal(size=(240, 12))
    values[:, 0] += 1.2 * (genres == 0)
    values[:, 1] += 1.2 * (genres == 1)
    return {"timbre": Embeddings(values, np.ones(240, bool), "timbre")}, artists, genres


def test_known_genres_bring_together_what_nobody_has_labelled() -> None:
    made, artists, genres = labelled()
    some = artists < 30
    known = [np.where(some, codes, -1).astype(np.int32) for codes in (artists, genres)]
    by_artist, by_genre = (
        same_genre(Space.fit(made, known[0], genres=codes).vectors(made).vectors[~some], artists[~some], genres[~some])
        for codes in (None, known[1])
    )
    assert by_genre > by_artist + 0.02


def same_genre(vectors: np.ndarray, artists: np.ndarray, genres: np.ndarray) -> float:
    """Share of the same genre among the ten nearest by others."""
    likeness = np.where(artists[:, None] == artists, -2, vectors @ vectors.T)
    return float((genres[np.argsort(-likeness, axis=1)[:, :10]] == genres[:, None]).mean())


def test_an_artist_is_no_genre() -> None:
    """Genres of few tracks, or of one or two artists, teach nothing."""
    made, artists, _ = labelled()
    plain = Space.fit(made, artists).projection
    two = np.where(artists < 2, 0, -1).astype(np.int32)
    for genres in (artists, two, np.where(np.arange(240) % 30 == 0, 0, -1).astype(np.int32)):
        assert np.array_equal(Space.fit(made, artists, genres=genres).projection, plain)


def test_a_few_artists_teach_nothing() -> None:
    made = blocks(ENOUGH)
    artists = np.repeat(np.arange(5), ENOUGH // 5).astype(np.int32)
    assert np.array_equal(Space.fit(made, artists).projection, Space.fit(made).projection)


def same_artist(vectors: np.ndarray, artists: np.ndarray) -> float:
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -2)
    return float((artists[likeness.argmax(axis=1)] == artists).mean())
