"""Orders that keep artists apart, steps between tracks, paths, and the pool that is searched."""

from itertools import combinations, permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.errors import DataError
from recsys.playlists.audit import closest
from recsys.playlists.facts import Facts, key_number
from recsys.playlists.goals import Curve, Goals
from recsys.playlists.kernels import crowding, flow, judge
from recsys.playlists.order import spaced
from recsys.playlists.path import largest_step, path, progress_of
from recsys.playlists.pool import Pool
from recsys.playlists.reduce import reduced
from recsys.playlists.rules import Quota, Rules, Spread
from recsys.playlists.transitions import KEYS, badness, key_distance, neighbours, tempo_distance
from recsys.tables import Catalogue

NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(-1, 3), min_size=1, max_size=7), st.integers(1, 4))
def test_the_gap_is_kept_whenever_any_order_keeps_it(codes, gap):
    codes = np.array(codes, np.int32)
    order = spaced(codes, gap)
    assert sorted(order) == list(range(len(codes)))
    possible = any((closest(codes[list(p)]) or gap) >= gap for p in permutations(range(len(codes))))
    assert ((closest(codes[order]) or gap) >= gap) == possible


def test_what_opens_and_closes_stays_there():
    codes = np.array([0, 1, 0, 2, 1], np.int32)
    assert spaced(codes, 2, opening=[2], closing=[4, 0]) == [2, 1, 3, 4, 0]


def test_keys_are_read_from_names_and_camelot_codes():
    camelot = ("8B", "3B", "10B", "5B", "12B", "7B", "2B", "9B", "4B", "11B", "6B", "1B")
    minor = ("5A", "12A", "7A", "2A", "9A", "4A", "11A", "6A", "1A", "8A", "3A", "10A")
    for number, name in enumerate(NAMES):
        assert key_number(f"{name} major") == key_number(f"{name}:maj") == key_number(camelot[number]) == number
        assert key_number(f"{name}m") == key_number(f"{name} minor") == key_number(minor[number]) == number + 12
    assert all(np.isnan(key_number(bad)) for bad in ("H", "13A", "", None, 24, -1))


def test_key_distance_counts_fifths_and_a_change_of_mode():
    keys = np.arange(24.0)
    table = key_distance(keys[:, None], keys[None, :])
    np.testing.assert_array_equal(table, KEYS)
    np.testing.assert_array_equal(table, table.T)
    assert (np.diag(table) == 0).all()
    assert table.max() == 7
    for a, b, c in ((0, 7, 5), (21, 16, 14)):  # C with G and F, A minor with E and D minor
        assert table[a, b] == table[a, c] == 1
    assert all((row == 1).sum() == 3 for row in table)  # as on the Camelot wheel: two hours and the other letter


@given(st.floats(30, 300), st.floats(30, 300))
def test_tempo_distance_is_symmetric_and_forgives_octaves(a, b):
    one, other = (float(tempo_distance(np.array([x]), np.array([y]))[0]) for x, y in ((a, b), (b, a)))
    double = float(tempo_distance(np.array([a]), np.array([2 * b]))[0])
    assert one == pytest.approx(other, abs=1e-6)
    assert 0 <= one <= 0.75
    assert abs(double - one) <= 0.1 + 1e-5 or max(one, double) < 0.75


def songs(m, seed=0, **columns):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"artist": [f"a{i}" for i in rng.integers(0, m, m)], "title": [f"s{i}" for i in range(m)]})
    frame = frame.assign(tempo=rng.uniform(60, 180, m), key=rng.integers(0, 24, m), energy=rng.random(m))
    return Facts(Catalogue(frame.assign(loudness=rng.normal(-12, 4, m), **columns)))


def test_unknown_facts_are_neither_sought_nor_shunned():
    facts = songs(30, tempo=[np.nan] * 10 + [100.0, 150.0] * 10)
    step = badness(Pool.of(facts), Goals(steps={"tempo": 1.0}))
    known = step[10:, 10:].mean()
    np.testing.assert_allclose(step[:10], known, rtol=1e-5)
    assert badness(Pool.of(facts), Goals(steps={"likeness": 1.0})) is None
    assert np.isnan(neighbours(facts, np.array([0, 1]))["tempo"]).all()


def test_a_blend_of_steps_is_a_weighted_mean():
    pool = Pool.of(songs(20))
    alone = [badness(pool, Goals(steps={name: 1.0})) for name in ("tempo", "key")]
    both = badness(pool, Goals(steps={"tempo": 3.0, "key": 1.0}))
    np.testing.assert_allclose(both, 0.75 * alone[0] + 0.25 * alone[1], atol=1e-6)
    own = badness(pool, Goals(steps={"extra": 1.0}, extra=lambda a, b: np.full((len(a), len(b)), 0.3)))
    np.testing.assert_allclose(own, 0.3)


@pytest.mark.parametrize("seed", range(5))
def test_paths_are_the_best_of_all(seed):
    """Against every rising path: the smallest largest step."""
    vectors = np.random.default_rng(seed).standard_normal((9, 2)).astype(np.float32)
    rows = path(0, 8, vectors, 4)
    along = progress_of(np.array([0, 8]), vectors)
    assert (rows[0], rows[-1], len(rows), along[-1]) == (0, 8, len(set(rows)), 1)
    assert (np.diff(progress_of(rows, vectors)) > 0).all()
    others = [np.array([0, *middle, 8]) for middle in permutations(range(1, 8), 2)]
    rising = [r for r in others if (np.diff(progress_of(r, vectors)) > 0).all()]
    if len(rows) == 4:
        assert largest_step(rows, vectors) == pytest.approx(min(largest_step(r, vectors) for r in rising), rel=1e-5)
    else:
        assert not rising


