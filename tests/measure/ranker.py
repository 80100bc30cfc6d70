"""Candidates and the learned ranker on Last.fm 2011: against the blend and every single model.

    python -m tests.measure.ranker --data FOLDER --seed 42
    python -m tests.measure.ranker --data FOLDER --seed 42 1 2 --bare
    python -m tests.measure.ranker --data FOLDER --continuation

The folder is that of ``tests.measure.tags``; ``--parts`` takes a split that somebody else made, ``--bare`` forgets the
tags. Models, the blend's weights and the ranker are fitted and compared on the validation part, refitted on train and
validation, and the test part is read once. Prints N@100 and R@20 with paired differences over listeners, what each
source of candidates brings, what shuffling each feature within a list costs on the validation part, and how far the
calibrated chances are from the truth on the half of the listeners they were not fitted on.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recsys import comparing, ordering, training
from recsys.assessment import ranker
from recsys.comparing import Candidate
from recsys.contracts import Recommender
from recsys.evaluation import continuation, paired
from recsys.evaluation.split import Split
from recsys.models.ranked import Examples, Ranked
from recsys.ranking.calibration import calibrate, expected_error
from recsys.ranking.features import columns
from recsys.settings import Settings
from recsys.tables import Catalogue, Dataset
from tests.measure import tags
from tests.measure.judging import Judged, judge, show

SHARE = 0.3  # of the listeners whose histories are continued


def main() -> None:
    """Parse, choose, fit, read the test part once, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--parts", type=Path)
    parser.add_argument("--seed", type=int, nargs="+", default=[42])
    parser.add_argument("--bare", action="store_true", help="without tags")
    parser.add_argument("--continuation", action="store_true", help="unseen listeners of whom 1, 5, 10 plays are known")
    given = parser.parse_args()
    for seed in given.seed:
        parts = tags.load(given.data, seed=seed, cold=False, parts=given.parts)
        valid, test = (_bare(part) if given.bare else part for part in parts)
        if given.continuation:
            _continued(test.train, None if given.bare else given.data / "tag_events.parquet", seed)
        else:
            _warm(valid, test, seed)


def _bare(part: Split) -> Split:
    return replace(part, train=replace(part.train, catalogue=Catalogue.empty(len(part.train.tracks))))


def _compared(valid: Split) -> list[Candidate]:
    """All models, the blend and the ranker on a validation part."""
    settings = Settings()
    found = [c for c in comparing.compare_on(valid, settings) if c.name != Ranked.name]
    blend = next(c for c in found if c.name == comparing.BLEND)
    order = ordering.ranked([c for c in found if c is not blend], blend, valid, settings)
    return [*found, *([order] if order else [])]


def _refitted(candidates: list[Candidate], whole: Dataset) -> dict[str, Recommender]:
    """Every candidate fitted on everything; the ranker over the same members."""
    last = candidates[-1]
    fitted = training.refit([c for c in candidates if c.name != Ranked.name], whole, Settings())
    members = [fitted[name] for name, _ in last.params["members"]]
    return {**fitted, Ranked.name: ordering.refitted(last, members, whole)}


def _warm(valid: Split, test: Split, seed: int) -> None:
    candidates = _compared(valid)
    print(f"seed {seed}, validation:")
    _against({c.name: Judged(c.ndcg, c.recall, c.coverage, 0.0) for c in candidates})
    _told(candidates[-1], valid)
    models = _refitted(candidates, test.train)
    found = {name: judge(ranker(model), test) for name, model in models.items()}
    show(f"seed {seed}, test", found)
    _against(found)
    sources = models[Ranked.name].recall_by_source(test.histories, test.held, test.users)  # type: ignore[attr-defined]
    for name, (recall, tracks) in sorted(sources.items(), key=lambda pair: -pair[1][0]):
        print(f"  {name:26s} recall {recall:.3f} with {tracks:.0f} tracks per listener")


