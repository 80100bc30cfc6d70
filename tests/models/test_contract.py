"""Every model keeps the contract, with settings that suit forty listeners and twenty tracks."""

from __future__ import annotations

from typing import Any

import pytest

from recsys import models
from recsys.contracts import Recommender
from tests.contracts import RecommenderContract, VectorContract

SMALL: dict[str, dict[str, Any]] = {
    "popularity": {},
    "recent": {},
    "itemknn": {"k": 10},
    "rp3beta": {"k": 10},
    "ease": {"regularization": 1.0},
    "slim": {"k": 10, "l1": 0.1, "l2": 1.0},
    "als": {"factors": 8, "regularization": 1.0},
    "bpr": {"factors": 8, "iterations": 100},
    "lightfm": {"factors": 8, "epochs": 30},
    "ratings": {"factors": 4},
    "content": {},
    "ridge": {},
    "hybrid": {"factors": 8},
    "mapped": {"factors": 8},
    "cease": {"regularization": 1.0},
    "blend": {"members": [["ease", {"regularization": 1.0}], ["rp3beta", {"k": 10}]]},
    "ranked": {"members": [["ease", {"regularization": 1.0}], ["rp3beta", {"k": 10}]], "nets": 1},
}
VECTORS = ("popularity", "recent", "als", "bpr", "lightfm", "ratings", "content", "hybrid", "mapped")
SAME_FOR_ALL = ("popularity", "recent")


def test_every_model_is_under_contract() -> None:
    assert set(models.NAMES) == {*SMALL, "ials"}


def _contract(word: str) -> type[RecommenderContract]:
    base = VectorContract if word in VECTORS else RecommenderContract

    class Contract(base):  # type: ignore[misc, valid-type]
        personal = word not in SAME_FOR_ALL

        @classmethod
        def model(cls) -> Recommender:
            if word == "lightfm":
                pytest.importorskip("lightfm")
            return models.build(word, **SMALL[word])

    return Contract


for _word in SMALL:
    globals()[f"Test_{_word}"] = _contract(_word)
