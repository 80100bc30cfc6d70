"""Which model is taken."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from recsys.comparing import Candidate, best_of, has_new_tracks
from recsys.tables import Catalogue, Dataset, IdMap, Interactions

LISTENERS = np.random.default_rng(0).random(200)


def candidate(name: str, lead: float) -> Candidate:
    """The blend, or a model ahead of it for every other listener and behind for the rest, by more than its lead."""
    ndcg = LISTENERS + lead + (0.05 * np.sign(np.arange(200) % 2 - 0.49) if name != "blend" else 0)
    return Candidate(name, {}, ndcg, ndcg, np.zeros((200, 50), np.int32), 0.5, 1.0)


@pytest.mark.parametrize(
    ("name", "lead", "new_tracks", "taken"),
    [
        ("slim", 0.05, False, "slim"),
        ("slim", 0.05, True, "blend"),  # by plays alone: new tracks would never be listed
        ("mapped", 0.05, True, "mapped"),
        ("slim", 0.001, False, "blend"),  # not better beyond doubt
    ],
)
def test_one_model_replaces_the_blend_only_beyond_doubt(name: str, lead: float, new_tracks: bool, taken: str) -> None:
    found = [candidate(name, lead), candidate("blend", 0.0)]
    assert best_of(found, new_tracks=new_tracks).name == taken


@pytest.mark.parametrize(("genres", "new"), [(["rock", "rock", "jazz"], True), (["rock", "rock", None], False)])
def test_new_tracks_are_those_that_are_known_and_not_played(genres: list[str | None], new: bool) -> None:
    plays = Interactions(IdMap(["ann"]), IdMap(["a", "b", "c"]), [0, 0], [0, 1], [1, 1])
    catalogue = Catalogue(pd.DataFrame({"genre": [[g] if g else None for g in genres]}))
    assert has_new_tracks(Dataset(plays, catalogue)) is new
