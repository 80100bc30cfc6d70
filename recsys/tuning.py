"""The tune verb: one model's hyper-parameters searched on validation parts, in a study that can be resumed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from recsys import comparing, manifest
from recsys.contracts import Recommender
from recsys.errors import DataError
from recsys.evaluation import Split, folds, metrics, warm
from recsys.evaluation.fitting import write_curves
from recsys.evaluation.tune import Score, Trial, Tuned, tune
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
    "content": {"dimensions": [32, 64, 128, 256], "weight": WEIGHT},
}
Progress = Callable[[str, int, int], None]


def search(
    dataset: Dataset,
    model: str,
    out: Path,
    made_from: Mapping[str, Any],
    *,
    trials: int,
    folds_: int,
    settings: Settings,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Search, and write trials.json, best.toml and fitting.html (training against validation) into ``out``.

    Raises:
        DataError: a model without a space, or one that can't be fitted on this data.
    """
    if model not in SPACES:
        raise DataError(f"nothing to search for model {model!r}; expected one of {', '.join(sorted(SPACES))}")
    out.mkdir(parents=True, exist_ok=True)
    seed = settings.train.seed
    splits = _splits(dataset, folds_, settings)

    def told(number: int, trial: Trial) -> None:
        if progress:
            progress(f"tune {model}", number + 1, trials)

    objective = partial(_objective, model, splits, seed)
    journal = out / f"study-{made_from['tables']}-{seed}-{folds_}.log"
    return _write(
        out, model, tune(objective, SPACES[model], trials=trials, seed=seed, journal=journal, progress=told), made_from
    )


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


def _write(out: Path, model: str, tuned: Tuned, made_from: Mapping[str, Any]) -> dict[str, Any]:
    table = [trial._asdict() for trial in tuned.trials]
    manifest.write_json(out / "trials.json", table)
    manifest.write_bytes(out / "best.toml", tomli_w.dumps({"models": {model: tuned.params}}).encode())
    write_curves([tuned.curve(setting, model) for setting in tuned.params], out / "fitting.html")
    facts = {"made_from": dict(made_from), "best": tuned.params, "valid": tuned.value, "trials": len(table)}
    return manifest.seal(out, KIND, facts)
