"""Models as evaluation sees them: what train would choose is named, dials bend its lists, levels share the choice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recsys import assessment, models, training
from recsys.evaluation import prepare, warm
from recsys.settings import Settings, parse
from recsys.tables import Dataset

NAMES = ("popularity", "itemknn", "rp3beta", "content")


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "NAMES", NAMES)


@pytest.fixture
def settings() -> Settings:
    return parse({"models": {name: {} for name in NAMES}, "evaluate": {"bootstrap": 100}})


@pytest.fixture
def dataset(tables: Path) -> Dataset:
    return Dataset.open(tables)


def test_the_default_is_what_train_would_choose(dataset: Dataset, settings: Settings) -> None:
    split = warm(dataset, rng=np.random.default_rng(0))
    made = assessment.Chooser(settings)(split.train)
    trained = training.train(split.train, settings)
    assert trained.model is not None
    assert made.default == trained.model.name
    assert set(made.rankers) >= set(NAMES)
    assert "blend" in made.mixed
    assert not set(NAMES) & made.mixed


def test_dials_bend_the_lists_of_the_default(dataset: Dataset, settings: Settings) -> None:
    split = warm(dataset, rng=np.random.default_rng(0))
    made = assessment.Chooser(settings)(split.train)
    plain = made.rankers[made.default](split.histories, split.users, None, 20)
    listeners = np.bincount(split.train.matrix().indices, minlength=len(dataset.tracks))
    lists = {at: rank(split.histories, split.users, None, 20) for at, rank in made.dials.items()}
    for dial in ("novelty", "calibrate"):
        np.testing.assert_array_equal(lists[dial, 0.0].rows, plain.rows)
    fame = [listeners[lists["novelty", place].rows[:, :10]].mean() for place in assessment.PLACES]
    assert fame == sorted(fame, reverse=True)
    assert fame[-1] < 0.8 * fame[0]
    seen = split.histories.toarray() > 0
    for found in lists.values():
        rows = np.maximum(found.rows, 0)
        assert not (np.take_along_axis(seen, rows, axis=1) & (found.rows >= 0)).any()


def test_levels_of_a_thaw_share_what_was_chosen(
    dataset: Dataset, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen, compare = [], training.compare
    monkeypatch.setattr(training, "compare", lambda *a, **k: chosen.append(1) or compare(*a, **k))
    results = assessment.measured(prepare(dataset, "thaw", seed=1).splits, settings)
    assert len(chosen) == 1
    assert [r.protocol for r in results][:4] == ["thaw-0", "thaw-0-all", "thaw-1", "thaw-1-all"]
    assert all({"content", "popularity", "random"} <= set(r.accuracy) for r in results[::2])
    cold, warm_ = (
        r.accuracy["itemknn" if "itemknn" in r.accuracy else "rp3beta"]["ndcg@100"].mean for r in results[:12:10]
    )
    assert warm_ > cold  # plays tell a model of plays what it could not know
