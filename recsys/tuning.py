"""The tune verb: hyper-parameters of one model or all, searched on validation parts in studies that can be resumed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from recsys import comparing, manifest, models
from recsys.contracts import Recommender
from recsys.errors import DataError
from recsys.evaluation import Split, folds, metrics, warm
from recsys.evaluation.fitting import write_curves
from recsys.evaluation.tune import Score, Tuned, tune
from recsys.retrieval import top_lists
from recsys.settings import Settings
from recsys.tables import Dataset

KIND = "tuning"
LISTENERS = 2000  # whose own training plays are ranked for the over-fitting curve
WEIGHT = ["binary", "log"]
RATE = {"low": 0.005, "high": 0.2, "log": True}
SPACES: dict[str, dict[str, Any]] = {
    "itemknn": {"k": [50, 200, 1000], "weighting": ["tfidf", "bm25", "cosine"], "weight": WEIGHT},
    "rp3beta": {"k": [50, 200, 1000], "alpha": {"low": 0.3, "high": 1.5}, "beta": {"low": 0.0, "high": 0.9}},
    "ease": {"regularization": {"low": 5.0, "high": 2000.0, "log": True}, "weight": WEIGHT},
    "slim": {"l1": {"low": 0.01, "high": 10.0, "log": True}, "l2": {"low": 1.0, "high": 300.0, "log": True}},
    "bpr": {"factors": [32, 64, 128], "learning_rate": RATE, "regularization": RATE},
    "als": {
        "factors": [64, 128, 256],
        "regularization": {"low": 1.0, "high": 200.0, "log": True},
        "alpha": {"low": 1.0, "high": 40.0, "log": True},
    },
    "ials": {
        "factors": [32, 64, 128, 256],
        "regularization": {"low": 0.05, "high": 1.0, "log": True},
        "alpha": {"low": 2.0, "high": 60.0, "log": True},
        "nu": {"low": 0.0, "high": 1.0},
        "weighting": ["binary", "log", "root"],
    },
    "lightfm": {"factors": [32, 64, 128], "epochs": [10, 30, 60], "learning_rate": RATE},
    "ratings": {"factors": [8, 16, 32, 64], "regularization": {"low": 0.005, "high": 0.5, "log": True}},
    "hybrid": {
        "prior": {"low": 0.3, "high": 0.95},
        "doubt": {"low": 1.0, "high": 60.0, "log": True},
        "factors": [64, 128, 256],
        "regularization": {"low": 0.1, "high": 0.6, "log": True},
        "alpha": {"low": 4.0, "high": 40.0, "log": True},
    },
    "ridge": {"regularization": {"low": 0.3, "high": 30.0, "log": True}, "weight": WEIGHT},
    "cease": {
        "content": {"low": 0.3, "high": 10.0, "log": True},
        "regularization": {"low": 5.0, "high": 2000.0, "log": True},
    },
    "content": {"dimensions": [32, 64, 128, 256], "weight": WEIGHT},
}
Progress = Callable[[str, int, int], None]


ALL = "all"


def search(
    dataset: Dataset,
    model: str,
    out: Path,
    made_from: Mapping[str, Any],
    *,
    trials: int,
    folds_: int,
    settings: Settings,
    enough: Callable[[], bool] = lambda: False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Search, and write trials.json, best.toml and fitting.html (training against validation) into ``out``.

    Args:
        model: a model's name, names with commas between, or "all" that the data allow; several take turns.
        trials: of each model, those of earlier runs included.
        enough: asked after each trial whether time is up; what was found until then counts.

    Raises:
        DataError: a model without a space, or one that can't be fitted on this data.
    """
    names = _names(model, dataset)
    out.mkdir(parents=True, exist_ok=True)
    splits, seed = _splits(dataset, folds_, settings), settings.train.seed
    done: dict[str, Tuned] = {}
    for turn in range(1, trials + 1):
        for place, name in enumerate(names):
            if enough() and len(done) == len(names):
                return _write(out, done, made_from)
            journal = out / f"study-{name}-{made_from['tables']}-{seed}-{folds_}.log"
            objective = partial(_objective, name, splits, seed)
            done[name] = tune(objective, SPACES[name], trials=turn, seed=seed, journal=journal)
            if progress:
                progress(f"tune {model}", (turn - 1) * len(names) + place + 1, trials * len(names))
    return _write(out, done, made_from)


def _names(model: str, dataset: Dataset) -> list[str]:
    """The models to search."""
    if model == ALL:
        return [name for name in models.NAMES if name in SPACES and models.feasible(name, dataset) is None]
    names = [name.strip() for name in model.split(",")]
    for name in names:
        if name not in SPACES:
            raise DataError(f"nothing to search for model {name!r}; expected all or {', '.join(sorted(SPACES))}")
    return names


def _splits(dataset: Dataset, count: int, settings: Settings) -> list[Split]:
    """One validation part, or the folds of a cross-validation."""
    rng = np.random.default_rng(settings.train.seed)
    return (
        [warm(dataset, share=settings.train.valid_share, rng=rng)]
        if count == 1
        else folds(dataset, count=count, rng=rng)
    )


def _objective(model: str, splits: list[Split], seed: int, params: dict[str, Any]) -> Score:
    """Mean NDCG@100 over the splits, on what they hide and on what they show."""
    scores = []
    for split in splits:
        fitted = comparing.fit(split.train, model, params, seed=seed)
        scores.append((_ndcg(fitted, split), _ndcg_of_known(fitted, split)))
    return Score(*map(float, np.mean(scores, axis=0)))


def _ndcg(model: Recommender, split: Split) -> float:
    lists = top_lists(model, split.histories, comparing.K, users=split.users, exclude=split.histories)
    return _mean(lists, split.held)


def _ndcg_of_known(model: Recommender, split: Split) -> float:
    """How well the model ranks the very plays it was fitted on."""
    some = slice(0, LISTENERS)
    lists = top_lists(model, split.histories[some], comparing.K, users=split.users[some])
    return _mean(lists, split.histories[some])


def _mean(lists: Any, held: Any) -> float:
    return float(metrics.ndcg(metrics.hits(lists, held), np.diff(held.indptr), comparing.K).mean())


def _write(out: Path, done: Mapping[str, Tuned], made_from: Mapping[str, Any]) -> dict[str, Any]:
    table = [{"model": name, **trial._asdict()} for name, tuned in done.items() for trial in tuned.trials]
    best = {name: tuned.params for name, tuned in done.items()}
    manifest.write_json(out / "trials.json", table)
    manifest.write_bytes(out / "best.toml", tomli_w.dumps({"models": best}).encode())
    curves = [tuned.curve(setting, name) for name, tuned in done.items() for setting in tuned.params]
    write_curves(curves, out / "fitting.html")
    valid = {name: tuned.value for name, tuned in done.items()}
    return manifest.seal(out, KIND, {"made_from": dict(made_from), "best": best, "valid": valid, "trials": len(table)})
