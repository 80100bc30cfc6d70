"""A dataset and settings in, a model and an index out: models measured on held-out plays, the best fitted on all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from recsys import models, ordering
from recsys.audio.space import NAME as SOUND
from recsys.comparing import (
    BLEND,
    SMALL,
    Candidate,
    Progress,
    best_of,
    compare_on,
    fit,
    has_new_tracks,
    hidden_part,
    judges,
)
from recsys.contracts import Recommender
from recsys.errors import DataError
from recsys.evaluation import intervals, split
from recsys.index import Index
from recsys.models.blend import PRIOR
from recsys.models.content import content_vectors
from recsys.models.ranked import Ranked
from recsys.nearby import HARMONY
from recsys.settings import Settings
from recsys.tables import Dataset, Embeddings

MIXED = (BLEND, Ranked.name)  # made of other models, which are compared on the way


@dataclass(frozen=True, eq=False)
class Trained:
    """What ``train`` gives: the model (None without plays), the index, and how each model did."""

    model: Recommender | None
    index: Index | None
    candidates: list[Candidate]


def train(dataset: Dataset, settings: Settings, *, progress: Progress | None = None) -> Trained:
    """Choose on a validation part (or take the model that the settings name), then fit on everything.

    Raises:
        DataError: the model asked for can't be fitted on this data; the reason is named.
    """
    name, seed = settings.train.model, settings.train.seed
    if not len(dataset.plays):
        if name:
            raise DataError(f"model {name!r} needs plays and there are none; train without --model for content only")
        return Trained(None, build_index(dataset, None, seed), [])
    if name and name not in MIXED:
        model = _fitted(dataset, name, settings.models.get(name, {}), seed, progress)
        return Trained(model, build_index(dataset, model, seed), [])
    candidates = _candidates(dataset, settings, progress)
    best = _chosen(candidates, name, has_new_tracks(dataset)) if candidates else None
    if best and isinstance(best.model, Ranked):
        model = _reordered(best, dataset, seed, progress)
    else:
        model = _fitted(dataset, best.name if best else PRIOR, best.params if best else {}, seed, progress)
    return Trained(model, build_index(dataset, model, seed), candidates)


def _candidates(dataset: Dataset, settings: Settings, progress: Progress | None) -> list[Candidate]:
    """All models as measured on hidden plays; none where there are too few plays to hide any."""
    try:
        hidden = hidden_part(dataset, settings)
    except DataError:
        if settings.train.model:
            raise
        return []
    return compare_hidden(hidden, settings, progress=progress)


def _chosen(candidates: list[Candidate], name: str | None, new_tracks: bool) -> Candidate:
    """The one asked for, or the best."""
    best = next((c for c in candidates if c.name == name), best_of(candidates, new_tracks=new_tracks))
    if name and best.name != name:
        raise DataError(f"model {name!r} can't be fitted here: too few of its members can, or too few listeners")
    return best


def _fitted(dataset: Dataset, name: str, params: dict[str, Any], seed: int, progress: Progress | None) -> Recommender:
    if progress:
        progress(f"fit {name} on everything", 0, 1)
    model = fit(dataset, name, params, seed=seed)
    if progress:
        progress(f"fit {name} on everything", 1, 1)
    return model


def _reordered(best: Candidate, dataset: Dataset, seed: int, progress: Progress | None) -> Recommender:
    """The members of a ranker fitted on everything, in the order that it has learned."""
    members = best.params["members"]
    fitted: list[Recommender] = []
    for done, (name, params) in enumerate(members):
        if progress:
            progress("fit members on everything", done, len(members))
        fitted.append(fit(dataset, name, params, seed=seed))
    if progress:
        progress("fit members on everything", len(members), len(members))
    return ordering.refitted(best, fitted, dataset)


def compare(dataset: Dataset, settings: Settings, *, progress: Progress | None = None) -> list[Candidate]:
    """Every model that this data allows, each at its best validated setting, the blend of them and a ranker on top.

    Hidden is a random part of every listener's tracks; what is chosen here is chosen on that part alone.
    """
    return compare_hidden(hidden_part(dataset, settings), settings, progress=progress)


def compare_hidden(hidden: split.Split, settings: Settings, *, progress: Progress | None = None) -> list[Candidate]:
    """The same on a validation part that exists already."""
    hidden = judges(hidden)
    found = compare_on(hidden, settings, progress=progress)
    blend = next((c for c in found if c.name == BLEND), None)
    if blend is None or len(hidden.train.plays) > SMALL:
        return found
    if progress:
        progress("learn to rank", 0, 1)
    second = ordering.ranked(found[:-1], blend, hidden, settings)
    if progress:
        progress("learn to rank", 1, 1)
    return [*found, *([second] if second else [])]


def refit(candidates: list[Candidate], dataset: Dataset, settings: Settings) -> dict[str, Recommender]:
    """Every candidate with the parameters that were chosen for it, fitted on all of ``dataset``."""
    fitted: dict[str, Recommender] = {}
    for candidate in candidates:
        if candidate.name == BLEND:
            blend: Any = models.build(BLEND, **candidate.params)
            fitted[BLEND] = blend.adopt([fitted[name] for name, _ in blend.members], dataset)
        elif candidate.name == Ranked.name:
            members = [fitted[name] for name, _ in candidate.params["members"]]
            fitted[Ranked.name] = ordering.refitted(candidate, members, dataset)
        else:
            fitted[candidate.name] = fit(dataset, candidate.name, candidate.params, seed=settings.train.seed)
    return fitted


def build_index(dataset: Dataset, model: Recommender | None, seed: int) -> Index | None:
    """Track vectors by taste, by content and by sound alone, side by side; a track nobody has played has no taste."""
    blocks: dict[str, Embeddings] = {}
    vectors = model.track_vectors() if model else None
    if vectors is not None:
        played = np.bincount(dataset.plays.track, minlength=len(dataset.tracks)) > 0
        blocks["collaborative"] = Embeddings.normalised(np.where(played[:, None], vectors, 0), "collaborative")
    if models.feasible("content", dataset) is None:
        blocks["content"] = Embeddings.normalised(content_vectors(dataset), "content")
    blocks |= {name: dataset.contents[name] for name in (SOUND, HARMONY) if name in dataset.contents}
    return Index.build(blocks, seed=seed) if blocks else None


def table(candidates: list[Candidate], bootstrap: int = 1000) -> list[dict[str, Any]]:
    """How each candidate did, best first, with the paired difference to popularity."""
    base = next((c for c in candidates if c.name == "popularity"), None)
    return [_row(c, base, bootstrap) for c in sorted(candidates, key=lambda c: -c.score)]


def _row(candidate: Candidate, base: Candidate | None, bootstrap: int) -> dict[str, Any]:
    ndcg = intervals.interval(candidate.ndcg, draws=bootstrap)
    gain = (
        intervals.paired(candidate.ndcg, base.ndcg, draws=bootstrap)._asdict()
        if base and base is not candidate
        else None
    )
    return {
        "model": candidate.name,
        "params": candidate.params,
        "ndcg@100": ndcg.mean,
        "interval": [ndcg.low, ndcg.high],
        "recall@20": float(candidate.recall.mean()),
        "coverage@50": candidate.coverage,
        "gain": gain,
        "seconds": round(candidate.seconds, 3),
    }
