"""New tracks of a catalogue of real sound, with SIMULATED listening made from its genre and emotion ratings.

    python -m tests.measure.simulate --audio EMOTIFY [--features FOLDER] [--seeds 5] [--ablate FOLDER]
    python -m tests.measure.simulate --world

EMOTIFY holds ``audio`` and ``labels.csv`` (audio_file, genre, artist_group, nine emotions of the Geneva scale). Nobody
listened here: each simulated listener likes and dislikes some genres and emotions, and plays a clip with the
probability of a logistic of how well it fits. So numbers say how much of genre and emotion a model hears, and nothing
about people. Three tenths of the artists are new; the table has content kNN on each block of sound alone, then every
model that can score new tracks with all of them, floors, and what would be had from knowing the ratings or the taste
itself. Intervals: 95 % over simulated listeners, pooled over seeds, each with its own listeners and its own artists.
``--ablate`` takes away, one after another, the descriptors of sound and the traits from the hybrid, as ``recsys
evaluate --ablate`` does; results are kept in FOLDER. ``--world`` is the table for the sample world, whose listeners are
made by code as well.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import track
from rich.table import Table

from recsys import api, comparing
from recsys.ablation import ablate
from recsys.assessment import ranker
from recsys.audio.library import analyze
from recsys.audio.store import Features, open_features
from recsys.evaluation import Split, cold, interval, paired
from recsys.evaluation.floors import floors, ranked_by
from recsys.joining import join, nothing
from recsys.models import model_class
from recsys.settings import parse
from recsys.tables import Catalogue, Dataset, Embeddings, IdMap, Interactions, TopK
from recsys.treatments import TREATMENTS
from tests.measure.judging import Judged, candidates, judge

LISTENERS = 500
PLAYS = 25  # of one listener, on average
SHARPNESS = 2.0  # how far taste, in deviations, moves the log-odds of a play
POPULARITY = 0.5  # deviation of the log-odds that a track is met at all
SHARE = 0.3  # of the artists that are new
EMOTIONS = (
    *("amazement", "solemnity", "tenderness", "nostalgia", "calmness"),
    *("power", "joyful_activation", "tension", "sadness"),
)
CONTENT = "content"


@dataclass(frozen=True)
class Library:
    """What is known of tracks by sound, what their listeners are simulated from, and who made them.

    Attributes:
        heard: the dataset with nobody's plays: traits in the catalogue, the space ``sound``.
        blocks: the descriptors behind that space, by name.
        genre: codes, (n,).
        emotions: ratings, (n, 9).
        artists: names, (n,).
    """

    heard: Dataset
    blocks: Mapping[str, Embeddings]
    genre: np.ndarray
    emotions: np.ndarray
    artists: np.ndarray


def main() -> None:
    """Parse, hear what was not heard yet, simulate, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", type=Path)
    parser.add_argument("--features", type=Path)
    parser.add_argument("--world", action="store_true")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--ablate", type=Path)
    given = parser.parse_args()
    with TemporaryDirectory() as scratch:
        if given.world:
            dataset, blocks = of_world(Path(scratch))
            found = [measured(new_artists(dataset, seed), blocks) for seed in range(given.seeds)]
            show("The sample world: listening SIMULATED by code", found)
        if given.audio:
            library = of_emotify(given.audio, given.features or Path(scratch) / "features")
            found = []
            for seed in track(range(given.seeds), "simulate"):
                dataset, taste = simulated(library, seed)
                split = new_artists(dataset, seed)
                found.append(measured(split, library.blocks) | known(split, library, taste))
            show("Emotify: real sound, SIMULATED listening from its genre and emotion ratings", found)
            if given.ablate:
                ablated(library, given.ablate, given.seeds)


