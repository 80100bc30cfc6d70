"""Treated blocks lose what they should lose, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from recsys.models.blocks import blocks
from recsys.tables import Catalogue, Dataset, Embeddings, IdMap, Interactions
from recsys.treatments import TREATMENTS, treat

N = 300
POPULARITY = np.arange(N) % 60
NAMES = ("artist", "genre", "tags", "year", "numbers", "sound", "mood")


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    rng = np.random.default_rng(0)
    genre = rng.integers(0, 3, N)
    sound = rng.normal(size=(N, 4)) @ rng.normal(size=(4, 4)) + 3
    frame = pd.DataFrame(
        {
            "artist": [f"artist {i // 15}" for i in range(N)],
            "genre": [[f"genre {g}"] for g in genre],
            "tags": [[f"tag {w}" for w in rng.choice(30, rng.integers(0, 5), replace=False)] for _ in range(N)],
            "year": rng.integers(1960, 2020, N).astype(float),
            "tempo": np.where(rng.random(N) < 0.1, np.nan, rng.normal(120, 20, N)),
        }
    )
    mood = np.c_[sound[:, 0] * 2 + 0.1 * rng.normal(size=N), rng.normal(size=N)]  # half of it is said by sound
    contents = {
        "sound": Embeddings(sound, np.arange(N) % 10 > 0, "sound"),
        "mood": Embeddings(mood, np.ones(N, bool), "mood"),
    }
    return Dataset(Interactions.empty(IdMap(["ann"]), IdMap(range(N))), Catalogue(frame), contents)


def numbers(dataset: Dataset, name: str) -> np.ndarray:
    block = next(b for b in blocks(dataset) if b.name == name)
    return block.matrix.toarray() if block.sparse else np.asarray(block.matrix)


def treated(dataset: Dataset, name: str, treatment: str, seed: int = 0) -> Dataset:
    return treat(dataset, [name], treatment, popularity=POPULARITY, rng=np.random.default_rng(seed))


@pytest.mark.parametrize("treatment", TREATMENTS)
@pytest.mark.parametrize("name", NAMES)
def test_the_other_blocks_stay(dataset: Dataset, name: str, treatment: str) -> None:
    made = treated(dataset, name, treatment)
    left = [b.name for b in blocks(made)]
    assert set(left) == set(NAMES) - ({name} if treatment == "removed" else set())
    for other in set(left) - {name}:
        np.testing.assert_array_equal(numbers(made, other), numbers(dataset, other))


@pytest.mark.parametrize("name", NAMES)
def test_permuted_within_popularity_and_genre(dataset: Dataset, name: str) -> None:
    before, after = numbers(dataset, name), numbers(treated(dataset, name, "permuted"), name)
    assert not np.array_equal(before, after, equal_nan=True)
    if name in ("sound", "year"):  # whose columns don't depend on the order of words
        genre = numbers(dataset, "genre").argmax(axis=1)
        decile = POPULARITY // 6
        for g in range(3):
            for d in range(10):
                mine = (genre == g) & (decile == d)
                ours, theirs = (np.sort(np.nan_to_num(x[mine, 0], nan=9e9)) for x in (before, after))
                np.testing.assert_array_equal(ours, theirs)


def test_noise_keeps_size_and_spread(dataset: Dataset) -> None:
    made = treated(dataset, "sound", "noise")
    before, after = dataset.contents["sound"], made.contents["sound"]
    np.testing.assert_array_equal(before.known, after.known)
    known = before.known
    close = {"atol": 0.35 * before.vectors[known].std()}
    np.testing.assert_allclose(after.vectors[known].mean(axis=0), before.vectors[known].mean(axis=0), **close)
    spread = np.cov(before.vectors[known].T), np.cov(after.vectors[known].T)
    np.testing.assert_allclose(*spread, atol=0.3 * np.abs(spread[0]).max())
    assert abs(np.corrcoef(before.vectors[known][:, 0], after.vectors[known][:, 0])[0, 1]) < 0.2
    words = [
        sorted(len(t or []) for t in d.catalogue.frame["tags"]) for d in (dataset, treated(dataset, "tags", "noise"))
    ]
    assert abs(sum(words[0]) - sum(words[1])) <= 0.1 * sum(words[0])


def test_residuals_are_what_the_others_do_not_say(dataset: Dataset) -> None:
    left = numbers(treated(dataset, "mood", "residual"), "mood")
    before = numbers(dataset, "mood")
    assert left[:, 0].var() < 0.35 * before[:, 0].var()
    assert left[:, 1].var() > 0.6 * before[:, 1].var()
    known = dataset.contents["sound"].known
    assert abs(np.corrcoef(dataset.contents["sound"].vectors[known][:, 0], left[known][:, 0])[0, 1]) < 0.3


def test_the_same_seed_gives_the_same(dataset: Dataset) -> None:
    for treatment in ("permuted", "noise"):
        one, two, other = (numbers(treated(dataset, "sound", treatment, s), "sound") for s in (1, 1, 2))
        np.testing.assert_array_equal(one, two)
        assert not np.array_equal(one, other, equal_nan=True)
