"""New artists: every model that can tell them apart, floors, and what ``recsys train`` would choose.

    python -m tests.measure.cold --data HETREC [--seed 42 1 2] [--parts FOLDER]

HETREC holds ``interactions.parquet`` and ``tag_events.parquet`` (see ``tests.measure.tags``): 15 % of the artists are
hidden as a test, 15 % to choose on; one half of the listeners tags, the other is evaluated; tags are the five most
frequent of an artist without their counts. FOLDER holds train, valid and test.parquet that somebody else split. Each
model's setting is chosen on validation, the test part is read once. The floors are random order, the number of tags
(with and without the limit of five: what the counts would betray), and how many listeners really come (an oracle).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from recsys import comparing
from recsys.assessment import ranker
from recsys.evaluation import Ranker, Split
from recsys.evaluation.floors import floors, ranked_by
from recsys.models import model_class
from recsys.settings import Settings
from tests.measure import tags
from tests.measure.judging import against, candidates, chosen, default, judge, show


def main() -> None:
    """Parse, choose on validation, fit, read the test part once, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--parts", type=Path)
    parser.add_argument("--seed", type=int, nargs="+", default=[42])
    parser.add_argument("--models", nargs="+", help="only these, without the default")
    given = parser.parse_args()
    for seed in given.seed:
        valid, test = tags.load(given.data, seed=seed, cold=True, parts=given.parts)
        rankers, notes = fitted(valid, test, Settings(), given.models)
        found = {name: judge(rank, test) for name, rank in {**rankers, **below(test, given.data)}.items()}
        show(f"cold, seed {seed}: {len(test):,} listeners, {len(test.pool):,} new artists", found, notes)
        first = next(iter(notes))
        print("\n".join(against(found, first, [n for n in notes if n != first])), end="\n\n")


def fitted(
    valid: Split, test: Split, settings: Settings, only: list[str] | None
) -> tuple[dict[str, Ranker], dict[str, str]]:
    """The default first, then each cold model as chosen on ``valid``; and the settings of each."""
    rankers: dict[str, Ranker] = {}
    notes: dict[str, str] = {}
    if not only:
        name, _, all_ = default(test.train, settings)
        rankers, notes = {f"default ({name})": all_[name]}, {f"default ({name})": "chosen on plays alone"}
    names = [n for n in candidates(test.train) if model_class(n).cold and (not only or n in only)]
    for name in names:
        params = chosen(name, valid, settings)
        rankers[name] = ranker(comparing.fit(test.train, name, params, seed=settings.train.seed))
        notes[name] = str(params or "defaults")
    return rankers, notes


def below(test: Split, data: Path) -> dict[str, Ranker]:
    """Floors and the popularity oracle."""
    events = pd.read_parquet(data / "tag_events.parquet").groupby("item_id").size()
    counts = events.reindex(test.train.tracks.ids).fillna(0).to_numpy()
    hidden = np.bincount(test.held.indices, minlength=test.held.shape[1])
    more = {"tag events, all": ranked_by(counts), "oracle popularity": ranked_by(hidden)}
    return {f"floor: {name}": rank for name, rank in {**floors(test.train), **more}.items()}


if __name__ == "__main__":
    main()
