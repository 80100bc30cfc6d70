"""What is known of tracks as blocks of numbers: their scales, their axes, the map from them to factors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys import models
from recsys.errors import DataError
from recsys.models.blocks import MAKERS, Block, blocks, group_codes, maker, named
from recsys.models.features import Features, leading_axes
from recsys.models.hybrid import Hybrid
from recsys.models.mapping import ContentMap, Described
from recsys.tables import Catalogue, Dataset, Embeddings
from tests.models.described import COLD, SMALL, described, rng, tastes


def test_every_kind_of_knowledge_is_a_block() -> None:
    world = described(
        artist=["A", "B", None],
        genre=[["rock"], None, ["Rock", "pop"]],
        year=[1997.0, np.nan, 2004.0],
        tempo=[120.0, 90.0, np.nan],
        duration=[100.0, 200.0, 300.0],
        disc_number=[1.0, 2.0, 1.0],
    )
    vectors = np.array([[1, 0], [0, 0], [0, 1]], np.float32)
    world = replace(world, contents={"sound": Embeddings(vectors, vectors.any(axis=1), "sound")})
    found = {block.name: block for block in blocks(world)}
    assert list(found) == ["artist", "genre", "year", "numbers", "sound"]
    assert found["numbers"].matrix.shape == (3, 1)  # tempo; a duration or the number of a disc is no taste
    assert {name: block.known.tolist() for name, block in found.items()} == {
        "artist": [True, True, False],
        "genre": [True, False, True],
        "year": [True, False, True],
        "numbers": [True, True, False],
        "sound": [True, False, True],
    }
    np.testing.assert_allclose(found["year"].matrix.sum(axis=1), [1, 0, 1])
    assert [b.name for b in blocks(world, drop=["sound", "artist"])] == ["genre", "year", "numbers"]


def test_a_later_maker_is_taken_up_by_every_model() -> None:
    world = replace(tastes(), catalogue=Catalogue.empty(48))
    with pytest.raises(DataError):
        Hybrid(factors=4).fit(world, rng=rng())

    def moods(dataset: Dataset) -> list[Block]:
        columns = np.array([named(f"mood#{k}") for k in range(4)], np.uint64)
        return [Block("mood", columns, np.eye(4, dtype=np.float32)[np.arange(48) % 4])]

    maker(moods)
    try:
        for name in COLD:
            scores = models.build(name, **SMALL.get(name, {})).fit(world, rng=rng()).scores(world.matrix())
            assert scores[0, 44] > scores[0, 45], name
    finally:
        MAKERS.remove(moods)


def test_the_same_album_by_another_artist_is_another_album() -> None:
    codes = group_codes(described(album=["Live", "Live", "live", None], artist=["A", "B", "a", "C"]), "album")
    assert codes[0] == codes[2]
    assert len(set(codes.tolist())) == 3
    assert codes[3] == 0


def test_scales_come_from_training_tracks_and_later_tracks_use_them() -> None:
    world = described(tempo=[100.0, 120.0, 140.0, 9e9], genre=[["a"], ["a"], ["b"], ["c"]])
    training = np.array([True, True, True, False])
    features = Features().fit(world, training)
    rows = features.rows(world)
    again = Features.from_arrays(features.arrays()).rows(world, np.array([2, 0]))
    np.testing.assert_allclose(again, rows[[2, 0]], atol=1e-6)
    outlier = described(tempo=[9e9], genre=[["a"]])
    assert np.linalg.norm(features.rows(outlier)[0]) < 10  # held back, and "c" was never trained on
    np.testing.assert_allclose(rows[training].T @ rows[training], np.diag(features.strength_), atol=1e-4)


def test_blocks_weigh_the_same_whatever_their_units() -> None:
    draw = rng()
    loud = draw.normal(size=200)
    numbers = {"tempo": 100 + 30 * draw.normal(size=200), "loudness": 1e-3 * loud}
    plain, scaled = (
        Features().fit(described(**frame), np.ones(200, bool)).rows(described(**frame))
        for frame in (numbers, {**numbers, "loudness": 1e4 * loud})
    )
    np.testing.assert_allclose(plain @ plain.T, scaled @ scaled.T, atol=1e-4)
    assert np.square(plain).sum(axis=1).mean() == pytest.approx(1, rel=0.01)


@given(st.integers(0, 99), st.integers(30, 90))
@settings(max_examples=10, deadline=None)
def test_leading_axes_are_those_of_the_whole_matrix(seed: int, size: int) -> None:
    draw = np.random.default_rng(seed)
    matrix = draw.normal(size=(2 * size, size)) * 0.8 ** np.arange(size)
    gram = matrix.T @ matrix
    values, axes = leading_axes(gram, 10)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(gram)[::-1][:10], rtol=0.05)
    np.testing.assert_allclose(axes.T @ axes, np.eye(10), atol=1e-8)
    np.testing.assert_allclose(axes.T @ gram @ axes, np.diag(values), atol=1e-6 * values[0])


@given(st.integers(0, 999))
@settings(max_examples=15, deadline=None)
def test_a_left_out_prediction_is_that_of_a_fit_without_the_track(seed: int) -> None:
    draw = np.random.default_rng(seed)
    rows = np.linalg.qr(draw.normal(size=(30, 4)))[0].astype(np.float32) * np.float32([4, 3, 2, 1])
    factors = draw.normal(size=(30, 3)).astype(np.float32)
    mapped = ContentMap(ridge=0.5)
    found = mapped.left_out(Described(rows, {}), factors)
    ridge = 0.5 * np.square(rows).sum() / 4
    for track in (0, 17):
        rest = np.arange(30) != track
        gram = rows[rest].T @ rows[rest] + ridge * np.eye(4)
        expected = rows[track] @ np.linalg.solve(gram, rows[rest].T @ factors[rest])
        np.testing.assert_allclose(found[track], expected, atol=1e-3)
