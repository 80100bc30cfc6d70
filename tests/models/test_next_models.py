"""Sequences cut from plays and playlists, and the models of what comes next."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from recsys.models.sequences import (
    HOMES,
    NextModel,
    Sequences,
    beginnings,
    faded,
    is_ordered,
    next_class,
    sequences_of,
)
from recsys.models.transitions import Often, Transitions, largest
from recsys.tables import Catalogue, Dataset, IdMap, Interactions

TRACKS = 30
NONE = np.zeros((TRACKS, 0), np.float32)


def ring(count: int = 200, seed: int = 0) -> Sequences:
    """Each track is followed by the next row, mostly."""
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, TRACKS, count)
    return Sequences.of([(start + np.arange(5)) % TRACKS for start in starts], TRACKS)


def circle() -> np.ndarray:
    """Vectors of tracks on a circle, neighbours near."""
    angle = 2 * np.pi * np.arange(TRACKS) / TRACKS
    return np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)


def log(user: list[int], track: list[int], time: list[int] | None) -> Interactions:
    users, tracks = IdMap(range(3)), IdMap(range(TRACKS))
    return Interactions(users, tracks, user, track, np.ones(len(user)), time)  # type: ignore[arg-type]


def test_a_session_ends_after_half_an_hour_or_with_the_listener() -> None:
    plays = log([0, 0, 0, 0, 1, 1], [5, 6, 7, 8, 9, 1], [0, 100, 2000, 2300, 2400, 2500])
    found = sequences_of(Dataset(plays, Catalogue.empty(TRACKS))).lists()
    assert [one.tolist() for one in found] == [[5, 6], [7, 8], [9, 1]]


def test_playlists_follow_sessions_in_the_order_of_their_places() -> None:
    lists = log([2, 2, 2], [4, 3, 9], [2, 0, 1])
    world = Dataset(log([0, 0], [1, 2], [50, 10]), Catalogue.empty(TRACKS), playlists=lists)
    assert [one.tolist() for one in sequences_of(world).lists()] == [[2, 1], [3, 9, 4]]


@pytest.mark.parametrize("time", [None, [7, 7, 7]])
def test_plays_without_times_or_all_at_once_have_no_order(time: list[int] | None) -> None:
    plays = log([0, 0, 0], [1, 2, 3], time)
    assert not is_ordered(plays)
    assert len(sequences_of(Dataset(plays, Catalogue.empty(TRACKS)))) == 0


@given(st.lists(st.lists(st.integers(0, TRACKS - 1), max_size=8), max_size=8))
def test_sequences_hold_each_track_once_where_it_came_first(lists: list[list[int]]) -> None:
    wanted = [list(dict.fromkeys(one)) for one in lists]
    found = Sequences.of(lists, TRACKS)
    assert [one.tolist() for one in found.lists()] == [one for one in wanted if len(one) > 1]
    assert found.matrix().sum() == len(found.track)


def test_the_newest_track_weighs_most() -> None:
    weights = faded(beginnings([np.array([3, 1]), np.array([2])], 4), 5, 0.5).toarray()
    assert_allclose(weights, [[0, 1, 0, 0.5, 0], [0, 0, 1, 0, 0]])


@pytest.mark.parametrize("name", HOMES)
def test_every_model_finds_what_comes_next(name: str) -> None:
    cls = next_class(name)
    for model in (cls(), *(cls(**params) for params in cls.grid)):
        model.fit(ring(1000), circle(), rng=np.random.default_rng(0))
        asked = [(start + np.arange(3)) % TRACKS for start in range(TRACKS)]
        scores = model.scores(beginnings(asked))
        assert scores.shape == (TRACKS, TRACKS)
        assert scores.dtype == np.float32
        assert np.isfinite(scores).all()
        scores[np.arange(TRACKS)[:, None], np.array(asked)] = -np.inf
        best = np.argsort(-scores, axis=1)[:, :2]
        after = (np.arange(TRACKS) + 3) % TRACKS
        assert np.mean((best == after[:, None]).any(axis=1)) > 0.8


@pytest.mark.parametrize("name", [*HOMES, "often"])
def test_models_come_back_from_their_arrays(name: str) -> None:
    cls: type[NextModel] = Often if name == "often" else next_class(name)
    model = cls().fit(ring(), circle(), rng=np.random.default_rng(0))
    other = cls.from_arrays(model.arrays(), **model.params())
    asked = beginnings([np.array([4, 5]), np.array([9])])
    assert_allclose(other.scores(asked), model.scores(asked))
    assert not any(array.dtype == object for array in model.arrays().values())


def test_order_matters_to_transitions_unless_both_ways_count() -> None:
    ahead, both = (Transitions(back=b).fit(ring(), NONE, rng=np.random.default_rng(0)) for b in (0.0, 1.0))
    asked = beginnings([np.array([10])])
    assert ahead.scores(asked)[0, 11] > 0
    assert ahead.scores(asked)[0, 9] == 0
    assert both.scores(asked)[0, 9] > 0


def test_a_track_in_no_sequence_is_found_by_its_vector() -> None:
    unheard = 12
    lists = [one for one in ring().lists() if unheard not in one]
    cls = next_class("nextvector")
    model = cls().fit(Sequences.of(lists, TRACKS), circle(), rng=np.random.default_rng(0))
    scores = model.scores(beginnings([np.array([9, 10, 11])]))[0]
    assert unheard in np.argsort(-scores)[:4]
    counted = Transitions().fit(Sequences.of(lists, TRACKS), NONE, rng=np.random.default_rng(0))
    assert counted.scores(beginnings([np.array([9, 10, 11])]))[0, unheard] == 0


def test_largest_keeps_ties_by_place() -> None:
    import scipy.sparse as sp

    assert largest(sp.csr_array([[2.0, 2.0, 2.0]]), 2).toarray().tolist() == [[2.0, 2.0, 0.0]]


def test_the_gru_answers_as_torch_does() -> None:
    torch = pytest.importorskip("torch")
    model = next_class("gru")(width=8, epochs=1).fit(ring(40), NONE, rng=np.random.default_rng(0))
    cell = torch.nn.GRU(8, 8, batch_first=True)
    shape = (model.inputs_, model.states_, *model.shifts_)
    for part, array in zip(cell.parameters(), shape, strict=True):
        part.data = torch.from_numpy(array)
    heard = [4, 9, 2]
    state = cell(torch.from_numpy(model.items_[heard])[None])[0][0, -1].detach().numpy()
    expected = state @ model.items_.T + model.bias_
    assert_allclose(model.scores(beginnings([np.array(heard)]))[0], expected, rtol=1e-4, atol=1e-5)


def test_sasrec_answers_as_torch_does() -> None:
    torch = pytest.importorskip("torch")
    from recsys.models.sasrec import _block

    model = next_class("sasrec")(width=8, epochs=1).fit(ring(40), NONE, rng=np.random.default_rng(0))
    block = _block(8, 0.0)
    for part, array in zip(block.parameters(), (model.maps_, model.shifts_, model.back_), strict=True):
        part.data = torch.from_numpy(array)
    lists = [np.array([4, 9, 2, 17]), np.array([4]), np.arange(28)]
    for heard, scores in zip(lists, model.scores(beginnings(lists)), strict=True):
        state = block(torch.from_numpy(model.items_[heard[-19:]])[None])[0, -1].detach().numpy()
        assert_allclose(scores, state @ model.items_.T + model.bias_, rtol=1e-4, atol=1e-5)
