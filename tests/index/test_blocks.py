"""One index, many views: blends, unknown blocks, filters, approximation and storage."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from recsys.errors import ArtefactError, DataError
from recsys.index import Index, approximate
from recsys.tables import Embeddings, TopK

VIEWS = [None, {"collaborative": 1}, {"content": 2.0}, {"collaborative": 0.3, "content": 0.7}]
KINDS = ["hnsw", "ivf-sq8", "ivf-flat"]


def spaces(n: int, unknown: float, seed: int = 0, inner: int = 4) -> dict[str, Embeddings]:
    """Two related spaces; in each a share of the tracks is unknown."""
    rng = np.random.default_rng(seed)
    hidden = rng.standard_normal((n, inner))
    made = {}
    for name, d in (("collaborative", 12), ("content", 8)):
        vectors = hidden @ rng.standard_normal((inner, d)) + 0.3 * rng.standard_normal((n, d))
        vectors[rng.random(n) < unknown] = 0
        made[name] = Embeddings.normalised(vectors, name)
    return made


def truth(world: dict[str, Embeddings], row: int, weights: dict[str, float] | None) -> NDArray[np.float64]:
    """The score of every track for one seed, −inf where nothing can be compared: the definition, in words."""
    n = len(world["content"])
    total, mass = np.zeros(n), np.zeros(n)
    for name, e in world.items():
        weight = 1.0 if weights is None else weights.get(name, 0.0)
        if e.known[row]:
            total += weight * e.known * (e.vectors.astype(float) @ e.vectors[row].astype(float))
            mass += weight * e.known
    scores = np.where(mass > 0, total / np.where(mass > 0, mass, 1), -np.inf)
    scores[row] = -np.inf
    return scores


def check(lists: TopK, position: int, scores: NDArray[np.float64], k: int) -> None:
    """A list is right if its scores are the k best, and those of its own rows."""
    best = -np.sort(-scores)[:k]
    found = np.count_nonzero(np.isfinite(best))
    rows, values = lists.rows[position], lists.scores[position]
    assert lists.lengths[position] == found
    np.testing.assert_allclose(values[:found], best[:found], atol=1e-5)
    np.testing.assert_allclose(values[:found], scores[rows[:found]], atol=1e-5)
    assert len(set(rows[:found].tolist())) == found


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 60),
    unknown=st.sampled_from([0, 0.3, 0.8, 1.0]),
    seed=st.integers(0, 1000),
    view=st.sampled_from(VIEWS),
    share=st.sampled_from([None, 0.05, 0.5]),
    k=st.integers(1, 70),
)
def test_neighbours_follow_the_definition(n, unknown, seed, view, share, k) -> None:
    world = spaces(n, unknown, seed)
    rng = np.random.default_rng(seed)
    allow = None if share is None else rng.random(n) < share
    banned = rng.integers(-1, n, (n, 3))
    lists = Index.build(world).neighbours(np.arange(n), k, weights=view, allow=allow, exclude=banned)
    for row in range(n):
        scores = truth(world, row, view)
        scores[banned[row][banned[row] >= 0]] = -np.inf
        if allow is not None:
            scores[~allow] = -np.inf
        check(lists, row, scores, k)


def test_search_by_vectors_equals_search_by_row() -> None:
    world = spaces(300, 0.3)
    index = Index.build(world)
    rows = np.arange(300)
    queries = {name: 7 * e.vectors for name, e in world.items()}
    found = index.search(queries, 5, exclude=sp.csr_array(sp.eye_array(300)))
    wanted = index.neighbours(rows, 5)
    np.testing.assert_array_equal(found.rows, wanted.rows)
    np.testing.assert_allclose(found.scores, wanted.scores, atol=1e-6)
    only = index.search({"content": world["content"].vectors[:1]}, 1)
    assert only.rows[0, 0] == 0 or not world["content"].known[0]


@pytest.mark.parametrize("unknown", [0, 0.3])
def test_vectors_come_back_as_they_went_in(unknown: float) -> None:
    world = spaces(80, unknown)
    index = Index.build(world)
    for name, e in world.items():
        np.testing.assert_allclose(index.vectors(name), e.vectors, atol=1e-6)
        np.testing.assert_allclose(index.vectors(name, [5, 2]), e.vectors[[5, 2]], atol=1e-6)


def test_a_track_that_no_block_knows_is_never_found() -> None:
    world = spaces(50, 0.6)
    unknown = ~np.logical_or(*(e.known for e in world.values()))
    assert unknown.any()
    lists = Index.build(world).neighbours(np.arange(50), 50)
    assert not np.isin(np.flatnonzero(unknown), lists.rows).any()
    assert (lists.rows[unknown] == -1).all()


@pytest.fixture(scope="module", params=KINDS)
def large(request) -> tuple[dict[str, Embeddings], Index]:
    world = spaces(4000, 0.1, inner=6)
    return world, Index.build(world, request.param, threads=1)


@pytest.mark.parametrize("view", VIEWS)
def test_approximate_recall_and_exact_scores(large, view) -> None:
    world, index = large
    assert any(g.near for g in index.groups)
    sample = np.random.default_rng(3).choice(4000, 200, replace=False)
    assert index.recall(10, sample, weights=view) >= 0.98
    lists = index.neighbours(sample[:20], 10, weights=view)
    for i, row in enumerate(sample[:20]):
        real, some = truth(world, row, view), lists.rows[i] >= 0
        np.testing.assert_allclose(lists.scores[i][some], real[lists.rows[i][some]], atol=1e-5)
        assert row not in lists.rows[i]
        assert (np.diff(lists.scores[i][some]) <= 0).all()


@pytest.mark.parametrize("share", [0.001, 0.05, 0.3, 0.9])
def test_filters_never_cost_results(large, share: float) -> None:
    world, index = large
    allow = np.random.default_rng(5).random(4000) < share
    rows = np.arange(0, 4000, 40)
    lists = index.neighbours(rows, 20, allow=allow, effort=16)
    assert allow[lists.rows[lists.rows >= 0]].all()
    for i, row in enumerate(rows):
        possible = np.isfinite(truth(world, row, None)) & allow
        assert lists.lengths[i] == min(20, possible.sum())


def test_exclusions_never_cost_results(large) -> None:
    _, index = large
    near = index.neighbours([7], 40).rows
    rest = index.neighbours([7], 40, exclude=near)
    assert rest.lengths[0] == 40
    assert not np.intersect1d(near, rest.rows).size
    assert rest.scores.max() <= index.neighbours([7], 40).scores.min() + 1e-6


def hashes(folder) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.glob("*.faiss")}


def test_saved_and_opened_again(large, tmp_path) -> None:
    _, index = large
    index.save(tmp_path)
    again = Index.open(tmp_path, hashes(tmp_path))
    rows = np.arange(0, 4000, 100)
    for view in VIEWS:
        a, b = index.neighbours(rows, 10, weights=view), again.neighbours(rows, 10, weights=view)
        np.testing.assert_array_equal(a.rows, b.rows)
        np.testing.assert_array_equal(a.scores, b.scores)
    assert again.facts() == index.facts()


def test_a_file_of_another_content_is_built_again_and_never_read(tmp_path, monkeypatch) -> None:
    index = Index.build(spaces(2000, 0), "hnsw", threads=1)
    index.save(tmp_path)
    promised = hashes(tmp_path)
    file = next(tmp_path.glob("*.faiss"))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 255
    file.write_bytes(content)
    monkeypatch.setattr(approximate.Approximate, "loads", lambda *a: pytest.fail("read a file that was altered"))
    for known in (promised, None, {}):
        again = Index.open(tmp_path, known, threads=1)
        assert again.groups[0].near is not None
        np.testing.assert_array_equal(again.neighbours([1, 2], 10).rows, index.neighbours([1, 2], 10).rows)
    file.unlink()
    assert Index.open(tmp_path, promised).groups[0].near is not None


def test_damage_is_reported(tmp_path) -> None:
    with pytest.raises(ArtefactError, match="no sound index"):
        Index.open(tmp_path)
    Index.build(spaces(50, 0.3)).save(tmp_path)
    facts = json.loads((tmp_path / "index.json").read_text())
    facts["groups"][0]["tracks"] += 1
    (tmp_path / "index.json").write_text(json.dumps(facts))
    with pytest.raises(ArtefactError, match="expected float32"):
        Index.open(tmp_path)
    facts["groups"][0]["tracks"] -= 1
    (tmp_path / "index.json").write_text(json.dumps(facts))
    rows = np.load(tmp_path / "rows-0.npy")
    np.save(tmp_path / "rows-0.npy", rows + 50)
    with pytest.raises(ArtefactError, match="must ascend within"):
        Index.open(tmp_path)


def test_hnsw_by_one_thread_is_reproducible() -> None:
    a, b = (Index.build(spaces(2000, 0), "hnsw", seed=4, threads=1) for _ in range(2))
    assert a.groups[0].near.dumps().tobytes() == b.groups[0].near.dumps().tobytes()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda i: i.neighbours([99], 1), "span 99..99; expected 0..49"),
        (lambda i: i.neighbours([0], 1, weights={"contnt": 1}), "did you mean content"),
        (lambda i: i.neighbours([0], 1, weights={"content": 0}), "not all zero"),
        (lambda i: i.search({"content": np.ones((1, 3))}, 1), r"expected \(1, 8\)"),
        (lambda i: i.search({}, 1), "no block given"),
        (lambda i: Index.build(spaces(5, 0), "flat"), "unknown index kind 'flat'"),
        (lambda i: Index.build({"a": spaces(5, 0)["content"], "b": spaces(6, 0)["content"]}), r"blocks cover \[5, 6\]"),
    ],
)
def test_errors_say_what_was_expected(call, message: str) -> None:
    with pytest.raises(DataError, match=message):
        call(Index.build(spaces(50, 0)))
