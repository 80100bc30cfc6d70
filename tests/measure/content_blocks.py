"""What the text of tracks and predicted labels are worth to models that rank new tracks.

    python -m tests.measure.content_blocks --data HETREC [--seed 42 1 2]
    python -m tests.measure.content_blocks --audio EMOTIFY --features FEATURES [--seed 0 1 2 3 4]
    python -m tests.measure.content_blocks --tables TABLES [--seed 0 1 2 3 4]

HETREC is as in ``tests.measure.cold``: artists unknown to training, their five most frequent tags without counts, with
and without the content space ``text`` made of the words and letters of these tags. EMOTIFY is as in
``tests.measure.simulate``: real sound, SIMULATED listening, three tenths of the artists new; FEATURES are of it, with
``FEATURES-labels`` beside it that ``recsys label`` wrote from ``tracks.csv`` there, where half of the artists have a
genre. TABLES are any that ``recsys ingest --features`` made of labelled features: its own plays, three tenths of its
artists new. Numbers are N@100 among new tracks and paired differences as shares, pooled over seeds; 95 % over
listeners.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from recsys import comparing
from recsys.assessment import ranker
from recsys.audio.store import open_features
from recsys.evaluation import Split, interval
from recsys.joining import join, nothing
from recsys.producers.tagging.kept import SPACE, open_labels, with_given
from recsys.producers.text.space import NAME, TextSpace
from recsys.tables import Catalogue, Dataset, Embeddings
from tests.measure import simulate, tags
from tests.measure.judging import judge, relative

MODELS = ("hybrid", "mapped", "ridge", "content")
GENRE = f"{SPACE}:genre"
GIVEN = "sound + given"
Found = dict[tuple[str, str], list[np.ndarray]]


def main() -> None:
    """Parse, fit with and without, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--valid", action="store_true", help="the validation part, on which settings were chosen")
    parser.add_argument("--audio", type=Path)
    parser.add_argument("--features", type=Path)
    parser.add_argument("--tables", type=Path)
    parser.add_argument("--seed", type=int, nargs="+", default=[42, 1, 2])
    parser.add_argument("--models", nargs="+", default=MODELS)
    given = parser.parse_args()
    if given.data:
        show("hetrec, new artists: text of tags", of_text(given.data, given.seed, given.models, given.valid), ["tags"])
    if given.audio:
        found = of_labels(given.audio, given.features, given.seed, given.models)
        show("emotify, SIMULATED listening, new artists", found, ["sound", GIVEN])
    if given.tables:
        show(f"{given.tables}, new artists", of_tables(given.tables, given.seed, given.models), [GIVEN])


def of_text(data: Path, seeds: list[int], models: Sequence[str], valid: bool) -> Found:
    """N@100 by model and variant, one array for each seed."""
    found: Found = {}
    for seed in seeds:
        hidden = tags.load(data, seed=seed, cold=True)[0 if valid else 1]
        frame = hidden.train.catalogue.frame
        text = {NAME: TextSpace.fit(frame).vectors(frame)}
        only = replace(hidden.train, catalogue=Catalogue.empty(len(frame)), contents=text)
        both = replace(hidden.train, contents=text)
        measure(found, hidden, models, {"tags": hidden.train, "tags + text": both, "text alone": only})
    return found


