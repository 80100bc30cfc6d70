"""The second stage against the first on a validation part: a ranker over the members of a blend."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from recsys.comparing import Candidate, judged
from recsys.contracts import Recommender
from recsys.evaluation import split
from recsys.models.blend import MEMBERS, PRIOR
from recsys.models.ranked import Ranked
from recsys.settings import Settings
from recsys.tables import Dataset

LEAST = 50  # listeners with hidden plays; fewer teach nothing


def ranked(found: Sequence[Candidate], blend: Candidate, hidden: split.Split, settings: Settings) -> Candidate | None:
    """A ranker over every model that could be a member, learned on the hidden part; None where that is too small.

    Its own measure is honest: one half of the listeners is ranked by a ranker learned on the other half. The
    candidate's ``model`` has the ranker learned on all of them; ``refitted`` takes it over.

    Args:
        found: single models fitted on ``hidden.train``.
        blend: the blend of some of them, whose order holds where the ranker is not asked.
    """
    if len(hidden) < LEAST:
        return None
    started = time.perf_counter()
    by_name = {c.name: c for c in found}
    members = [by_name[name] for name, _ in MEMBERS if name in by_name] + [by_name[PRIOR]]
    params = _params(members, blend.params, settings)
    half = np.arange(len(hidden)) % 2 == 0
    model = Ranked(**params).adopt([c.model for c in members if c.model], hidden.train)
    rng = np.random.default_rng(settings.train.seed)
    examples = model.examples(hidden.histories, hidden.held, hidden.users, rng=rng)
    crossed = [
        judged(Ranked.name, params, model.learn_order(examples, ~side, rng=rng), _part(hidden, side), started)
        for side in (half, ~half)
    ]
    order = np.argsort(np.concatenate([np.flatnonzero(half), np.flatnonzero(~half)]))
    ndcg, recall, best = (
        np.concatenate([getattr(part, name) for part in crossed])[order] for name in ("ndcg", "recall", "best")
    )
    coverage = len(np.setdiff1d(best, [-1])) / len(hidden.train.tracks)
    model.learn_order(examples, rng=rng)
    return Candidate(Ranked.name, params, ndcg, recall, best, coverage, time.perf_counter() - started, model)


def refitted(candidate: Candidate, members: Sequence[Recommender], dataset: Dataset) -> Ranked:
    """The same ranker over its members fitted on other plays; they come in the order of ``params["members"]``."""
    order = candidate.model.order_ if isinstance(candidate.model, Ranked) else None
    return Ranked(**candidate.params).adopt(members, dataset).take(order)


def _params(members: Sequence[Candidate], blend: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """The blend's parameters over all members, with no weight for those that it left out."""
    place = {name: i for i, (name, _) in enumerate(blend["members"])}

    def spread(values: Sequence[float]) -> list[float]:
        return [float(values[place[c.name]]) if c.name in place else 0.0 for c in members]

    return {
        **blend,
        "members": [(c.name, c.params) for c in members],
        "weights": [spread(row) for row in blend["weights"]],
        "fallback": None if blend["fallback"] is None else spread(blend["fallback"]),
        **settings.models.get(Ranked.name, {}),
    }


def _part(hidden: split.Split, some: np.ndarray) -> split.Split:
    return replace(hidden, held=hidden.held[some], histories=hidden.histories[some], users=hidden.users[some])