def _continued(whole: Dataset, events: Path | None, seed: int) -> None:
    """Listeners the models have never seen, of whom a few plays are known; tags are those of the other listeners."""
    splits = continuation(whole, share=SHARE, of="users", rng=np.random.default_rng(seed))
    train = splits[0].train
    if events is not None:
        others = train.users.at(np.flatnonzero(np.diff(train.matrix().indptr)))
        said = pd.read_parquet(events)[["user_id", "item_id", "tag"]].drop_duplicates()
        train = replace(train, catalogue=tags._catalogue(said[said.user_id.isin(others)], train.tracks, None))
    candidates = _compared(comparing.hidden_part(train, Settings()))
    models = _refitted(candidates, train)
    for split in splits:
        found = {name: judge(ranker(model), split) for name, model in models.items()}
        show(f"seed {seed}, {split.name}, {len(split)} listeners", found)
        _against(found)


def _against(found: dict[str, Judged]) -> None:
    """The ranker against the blend and the best single model, paired."""
    mine = found[Ranked.name]
    single = max((n for n in found if n not in comparing.COMPOSED), key=lambda n: found[n].ndcg.mean())
    for name in (comparing.BLEND, single):
        n, r = paired(mine.ndcg, found[name].ndcg), paired(mine.recall, found[name].recall)
        print(
            f"  ranked − {name}: N@100 {n.mean:+.4f} [{n.low:+.4f}, {n.high:+.4f}]",
            f"R@20 {r.mean:+.4f} [{r.low:+.4f}, {r.high:+.4f}]",
        )


def _told(candidate: Candidate, valid: Split) -> None:
    """What each feature is worth, and calibration, each on the half of the listeners that was not learned from."""
    model: Any = candidate.model
    rng = np.random.default_rng(0)
    examples = model.examples(valid.histories, valid.held, valid.users, rng=rng)
    order = model.order_
    half = np.arange(len(valid)) % 2 == 0
    model.learn_order(examples, half, rng=rng)
    whole = np.arange(len(examples.sizes)) < len(examples.sizes) // 2
    others = examples.lists(~half[examples.listeners] & whole)
    own = np.repeat(np.arange(len(others.sizes)), others.sizes)
    base = _gain(model.order_.net.score(others.rows), others)
    costs = {}
    for number, (name, _) in enumerate(columns(model.names, others.names)):
        rows, place = others.rows.copy(), np.lexsort((rng.random(len(own)), own))
        rows[:, number] = rows[place, number]
        costs[name] = base - _gain(model.order_.net.score(rows), others)
    print("  N@100 lost when a feature is shuffled within lists:", end=" ")
    print(", ".join(f"{name} {cost:.4f}" for name, cost in sorted(costs.items(), key=lambda p: -p[1])))
    told = model.order_.told(others)
    odd = own % 2 == 1
    chances = calibrate(told[odd], others.hits[odd])(told[~odd])
    print(f"  calibration error {expected_error(chances, others.hits[~odd]):.5f}, mean {others.hits[~odd].mean():.4f}")
    model.take(order)


def _gain(scores: np.ndarray, examples: Examples) -> float:
    """Mean N@100 over lists, against the best order of their candidates."""
    own = np.repeat(np.arange(len(examples.sizes)), examples.sizes)
    order = np.lexsort((-scores, own))
    place = np.arange(len(own)) - np.repeat(np.cumsum(examples.sizes) - examples.sizes, examples.sizes)
    hits = examples.hits[order] & (place < comparing.K)
    gain = np.bincount(own[hits], 1 / np.log2(place[hits] + 2), minlength=len(examples.sizes))
    wanted = np.minimum(np.bincount(own, examples.hits), comparing.K).astype(int)
    ideal = np.r_[0, np.cumsum(1 / np.log2(np.arange(2, comparing.K + 2)))][wanted]
    return float((gain / np.maximum(ideal, 1e-9))[wanted > 0].mean())


if __name__ == "__main__":
    main()