def of_labels(audio: Path, features: Path, seeds: list[int], models: Sequence[str]) -> Found:
    """The same for predicted labels: sound alone, with given genres, with TAG, with both, and with all true genres."""
    library = simulate.of_emotify(audio, features)
    opened = open_features(features)
    said = open_labels(f"{features}-labels", opened.catalogue["digest"].tolist())
    contents = join(nothing().dataset, opened, said.spaces()).dataset.contents
    spaces = {name: space for name, space in contents.items() if name.startswith(SPACE)}
    truth = pd.read_csv(audio / "labels.csv").set_index("audio_file")["genre"]
    truth.index = truth.index.map(lambda name: Path(name).name)
    names = [Path(path).name for path in library.heard.catalogue.frame["path"]]
    known = pd.read_csv(features.parent / "tracks.csv")
    given = known.set_index(known["path"].map(lambda path: Path(path).name))["genre"].reindex(names).to_numpy(object)
    sure = {**spaces, GENRE: with_given(spaces[GENRE], said.said["genre"].classes, given)}
    found: Found = {}
    for seed in seeds:
        dataset, _ = simulate.simulated(library, seed)
        hidden = simulate.new_artists(dataset, seed)
        bare = hidden.train

        def with_genre(data: Dataset, cells: np.ndarray) -> Dataset:
            lists = pd.Series([[c.strip().casefold()] if isinstance(c, str) else None for c in cells], dtype=object)
            return replace(data, catalogue=Catalogue(data.catalogue.frame.assign(genre=lists)))

        half = with_genre(bare, given)
        variants = {
            "sound": bare,
            "sound + TAG": _with(bare, spaces),
            "sound + TAG, no embedding": _with(bare, {n: s for n, s in spaces.items() if not n.endswith("embedding")}),
            GIVEN: half,
            "sound + given + TAG": _with(half, sure),
            "sound + given + genre of TAG": _with(half, {GENRE: sure[GENRE]}),
            "sound + genre of TAG with given": _with(bare, {GENRE: sure[GENRE]}),
            "sound + all true genres": with_genre(bare, truth.loc[names].to_numpy(object)),
        }
        measure(found, hidden, models, variants)
    return found


def of_tables(tables: Path, seeds: list[int], models: Sequence[str]) -> Found:
    """The same for tables with predictions: with the given genres alone, and with blocks of TAG beside or in place."""
    whole = Dataset.open(tables)
    spaces = {name: space for name, space in whole.contents.items() if name.startswith(SPACE)}
    some = {name: {name: space} for name, space in spaces.items()}
    found: Found = {}
    for seed in seeds:
        hidden = simulate.new_artists(whole.without([SPACE]), seed)
        bare = hidden.train
        silent = replace(bare, catalogue=Catalogue(bare.catalogue.frame.assign(genre=None)))
        variants = {GIVEN: bare, "no genre": silent}
        variants |= {f"{GIVEN} + {name}": _with(bare, one) for name, one in some.items()}
        variants |= {f"sound + {GENRE} with given": _with(silent, some[GENRE])} if GENRE in some else {}
        measure(found, hidden, models, {**variants, f"{GIVEN} + TAG": _with(bare, spaces)})
    return found


def _with(data: Dataset, spaces: Mapping[str, Embeddings]) -> Dataset:
    return replace(data, contents={**data.contents, **spaces})


def measure(found: Found, hidden: Split, models: Sequence[str], variants: Mapping[str, Dataset]) -> None:
    """Add N@100 of each listener for each model and variant."""
    for model in models:
        for name, train in variants.items():
            fitted = comparing.fit(train, model, {}, seed=0)
            found.setdefault((model, name), []).append(judge(ranker(fitted), replace(hidden, train=train)).ndcg)


def show(title: str, found: Found, bases: list[str]) -> None:
    """A row for each model and variant, compared with some of the variants."""
    against = [f"against {base}, %" for base in bases]
    table = Table("model", "content", "N@100 [95 %]", *against, title=title, title_justify="left")
    for (model, name), parts in found.items():
        ndcg = interval(np.concatenate(parts))
        gained = [_gain(parts, found[model, base]) if name != base else "" for base in bases]
        table.add_row(model, name, f"{ndcg.mean:.4f} [{ndcg.low:.4f}, {ndcg.high:.4f}]", *gained)
    Console(width=140).print(table)


def _gain(mine: list[np.ndarray], without: list[np.ndarray]) -> str:
    gain = relative(np.concatenate(mine), np.concatenate(without))
    return f"{100 * gain.mean:+.2f} [{100 * gain.low:+.2f}, {100 * gain.high:+.2f}]"


if __name__ == "__main__":
    main()
