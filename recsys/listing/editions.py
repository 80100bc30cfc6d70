"""Which edition of a list is wanted: the one of this day or week, the last one again, or a fresh one."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from recsys.listing.make import seed_of
from recsys.playlists.kinds import Recipe

DAY = 86_400
Wish = Literal["due", "same", "fresh"]


class Edition(NamedTuple):
    """What decides about chance and time: the seed, the time as of which the list is made, and when it was made first.

    A list that is made again is made from what the ledger knew at ``made``, so that it is the same again.
    """

    seed: int
    asof: int
    made: int


def edition(recipe: Recipe, name: str, who: str, now: float, before: pd.DataFrame, wish: Wish = "due") -> Edition:
    """The edition of a list.

    Args:
        before: rows of the ledger of this listener; the lists of this recipe are looked for among them.
        wish: "due" = that of the period ``now`` lies in, made already or not; "same" = the last one whatever its
            age; "fresh" = a new one.

    >>> from recsys.playlists.kinds import Discover
    >>> weekly = Discover(kind="discover")
    >>> due = [edition(weekly, "d", "ann", day * DAY, pd.DataFrame()) for day in (4, 10, 11)]
    >>> due[0].seed == due[1].seed, due[1].seed == due[2].seed, due[1].asof // DAY
    (True, False, 4)
    """
    start = period(now, recipe.every)
    last = None if wish == "fresh" or not len(before) else _last(before, name, now)
    if last is not None and (wish == "same" or start is None or last.asof >= start):
        return last
    if wish == "fresh" or start is None:
        return Edition(seed_of(recipe.seed, name, who, wish, int(now) if wish == "fresh" else 0), int(now), int(now))
    return Edition(seed_of(recipe.seed, name, who, start), start, int(now))


def period(now: float, every: str) -> int | None:
    """When the day, the week (from Monday) or the month of a time began, UTC; None for once.

    >>> [period(1_732_579_200 + 3600, every) for every in ("day", "week", "month", "once")]
    [1732579200, 1732492800, 1730419200, None]
    """
    day = int(now // DAY)
    if every == "month":
        first = np.datetime64(day, "D").astype("datetime64[M]").astype("datetime64[D]")
        return int(first.astype(np.int64)) * DAY
    back = {"day": 0, "week": (day + 3) % 7}  # 1970-01-01 was a Thursday
    return (day - back[every]) * DAY if every in back else None


def _last(before: pd.DataFrame, name: str, now: float) -> Edition | None:
    """The latest edition of a recipe's lists: its name, or that with a number."""
    mine = before[(before["event"] == "listed") & (before["time"] <= now)]
    mine = mine[(mine["name"] == name) | mine["name"].str.fullmatch(f"{_literal(name)} \\d+")]
    if not len(mine):
        return None
    row = mine.loc[mine["time"].idxmax()]
    return Edition(int(row["seed"]), int(row["asof"]), int(row["time"]))


def _literal(text: str) -> str:
    import re

    return re.escape(text)
