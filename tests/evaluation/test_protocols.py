"""Whole experiments on a small world."""

import json

import numpy as np
import pytest
import scipy.sparse as sp

from recsys.errors import DataError
from recsys.evaluation import Fitted, Result, measure, prepare, protocols, run, slices, warm
from recsys.evaluation.exposure import AUDIENCE
from recsys.evaluation.measured import measured
from recsys.evaluation.report import write_report
from recsys.settings import Settings
from recsys.tables import TopK
from tests.evaluation.worlds import fit, ranked, world


@pytest.fixture(scope="module")
def results() -> list[Result]:
    ticking = iter(range(1000))
    return run(prepare(world()).splits, fit, draws=100, ks=(5, 10), audience=1, clock=lambda: float(next(ticking)))


def test_all_protocols_run(results):
    names = ["warm", "strong", "continuation-1", "continuation-5", "continuation-10", "cold", "temporal"]
    assert [r.protocol for r in results] == names
    for result in results:
        floors = {"random", "same artist"} if result.protocol == "cold" else set()
        assert set(result.accuracy) == {"popularity", "itemknn"} | floors
        assert result.primary == "ndcg@10"
        assert set(result.differences) == {"popularity", "itemknn"}
        for value in result.accuracy["itemknn"].values():
            assert value.low <= value.mean <= value.high


def test_differences_are_paired_differences_of_the_means(results):
    for result in results:
        for metric, gap in result.differences["popularity"]["itemknn"].items():
            means = [result.accuracy[m][metric].mean for m in ("itemknn", "popularity")]
            assert gap.mean == pytest.approx(means[0] - means[1], abs=1e-12)
            back = result.differences["itemknn"]["popularity"][metric]
            assert (back.low, back.high) == pytest.approx((-gap.high, -gap.low))


def test_splits_with_the_same_training_side_are_fitted_once():
    fitted = []
    splits = prepare(world(), "continuation").splits
    run(splits, lambda train: fitted.append(train) or fit(train), draws=100)
    assert len(splits) == 3
    assert len(fitted) == 1
    assert fitted[0] is splits[0].train


def test_json_and_back(results):
    for result in results:
        text = json.dumps(result.to_json(), allow_nan=False)
        again = Result.from_json(json.loads(text))
        assert json.dumps(again.to_json(), allow_nan=False) == text
        assert again.best == result.best
        assert again.accuracy == result.accuracy


def test_data_without_times_skip_the_temporal_protocol():
    prepared = prepare(world(timed=False))
    assert "no times" in prepared.skipped["temporal"]
    assert "warm" in [s.name for s in prepared.splits]
    with pytest.raises(DataError, match="no times"):
        prepare(world(timed=False), "temporal")
    with pytest.raises(DataError, match="did you mean warm"):
        prepare(world(), "worm")


def test_measure_takes_lists_that_exist():
    split = warm(world(), rng=np.random.default_rng(0))
    empty = TopK.empty(len(split), 10)
    perfect = ranked(split.held.toarray(), split.histories, None, 10)
    result = measure(split, {"nothing": empty, "oracle": perfect}, draws=100, ks=(10,))
    assert result.accuracy["nothing"]["ndcg@10"].mean == 0
    assert result.accuracy["oracle"]["ndcg@10"].mean == 1
    assert result.best == "oracle"
    assert result.differences == {}


def test_lists_outside_the_pool_are_refused():
    split = prepare(world(), "cold").splits[0]
    lists = TopK(np.setdiff1d(np.arange(40), split.pool)[None, :5].repeat(len(split), 0), np.zeros((len(split), 5)))
    with pytest.raises(DataError, match="outside the"):
        measure(split, {"popularity": lists})


def test_row_order_earns_nothing_on_new_tracks():
    """Rows follow popularity here, so ties left in row order would look like knowledge."""
    split = prepare(world(2, users=400, tracks=200, plays=12_000), "cold").splits[0]
    constant = ranked(np.zeros(split.histories.shape), split.histories, split.pool, len(split.pool))
    fair = protocols.shuffle_ties(constant, 500, np.random.default_rng(0))
    assert (np.sort(fair.rows, axis=1) == np.sort(constant.rows, axis=1)).all()
    numbers = measure(split, {"rows": constant, "fair": fair}, draws=100, ks=(5,)).accuracy
    assert numbers["fair"]["ndcg@5"].high < numbers["rows"]["ndcg@5"].low


