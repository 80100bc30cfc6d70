"""What all tracks have in common, told apart from what comes with words; and content rows of stored models."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recsys import models
from recsys.models.blocks import blocks
from recsys.models.features import ANYTHING, Features
from recsys.tables import Catalogue, Dataset, Embeddings, IdMap, Interactions
from tests.models.described import SMALL, described, rng


def half_known(name: str, known: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores of the new tracks for everybody, and whom they suit: all have a sound, some a genre that says nothing."""
    draw = np.random.default_rng(seed)
    kind, likes = np.arange(120) % 3, np.arange(90)[:, None] % 3
    plays = draw.random((90, 120)) < np.where(likes == kind, 0.5, 0.2)
    plays[:, -40:] = False
    user, track = np.nonzero(plays)
    sound = np.eye(3)[kind] + 0.3 * draw.normal(size=(120, 3))
    genre = pd.DataFrame({"genre": [[f"g{draw.integers(2)}"] if told else None for told in known]})
    log = Interactions(IdMap(range(90)), IdMap(range(120)), user, track, np.ones(len(user)))
    world = Dataset(log, Catalogue(genre), {"sound": Embeddings.normalised(sound, "sound")})
    scores = models.build(name, **SMALL.get(name, {})).fit(world, rng=rng()).scores(world.matrix())
    return scores[:, -40:], likes == kind[-40:]


@pytest.mark.parametrize("name", ["hybrid", "mapped"])
def test_words_known_of_half_of_the_tracks_move_them_neither_up_nor_down(name: str) -> None:
    """What all tracks have in common isn't learned as if it came with the words."""
    moved = []
    for seed in range(3):
        known = np.random.default_rng(100 + seed).random(120) < 0.5
        scores, suits = half_known(name, known, seed)
        assert scores[suits].mean() > scores[~suits].mean()
        moved.append(scores[:, known[-40:]].mean() - scores[:, ~known[-40:]].mean())
    assert abs(np.mean(moved)) < 0.01


def test_the_intercept_is_of_tracks_of_which_something_is_known() -> None:
    world = described(genre=[["a"], ["a"], None, ["b"], None, ["new"]], tempo=[1.0, 2.0, 3.0, 3.0, np.nan, np.nan])
    training = np.array([True, True, True, True, False, False])
    features = Features(intercept=True).fit(world, training)
    rows = features.rows(world)
    assert rows.any(axis=1).tolist() == [True, True, True, True, False, False]
    again = Features.from_arrays(features.arrays())
    np.testing.assert_array_equal(again.rows(world, np.array([2, 5])), rows[[2, 5]])
    told = {name: values for name, values, _ in again.split(blocks(world), np.arange(6))}
    assert told[ANYTHING].ravel().tolist() == [1, 1, 1, 1, 0, 0]
    summed = sum(values @ again.turn_[mine] for _, values, mine in again.split(blocks(world), np.arange(6)))
    np.testing.assert_allclose(summed, rows, atol=1e-6)
    np.testing.assert_allclose(rows[training].T @ rows[training], np.diag(features.strength_), atol=1e-5)
    np.testing.assert_allclose(rows[training].sum(axis=0), [4, *np.zeros(rows.shape[1] - 1)], atol=1e-5)


def test_a_stored_content_model_still_knows_artists() -> None:
    songs = Catalogue(pd.DataFrame({"genre": [["a"], ["b"], ["a"], ["b"]], "artist": ["x", "y", "y", "x"]}))
    world = replace(described(genre=[None] * 4), catalogue=songs)
    model = models.build("content").fit(world, rng=rng())
    again = type(model).from_arrays(model.arrays(), **model.params())
    again.absorb(world, np.empty(0, np.int32))
    np.testing.assert_array_equal(again.track_vectors(), model.track_vectors())
