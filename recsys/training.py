"""A dataset and settings in, a model and an index out: models measured on held-out plays, the best fitted on all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from recsys import models
from recsys.audio.space import NAME as SOUND
from recsys.comparing import BLEND, Candidate, Progress, best_of, compare_on, fit, hidden_part
from recsys.contracts import Recommender
from recsys.errors import DataError
from recsys.evaluation import intervals
from recsys.index import Index
from recsys.models.blend import PRIOR
from recsys.models.content import content_vectors
from recsys.settings import Settings
from recsys.tables import Dataset, Embeddings


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
    chosen, params, candidates = _choose(dataset, settings, progress)
    if progress:
        progress(f"fit {chosen} on everything", 0, 1)
    model = fit(dataset, chosen, params, seed=seed)
    if progress:
        progress(f"fit {chosen} on everything", 1, 1)
    return Trained(model, build_index(dataset, model, seed), candidates)


def _choose(
    dataset: Dataset, settings: Settings, progress: Progress | None
) -> tuple[str, dict[str, Any], list[Candidate]]:
    """Name and parameters of the model to fit, and how each was measured; popularity where nothing can be hidden."""
    name = settings.train.model
    if name and name != BLEND:
        return name, settings.models.get(name, {}), []
    try:
        hidden = hidden_part(dataset, settings)
    except DataError:  # too few plays to hide any
        if name:
            raise
        return PRIOR, {}, []
    candidates = compare_on(hidden, settings, progress=progress)
    best = next((c for c in candidates if c.name == name), best_of(candidates))
    if name and best.name != name:
        raise DataError(f"model {name!r} can't be fitted here: fewer than two of its members can")
    return best.name, best.params, candidates


def compare(dataset: Dataset, settings: Settings, *, progress: Progress | None = None) -> list[Candidate]:
    """Every model that this data allows, each at its best validated setting, and last the blend of them.

    Hidden is a random part of every listener's tracks; what is chosen here is chosen on that part alone.
    """
    return compare_on(hidden_part(dataset, settings), settings, progress=progress)


def refit(candidates: list[Candidate], dataset: Dataset, settings: Settings) -> dict[str, Recommender]:
    """Every candidate with the parameters that were chosen for it, fitted on all of ``dataset``."""
    fitted: dict[str, Recommender] = {}
    for candidate in candidates:
        if candidate.name == BLEND:
            blend: Any = models.build(BLEND, **candidate.params)
            fitted[BLEND] = blend.adopt([fitted[name] for name, _ in blend.members], dataset)
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
    if SOUND in dataset.contents:
        blocks[SOUND] = dataset.contents[SOUND]
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
