"""With the ledger, lists turn over from night to night; without it, they hardly do; the best of the rest is taken."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from recsys.engine import Engine
from recsys.listing import Desk, Listener
from recsys.listing.make import Maker
from recsys.listing.written import remembered
from recsys.playlists.ledger import DAY, Ledger
from recsys.playlists.memory import Memory, overlap
from recsys.playlists.recipes import parse_recipe

NIGHTS, TRACKS = 14, 8


def nights(desk: Desk, who: Listener, book: Ledger | None) -> tuple[list[float], float]:
    """Overlap of every night with the seven before, and the mean score of all tracks listed."""
    recipe = parse_recipe({"kind": "discover", "every": "day", "n": TRACKS, "new_artists": 0.0})
    shown: list[np.ndarray] = []
    overlaps, scores = [], []
    for night in range(NIGHTS):
        at = desk.at(desk.now + night * DAY)
        memory = None if book is None else Memory.of(book.read(), desk.engine.tracks, at.now)
        (made,) = Maker(at, "nightly", recipe, effort=0.2).lists(who, seed=night, memory=memory)
        if book is not None:
            book.append(remembered(at, made, night, at.now, at.now))
        chosen = np.isin(np.arange(len(desk.facts)), made.made.rows)
        overlaps.append(overlap(made.made.rows, np.logical_or.reduce(shown[-7:])) if shown else 0.0)
        shown.append(chosen)
        scores.append(float(desk.scores(who, made.made.rows).mean()))
    return overlaps, float(np.mean(scores))


def test_fourteen_nights(desk: Desk, who: Listener, engine: Engine, tmp_path: Path) -> None:
    without, best = nights(desk, who, None)
    turned, score = nights(desk, who, Ledger(tmp_path / "ledger"))
    assert np.mean(without[1:]) > 0.6
    assert max(turned) <= 0.3
    unheard = np.setdiff1d(np.arange(len(engine.tracks)), who.heard).astype(np.int32)
    middle = float(np.median(desk.scores(who, unheard)))
    assert score - middle > 0.5 * (best - middle)