def test_a_path_keeps_artists_apart_where_it_can():
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((300, 3))
    artists = rng.integers(0, 12, 300)
    free = path(0, 1, vectors, 10)
    apart = path(0, 1, vectors, 10, artists=artists, gap=3)
    assert closest(artists[apart]) is None or closest(artists[apart]) >= 3
    assert largest_step(apart, vectors) >= largest_step(free, vectors)
    some = path(0, 1, vectors, 10, allowed=np.arange(300) % 2 == 0)
    assert all(row % 2 == 0 for row in some[1:-1])


def test_a_path_without_tracks_between_is_short_and_bad_ends_are_errors():
    vectors = np.array([[0.0, 0], [1, 0], [5, 0], [np.nan, 0]])
    assert path(0, 1, vectors, 5).tolist() == [0, 1]
    with pytest.raises(DataError, match="has no vector"):
        path(0, 3, vectors, 5)
    with pytest.raises(DataError, match="from row 1 to 1"):
        path(1, 1, vectors, 5)


def test_a_reduced_pool_has_what_rules_and_curves_need():
    facts = songs(5000, year=np.r_[np.full(4900, 2000), np.full(100, 1970)])
    pool = Pool.of(facts, None, -np.arange(5000.0))
    old = facts.number("year") < 1980
    rules = Rules(
        tracks=20, opening=(4321,), quotas=(Quota("old", old, at_least=5), Spread("years", old.astype(np.int32), 2))
    )
    small = reduced(pool, rules, Goals(curves=(Curve("energy", ((0, 0), (1, 1))),)), 200)
    assert len(small) < 800
    assert 4321 in small.rows
    assert old[small.rows].sum() >= 20
    assert set(range(100)) <= set(small.rows.tolist())
    energy = small.number("energy")
    assert energy.min() < 0.1
    assert energy.max() > 0.9
    assert reduced(pool, rules, Goals(), 5000) is pool
    plain = Rules(tracks=20, opening=(4321,), closing=(3,))
    rows = reduced(pool, plain, Goals(), 200).rows.tolist()
    assert {4321, 3} | set(range(100)) <= set(rows)
    assert len(set(rows)) == len(rows)


def test_a_reduced_pool_has_many_artists_though_the_best_are_by_one():
    facts = songs(9000)
    facts.catalogue.frame["artist"] = ["one"] * 8900 + [f"other {i}" for i in range(100)]
    facts = Facts(Catalogue(facts.catalogue.frame))
    small = reduced(Pool.of(facts, None, -np.arange(9000.0)), Rules(tracks=20), Goals(), 200)
    assert len(np.unique(small.artist)) >= 50


def test_curves_are_read_and_refused_with_reasons():
    assert Curve.parse("energy", "0:20%, 50:90%, 100:30%").at(5).tolist() == pytest.approx([0.2, 0.55, 0.9, 0.6, 0.3])
    for bad in ("", "0", "0:20% 50:90", "50:20% 0:90%", "0:20% 101:30%", "0:120%"):
        with pytest.raises(DataError, match="curve of energy"):
            Curve.parse("energy", bad)


def test_pools_drop_padding_and_repeats():
    facts = songs(5)
    pool = Pool.of(facts, [3, -1, 3, 1, 2], [0.1, 9, 0.4, 0.2, -np.inf], familiarity=[1, 0, 0.5, 0, 0])
    assert pool.rows.tolist() == [1, 3]
    assert pool.scores.tolist() == [np.float32(0.2), np.float32(0.4)]
    assert pool.familiarity.tolist() == [0, 0.5]
    assert pool.with_rows([0, 3]).rows.tolist() == [1, 3, 0]
    with pytest.raises(DataError, match=r"rows span 0\.\.7"):
        Pool.of(facts, [0, 7])
    with pytest.raises(DataError, match="scores"):
        Pool.of(facts, [0, 1], [1.0])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000))
def test_what_the_search_judges_is_what_the_list_has(seed):
    """The kernels' sums over windows add up, and agree with the objective and the pairs of the list."""
    from recsys.playlists.objective import Objective
    from recsys.playlists.select import Chooser
    from recsys.playlists.solve import problem

    rng = np.random.default_rng(seed)
    facts = songs(12, seed)
    vectors = rng.standard_normal((12, 3))
    pool = Pool.of(facts, None, rng.random(12), likeness=lambda a, b: np.tanh(vectors[a] @ vectors[b].T))
    goals = Goals(diversity=0.5, curves=(Curve("energy", ((0, 0), (1, 1))),))
    rules = Rules(tracks=7, artist_gap=3)
    chooser = Chooser(pool, rules, pool.relevance)
    choice = chooser.strict() or chooser.relaxed()
    objective = Objective.of(pool, goals, 7)
    task = problem(chooser, choice, objective)
    order = rng.permutation(12)[:7].astype(np.int32)
    breach, worth = judge(task, order)
    assert worth / 7 == pytest.approx(objective.parts(order)["objective"], rel=1e-4)
    near = [
        (i, j) for i, j in combinations(range(7), 2) if j - i < 3 and pool.artist[order[i]] == pool.artist[order[j]]
    ]
    assert (breach > 0) == bool(near)
    assert crowding(task, order, 0, 7) == pytest.approx(breach)
    inner = flow(task.value, task.step, order, 2, 5)
    swapped = order.copy()
    swapped[[3, 4]] = swapped[[4, 3]]
    whole = flow(task.value, task.step, swapped, 0, 7) - flow(task.value, task.step, order, 0, 7)
    assert flow(task.value, task.step, swapped, 2, 5) - inner == pytest.approx(whole, abs=1e-5)
