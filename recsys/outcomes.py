"""Past recommendations and what was played since in, what each source of them is worth out.

A row is a trial when its listener played anything at all since and it stood among the first ``depth`` of the list; it
is a hit when the listener played the track. Where the chance of each row's source was written down (``recommend`` with
``explore``), the sources were assigned by lot, so their rates can be compared, and what any other mix of sources would
have been worth is estimated by weighing each outcome by the inverse of its chance. Where it was not, a source's rows
are those that it liked best, and rates tell as much about the rows as about the source.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.errors import ArtefactError
from recsys.evaluation.exposure import RARER
from recsys.evaluation.intervals import Interval, interval
from recsys.pseudonyms import Pseudonyms
from recsys.tables import Dataset

COLUMNS = ("user_id", "rank", "track_id", "source")
CHANCE = "propensity"
READERS = {".parquet": pd.read_parquet, ".csv": pd.read_csv}


@dataclass(frozen=True, eq=False)
class Trials:
    """Rows that somebody may have seen, and what became of them; all of shape (n,).

    Attributes:
        user: a number for the listener.
        source: name of the source.
        hit: whether the track was played.
        skip: whether it was skipped or disliked, and not played.
        chance: with which the source was drawn; NaN where that was not written down.
    """

    user: NDArray[np.int32]
    source: NDArray[Any]
    hit: NDArray[np.bool_]
    skip: NDArray[np.bool_]
    chance: NDArray[np.float64]

    @property
    def logged(self) -> Trials:
        """Those whose chance is known."""
        return self.take(np.isfinite(self.chance))

    def together(self, audience: int) -> Trials:
        """The same, with sources that fewer listeners had rows of under one name."""
        names, code = np.unique(self.source, return_inverse=True)
        pairs = np.unique(np.column_stack([code, self.user]), axis=0)
        had = np.bincount(pairs[:, 0], minlength=len(names))
        few = had < min(audience, len(np.unique(self.user)))
        return replace(self, source=np.where(few, RARER, names)[code] if len(names) else self.source)

    def take(self, some: NDArray[Any]) -> Trials:
        """Some of them, by a mask or an index."""
        return Trials(*(values[some] for values in (self.user, self.source, self.hit, self.skip, self.chance)))


def read_lists(folder: Path, depth: int) -> pd.DataFrame:
    """The first ``depth`` rows of each list of a folder that ``recommend`` wrote.

    Raises:
        ArtefactError: no lists, or lists without the columns that are needed.
    """
    parts = [_head(path, depth) for path in sorted(folder.glob("part-*"))]
    if not parts:
        raise ArtefactError(f"{folder} holds no lists; expected a folder that recsys recommend wrote")
    return pd.concat(parts, ignore_index=True)


def _head(path: Path, depth: int) -> pd.DataFrame:
    frame = pd.read_json(path, lines=True) if path.suffix == ".jsonl" else READERS[path.suffix](path)
    missing = [name for name in COLUMNS if name not in frame]
    if missing:
        raise ArtefactError(f"{path} lacks {', '.join(missing)}; expected lists that recsys recommend wrote")
    if CHANCE not in frame:
        frame[CHANCE] = np.nan
    return frame.loc[frame["rank"] <= depth, [*COLUMNS, CHANCE]]


def trials(lists: pd.DataFrame, later: Dataset, names: Pseudonyms | None = None) -> Trials:
    """Rows of listeners who did anything since, with what they did.

    Args:
        lists: user_id, rank, track_id, source, propensity.
        later: plays and skips since, over their own ids.
        names: what the lists call listeners; None = by their ids.
    """
    listed = lists["user_id"].to_numpy()
    if names is None:
        user = later.users.rows(listed, missing="mark")
    else:
        user = pd.Index(names.of(later.users.ids)).get_indexer(listed.astype(object)).astype(np.int32)
    track = later.tracks.rows(lists["track_id"].to_numpy(), missing="mark")
    active = np.flatnonzero(user >= 0)
    user, track = user[active], track[active]
    played, skipped = (_among(part, user, track) for part in (later.plays, later.skips))
    source = lists["source"].astype(str).to_numpy()[active]
    return Trials(user, source, played, skipped & ~played, lists[CHANCE].to_numpy(np.float64)[active])


def _among(part: Any, user: NDArray[np.int32], track: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Which of these pairs occur in some events."""
    if part is None:
        return np.zeros(len(user), np.bool_)
    width = np.int64(len(part.tracks))
    return np.isin(user * width + track, part.user * width + part.track) & (track >= 0)


