"""How far a content space brings the same artist and the same genre together, against statistics of MFCC.

    python -m tests.measure.sound --data EMOTIFY [--features FOLDER]

EMOTIFY holds ``labels.csv`` with ``audio_file``, ``genre`` and ``artist_group``. Artists are dealt alternately, in
order of their names, into the parts ``choose`` (the constants of ``recsys.audio.space`` were set on it, and the
learned variant sees its labels) and ``report``. Each clip asks once, the other clips of its part are the candidates:
same-artist P@5 over clips whose artist has another clip, genre P@10 with the own artist's clips left out.
Intervals: 95 %, bootstrap over clips. FOLDER keeps the analysis for the next time.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import pandas as pd

from recsys.audio.library import analyze
from recsys.audio.space import Space
from recsys.audio.store import Features, open_features
from recsys.evaluation import interval

COEFFICIENTS = 20
DRAWS = 2000


class Precision(NamedTuple):
    """Per clip: share of the same artist in the first 5, NaN where there is none, of the same genre in the first 10."""

    artist: np.ndarray
    genre: np.ndarray


def main() -> None:
    """Parse, analyse what is not analysed yet, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--features", type=Path)
    given = parser.parse_args()
    with TemporaryDirectory() as scratch:
        out = given.features or Path(scratch) / "features"
        analyze([given.data / "audio"], out)
        features = open_features(out)
    labels = of_clips(pd.read_csv(given.data / "labels.csv"), features)
    artists, genres = (pd.factorize(labels[name])[0] for name in ("artist_group", "genre"))
    choose = labels["artist_group"].isin(sorted(labels["artist_group"].unique())[::2]).to_numpy()
    spaces = {
        "MFCC mean and deviation, z-scored": statistics(features),
        "sound, no labels": Space.fit(features.blocks).vectors(features.blocks).vectors,
        "sound, artists of choose known": learned(features, np.where(choose, artists, -1), None),
        "sound, their genres too": learned(features, *(np.where(choose, codes, -1) for codes in (artists, genres))),
    }
    for part, some in (("choose", choose), ("report", ~choose)):
        found = {name: precision(v[some], artists[some], genres[some]) for name, v in spaces.items()}
        print(f"{part}: {some.sum()} clips, {len(set(artists[some]))} artists")
        print(table(found).to_string(index=False), end="\n\n")


def of_clips(labels: pd.DataFrame, features: Features) -> pd.DataFrame:
    """The labels of each track, in track order."""
    labels = labels.set_index(labels["audio_file"].map(lambda name: Path(name).name))
    return labels.loc[[Path(path).name for path in features.catalogue["path"]]]


def statistics(features: Features) -> np.ndarray:
    """Mean and deviation of 20 MFCC in standard units, as unit vectors."""
    values = features.blocks["timbre"].vectors[:, : 2 * COEFFICIENTS]
    scaled = (values - values.mean(axis=0)) / values.std(axis=0)
    return scaled / np.linalg.norm(scaled, axis=1, keepdims=True)


def learned(features: Features, artists: np.ndarray, genres: np.ndarray | None) -> np.ndarray:
    """Vectors of a space that knows some artists, and maybe genres."""
    return Space.fit(features.blocks, artists, genres=genres).vectors(features.blocks).vectors


def precision(vectors: np.ndarray, artists: np.ndarray, genres: np.ndarray) -> Precision:
    """Each clip asks for the others of these clips by the cosine."""
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -np.inf)
    same = artists[:, None] == artists
    near = np.argsort(-likeness, axis=1, kind="stable")[:, :5]
    artist = np.where(same.sum(axis=1) > 1, np.take_along_axis(same, near, axis=1).mean(axis=1), np.nan)
    others = np.argsort(-np.where(same, -np.inf, likeness), axis=1, kind="stable")[:, :10]
    return Precision(artist, (genres[others] == genres[:, None]).mean(axis=1))


def table(found: dict[str, Precision]) -> pd.DataFrame:
    """Means with intervals, and how many times the first row's mean each one is."""
    base = next(iter(found.values()))
    rows = []
    for name, one in found.items():
        cells = {"space": name}
        for title, mine, floor in (("artist P@5", one.artist, base.artist), ("genre P@10", one.genre, base.genre)):
            cells |= {title: str(interval(mine, draws=DRAWS)), f"{title} ratio": ratio(mine, floor)}
        rows.append(cells)
    return pd.DataFrame(rows)


def ratio(mine: np.ndarray, floor: np.ndarray) -> str:
    """Ratio of two means over the same clips with its bootstrap interval."""
    mine, floor = mine[~np.isnan(mine)], floor[~np.isnan(floor)]
    draws = np.random.default_rng(0).integers(0, len(mine), (DRAWS, len(mine)))
    low, high = np.percentile(mine[draws].mean(axis=1) / floor[draws].mean(axis=1), [2.5, 97.5])
    return f"{mine.mean() / floor.mean():.2f} [{low:.2f}, {high:.2f}]"


if __name__ == "__main__":
    main()
