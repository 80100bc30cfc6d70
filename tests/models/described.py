"""Small datasets whose tracks are described, for tests of content and of models that know it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from recsys.tables import Catalogue, Dataset, IdMap, Interactions

COLD = ("content", "ridge", "hybrid", "mapped", "cease")
SMALL: dict[str, dict[str, Any]] = {"hybrid": {"factors": 8}, "mapped": {"factors": 8}, "cease": {"regularization": 1}}


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def described(**columns: Any) -> Dataset:
    frame = pd.DataFrame(columns)
    return Dataset(Interactions.empty(IdMap(["ann"]), IdMap(range(len(frame)))), Catalogue(frame))


def tastes(listeners: int = 60, tracks: int = 48, kinds: int = 4) -> Dataset:
    """Listeners who play half of the tracks of one genre; the last eight tracks are played by nobody."""
    draw = np.random.default_rng(3)
    own = (np.arange(listeners)[:, None] - np.arange(tracks)) % kinds == 0
    plays = own & (draw.random(own.shape) < 0.5)
    plays[:, -8:] = False
    user, track = np.nonzero(plays)
    frame = pd.DataFrame({"genre": [[f"g{t % kinds}"] for t in range(tracks)], "artist": [None] * tracks})
    return Dataset(
        Interactions(IdMap(range(listeners)), IdMap(range(tracks)), user, track, np.ones(len(user))), Catalogue(frame)
    )