def rates(found: Trials, *, draws: int = 1000) -> list[dict[str, Any]]:
    """What became of each source's rows: trials, hits, skips and the hit rate with its interval over listeners."""
    rows = []
    for name in np.unique(found.source):
        mine = found.take(found.source == name)
        rate = _ratio(mine.user, mine.hit.astype(np.float64), np.ones(len(mine.hit)), draws)
        rows.append(
            {
                "source": str(name),
                "trials": len(mine.hit),
                "hits": int(mine.hit.sum()),
                "skips": int(mine.skip.sum()),
                "rate": rate._asdict(),
            }
        )
    return sorted(rows, key=lambda row: -row["rate"]["mean"])


def posterior(found: Trials, before: Mapping[str, tuple[float, float]] | None = None) -> dict[str, tuple[float, float]]:
    """The Beta distribution of each source's hit rate given its logged trials: a = 1 + hits, b = 1 + misses.

    Args:
        found: trials; those without a chance are left out.
        before: what earlier feedback gave.

    >>> yes, no = np.array([True]), np.array([False])
    >>> posterior(Trials(np.array([0]), np.array(["ials"]), yes, no, np.array([0.1])), {"slim": (3, 9)})
    {'slim': (3, 9), 'ials': (2.0, 1.0)}
    """
    made = dict(before or {})
    known = found.logged
    for name in np.unique(known.source):
        hits = known.hit[known.source == name]
        a, b = made.get(str(name), (1.0, 1.0))
        made[str(name)] = (a + float(hits.sum()), b + float((~hits).sum()))
    return made


def worth(found: Trials, mix: Mapping[str, float], *, draws: int = 1000) -> Interval | None:
    """What a place would have been worth, in hits, had sources been drawn by ``mix``: inverse propensity estimate.

    Unbiased while ``mix`` gives no chance to a source that had none.

    Args:
        found: trials; those without a chance are left out.
        mix: the chance of each source; a single source with 1 is that source alone.
        draws: resamples of listeners for the interval.

    Returns:
        None when no chance was written down.
    """
    known = found.logged
    if not len(known.hit):
        return None
    wanted = np.array([mix.get(name, 0.0) for name in known.source])
    return _ratio(known.user, known.hit * wanted / known.chance, np.ones(len(wanted)), draws)


def worths(found: Trials, mix: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """``worth`` of each source alone, of the lists as they were (``shown``), and of ``mix`` (``mix``)."""
    alone = {str(name): {str(name): 1.0} for name in np.unique(found.logged.source)}
    made = {name: worth(found, only) for name, only in {**alone, "mix": mix}.items()}
    if len(found.logged.hit):
        known = found.logged
        made["shown"] = _ratio(known.user, known.hit.astype(np.float64), np.ones(len(known.hit)), 1000)
    return {name: value._asdict() for name, value in made.items() if value is not None}


def _ratio(user: NDArray[np.int32], top: NDArray[np.float64], bottom: NDArray[np.float64], draws: int) -> Interval:
    """Sum over sum, with an interval that resamples whole listeners (delta method: each one's part of the ratio)."""
    _, code = np.unique(user, return_inverse=True)
    over, under = np.bincount(code, top), np.bincount(code, bottom)
    ratio = over.sum() / under.sum()
    return interval(ratio + (over - ratio * under) / under.mean(), draws=draws)


def told(found: Trials, chance: Mapping[str, float]) -> Iterator[str]:
    """What a person should know of these numbers, a line each."""
    if not len(found.hit):
        yield "none of the listeners of these lists did anything since: nothing learned"
        return
    if not len(found.logged.hit):
        yield "no chances were written down (recommend --explore does so), so no source is learned about or replayed"
    elif chance:
        best = max(chance, key=lambda name: chance[name])
        yield f"most places go to {best} now ({chance[best]:.0%} of them)".replace("%", " %")
