"""Fourteen nights of lists on the sample world, with and without the ledger: overlap, and what relevance it costs.

Run: python -m tests.measure.nights --folder /tmp/nights [--tracks 2000 --listeners 300 --sample 40 --n 30]

Overlap is the share of a list's tracks that stood on any of the seven lists before. Relevance is measured twice, as the
share of all tracks a listener might be given that a listed track beats, mean over the list: by the score of the model,
and by the hidden taste that made the listeners' plays. Intervals are over listeners (bootstrap, 95 %).
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recsys import api
from recsys.engine import Engine
from recsys.listing import Desk
from recsys.listing.drafts import ranks
from recsys.listing.make import Maker, seed_of
from recsys.listing.written import remembered
from recsys.playlists.ledger import DAY, Ledger
from recsys.playlists.memory import Memory, overlap
from recsys.playlists.recipes import parse_recipe
from recsys.settings import parse
from recsys.sources.sample import write_world
from recsys.sources.sample.listeners import taste
from recsys.sources.sample.world import make_tracks

NIGHTS, BEFORE = 14, 7
KIND = {"kind": "discover", "every": "day", "new_artists": 0.0}
Floats = NDArray[np.floating]


def world(folder: Path, tracks: int, listeners: int) -> Path:
    """The sample world and a bundle on it, made once."""
    if not (folder / "bundle").is_dir():
        write_world(folder / "raw", tracks=tracks, listeners=listeners, audio=False)
        given = {"tracks": [folder / "raw" / "tracks.csv"], "content": [folder / "raw" / "descriptors.csv"]}
        api.ingest([folder / "raw" / "plays.csv"], out=folder / "tables", **given)
        small = parse({"models": {"ials": {"factors": 32, "iterations": 8}}})
        api.train(folder / "tables", out=folder / "bundle", model="ials", settings=small)
    return folder / "bundle"


def truth(engine: Engine, tracks: int, listeners: int) -> Floats:
    """How well each track fits each listener in truth, (users, tracks) of the engine."""
    made = make_tracks(tracks, np.random.default_rng([0, *b"tracks", 0]))
    fit = taste(made, listeners, np.random.default_rng([0, *b"plays", 0]))
    width = len(str(listeners))
    users = [int(user[1 : 1 + width]) - 1 for user in engine.users.ids]
    place = {track.id: i for i, track in enumerate(made)}
    return fit[users][:, [place[track] for track in engine.tracks.ids]]


def nights(desk: Desk, user: int, fit: Floats, n: int, memory: bool, variety: float) -> NDArray[np.float64]:
    """Overlap and both relevances of each night, (nights, 3)."""
    who, rows = desk.listener(desk.engine.users.ids[user]), []
    free = np.setdiff1d(np.arange(len(desk.facts)), who.heard).astype(np.int32)
    scored = np.full(len(desk.facts), np.nan, np.float32)
    scored[free] = ranks(desk.scores(who, free))
    fits = np.full(len(desk.facts), np.nan, np.float32)
    fits[free] = ranks(fit[user, free].astype(np.float32))
    book: list[NDArray[np.bool_]] = []
    recipe = parse_recipe({**KIND, "n": n, "variety": variety})
    assert desk.ledger is not None
    for night in range(NIGHTS):
        at = desk.at(desk.now + night * DAY)
        known = Memory.of(desk.ledger.read(listeners=[who.name]), desk.engine.tracks, at.now) if memory else None
        (made,) = Maker(at, "nightly", recipe).lists(who, seed=seed_of(user, night), memory=known)
        if memory:
            desk.ledger.append(remembered(at, made, 0, at.now, at.now))
        chosen = np.zeros(len(desk.facts), bool)
        chosen[made.made.rows] = True
        before = np.logical_or.reduce(book[-BEFORE:]) if book else np.zeros(len(chosen), bool)
        book.append(chosen)
        rows.append((overlap(made.made.rows, before), scored[made.made.rows].mean(), fits[made.made.rows].mean()))
    return np.array(rows)


def interval(values: Floats) -> str:
    """Mean and 95 % of bootstrap means over listeners."""
    rng = np.random.default_rng(0)
    means = values[rng.integers(0, len(values), (2000, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{values.mean():.3f} [{low:.3f}, {high:.3f}]"


def compare(
    bundle: Path, ledger: Path, fit_of: tuple[int, int], sample: int, n: int, variety: float
) -> dict[str, Floats]:
    """All nights of a sample of listeners, (listeners, nights, 3), with and without the ledger."""
    engine = Engine.open(bundle)
    fit = truth(engine, *fit_of)
    assert engine.listening.newest is not None
    desk = Desk(engine, now=engine.listening.newest, ledger=Ledger(ledger))
    enough = np.flatnonzero(np.diff(engine.histories.indptr) >= 5)
    users = np.random.default_rng(1).choice(enough, min(sample, len(enough)), replace=False)
    return {
        name: np.stack([nights(desk, int(user), fit, n, memory, variety) for user in users])
        for name, memory in (("without the ledger", False), ("with the ledger", True))
    }


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--folder", type=Path, required=True)
    options.add_argument("--tracks", type=int, default=2000)
    options.add_argument("--listeners", type=int, default=300)
    options.add_argument("--sample", type=int, default=40)
    options.add_argument("--n", type=int, default=30)
    options.add_argument("--variety", type=float, default=0.1)
    given = options.parse_args()
    bundle = world(given.folder, given.tracks, given.listeners)
    book = given.folder / "ledger"
    shutil.rmtree(book, ignore_errors=True)
    found = compare(bundle, book, (given.tracks, given.listeners), given.sample, given.n, given.variety)
    print("| lists | overlap, nights 2 to 14 | most on any night | by the model | by hidden taste |")
    print("|---|---|---|---|---|")
    for name, table in found.items():
        cells = [interval(table[:, 1:, 0].mean(axis=1)), f"{table[:, 1:, 0].max():.2f}"]
        cells += [interval(table[:, :, column].mean(axis=1)) for column in (1, 2)]
        print(f"| {name} | {' | '.join(cells)} |")
    before, after = found.values()
    for column, word in ((1, "by the model"), (2, "by hidden taste")):
        loss = 1 - after[:, :, column].mean(axis=1) / before[:, :, column].mean(axis=1)
        print(f"loss of relevance {word}, paired: {interval(loss)}")


if __name__ == "__main__":
    main()
