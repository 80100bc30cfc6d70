"""One door for lists: dense models, vector models, and blends whose parts come with the lists."""

from __future__ import annotations

import numpy as np
import pytest

from recsys import models, retrieval
from recsys.models.blend import Blend
from recsys.retrieval import top_lists, top_parts
from tests.contracts import checkerboard


@pytest.fixture(scope="module")
def blend() -> Blend:
    members = [("ease", {"regularization": 1.0}), ("rp3beta", {}), ("popularity", {})]
    return Blend(members, [0.5, 0.4, 0.1]).fit(checkerboard(), rng=np.random.default_rng(0))


def test_lists_with_parts_are_the_lists_without(blend: Blend, monkeypatch: pytest.MonkeyPatch) -> None:
    histories = checkerboard().matrix()
    monkeypatch.setattr(retrieval, "CELLS", 40)  # a few listeners at a time
    found = top_parts(blend, histories, 4, exclude=histories, allow=np.arange(1, 9))
    wanted = top_lists(blend, histories, 4, exclude=histories, allow=np.arange(1, 9))
    np.testing.assert_array_equal(found.lists.rows, wanted.rows)
    real = found.lists.rows >= 0
    np.testing.assert_allclose(found.parts.sum(axis=2)[real], found.lists.scores[real], rtol=1e-4, atol=1e-5)
    assert not found.parts[~real].any()


def test_nobody_asked_gives_nothing(blend: Blend) -> None:
    found = top_parts(blend, checkerboard().matrix()[:0], 4)
    assert found.lists.rows.shape == (0, 4)
    assert found.parts.shape == (0, 4, 3)


def test_vector_models_take_the_same_door() -> None:
    world = checkerboard()
    model = models.build("ials", factors=8).fit(world, rng=np.random.default_rng(0))
    lists = top_lists(model, world.matrix(), 3, exclude=world.matrix())
    scores = np.where(world.matrix().toarray() > 0, -np.inf, model.scores(world.matrix()))
    np.testing.assert_array_equal(lists.rows[:, 0], scores.argmax(axis=1))
