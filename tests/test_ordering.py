"""The ranker against the blend on a validation part, judged on listeners it was not learned from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from recsys import comparing, ordering
from recsys.evaluation.split import Split, warm
from recsys.models.ranked import Ranked
from recsys.settings import Settings
from recsys.tables import Dataset
from tests.models.test_ranked import world


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return world()


@pytest.fixture(scope="module")
def hidden(dataset: Dataset) -> Split:
    return warm(dataset, share=0.2, rng=np.random.default_rng(0))


@pytest.fixture(scope="module")
def found(hidden: Split) -> list[comparing.Candidate]:
    return [comparing.measure(name, {}, hidden, seed=0) for name in ("popularity", "rp3beta", "content")]


def blend(hidden: Split) -> comparing.Candidate:
    params: dict[str, Any] = {
        "members": [("rp3beta", {}), ("popularity", {})],
        "weights": [[0.9, 0.1]],
        "lengths": [1.0],
        "fallback": None,
        "half": 4.0,
    }
    return comparing.measure("blend", params, hidden, seed=0)


def test_every_listener_is_judged_once_and_the_order_moves_to_other_plays(
    found: list[comparing.Candidate], hidden: Split, dataset: Dataset
) -> None:
    settings = Settings(models={"ranked": {"nets": 1}})
    made = ordering.ranked(found, blend(hidden), hidden, settings)
    assert made is not None
    assert made.name == "ranked"
    assert made.params["members"] == [("rp3beta", {}), ("content", {}), ("popularity", {})]
    assert made.params["weights"] == [[0.9, 0.0, 0.1]]
    assert made.params["nets"] == 1
    assert len(made.ndcg) == len(made.recall) == len(made.best) == len(hidden)
    assert np.isfinite(made.ndcg).all()
    assert made.score > found[0].score
    assert isinstance(made.model, Ranked)
    members = [comparing.fit(dataset, name, params, seed=0) for name, params in made.params["members"]]
    again = ordering.refitted(made, members, dataset)
    assert again.order_ is made.model.order_
    assert np.isfinite(again.scores(dataset.matrix())).all()


def test_too_few_listeners_teach_nothing(
    found: list[comparing.Candidate], hidden: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordering, "LEAST", len(hidden) + 1)
    assert ordering.ranked(found, blend(hidden), hidden, Settings()) is None