def of_emotify(folder: Path, features: Path) -> Library:
    """The clips as heard, beside what raters said of them."""
    analyze([folder / "audio"], features)
    opened = open_features(features)
    labels = pd.read_csv(folder / "labels.csv")
    labels = labels.set_index(labels["audio_file"].map(lambda name: Path(name).name))
    labels = labels.loc[[Path(path).name for path in opened.catalogue["path"]]]
    heard = join(nothing().dataset, opened).dataset
    genre = pd.factorize(labels["genre"], sort=True)[0]
    emotions = labels[list(EMOTIONS)].to_numpy(np.float64)
    return Library(heard, scaled(opened), genre, emotions, labels["artist_group"].to_numpy(object))


def scaled(features: Features) -> dict[str, Embeddings]:
    """Each descriptor in standard units, as unit vectors."""
    made = {}
    for name, block in features.blocks.items():
        there = block.vectors[block.known]
        spread = there.std(axis=0)
        units = (block.vectors - there.mean(axis=0)) / np.where(spread > 0, spread, 1)
        made[name] = Embeddings.normalised(np.where(block.known[:, None], np.clip(units, -4, 4), 0), name)
    return made


def simulated(library: Library, seed: int) -> tuple[Dataset, np.ndarray]:
    """The library with simulated plays, and how well each track fits each listener, (listeners, tracks)."""
    rng = np.random.default_rng(seed)
    count = len(library.genre)
    ratings = (library.emotions - library.emotions.mean(axis=0)) / library.emotions.std(axis=0)
    by_genre = rng.normal(size=(LISTENERS, library.genre.max() + 1))[:, library.genre]
    by_emotion = rng.normal(size=(LISTENERS, len(EMOTIONS))) @ ratings.T / np.sqrt(len(EMOTIONS))
    taste = (by_genre + by_emotion) / np.sqrt(2)
    odds = SHARPNESS * taste + POPULARITY * rng.normal(size=count)
    offset = _offset(odds, PLAYS / count)
    user, chosen = np.nonzero(rng.random(odds.shape) < 1 / (1 + np.exp(-(odds + offset))))
    weight = 1 + rng.poisson(np.exp(0.5 * taste[user, chosen]))
    users = IdMap([f"simulated {i:04d}" for i in range(LISTENERS)], "user")
    plays = Interactions(users, library.heard.tracks, user, chosen, weight)
    frame = library.heard.catalogue.frame.assign(artist=library.artists, title=None)
    return replace(library.heard, plays=plays, catalogue=Catalogue(frame)), taste


def _offset(odds: np.ndarray, share: float) -> float:
    """What to add to the log-odds, so that on average this share of the tracks is played."""
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if (1 / (1 + np.exp(-(odds + middle)))).mean() < share else (low, middle)
    return low


def new_artists(dataset: Dataset, seed: int) -> Split:
    """Some artists of whom training knows nothing."""
    return cold(dataset, share=SHARE, min_plays=2, rng=np.random.default_rng(seed))


def measured(split: Split, blocks: Mapping[str, Embeddings]) -> dict[str, Judged]:
    """Content kNN on each block alone and on the whole, every other model with all there is, and floors."""
    train, found = split.train, {}
    bare = replace(train, catalogue=Catalogue.empty(len(train.tracks)), contents={})
    for name, space in {**blocks, **train.contents}.items():
        found[f"kNN: {name}"] = _judged(CONTENT, replace(bare, contents={name: space}), split)
    for name in candidates(train):
        if model_class(name).cold:
            found[f"{name}: all"] = _judged(name, train, split)
    hidden = np.bincount(split.held.indices, minlength=len(train.tracks))
    below = {**floors(train), "oracle popularity": ranked_by(hidden)}
    return found | {f"floor: {name}": judge(rank, split) for name, rank in below.items()}


