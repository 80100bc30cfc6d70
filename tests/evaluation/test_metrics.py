"""Golden values by hand, bounds by hypothesis, and an independent evaluator as the judge."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.errors import DataError
from recsys.evaluation import metrics
from recsys.tables import TopK

# Three listeners, lists of four: hits at places 1 and 3; at place 2; an empty list.
ROWS = np.array([[5, 1, 7, 2], [3, 4, 0, -1], [-1, -1, -1, -1]])
HELD = sp.csr_array((np.ones(6), ([0, 0, 0, 1, 2, 2], [5, 7, 9, 4, 0, 1])), shape=(3, 10))
LOG3 = np.log2(3)
GOLDEN = {
    "recall@2": [1 / 2, 1, 0],
    "recall@4": [2 / 3, 1, 0],
    "hit@1": [1, 0, 0],
    "hit@2": [1, 1, 0],
    "ndcg@2": [1 / (1 + 1 / LOG3), 1 / LOG3, 0],
    "ndcg@4": [1.5 / (1 + 1 / LOG3 + 0.5), 1 / LOG3, 0],
    "map@4": [(1 + 2 / 3) / 3, 1 / 2, 0],
    "map@1": [1, 0, 0],
    "mrr": [1, 1 / 2, 0],
    "r_precision": [2 / 3, 0, 0],
    "clicks": [0, 0, 51],
}


def lists_of(rows: np.ndarray) -> TopK:
    scores = np.where(rows >= 0, -np.arange(rows.shape[1], dtype=float), -np.inf)
    return TopK(rows, scores)


def random_lists(seed: int, users: int = 40, tracks: int = 60, k: int = 30) -> tuple[TopK, sp.csr_array]:
    rng = np.random.default_rng(seed)
    rows = np.stack([rng.permutation(tracks)[:k] for _ in range(users)])
    rows[np.arange(k) >= rng.integers(0, k + 1, users)[:, None]] = -1
    held = rng.random((users, tracks)) < rng.random((users, 1)) * 0.4
    held[np.arange(users), rng.integers(0, tracks, users)] = True
    return lists_of(rows), sp.csr_array(held.astype(np.float32))


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_values(name):
    found = metrics.evaluate(lists_of(ROWS), HELD, ks=(1, 2, 4))
    assert found[name] == pytest.approx(np.array(GOLDEN[name]), abs=1e-12)


def test_clicks_turn_a_page_every_ten_and_stop_at_five_hundred():
    hit = np.zeros((4, 600), bool)
    hit[[0, 1, 2, 3], [9, 10, 499, 500]] = True
    assert metrics.clicks(hit, np.ones(4, int)).tolist() == [0, 1, 49, 51]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_independent_evaluator_agrees(seed):
    pytrec_eval = pytest.importorskip("pytrec_eval")
    lists, held = random_lists(seed)
    truth = {str(i): {str(t): 1 for t in held[[i]].indices} for i in range(len(lists))}
    ranked = {
        str(i): {str(t): float(s) for t, s in zip(r, s, strict=True) if t >= 0}
        for i, (r, s) in enumerate(zip(lists.rows, lists.scores, strict=True))
    }
    judge = pytrec_eval.RelevanceEvaluator(
        truth, {"recall.5,20", "ndcg_cut.5,20", "map_cut.5,20", "recip_rank", "Rprec", "success.5"}
    )
    judged = judge.evaluate({q: r for q, r in ranked.items() if r})
    ours = metrics.evaluate(lists, held, ks=(5, 20))
    size = np.diff(held.indptr)
    for i in range(len(lists)):
        theirs = judged.get(str(i), {})
        for k in (5, 20):  # theirs divides recall and map by all that is hidden, ours by what k places can hold
            scale = size[i] / min(k, size[i])
            assert ours[f"recall@{k}"][i] == pytest.approx(theirs.get(f"recall_{k}", 0) * scale, abs=1e-9)
            assert ours[f"map@{k}"][i] == pytest.approx(theirs.get(f"map_cut_{k}", 0) * scale, abs=1e-9)
            assert ours[f"ndcg@{k}"][i] == pytest.approx(theirs.get(f"ndcg_cut_{k}", 0), abs=1e-9)
        assert ours["hit@5"][i] == theirs.get("success_5", 0)
        assert ours["mrr"][i] == pytest.approx(theirs.get("recip_rank", 0), abs=1e-9)
        assert ours["r_precision"][i] == pytest.approx(theirs.get("Rprec", 0), abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_a_perfect_list_scores_one_and_no_list_scores_more(seed):
    lists, held = random_lists(seed)
    dense = held.toarray()
    perfect = lists_of(np.argsort(-dense, axis=1, kind="stable"))
    for name, values in metrics.evaluate(perfect, held, ks=(1, 10)).items():
        assert values == pytest.approx(np.zeros(40) if name == "clicks" else np.ones(40)), name
    for name, values in metrics.evaluate(lists, held, ks=(1, 10)).items():
        assert ((values >= 0) & (values <= (51 if name == "clicks" else 1 + 1e-12))).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_names_of_tracks_do_not_matter(seed):
    lists, held = random_lists(seed)
    new = np.random.default_rng(seed).permutation(60)
    renamed = TopK(np.where(lists.rows >= 0, new[lists.rows], -1), lists.scores)
    moved = sp.csr_array(held[:, np.argsort(new)])
    before, after = metrics.evaluate(lists, held), metrics.evaluate(renamed, moved)
    for name in before:
        assert np.array_equal(before[name], after[name])


def test_lists_shorter_than_k_are_padded():
    short = metrics.evaluate(lists_of(ROWS[:, :2]), HELD, ks=(4,))
    padded = metrics.evaluate(lists_of(np.where(np.arange(4) < 2, ROWS, -1)), HELD, ks=(4,))
    for name in short:
        assert np.array_equal(short[name], padded[name])


def test_no_lists_at_all_are_zeros():
    found = metrics.evaluate(TopK.empty(3, 0), HELD, ks=(5,))
    assert found["ndcg@5"].tolist() == [0, 0, 0]
    assert found["clicks"].tolist() == [51, 51, 51]


@pytest.mark.parametrize(
    ("rows", "held", "message"),
    [
        (ROWS[:2], HELD, "2 lists but 3 listeners"),
        (ROWS + 5, HELD, "track row 12; expected rows below 10"),
        (np.array([[1, 1]]), HELD[[0]], "list 0 holds a track twice"),
        (ROWS[:1], sp.csr_array((1, 10)), "listener 0 has no hidden tracks"),
    ],
)
def test_refusals_say_what_was_found(rows, held, message):
    with pytest.raises(DataError, match=message):
        metrics.evaluate(lists_of(rows), held)
