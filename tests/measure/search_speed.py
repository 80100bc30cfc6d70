"""How long a search takes, in processor time on one thread.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python -m tests.measure.search_speed [--tracks 100000]

The catalogue is made up: titles and artists of invented words whose frequencies follow Zipf, up to two genres and five
tags each. Queries are tags, titles, artists, both together, a misspelt title, and words that are nowhere.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd

from recsys.producers.text import index as text
from recsys.producers.text import reasons as text_reasons
from recsys.producers.text import search as text_search
from recsys.tables import Catalogue

SYLLABLES = (
    "ka",
    "lo",
    "mi",
    "ra",
    "te",
    "su",
    "no",
    "vi",
    "del",
    "mar",
    "tin",
    "sha",
    "ron",
    "be",
    "jo",
    "qui",
    "zan",
)
GENRES = ("rock", "jazz", "piano", "hip-hop", "ambient", "metal", "classical", "calm", "house", "calm piano")


def main() -> None:
    """Parse, make up, build, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracks", type=int, default=100_000)
    songs = made_up(parser.parse_args().tracks, np.random.default_rng(0))
    start = time.process_time()
    index = text.build(songs)
    size = sum(array.nbytes for array in index.arrays().values())
    print(f"built in {time.process_time() - start:.2f} s, {len(index.words):,} words, {size / 1e6:.0f} MB")
    title, artist = songs["title"][5], songs["artist"][7]
    asked = (
        "calm piano",
        "hiphop",
        title,
        artist,
        f"{artist} {songs['title'][7]}",
        f"{title[1:]}x",
        "xqzvwt",
        "jazz rock",
    )
    listeners = np.random.default_rng(1).random(len(songs)).astype(np.float32)
    for query in asked:
        spent = [_spent(index, Catalogue(songs), query, listeners) for _ in range(5)]
        print(f"{1000 * float(np.median(spent)):6.1f} ms  {query}")


def _spent(index: text.TextIndex, songs: Catalogue, query: str, listeners: np.ndarray) -> float:
    start = time.process_time()
    text_reasons.reasons(index, songs, text_search.search(index, query, 20, listeners=listeners))
    return time.process_time() - start


def made_up(tracks: int, rng: np.random.Generator) -> pd.DataFrame:
    """Titles, artists, genres and tags."""
    words = rng.permutation(sorted({"".join(rng.choice(SYLLABLES, rng.integers(1, 5))) for _ in range(30_000)}))
    often = 1 / np.arange(1, len(words) + 1)

    def names(count: int, most: int) -> list[str]:
        drawn = rng.choice(words, (count, most), p=often / often.sum())
        return [" ".join(row[:length]) for row, length in zip(drawn, rng.integers(1, most + 1, count), strict=True)]

    def lists(pool: list[str], most: int) -> list[list[str]]:
        drawn = rng.choice(pool, (tracks, most))
        return [row[:length].tolist() for row, length in zip(drawn, rng.integers(0, most + 1, tracks), strict=True)]

    artists = np.array(names(tracks // 10, 2), object)
    tags = lists([*GENRES, *names(300, 2)], 5)
    columns = {"title": names(tracks, 4), "artist": rng.choice(artists, tracks)}
    return pd.DataFrame({**columns, "genre": lists(list(GENRES), 2), "tags": tags})


if __name__ == "__main__":
    main()