def known(split: Split, library: Library, taste: np.ndarray) -> dict[str, Judged]:
    """What would be had from the ratings themselves, and from the taste that was simulated."""
    bare = replace(split.train, catalogue=Catalogue.empty(len(library.genre)), contents={})
    spread = (library.emotions - library.emotions.mean(axis=0)) / library.emotions.std(axis=0)
    spaces = {"genre label": np.eye(library.genre.max() + 1)[library.genre], "emotion ratings": spread}
    both = {name: Embeddings.normalised(values, name) for name, values in spaces.items()}
    found = {f"kNN: {n} (rated)": _judged(CONTENT, replace(bare, contents={n: e}), split) for n, e in both.items()}
    found["kNN: both (rated)"] = _judged(CONTENT, replace(bare, contents=both), split)
    return found | {"oracle taste": _of_taste(split, taste)}


def _of_taste(split: Split, taste: np.ndarray) -> Judged:
    """Every listener's candidates by how well they fit."""

    def rank(histories, users, pool, k):
        fit = np.where(histories[:, pool].toarray() > 0, -np.inf, taste[users][:, pool])
        order = np.argsort(-fit, axis=1)[:, :k]
        best = np.take_along_axis(fit, order, axis=1)
        return TopK(np.where(np.isfinite(best), pool[order], -1), best)

    return judge(rank, split)


def _judged(model: str, train: Dataset, split: Split) -> Judged:
    fitted = comparing.fit(train, model, {}, seed=0)
    return judge(ranker(fitted), split)


def ablated(library: Library, out: Path, seeds: int) -> None:
    """What each descriptor, all of them, and the traits are worth to the model that hears best."""
    dataset, _ = simulated(library, 0)
    contents = {f"sound:{name}": space for name, space in library.blocks.items()}
    settings = parse({"evaluate": {"seeds": seeds}})
    identity = {"tables": f"emotify, simulated, {', '.join(sorted(contents))}"}
    found = ablate(replace(dataset, contents=contents), settings, out, identity)
    table = Table(
        "protocol", "block", *TREATMENTS, "pays", title=f"Share of N@100 that {found.model} loses (SIMULATED)"
    )
    for protocol in found.whole:
        for name in found.blocks():
            losses = (found.loss(protocol, name, treatment) for treatment in TREATMENTS)
            cells = (f"{x.mean:+.3f} [{x.low:+.3f}, {x.high:+.3f}]" for x in losses if x)
            table.add_row(protocol, name, *cells, str(found.pays().get(name, "")) if protocol == "cold" else "")
    Console(width=150).print(table)


def of_world(folder: Path) -> tuple[Dataset, dict[str, Embeddings]]:
    """The sample world's log with its clips heard, and the descriptors of these."""
    from recsys.sources.sample import write_world

    write_world(folder / "raw")
    analyze([folder / "raw" / "audio"], folder / "features")
    raw = folder / "raw"
    made = api.ingest(
        [raw / "plays.csv"], tracks=[raw / "tracks.csv"], features=folder / "features", out=folder / "tables"
    )
    dataset = Dataset.open(made.path)
    return dataset, {}


def show(title: str, found: list[dict[str, Judged]]) -> None:
    """Means with intervals over all listeners of all seeds, and the paired difference to kNN on the whole sound."""
    pooled = {n: {m: np.concatenate([getattr(f[n], m) for f in found]) for m in ("ndcg", "recall")} for n in found[0]}
    base = pooled["kNN: sound"]["ndcg"]
    table = Table("ranking of new tracks", "N@100 [95 %]", "R@20", "against kNN on sound, paired", title=title)
    for name in sorted(pooled, key=lambda n: -pooled[n]["ndcg"].mean()):
        ndcg, gap = interval(pooled[name]["ndcg"]), paired(pooled[name]["ndcg"], base)
        against = "" if name == "kNN: sound" else f"{gap.mean:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]"
        cells = f"{ndcg.mean:.4f} [{ndcg.low:.4f}, {ndcg.high:.4f}]", f"{pooled[name]['recall'].mean():.4f}"
        table.add_row(name, *cells, against)
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
