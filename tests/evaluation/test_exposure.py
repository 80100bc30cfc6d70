"""Exposure by group: shares add up, measures are what they say, small audiences are not told, nobody is named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from recsys.evaluation import Fitted, exposure, prepare, run
from recsys.evaluation.exposure import AUDIENCE, NOT_SAID, RARER, concentration, disparities, exposures, gini, groups
from recsys.evaluation.report import read_report, write_report
from recsys.tables import Catalogue, TopK
from tests.evaluation.worlds import fit, world

LISTENERS, TRACKS = 40, 12


def lists(rows: np.ndarray) -> TopK:
    return TopK(rows, np.zeros(rows.shape, np.float32))


def plays(rng: np.random.Generator, share: float = 0.5) -> sp.csr_array:
    return sp.csr_array((rng.random((LISTENERS, TRACKS)) < share).astype(np.float32))


def songs(**columns: object) -> Catalogue:
    return Catalogue(pd.DataFrame(columns))


@given(st.integers(0, 9), st.integers(1, 8))
def test_every_list_has_the_same_exposure(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    rows = np.stack([rng.permutation(TRACKS)[:k] for _ in range(5)])
    rows[0, -1] = -1
    shown = exposures(rows, TRACKS)
    total = np.asarray(shown.sum(axis=1)).ravel()
    assert total[1:] == pytest.approx(1)
    assert total[0] == pytest.approx(0 if k == 1 else 1)
    assert (np.diff(shown[1, rows[1]].toarray().ravel()) < 0).all()


@given(st.integers(0, 20))
def test_shares_add_up_to_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = np.stack([rng.permutation(TRACKS)[:5] for _ in range(LISTENERS)])
    catalogue = songs(
        country=rng.permutation(["NO", "SE", None] * 4), genre=[["a", "b"], ["b"], None] * 4, explicit=[True, False] * 6
    )
    found = groups(lists(rows), plays(rng), plays(rng), catalogue, draws=50)
    assert {group.by for group in found} == {"popularity", "country", "genre", "explicit"}
    for by in {group.by for group in found}:
        mine = [group for group in found if group.by == by]
        for name in ("catalogue", "plays", "wanted"):
            assert sum(getattr(group, name) for group in mine) == pytest.approx(1), (by, name)
        assert sum(group.exposure.mean for group in mine) == pytest.approx(1)
        assert sum(group.tracks for group in mine) == pytest.approx(TRACKS)


def test_lists_that_are_what_was_wanted_are_no_disparity() -> None:
    everything = np.ones((LISTENERS, 2))
    rows = np.array([[0, 1], [1, 0]] * (LISTENERS // 2))
    found = groups(
        lists(rows), sp.csr_array(everything), sp.csr_array(everything), songs(country=["NO", "SE"]), draws=50
    )
    far = next(one for one in disparities(found) if one.by == "country")
    assert far == exposure.Disparity("country", *([pytest.approx(0)] * 2), *([pytest.approx(1)] * 2))


def test_one_sided_lists_are_told_as_such() -> None:
    rows = np.zeros((LISTENERS, 1), np.int32)
    held = sp.csr_array(np.ones((LISTENERS, 2)))
    far = disparities(groups(lists(rows), held, held, songs(country=["NO", "SE"]), draws=50))
    assert [one for one in far if one.by == "country"] == [exposure.Disparity("country", 0.5, 0.5, 0.0, 2.0)]


def test_a_small_audience_is_not_told_alone() -> None:
    held = np.zeros((LISTENERS, 3))
    held[:, 0] = 1
    held[: AUDIENCE - 1, 1] = 1
    found = groups(
        lists(np.zeros((LISTENERS, 1), np.int32)), sp.csr_array(held), sp.csr_array(held),
        songs(country=["NO", "SE", None]), draws=50,
    )  # fmt: skip
    assert [group.label for group in found if group.by == "country"] == ["NO", RARER]
    held[AUDIENCE - 1, 1] = 1
    found = groups(
        lists(np.zeros((LISTENERS, 1), np.int32)), sp.csr_array(held), sp.csr_array(held),
        songs(country=["NO", "SE", None]), draws=50,
    )  # fmt: skip
    assert [group.label for group in found if group.by == "country"] == ["NO", "SE", RARER]


def test_what_is_no_attribute() -> None:
    catalogue = songs(
        title=list("abc"), artist=list("xyz"), path=list("pqr"), tempo=[1.0, 2.0, 3.0], genre_predicted=[["a"]] * 3,
        genre_by=["p@1"] * 3, p_genre=[0.9] * 3, country=["NO", "SE", None], generated=[True, None, False],
        plays=[5, 6, 7],
    )  # fmt: skip
    found = exposure.attributes(catalogue, np.ones(3))
    assert list(found) == ["popularity", "country", "generated"]
    assert found["country"][0] == ["NO", "SE", NOT_SAID]
    assert found["generated"][0] == ["no", "yes", NOT_SAID]


def test_concentration_counts_artists() -> None:
    rows = np.zeros((LISTENERS, 1), np.int32)
    all_alike = sp.csr_array(np.ones((LISTENERS, 4)))
    found = concentration(lists(rows), all_alike, all_alike, np.array([0, 0, 1, -1]))
    assert found["gini of exposure"] == pytest.approx(2 / 3)
    assert found["gini of plays"] == pytest.approx(gini(np.array([2.0, 1.0, 1.0])))
    assert found["top 1 % of exposure"] == 1


def test_the_report_has_it_and_names_nobody(tmp_path: Path) -> None:
    dataset = world()

    def fitted(train: object) -> Fitted:
        made = fit(train)
        name = next(iter(made))
        return Fitted(made, default=name)

    results = run(prepare(dataset, "warm").splits, fitted, draws=50, clock=lambda: 0.0)
    page, numbers = write_report(results, tmp_path)
    assert '<section id="heard">' in page.read_text()
    assert read_report(numbers)[0].exposure == results[0].exposure
    assert read_report(numbers)[0].concentration == pytest.approx(results[0].concentration)
    told = json.loads(numbers.read_text())["results"][0]
    named = {str(one) for one in dataset.users.ids.tolist() if not str(one).isdigit()}
    assert not named & set(json.dumps(told).replace('"', " ").split())
