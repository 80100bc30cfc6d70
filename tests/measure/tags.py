"""Last.fm 2011 with tags as what is known of an artist, cleaned of everything that a test could leak through.

The folder holds ``interactions.parquet`` (user_id, item_id, count) and ``tag_events.parquet`` (user_id, item_id, tag).
Tags come from the same listeners as the plays, so

* warm: tag events of a hidden listener–artist pair are dropped;
* cold: listeners are cut in two halves; tags are those of one half, evaluated are listeners of the other; an artist
  has its five most frequent tags without their counts, because counts tell how popular an artist is.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse as sp

from recsys.evaluation.split import Split
from recsys.tables import Catalogue, Dataset, IdMap, Interactions

TOP = 5
PAIR = ["user_id", "item_id"]


class Parts(NamedTuple):
    """``valid`` is to choose on; ``test``, whose training side has the validation plays too, is read once."""

    valid: Split
    test: Split


def load(data: Path, *, seed: int, cold: bool, parts: Path | None = None) -> Parts:
    """Split the log, or take ``parts`` (train, valid and test.parquet) as somebody else split it."""
    read = {name: pd.read_parquet(parts / f"{name}.parquet") for name in ("train", "valid", "test")} if parts else None
    plays = read or _divided(_core(pd.read_parquet(data / "interactions.parquet")), seed, cold)
    events = pd.read_parquet(data / "tag_events.parquet")[[*PAIR, "tag"]].drop_duplicates()
    users = IdMap(pd.concat(plays.values()).user_id.unique(), "user")
    tracks = IdMap(pd.concat(plays.values()).item_id.unique(), "track")
    judges = np.ones(len(users), bool)
    if cold:
        judges = np.random.default_rng(seed).permutation(len(users)) % 2 == 0
        events = events[events.user_id.isin(users.at(np.flatnonzero(~judges)))]
    else:
        hidden = pd.MultiIndex.from_frame(pd.concat([plays["valid"], plays["test"]])[PAIR])
        events = events[~pd.MultiIndex.from_frame(events[PAIR]).isin(hidden)]
    catalogue = _catalogue(events, tracks, TOP if cold else None)
    train = Dataset(_plays(plays["train"], users, tracks), catalogue)
    whole = replace(train, plays=_plays(pd.concat([plays["train"], plays["valid"]]), users, tracks))
    return Parts(_split(train, plays["valid"], judges, cold), _split(whole, plays["test"], judges, cold))


def _core(plays: pd.DataFrame, least: int = 5) -> pd.DataFrame:
    """Plays of listeners and artists with so many partners each."""
    while True:
        counts = [plays[column].map(plays[column].value_counts()) for column in PAIR]
        kept = plays[(counts[0] >= least) & (counts[1] >= least)]
        if len(kept) == len(plays):
            return kept
        plays = kept


def _divided(plays: pd.DataFrame, seed: int, cold: bool) -> dict[str, pd.DataFrame]:
    """Warm: a fifth of each listener's artists for the test, a tenth for validation; cold: 15 % of artists for each."""
    rng = np.random.default_rng(seed)
    if cold:
        ids = np.unique(plays.item_id)
        place = pd.Series(rng.permutation(len(ids)) / len(ids), ids)[plays.item_id].to_numpy()
        test, valid = place < 0.15, (place >= 0.15) & (place < 0.3)
    else:
        rank = pd.Series(rng.random(len(plays)), plays.index).groupby(plays.user_id).rank().to_numpy() - 1
        count = plays.user_id.map(plays.user_id.value_counts()).to_numpy()
        first = np.maximum(1, count // 5)
        test, valid = rank < first, (rank >= first) & (rank < first + np.maximum(1, count // 10))
    return {"train": plays[~test & ~valid], "valid": plays[valid], "test": plays[test]}


def _plays(frame: pd.DataFrame, users: IdMap, tracks: IdMap) -> Interactions:
    return Interactions(users, tracks, users.rows(frame.user_id), tracks.rows(frame.item_id), frame["count"])


def _catalogue(events: pd.DataFrame, tracks: IdMap, top: int | None) -> Catalogue:
    """Each artist's tags, the most frequent first (ties by name), ``top`` at most."""
    counts = events.groupby(["item_id", "tag"]).size().rename("count").reset_index()
    counts = counts.sort_values(["item_id", "count", "tag"], ascending=[True, False, True])
    if top:
        counts = counts.groupby("item_id").head(top)
    return Catalogue(pd.DataFrame({"tags": counts.groupby("item_id").tag.agg(list).reindex(tracks.ids).to_numpy()}))


def _split(train: Dataset, held: pd.DataFrame, judges: np.ndarray, cold: bool) -> Split:
    """What of ``held`` a model can be asked for: tracks it has seen (warm), or nothing but tracks it has not (cold)."""
    pairs, seen = _plays(held, train.users, train.tracks), train.matrix()
    known = np.bincount(seen.indices, minlength=seen.shape[1]) > 0
    pairs = pairs.take((known[pairs.track] != cold) & judges[pairs.user])
    rows = pairs.matrix()
    some = np.flatnonzero((np.diff(rows.indptr) > 0) & (np.diff(seen.indptr) > 0)).astype(np.int32)
    pool = np.unique(pairs.track).astype(np.int32) if cold else None
    ones = sp.csr_array((np.ones(rows.nnz, np.float32), rows.indices, rows.indptr), shape=rows.shape)
    return Split(train, ones[some], seen[some], some, pool, "cold" if cold else "warm")
