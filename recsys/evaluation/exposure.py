"""Who gets heard: how the first places of all lists fall on groups of tracks, beside the catalogue and what was wanted.

Conventions:
    * A place at rank r has the exposure 1 / log2(r + 1); lists sum to 1 each, so every listener counts alike
      (Singh and Joachims, Fairness of exposure in rankings, KDD 2018; Biega, Gummadi and Weikum, Equity of attention,
      SIGIR 2018).
    * What was wanted (merit) is the hidden tracks of each listener, each list of them summing to 1 as well.
    * Groups come from the catalogue: bands of popularity, decades, and every column of words or flags that has a few
      values: genre, country, gender, licence, explicit, generated, … A track of several values counts in parts.
    * Groups that fewer than ``audience`` listeners were exposed to or wanted are told together as "rarer": no number
      in a report speaks of a handful of people. No listener is named.
    * Nothing here says what is fair. It says what is, and what it is compared with.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.contracts import Histories
from recsys.evaluation.intervals import Interval, intervals
from recsys.evaluation.slices import BANDS, bands
from recsys.tables import Catalogue, TopK
from recsys.tables.predicted import is_predicted

K = 20  # places of a list that are looked at
AUDIENCE = 10  # listeners below which a group is not told on its own
MOST = 12  # groups of an attribute; the smallest go to "rarer"
VALUES = 60  # a column of more values than this is no attribute
NOT_SAID, RARER = "not said", "rarer"
IDS = {"title", "artist", "album", "isrc", "mbid", "path", "recording", "flags", "tags", "key", "camelot"}
Shares = NDArray[np.float64]


class Group(NamedTuple):
    """One group of tracks under one attribute; all but ``tracks`` are shares of 1.

    Attributes:
        by: the attribute.
        label: its value.
        tracks: how many (parts add up).
        catalogue: of the tracks.
        plays: of the plays that models learned from.
        wanted: of what was hidden, every listener alike.
        exposure: of the places in lists, with its interval over listeners.
    """

    by: str
    label: str
    tracks: float
    catalogue: float
    plays: float
    wanted: float
    exposure: Interval


class Disparity(NamedTuple):
    """How far exposure under one attribute is from other shares; 0 = the same.

    Attributes:
        by: the attribute.
        catalogue, wanted: half the sum of differences of shares (total variation, 0 … 1).
        least, most: exposure over what was wanted of the groups with the smallest and the largest such ratio, among
            those with at least a hundredth of what was wanted; 1 = as much as was wanted.
    """

    by: str
    catalogue: float
    wanted: float
    least: float
    most: float


def exposures(rows: NDArray[np.integer], tracks: int) -> sp.csr_array:
    """Each list's exposure over tracks, CSR (q, tracks), rows summing to 1 (or 0 for an empty list).

    Args:
        rows: track rows in order, −1 = none, (q, k).

    >>> exposures(np.array([[2, 0, -1]]), 3).toarray().round(3)
    array([[0.387, 0.   , 0.613]])
    """
    worth = np.where(rows >= 0, 1 / np.log2(np.arange(rows.shape[1]) + 2), 0.0)
    total = worth.sum(axis=1, keepdims=True)
    real = rows >= 0
    bounds = np.r_[0, np.cumsum(real.sum(axis=1))]
    share = np.divide(worth, total, out=np.zeros_like(worth), where=total > 0)
    return sp.csr_array((share[real], rows[real], bounds), shape=(len(rows), tracks))


def groups(
    lists: TopK,
    held: Histories,
    plays: Histories,
    catalogue: Catalogue,
    *,
    seed: int = 0,
    draws: int = 1000,
    audience: int = AUDIENCE,
) -> list[Group]:
    """Every group of every attribute, largest share of the catalogue first.

    Args:
        lists: the default's, one per evaluated listener.
        held: what each of them wanted, CSR (q, tracks).
        plays: the training side, CSR (listeners, tracks).
        catalogue: of all tracks.
        audience: groups of fewer listeners are told together.
    """
    shown = exposures(lists.rows[:, :K], len(catalogue))
    wanted = _rows_to_one(held)
    heard = np.bincount(plays.indices, minlength=len(catalogue)).astype(np.float64)
    found = []
    for by, (labels, members) in attributes(catalogue, heard).items():
        found += _told(by, labels, members, shown, wanted, heard, seed, draws, audience)
    return found


def attributes(catalogue: Catalogue, listeners: Shares) -> dict[str, tuple[list[str], sp.csr_array]]:
    """Labels, and the share of each in each track, CSR (tracks, labels), by attribute.

    >>> songs = Catalogue(pd.DataFrame({"country": ["NO", None, "SE"], "year": [1994, 1999, 2003]}))
    >>> {by: labels for by, (labels, _) in attributes(songs, np.ones(3)).items() if by != "popularity"}
    {'decade': ['1990s', '2000s'], 'country': ['NO', 'SE', 'not said']}
    """
    band = bands(listeners.astype(np.int64))
    made = {"popularity": (list(BANDS), _indicator([[int(one)] for one in band], len(BANDS)))}
    frame = catalogue.frame
    decade = frame["year"].map(lambda year: f"{int(year) // 10 * 10}s" if pd.notna(year) else None)
    columns = {"decade": decade} | {str(name): frame[name] for name in frame if _is_attribute(str(name), frame)}
    for by, values in columns.items():
        cells = [_cells(value) for value in values]
        labels = sorted({label for cell in cells for label in cell} - {NOT_SAID})
        unsaid = any(NOT_SAID in cell for cell in cells)
        if 1 <= len(labels) <= VALUES and len(labels) + unsaid > 1:
            labels += [NOT_SAID] if unsaid else []
            place = {label: i for i, label in enumerate(labels)}
            made[by] = labels, _indicator([[place[label] for label in cell] for cell in cells], len(labels))
    return made


def _is_attribute(name: str, frame: pd.DataFrame) -> bool:
    """A column of words, lists of words, or flags, that somebody said of the tracks."""
    if name in IDS or is_predicted(name, frame) or pd.api.types.is_float_dtype(frame[name]):
        return False
    return not pd.api.types.is_integer_dtype(frame[name]) or bool(frame[name].isin([0, 1]).all())


def _cells(value: Any) -> list[str]:
    """The labels of one track."""
    if isinstance(value, list | tuple | np.ndarray):
        return list(dict.fromkeys(str(one) for one in value)) or [NOT_SAID]
    if value is None or value is pd.NA or value != value or value == "":
        return [NOT_SAID]
    return [{"True": "yes", "False": "no"}.get(str(value), str(value))]


def _indicator(cells: list[list[int]], width: int) -> sp.csr_array:
    sizes = np.array([len(cell) for cell in cells], np.int64)
    data = np.repeat(1 / np.maximum(sizes, 1), sizes)
    places = np.array([place for cell in cells for place in cell], np.int32)
    return sp.csr_array((data, places, np.r_[0, np.cumsum(sizes)]), shape=(len(cells), width))


def _rows_to_one(matrix: Histories) -> sp.csr_array:
    """Every stored entry of a row the same share of 1."""
    sizes = np.diff(matrix.indptr)
    data = np.repeat(1 / np.maximum(sizes, 1), sizes)
    return sp.csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def _told(
    by: str,
    labels: list[str],
    members: sp.csr_array,
    shown: sp.csr_array,
    wanted: sp.csr_array,
    heard: Shares,
    seed: int,
    draws: int,
    least: int,
) -> list[Group]:
    """The groups of one attribute; what concerns too few listeners, or comes after the largest, is told together."""
    merged, names = _merged(labels, members, shown, wanted, least)
    exposed, asked = np.asarray((shown @ merged).toarray()), np.asarray((wanted @ merged).toarray())
    sizes, plays = _column(merged), np.asarray(heard @ merged).ravel()
    spread = intervals({i: exposed[:, i] for i in range(len(names))}, seed=seed, draws=draws)
    made = [
        Group(by, name, float(sizes[i]), float(sizes[i] / sizes.sum()), float(plays[i] / max(plays.sum(), 1e-12)),
              float(asked[:, i].mean()), spread[i])
        for i, name in enumerate(names)
    ]  # fmt: skip
    return made if by == "popularity" else sorted(made, key=lambda one: (one.label in (NOT_SAID, RARER), -one.tracks))


def _merged(
    labels: list[str], members: sp.csr_array, shown: sp.csr_array, wanted: sp.csr_array, least: int
) -> tuple[sp.csr_array, list[str]]:
    audience = np.diff(sp.csc_array((shown + wanted) @ members).indptr)
    size = _column(members)
    large = np.argsort(np.argsort(-size, kind="stable"), kind="stable") < MOST
    kept = np.flatnonzero((audience >= min(least, shown.shape[0])) & large)
    rest = np.setdiff1d(np.arange(len(labels)), kept)
    if not len(rest):
        return members, labels
    map_ = sp.csr_array(
        (np.ones(len(labels)), (np.r_[kept, rest], np.r_[np.arange(len(kept)), np.full(len(rest), len(kept))]))
    )
    return sp.csr_array(members @ map_), [*(labels[i] for i in kept), RARER]


def _column(matrix: sp.csr_array) -> Shares:
    return np.asarray(matrix.sum(axis=0), np.float64).ravel()


def disparities(found: list[Group]) -> list[Disparity]:
    """How far exposure is from catalogue and wants, by attribute.

    >>> some = Interval(.75, .7, .8), Interval(.25, .2, .3)
    >>> disparities([Group("x", "a", 5, .5, .6, .5, some[0]), Group("x", "b", 5, .5, .4, .5, some[1])])
    [Disparity(by='x', catalogue=0.25, wanted=0.25, least=0.5, most=1.5)]
    """
    made = []
    for by in dict.fromkeys(group.by for group in found):
        mine = [group for group in found if group.by == by]
        shown = np.array([group.exposure.mean for group in mine])
        asked = np.array([group.wanted for group in mine])
        apart = [float(np.abs(shown - np.array(other)).sum() / 2) for other in ([g.catalogue for g in mine], asked)]
        told = asked >= 0.01
        ratio = shown[told] / asked[told] if told.any() else np.array([np.nan])
        made.append(Disparity(by, apart[0], apart[1], float(ratio.min()), float(ratio.max())))
    return made


def concentration(lists: TopK, held: Histories, plays: Histories, artists: NDArray[np.integer]) -> dict[str, float]:
    """How unevenly artists (tracks, where no artist is known) share exposure, wants, plays and the catalogue.

    Gini coefficients, 0 = all alike, towards 1 = all to one, over artists with at least one track; and the share of
    exposure and of plays that goes to the hundredth of artists with most of it.
    """
    tracks = len(artists)
    alone = artists.max(initial=-1) + 1 + np.arange(tracks)
    code = np.unique(np.where(artists >= 0, artists, alone), return_inverse=True)[1]
    shares = {
        "exposure": _column(exposures(lists.rows[:, :K], tracks)),
        "wanted": _column(_rows_to_one(held)),
        "plays": np.bincount(plays.indices, minlength=tracks).astype(np.float64),
        "catalogue": np.ones(tracks),
    }
    by_artist = {name: np.bincount(code, weights=share).astype(np.float64) for name, share in shares.items()}
    made = {f"gini of {name}": gini(share) for name, share in by_artist.items()}
    return made | {f"top 1 % of {name}": top(share, 0.01) for name, share in list(by_artist.items())[:3]}


def gini(shares: Shares) -> float:
    """The Gini coefficient of some amounts, 0 … 1; NaN when there is nothing to share.

    >>> gini(np.array([1.0, 1.0])), gini(np.array([0.0, 0.0, 0.0, 4.0]))
    (0.0, 0.75)
    """
    held, n = np.sort(shares), len(shares)
    return float((2 * np.arange(1, n + 1) - n - 1) @ held / (n * held.sum())) if held.sum() > 0 else float("nan")


def top(shares: Shares, part: float) -> float:
    """The share of the ``part`` (rounded up) that holds most.

    >>> top(np.array([1.0, 2.0, 5.0]), 0.01)
    0.625
    """
    count = max(1, int(np.ceil(part * len(shares))))
    return float(np.sort(shares)[-count:].sum() / shares.sum()) if shares.sum() > 0 else float("nan")