def test_shuffled_ties_keep_the_order_of_scores():
    lists = TopK(np.array([[4, 1, 2, 3, -1]]), np.array([[9, 5, 5, 5, -np.inf]]))
    seen = {tuple(protocols.shuffle_ties(lists, 5, np.random.default_rng(s)).rows[0].tolist()) for s in range(60)}
    assert len(seen) == 6
    assert all(rows[0] == 4 and rows[-1] == -1 for rows in seen)


def test_activity_slices_are_weighted_parts_of_the_whole(results):
    for result in results:
        mine = [s for s in result.slices if s.by.startswith("tracks known") and s.model == "itemknn"]
        assert sum(s.listeners for s in mine) == result.sizes["listeners evaluated"]
        whole = sum(s.listeners * s.value.mean for s in mine) / result.sizes["listeners evaluated"]
        assert whole == pytest.approx(result.accuracy["itemknn"][result.primary].mean)


def test_parts_of_few_listeners_are_left_out():
    split = warm(world(), rng=np.random.default_rng(0))
    perfect = ranked(split.held.toarray(), split.histories, None, 10)
    full = measured(split, [("oracle", perfect)], {}, Fitted({}), seed=0, draws=100, ks=(10,), audience=1)
    most = max(part.listeners for part in full.slices)
    some = measured(split, [("oracle", perfect)], {}, Fitted({}), seed=0, draws=100, ks=(10,), audience=most)
    assert (full.audience, some.audience) == (1, most)
    assert some.slices == [part for part in full.slices if part.listeners >= most] != full.slices
    assert Result.from_json(some.to_json()).audience == most


def test_the_setting_and_its_default_agree():
    assert Settings().privacy.audience == AUDIENCE


def test_recall_by_band_of_popularity():
    held = sp.csr_array([[1, 1, 0, 0, 1], [0, 0, 1, 0, 0]])
    lists = TopK(np.array([[0, 4, 3], [0, 1, -1]]), np.zeros((2, 3)))
    found = slices.recall_by_band(lists, held, np.array([0, 0, 1, 2, 2]), 3)
    assert found == pytest.approx(np.array([[0.5, np.nan, 1], [np.nan, 0, np.nan]]), nan_ok=True)
    short = slices.recall_by_band(lists, held, np.array([0, 0, 1, 2, 2]), 1)
    assert short == pytest.approx(np.array([[1, np.nan, 0], [np.nan, 0, np.nan]]), nan_ok=True)


def fitted(train) -> Fitted:
    """Three models, of which one is made of the others and would be the default; a source; a dial."""
    models = dict(fit(train))
    models["mixture"] = models["itemknn"]
    dials = {("novelty", at): models["itemknn" if at == 0 else "popularity"] for at in (1.0, 0.0)}
    return Fitted(models, "mixture", frozenset({"mixture"}), sources=lambda *given: {"near": (0.5, 9.0)}, dials=dials)


@pytest.fixture(scope="module")
def said() -> list[Result]:
    splits = prepare(world()).splits
    return run(splits, fitted, draws=100, ks=(5, 10), clock=lambda: 0.0)


def test_the_default_is_compared_with_the_best_single_model(said):
    for result in said:
        assert result.default == "mixture"
        singles = {m: result.accuracy[m][result.primary].mean for m in ("itemknn", "popularity")}
        assert singles[result.rival] == max(singles.values())
        gap = result.accuracy["mixture"][result.primary].mean - singles[result.rival]
        assert result.lead.mean == pytest.approx(gap, abs=1e-12)
        again = Result.from_json(json.loads(json.dumps(result.to_json(), allow_nan=False)))
        assert (again.default, again.rival, again.lead) == (result.default, result.rival, result.lead)
        assert again.dials == result.dials
        assert again.sources == result.sources


def test_sources_and_dials_are_measured_where_everything_is_a_candidate(said):
    first = said[0]
    assert first.protocol == "warm"
    assert first.sources["near"] == (0.5, 9.0)
    assert [(t.dial, t.place) for t in first.dials] == [("novelty", 0.0), ("novelty", 1.0)]
    for turn, model in zip(first.dials, ("itemknn", "popularity"), strict=True):
        assert turn.accuracy == pytest.approx(first.accuracy[model]["ndcg@10"])
    assert not said[1].dials


def test_nothing_is_said_of_a_default_that_nobody_named(results):
    assert all(r.default is None and r.lead is None for r in results)


def test_the_page_tells_of_default_dials_and_sources(said, tmp_path):
    text = write_report(said, tmp_path)[0].read_text(encoding="utf-8")
    assert text.count("would choose mixture: against ") == len(said)
    assert "What train would choose" in text
    assert "What --novelty costs" in text
    assert "Source of candidates" in text
